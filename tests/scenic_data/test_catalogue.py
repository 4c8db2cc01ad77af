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
from scenic_data.files import DATA, DataError, FileRecord, load_yaml
from scenic_data.geo import Point, distance
from scenic_data.importing import OPERATOR, fields_of
from scenic_data.model import Precision, Status, spots_schema
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from scripts.facts.decisions import Decisions
from tests.support.build import EMEISHAN, XIANNVSHAN

SPOTS = load_spots()
REFERENCE = Reference.load()


FAMILY = {spot.id: spot.part_of or spot.id for spot in SPOTS}
"""The whole that a spot belongs to, itself if it is no part."""


def test_all_spots_of_the_facts_are_there() -> None:
    assert len(SPOTS) == 740
    assert Counter(spot.province for spot in SPOTS) == {"sichuan": 514, "chongqing": 226}
    assert Counter(spot.level for spot in SPOTS) == {"5A": 30, "4A": 515, "3A": 85, None: 110}
    assert Counter(spot.position.precision for spot in SPOTS) == {
        "spot": 469,
        "whole": 12,
        "district": 258,
        "city": 1,
    }


def test_no_id_of_an_earlier_release_is_lost() -> None:
    file = Path(__file__).parent / "ids_of_2026-11-23.txt"
    assert set(file.read_text(encoding="utf-8").split()) <= {spot.id for spot in SPOTS}


def test_ids_and_names_are_unique_and_aliases_name_nothing_else() -> None:
    """But a whole may be called by the name of its part, where that is its own short name."""
    by_name = {spot.name.zh: spot for spot in SPOTS}
    assert len({spot.id for spot in SPOTS}) == len(SPOTS)
    assert len(by_name) == len(SPOTS)
    aliases = [alias for spot in SPOTS for alias in spot.aliases]
    assert len(set(aliases)) == len(aliases)
    shared = [
        (spot, by_name[alias]) for spot in SPOTS for alias in spot.aliases if alias in by_name
    ]
    assert {(whole.id, part.id) for whole, part in shared} == {
        ("leshan-dafo", "leshan-dafo-jingdian")
    }


def test_the_spots_that_everybody_asks_for() -> None:
    by_id = {spot.id: spot for spot in SPOTS}
    assert by_id[EMEISHAN].name.zh == "峨眉山景区"
    assert "仙女山" in by_id[XIANNVSHAN].aliases
    assert "青城山" in by_id["qingchengshan-dujiangyan"].aliases
    assert by_id[EMEISHAN].tags == {
        "sichuan",
        "scenic_area",
        "5A",
        "world_heritage",
        "world_heritage_site",
    }
    assert by_id["sichuan-bowuyuan"].tags == {"sichuan", "museum"}, "a venue without a level"


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("qingchengshan-dujiangyan", {"dujiangyan", "qingchengshan-qianshan", "qingcheng-houshan"}),
        ("wulong-kasite", {"wulong-tiansheng-sanqiao", XIANNVSHAN, "furongdong"}),
        ("siguniangshan", {"shuangqiaogou", "changpinggou", "haizigou"}),
        ("baidicheng-qutangxia", {"baidicheng", "qutangguan-bowuguan"}),
        ("geleshan-lieshi-lingyuan", {"zhazidong", "baigongguan", "hongyanhun-chenlieguan"}),
        ("nankanshan", {"chuanshan-genjudi-bowuguan", "chuanshan-jiangshuai-beilin"}),
    ],
)
def test_what_has_a_ticket_of_its_own_is_a_spot(whole: str, parts: set[str]) -> None:
    found = {spot.id for spot in SPOTS if spot.part_of == whole}
    assert found == parts


def test_a_whole_is_no_part_and_lies_in_the_province_of_its_parts() -> None:
    by_id = {spot.id: spot for spot in SPOTS}
    parts = [spot for spot in SPOTS if spot.part_of is not None]
    assert len(parts) == 75
    for part in parts:
        whole = by_id[part.part_of or ""]
        assert whole.part_of is None
        assert whole.adcode[:4] == part.adcode[:4], part.id


def test_every_value_has_a_source_and_whatever_is_doubtful_says_how_far_to_trust_it() -> None:
    for spot in SPOTS:
        filled = {
            "kind": True,
            "part": spot.part_of,
            "level": spot.level,
            "category": spot.category,
            "district": True,
            "position": True,
            "address": spot.address,
            "phone": spot.phones,
            "price": spot.price,
            "ticket": spot.ticket,
            "hours": spot.open_hours,
            "heritage": spot.world_heritage is not None,
            "name": spot.name.en,
            "free_entry": spot.free_entry,
        }
        told = {group for group, value in filled.items() if value}
        unknown_district = (
            {"district"} if REFERENCE.places.at(spot.adcode).district is None else set()
        )
        assert told - unknown_district <= spot.sources.keys(), spot.id
        by_judgement = {"kind", "category", "name"}
        assert told - unknown_district - by_judgement <= spot.confidence.keys(), spot.id


def test_where_prices_addresses_and_phones_are_known() -> None:
    assert sum(spot.price is not None for spot in SPOTS) == 195
    assert sum(spot.address is not None for spot in SPOTS) == 437
    assert sum(bool(spot.phones) for spot in SPOTS) == 97
    free_for_some = {spot.id for spot in SPOTS if spot.free_entry}
    assert free_for_some == {
        "chengdu-wuhouci",
        "dujiangyan",
        EMEISHAN,
        "jianmenguan-jingdian",
        "xiling-xueshan",
    }


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
    assert used <= known
    assert known - used - {OPERATOR} <= Decisions.load().texts().may_mean, (
        "unused, and no rule leads there"
    )


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
            r"leshan.yaml: record 1 \(leshan-dafo\): level: write one of 5A, 4A, 3A, 2A, 1A",
        ),
        (
            'adcode: "511102"',
            'adcode: "519999"',
            r"record 1 \(leshan-dafo\): adcode: 519999 is not in adcodes.csv",
        ),
        (
            'adcode: "511102"',
            "adcode: 511102",
            r"record 1 \(leshan-dafo\): adcode: text is needed",
        ),
        (
            "lng: 103.77038",
            "lng: 10.377038",
            r"record 1 \(leshan-dafo\): position.lng: has to be at least 97",
        ),
        (
            "peak_fen: 8000",
            "peak_fen: -1",
            r"record 1 \(leshan-dafo\): price.peak_fen: has to be at least 0",
        ),
        (
            "peak_fen: 8000",
            "peek_fen: 8000",
            r"record 1 \(leshan-dafo\): price.peek_fen: is not known here",
        ),
        (
            "id: leshan-dafo",
            "id: Leshan Dafo",
            r"record 1 \(Leshan Dafo\): id: write small letters",
        ),
        (
            "id: leshan-dafo",
            "id: emeishan",
            r"record \d+ \(emeishan\): id: 'emeishan' is already that of .* record 1",
        ),
        (
            "zh: 乐山大佛景区",
            "zh: 峨眉山景区",
            r"record \d+ \(emeishan\): name.zh: .* is already that of",
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
    """Parts without a level follow the spots of the level of their whole."""
    by_id = {spot.id: spot for spot in SPOTS}
    retired = by_id["luodai-guzhen"].model_copy(update={"status": Status.RETIRED})
    wanted = ("sichuan-bowuyuan", "zhazidong", "geleshan-lieshi-lingyuan", "dujiangyan", EMEISHAN)
    wholes = ("qingchengshan-dujiangyan", "luzhou-fangshan")
    snapshot = Snapshot([retired, *(by_id[slug] for slug in (*wanted, *wholes))], REFERENCE)
    assert [spot.id for spot in snapshot.listed] == [
        EMEISHAN,
        "qingchengshan-dujiangyan",
        "dujiangyan",
        "geleshan-lieshi-lingyuan",
        "zhazidong",
        "luzhou-fangshan",
        "sichuan-bowuyuan",
    ]
    assert snapshot.get(retired.id) is retired


def test_a_part_bears_the_tags_of_its_whole_and_is_still_equal_to_its_record() -> None:
    snapshot = Snapshot(SPOTS, REFERENCE)
    record = next(spot for spot in SPOTS if spot.id == XIANNVSHAN)
    part, whole = snapshot.get(XIANNVSHAN), snapshot.get("wulong-kasite")
    assert part is not None
    assert whole is not None
    assert part == record
    assert record.tags == {"chongqing", "scenic_area"}
    assert part.tags == whole.tags | {"wulong-kasite"}
    assert {"5A", "world_heritage_site"} <= part.tags
    assert fields_of(part) == fields_of(record), "nothing of it is stored"


def test_the_etag_changes_with_the_data_and_only_then() -> None:
    changed = [SPOTS[0].model_copy(update={"status": Status.CLOSED}), *SPOTS[1:]]
    etag = Snapshot(SPOTS, REFERENCE).etag
    assert Snapshot(reversed(SPOTS), REFERENCE).etag == etag
    assert Snapshot(changed, REFERENCE).etag != etag


def test_no_two_pins_are_the_same_place() -> None:
    """Exact positions only: approximate ones share the seat of their district by nature.

    The pin of a whole is often that of one of its parts, and two are known to lie side by side.
    """
    neighbours = {"zigong-fangte-konglong-wangguo", "yangangong-guli"}
    pins = [
        (Point(spot.position.lng, spot.position.lat), spot.id)
        for spot in SPOTS
        if spot.position.precision is Precision.SPOT and spot.id not in neighbours
    ]
    close = [
        (one, other)
        for (here, one), (there, other) in itertools.combinations(pins, 2)
        if FAMILY[one] != FAMILY[other]
        and abs(here.lat - there.lat) < 0.01
        and distance(here, there) < 150
    ]
    assert close == []


def test_no_two_names_are_the_same_but_for_their_ending() -> None:
    def core(name: str) -> str:
        return re.sub(
            r"(国家|生态|文化|风景|名胜|旅游|度假|景|区)+$",
            "",
            re.sub(r"^(四川|重庆)(省|市)?", "", name),
        )

    names = {(core(spot.name.zh), spot.adcode[:4], FAMILY[spot.id]) for spot in SPOTS}
    counts = Counter(name[:2] for name in names)
    twice = [name for name, count in counts.items() if count > 1]
    assert twice == []


def test_every_position_lies_where_its_adcode_says() -> None:
    assert checked([FileRecord(spot.id, fields_of(spot)) for spot in SPOTS], REFERENCE) == SPOTS
