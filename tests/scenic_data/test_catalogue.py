"""The catalogue: what the shipped data files hold, and how a broken one is refused."""

import itertools
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from scenic_data.checking import checked, load_spots
from scenic_data.files import DATA, DataError, Record, load_yaml
from scenic_data.geo import Point, distance
from scenic_data.importing import fields_of
from scenic_data.model import Precision, Status, spots_schema
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from tests.support.build import EMEISHAN, XIANNVSHAN

SPOTS = load_spots()
REFERENCE = Reference.load()


def test_all_spots_of_the_facts_are_there() -> None:
    assert len(SPOTS) == 557
    assert Counter(spot.province for spot in SPOTS) == {"sichuan": 378, "chongqing": 179}
    assert Counter(spot.level for spot in SPOTS) == {"5A": 30, "4A": 502, "3A": 25}
    assert Counter(spot.position.precision for spot in SPOTS) == {
        "spot": 188,
        "district": 357,
        "city": 12,
    }


def test_ids_and_names_are_unique_and_aliases_name_nothing_else() -> None:
    names = {spot.name.zh for spot in SPOTS}
    assert len({spot.id for spot in SPOTS}) == 557
    assert len(names) == 557
    aliases = [alias for spot in SPOTS for alias in spot.aliases]
    assert len(set(aliases)) == len(aliases)
    assert names.isdisjoint(aliases)


def test_the_spots_that_everybody_asks_for() -> None:
    by_id = {spot.id: spot for spot in SPOTS}
    assert by_id[EMEISHAN].name.zh == "峨眉山景区"
    assert "仙女山" in by_id[XIANNVSHAN].aliases
    assert "青城山" in by_id["qingchengshan-dujiangyan"].aliases
    assert by_id[EMEISHAN].tags == {"sichuan", "5A", "world_heritage", "world_heritage_site"}


def test_a_district_is_known_unless_the_position_is_only_that_of_a_city() -> None:
    for spot in SPOTS:
        place = REFERENCE.places.at(spot.adcode)
        only_the_city = spot.position.precision is Precision.CITY
        assert (place.district is None) is only_the_city, spot.id
        in_chongqing = spot.province == "chongqing"
        assert (place.province == "重庆市") is in_chongqing, spot.id


def test_every_source_is_explained() -> None:
    known = set(load_yaml(DATA / "sources.yaml"))
    used: set[str] = set()
    for spot in SPOTS:
        for keys in spot.sources.values():
            used.update([keys] if isinstance(keys, str) else keys)
    assert used == known


def test_the_files_keep_to_their_published_schema() -> None:
    text = (DATA / "spots.schema.json").read_text(encoding="utf-8")
    assert text == spots_schema(), (
        "run `python -m scripts spots schema > scenic_data/data/spots.schema.json`"
    )
    schema = json.loads(text)
    validator = jsonschema.Draft202012Validator(schema)
    for file in (DATA / "spots").glob("*.yaml"):
        validator.validate(load_yaml(file))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the data files with the spots of one city."""
    for name in ("adcodes.csv", "categories.yaml", "sources.yaml"):
        shutil.copy(DATA / name, tmp_path)
    (tmp_path / "spots").mkdir()
    shutil.copy(DATA / "spots" / "leshan.yaml", tmp_path / "spots")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "level: 5A",
            "level: 6A",
            r"leshan.yaml: record 1 \(leshan-dafo\): level: Input should be '5A'",
        ),
        (
            'adcode: "511102"',
            'adcode: "519999"',
            r"record 1 \(leshan-dafo\): adcode: 519999 is not in adcodes.csv",
        ),
        (
            'adcode: "511102"',
            "adcode: 511102",
            r"record 1 \(leshan-dafo\): adcode: Input should be a valid string",
        ),
        (
            "lng: 103.7692",
            "lng: 10.37692",
            r"record 1 \(leshan-dafo\): position.lng: .*greater than or equal to 97",
        ),
        (
            "peak_fen: 8000",
            "peak_fen: -1",
            r"record 1 \(leshan-dafo\): price.peak_fen: .*greater than or equal to 0",
        ),
        (
            "peak_fen: 8000",
            "peek_fen: 8000",
            r"record 1 \(leshan-dafo\): price.peek_fen: is not known here",
        ),
        (
            "id: leshan-dafo",
            "id: Leshan Dafo",
            r"record 1 \(Leshan Dafo\): id: String should match",
        ),
        (
            "id: leshan-dafo",
            "id: emeishan",
            r"record 2 \(emeishan\): id: 'emeishan' is already that of .* record 1",
        ),
        (
            "zh: 乐山大佛景区",
            "zh: 峨眉山景区",
            r"record 2 \(emeishan\): name.zh: .* is already that of",
        ),
        (
            "category: world_heritage",
            "category: moon",
            r"record 1 \(leshan-dafo\): category: 'moon' is not in",
        ),
        (
            "- id: leshan-dafo",
            "- level: 4A\n  id: leshan-dafo",
            r"leshan.yaml: this cannot be read as YAML in line 2: 'level' stands twice",
        ),
        ("- id: leshan-dafo", "- ]", r"leshan.yaml: this cannot be read as YAML in line 2: "),
        (
            "- id: leshan-dafo",
            "- 7\n- id: leshan-dafo",
            r"leshan.yaml: record 1 \(without id\): record: fields with names are needed",
        ),
    ],
)
def test_a_broken_file_is_refused_naming_file_record_and_field(
    data: Path, old: str, new: str, fault: str
) -> None:
    file = data / "spots" / "leshan.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        load_spots(data)


def test_every_fault_is_told_at_once(data: Path) -> None:
    file = data / "spots" / "leshan.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("level: 5A", "level: 9A").replace("price: {", "price: {x: 1, "),
        encoding="utf-8",
    )
    with pytest.raises(DataError) as refused:
        load_spots(data)
    assert len(refused.value.faults) >= 4


@pytest.mark.parametrize(
    ("content", "fault"), [("{}", "a list of spots is needed"), ("", "a list of spots is needed")]
)
def test_a_file_that_is_no_list_is_refused(data: Path, content: str, fault: str) -> None:
    (data / "spots" / "leshan.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        load_spots(data)


def test_bytes_that_are_no_text_are_refused(data: Path) -> None:
    (data / "spots" / "leshan.yaml").write_bytes(b"- id: \xff\xfe")
    with pytest.raises(DataError, match=r"leshan.yaml: this is not UTF-8: byte 6"):
        load_spots(data)


def test_no_file_at_all_is_refused(tmp_path: Path, data: Path) -> None:
    shutil.rmtree(data / "spots")
    with pytest.raises(DataError, match="there is no data file"):
        load_spots(data)


def test_a_snapshot_lists_best_known_first_and_hides_retired_spots() -> None:
    retired = SPOTS[0].model_copy(update={"status": Status.RETIRED})
    others = [spot for spot in SPOTS[1:] if spot.level != retired.level]
    snapshot = Snapshot([*others, retired], REFERENCE)
    four_a = sorted(spot.id for spot in others if spot.level == "4A")
    three_a = sorted(spot.id for spot in others if spot.level == "3A")
    assert [spot.id for spot in snapshot.listed] == four_a + three_a
    assert snapshot.get(retired.id) is retired


def test_the_etag_changes_with_the_data_and_only_then() -> None:
    changed = [SPOTS[0].model_copy(update={"status": Status.CLOSED}), *SPOTS[1:]]
    etag = Snapshot(SPOTS, REFERENCE).etag
    assert Snapshot(reversed(SPOTS), REFERENCE).etag == etag
    assert Snapshot(changed, REFERENCE).etag != etag


def test_no_two_pins_are_the_same_place() -> None:
    """Exact positions only: approximate ones share the seat of their district by nature."""
    pins = [
        (Point(s.position.lng, s.position.lat), s.id)
        for s in SPOTS
        if s.position.precision is Precision.SPOT
    ]
    close = [
        (one, other)
        for (here, one), (there, other) in itertools.combinations(pins, 2)
        if abs(here.lat - there.lat) < 0.01 and distance(here, there) < 150
    ]
    assert close == []


def test_no_two_names_are_the_same_but_for_their_ending() -> None:
    def core(name: str) -> str:
        return re.sub(
            r"(国家|生态|文化|风景|名胜|旅游|度假|景|区)+$",
            "",
            re.sub(r"^(四川|重庆)(省|市)?", "", name),
        )

    names = Counter((core(spot.name.zh), spot.adcode[:4]) for spot in SPOTS)
    twice = [name for name, count in names.items() if count > 1]
    assert twice == []


def test_every_position_lies_where_its_adcode_says() -> None:
    assert checked([Record(spot.id, fields_of(spot)) for spot in SPOTS], REFERENCE) == SPOTS
