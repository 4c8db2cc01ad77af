"""Importing: what a file of records would make of the catalogue."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scenic_data.checking import load_spots
from scenic_data.files import DATA, DataError, read_folder, read_records
from scenic_data.importing import Plan, mistakes, plan
from scenic_data.model import Level, Spot, Status
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from tests.support.build import EMEISHAN
from tests.support.fields import assert_fields

REFERENCE = Reference.load()
SPOTS = [spot for spot in load_spots() if spot.adcode.startswith("5111")]
TODAY = date(2026, 12, 1)
NEW = {
    "id": "new-museum",
    "name": {"zh": "新博物馆"},
    "level": "3A",
    "category": "museum",
    "adcode": "511102",
    "position": {"lng": 103.76, "lat": 29.56, "precision": "spot"},
}


def planned(tmp_path: Path, records: Any, name: str = "spots.json", **options: Any) -> Plan:
    file = tmp_path / name
    file.write_text(records if isinstance(records, str) else json.dumps(records), encoding="utf-8")
    return plan(read_records(file), SPOTS, REFERENCE, TODAY, **options)


def faults(tmp_path: Path, records: Any, name: str = "spots.json") -> list[str]:
    with pytest.raises(DataError) as refused:
        planned(tmp_path, records, name)
    return refused.value.faults


def after(made: Plan, slug: str) -> Spot:
    return next(spot for spot in made.spots if spot.id == slug)


def test_a_correction_is_a_small_record(tmp_path: Path) -> None:
    made = planned(
        tmp_path, [{"id": EMEISHAN, "price": {"peak_fen": 18500}, "open_hours": "06:00-18:00"}]
    )
    assert dict(made.changed) == {
        EMEISHAN: (
            ("price.peak_fen", 16000, 18500),
            ("sources.price", "guide-emeishan", "operator"),
            ("confidence.price", "medium", None),
            ("as_of", "2026-11-25", "2026-12-01"),
            ("open_hours", None, "06:00-18:00"),
            ("sources.hours", None, "operator"),
        )
    }
    spot = after(made, EMEISHAN)
    assert spot.price is not None
    assert spot.price.peak_fen == 18500
    assert spot.price.off_peak_fen == 11000, "what is not named stays"
    assert len(made.spots) == len(SPOTS)
    assert_fields(made, created=(), retired=(), unchanged=())


def test_the_source_of_what_is_corrected_is_the_operator_unless_the_record_says_another(
    tmp_path: Path,
) -> None:
    before = after(planned(tmp_path, [{"id": EMEISHAN}]), EMEISHAN)
    correction = {"id": EMEISHAN, "price": {"peak_fen": 18500}, "closed_weekdays": [1]}
    spot = after(planned(tmp_path, [correction]), EMEISHAN)
    assert spot.sources == before.sources | {"price": "operator", "season": "operator"}
    assert spot.confidence.keys() == before.confidence.keys() - {"price"}
    said = {"sources": {"price": "notice"}, "confidence": {"price": "high"}}
    spot = after(planned(tmp_path, [correction | said]), EMEISHAN)
    assert (spot.sources["price"], spot.confidence["price"]) == ("notice", "high")
    nothing = after(planned(tmp_path, [{"id": EMEISHAN, "price": None}]), EMEISHAN)
    assert "price" not in nothing.sources


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            {"id": EMEISHAN, "price": {"peak_fen": 185}},
            [
                "emeishan: price.peak_fen: from 160.00 yuan to 1.85 yuan",
                "emeishan: price.off_peak_fen: 110.00 yuan off peak are more than 1.85 yuan at "
                "the peak",
            ],
        ),
        ({"id": EMEISHAN, "price": {"peak_fen": 28800}}, []),
        (
            {"id": EMEISHAN, "price": {"peak_fen": 28801}},
            ["emeishan: price.peak_fen: from 160.00 yuan to 288.01 yuan"],
        ),
        ({"id": EMEISHAN, "price": {"off_peak_fen": 16000}}, []),
        (
            {"id": EMEISHAN, "price": {"off_peak_fen": 16001}},
            [
                "emeishan: price.off_peak_fen: 160.01 yuan off peak are more than 160.00 yuan at "
                "the peak"
            ],
        ),
        (
            NEW | {"price": {"peak_fen": 185}},
            ["new-museum: price.peak_fen: 185 fen are 1.85 yuan; for 185 yuan write 18500"],
        ),
        (NEW | {"price": {"peak_fen": 0}}, []),
        ({"id": EMEISHAN, "price": None}, []),
    ],
)
def test_prices_that_look_like_a_mistake_are_doubted(
    tmp_path: Path, record: dict[str, Any], told: list[str]
) -> None:
    assert mistakes(planned(tmp_path, [record])) == told


def test_null_says_that_something_is_not_known(tmp_path: Path) -> None:
    without = after(planned(tmp_path, [{"id": EMEISHAN, "price": None}]), EMEISHAN)
    assert without.price is None
    made = planned(tmp_path, [{"id": EMEISHAN, "price": {"off_peak_fen": None}}])
    assert dict(made.changed)[EMEISHAN][0] == ("price.off_peak_fen", 11000, None)
    assert after(planned(tmp_path, [{"id": EMEISHAN, "level": None}]), EMEISHAN).level is None
    assert faults(tmp_path, [{"id": EMEISHAN, "adcode": None}]) == [
        "spots.json: record 1 (emeishan): adcode: is missing"
    ]


def test_the_same_again_changes_nothing_not_even_the_date(tmp_path: Path) -> None:
    whole = [spot.model_dump(mode="json") for spot in SPOTS]
    made = planned(
        tmp_path,
        [{k: v for k, v in record.items() if k != "as_of"} for record in whole],
        complete=True,
    )
    assert not made.changes_something
    assert list(made.spots) == SPOTS
    assert len(made.unchanged) == len(SPOTS)


def test_a_new_spot_needs_a_whole_record(tmp_path: Path) -> None:
    made = planned(tmp_path, [NEW])
    assert made.created == ("new-museum",)
    assert after(made, "new-museum").as_of == TODAY
    told = faults(tmp_path, [{"id": "new-museum", "level": "3A"}])
    (fault,) = told
    assert ": id: there is no spot new-museum (a new one needs at least name, adcode" in fault


def test_only_a_complete_file_retires_and_it_can_bring_back(tmp_path: Path) -> None:
    kept = [{"id": spot.id} for spot in SPOTS if spot.id != EMEISHAN]
    assert planned(tmp_path, kept).retired == ()
    made = planned(tmp_path, kept, complete=True)
    assert made.retired == (EMEISHAN,)
    assert after(made, EMEISHAN).status == Status.RETIRED
    assert after(made, EMEISHAN).as_of == TODAY
    file = tmp_path / "all.json"
    file.write_text(json.dumps([*kept, {"id": EMEISHAN}]), encoding="utf-8")
    again = plan(read_records(file), made.spots, REFERENCE, TODAY, complete=True)
    assert again.changed[EMEISHAN][0] == ("status", "retired", "open")
    correction = plan(read_records(file), made.spots, REFERENCE, TODAY)
    assert correction.changed == {}, "a correction brings nothing back"


def test_yaml_with_a_notice(tmp_path: Path) -> None:
    text = """\
- id: emeishan
  notices:
    - {zh: 大雪封山, start: 2026-12-01, end: 2026-12-03, closed: true}
"""
    spot = after(planned(tmp_path, text, "spots.yaml"), EMEISHAN)
    assert [spot.open_on(date(2026, 12, day)) for day in (1, 3, 4)] == [False, False, True]


PART = NEW | {"id": "part", "name": {"zh": "分馆"}, "part_of": EMEISHAN}


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([PART | {"part_of": "nowhere"}], ["part_of: there is no spot 'nowhere'"]),
        ([PART | {"part_of": "part"}], ["record: part_of: a spot is no part of itself"]),
        (
            [PART | {"part_of": "leshan-dafo-jingdian"}],
            ["part_of: 'leshan-dafo-jingdian' is itself a part of 'leshan-dafo'"],
        ),
        (
            [{"id": "leshan-dafo", "part_of": EMEISHAN}],
            [
                "part_of: it has parts of its own: dongfang-fodu, leshan-dafo-jingdian, "
                "mahao-yamu, wuyousi"
            ],
        ),
        (
            [NEW | {"part_of": "part"}, PART | {"part_of": "new-museum"}],
            [
                "part_of: 'part' is itself a part of 'new-museum'",
                "part_of: 'new-museum' is itself a part of 'part'",
            ],
        ),
        ([NEW | {"level": "6A"}, PART | {"part_of": "new-museum"}], ["level: write one of "]),
    ],
    ids=["nowhere", "itself", "a part", "has parts", "a circle", "a broken whole"],
)
def test_a_whole_exists_and_is_itself_no_part(
    tmp_path: Path, records: list[dict[str, Any]], told: list[str]
) -> None:
    found = faults(tmp_path, records)
    assert len(found) == len(told)
    for line, words in zip(found, told, strict=True):
        assert words in line


def test_a_part_may_come_before_its_whole_in_a_file(tmp_path: Path) -> None:
    made = planned(tmp_path, [PART | {"part_of": "new-museum"}, NEW])
    assert after(made, "part").part_of == "new-museum"
    assert made.created == ("part", "new-museum")


def test_a_stored_part_that_does_not_change_keeps_its_date(tmp_path: Path) -> None:
    """Stored spots know the tags of their wholes; that is no difference between records."""
    stored = Snapshot(SPOTS, REFERENCE).all()
    file = tmp_path / "spots.json"
    file.write_text(json.dumps([{"id": "wuyousi"}, {"id": EMEISHAN}]), encoding="utf-8")
    assert not plan(read_records(file), stored, REFERENCE, TODAY).changes_something


def test_a_release_forgets_facts_that_it_does_not_tell_and_keeps_what_operators_know(
    tmp_path: Path,
) -> None:
    """Else a spot that became a part would keep the level of the whole that it was before."""
    notice = {"zh": "大雪封山", "start": "2026-12-01"}
    corrected = planned(tmp_path, [{"id": EMEISHAN, "notices": [notice], "reservation": True}])
    record = {
        "id": EMEISHAN,
        "name": {"zh": "峨眉山"},
        "adcode": "511181",
        "position": {"lng": 103.444, "lat": 29.567, "precision": "spot"},
        "sources": {"position": "new"},
        "as_of": "2027-01-01",
    }
    file = tmp_path / "release.json"
    file.write_text(json.dumps([record]), encoding="utf-8")
    made = plan(read_records(file), corrected.spots, REFERENCE, TODAY, release=True)
    spot = after(made, EMEISHAN)
    assert spot.level is None
    assert spot.price is None
    assert spot.name.en is None
    assert spot.phones == ()
    assert len(spot.notices) == 1
    assert spot.reservation
    assert spot.aliases == ("峨眉山",)
    assert spot.free_entry == after(corrected, EMEISHAN).free_entry
    assert spot.sources == {
        "position": "new",
        "free_entry": after(corrected, EMEISHAN).sources["free_entry"],
        "reservation": "operator",
    }
    merged = after(plan(read_records(file), corrected.spots, REFERENCE, TODAY), EMEISHAN)
    assert merged.level == "5A", "a correction takes nothing away"


def test_the_shipped_files_are_a_release_that_an_older_catalogue_can_take_over() -> None:
    """As a system does that was set up before parts were known."""
    older = [
        spot.model_copy(update={"part_of": None, "level": Level.A5, "phones": ("028-1234567",)})
        for spot in load_spots()
    ]
    made = plan(read_folder(DATA / "spots"), older, REFERENCE, TODAY, release=True)
    assert list(made.spots) == load_spots()


def test_a_folder_of_files_is_one_import(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {id: emeishan, price: null}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("- {id: leshan-dafo, price: null}\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not read", encoding="utf-8")
    made = plan(read_folder(tmp_path), SPOTS, REFERENCE, TODAY)
    assert made.changed.keys() == {EMEISHAN, "leshan-dafo"}
    (tmp_path / "a.yaml").write_text("- [", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("7", encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_folder(tmp_path)
    assert [line.partition(":")[0] for line in refused.value.faults] == ["a.yaml", "b.yaml"]
    with pytest.raises(DataError, match="there is no data file"):
        read_folder(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"free_entry": [{"who": "children"}]}, "children enter free up to an age or a height"),
        ({"free_entry": [{"who": "seniors"}]}, "seniors enter free from an age on: give from_age"),
        (
            {"free_entry": [{"who": "soldiers"}]},
            "free_entry: who enters free by law needs a source",
        ),
        ({"free_entry": [{"who": "kings"}]}, "free_entry.0.who: write one of children"),
        (
            {"free_entry": [{"who": "seniors", "from_age": 65, "to_age": 60}]},
            "to_age is less than from_age",
        ),
        ({"phones": ["call us"]}, "phones.0: write one number"),
        ({"phones": ["028-87138587"] * 6}, "phones: at most 5 are allowed"),
        ({"kind": "castle"}, "kind: write one of scenic_area"),
        ({"ticket": "unknown"}, "ticket: write one of separate"),
        ({"part_of": "Not An Id"}, "part_of: write small letters"),
        ({"address": "x" * 81}, "address: has more than 80 characters"),
        (
            {"name": {"zh": "峨眉山景区"}},
            "name.zh: '峨眉山景区' is already that of spots.json: record 1 (emeishan)",
        ),
        ({"adcode": "511199"}, "adcode: 511199 is not in adcodes.csv"),
        (
            {"adcode": "500101"},
            "position: 103.76, 29.56 does not lie in chongqing, where adcode 500101 is",
        ),
        ({"adcode": "513201"}, "km from the seat of 马尔康市 (513201) is too far"),
        (
            {"position": {"lng": 29.56, "lat": 103.76, "precision": "spot"}},
            "position.lng: has to be at least 97",
        ),
        ({"level": "6A"}, "level: write one of 5A, 4A, 3A, 2A, 1A"),
        ({"category": "moon"}, "category: 'moon' is not in categories.yaml"),
        ({"price": {"peak_fen": -1}}, "price.peak_fen: has to be at least 0"),
        (
            {"price": {"peak_fen": 185.0}},
            "price.peak_fen: write whole fen, such as 18500 for 185 yuan",
        ),
        ({"season": ["13-01/14-01"]}, "season.0: write days of the year as 04-01/11-15"),
        ({"season": ["02-30/12-31"]}, "season.0: there is no day 02-30"),
        ({"closed_weekdays": [1, 1]}, "record: a weekday stands twice in closed_weekdays"),
        (
            {"confidence": {"moon": "high"}},
            "record: there is no group of fields moon; there are address, ",
        ),
        (
            {"notices": [{"zh": "x", "start": "2026-12-05", "end": "2026-12-01"}]},
            "notices.0: it ends before it begins",
        ),
        ({"open_hours": "08:00\n09:00"}, "open_hours: leave out characters that cannot be seen"),
        ({"name": {"zh": "新\u0000馆"}}, "name.zh: leave out characters that cannot be seen"),
        (
            {"images": ["http://insecure.test/a.jpg"]},
            "images.0: write an address that begins with https://",
        ),
        ({"closed_weekdays": [0]}, "closed_weekdays.0: has to be at least 1"),
        ({"colour": "red"}, "colour: is not known here"),
        ({"id": ["x"]}, "id: text is needed"),
    ],
)
def test_a_wrong_record_is_refused_naming_it(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    told = faults(tmp_path, [{"id": EMEISHAN}, NEW | changes])
    assert all(line.startswith("spots.json: record 2 (") for line in told)
    assert any(fault in line for line in told), told


def test_two_records_of_one_file_may_not_be_the_same_spot(tmp_path: Path) -> None:
    told = faults(tmp_path, [NEW, NEW | {"name": {"zh": "另一个"}}, NEW | {"id": "third"}])
    first = "is already that of spots.json: record 1 (new-museum)"
    assert told == [
        f"spots.json: record 2 (new-museum): id: 'new-museum' {first}",
        f"spots.json: record 3 (third): name.zh: '新博物馆' {first}",
    ]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (
            "spots.txt",
            "",
            "spots.txt: a file name ends with .yaml, .yml, .json, that of a table with .csv or ",
        ),
        ("spots.json", "{", "spots.json: this is not JSON: "),
        ("spots.json", "[" * 100_000, "spots.json: this is not JSON: "),
        ("spots.json", "{}", "spots.json: a list of spots is needed"),
        (
            "spots.json",
            "[1]",
            "spots.json: record 1 (without id): record: fields with names are needed",
        ),
        (
            "spots.json",
            '[{"id": "a", "id": "b"}]',
            "spots.json: this is not JSON: 'id' stands twice in one record",
        ),
        ("spots.json", '[{"id": NaN}]', "spots.json: this is not JSON: NaN is no number of JSON"),
        ("spots.yaml", "- [", "spots.yaml: this cannot be read as YAML in line 2: "),
        (
            "spots.yaml",
            "- id: a\n  id: b\n",
            "spots.yaml: this cannot be read as YAML in line 1: 'id' stands twice",
        ),
        ("spots.json", "[]", "spots.json: there is no record"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (told,) = faults(tmp_path, text, name)
    assert told.startswith(fault)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_records(tmp_path / "nothing.json")
    (tmp_path / "latin.yaml").write_bytes(b"id\n\xff")
    with pytest.raises(DataError, match=r"latin\.yaml: this is not UTF-8: byte 3"):
        read_records(tmp_path / "latin.yaml")
