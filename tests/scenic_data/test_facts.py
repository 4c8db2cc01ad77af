"""Facts: what a release of the tables makes of the catalogue, and how a broken one is refused."""

import csv
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenic_data.checking import load_spots
from scenic_data.files import DATA, DataError, load_yaml
from scenic_data.model import Spot
from scenic_data.reference import Reference
from scripts.facts.decisions import Decisions
from scripts.facts.matching import By, Matching
from scripts.facts.slugs import core, slug
from scripts.facts.tables import CODES, PARTS, SPOTS, VENUES, SpotRow
from scripts.facts.takeover import Release, take_over
from scripts.facts.texts import groups_of, trust_of
from scripts.facts.writing import source_file, spot_files
from scripts.spots import app
from tests.support.build import EMEISHAN, spot
from tests.support.fields import assert_fields

pytestmark = pytest.mark.slow

DAY = date(2027, 3, 1)
Cells = Mapping[str, str]

SPOT = {
    "name_zh": "峨眉山景区",
    "name_en": "Mount Emei",
    "province": "四川",
    "city": "乐山市",
    "district": "峨眉山市",
    "adcode": "511181",
    "level": "5A",
    "category": "世界遗产",
    "lon": "103.444",
    "lat": "29.567",
    "datum": "WGS-84",
    "coord_precision": "spot",
    "price_cny_peak": "185",
    "price_cny_offpeak": "110",
    "open_hours": "",
    "world_heritage": "yes",
    "source": "level: MCT 5A announcement; district: same notice; category: general knowledge; "
    "coords: general knowledge, approximate (about 1 km); "
    "price: guide page newguide.com (2027) [gate only]; "
    "heritage: general knowledge (UNESCO list); name_en: general knowledge / common usage",
    "confidence": "level=high; district=high; coords=medium; price=low; heritage=high",
    "address": "",
    "phone": "",
}

MUSEUM = SPOT | {
    "name_zh": "乐山新博物馆",
    "name_en": "",
    "district": "市中区",
    "adcode": "511102",
    "level": "",
    "category": "博物馆/纪念馆",
    "lon": "103.75",
    "lat": "29.56",
    "price_cny_peak": "",
    "price_cny_offpeak": "",
    "world_heritage": "",
    "phone": "0833-1234567;400-123-4567",
    "address": "四川省乐山市市中区某路1号",
    "source": "level: none attested; district: the pin lies in it; category: general knowledge; "
    "coords: general knowledge, approximate (about 1 km); "
    "address: general knowledge; phone: general knowledge",
    "confidence": "level=none; district=medium; coords=medium; address=low; phone=low",
    "kind": "museum",
}

PART = {
    "part_of_name_zh": "峨眉山景区",
    "name_zh": "金顶",
    "name_en": "Golden Summit",
    "district": "峨眉山市",
    "adcode": "511181",
    "lon": "103.444",
    "lat": "29.567",
    "datum": "WGS-84",
    "coord_precision": "spot",
    "price_cny_peak": "20",
    "price_cny_offpeak": "",
    "ticketed": "separate",
    "source": "part: name of the row; district: the row; "
    "coords: the point of the row (X) [the pin of the whole]; "
    "ticket: general knowledge (open town); price: the row; "
    "name_en: general knowledge / common usage",
    "confidence": "part=high; district=high; coords=low; ticket=low; price=low",
}


def written(file: Path, rows: Iterable[Cells], columns: Iterable[str]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Folders:
    """A folder of facts, and a catalogue of the spots of one city to take them over into."""

    def __init__(self, folder: Path) -> None:
        self.facts, self.data = folder / "facts", folder / "data"
        self.facts.mkdir()
        shutil.copytree(
            DATA, self.data, ignore=shutil.ignore_patterns("spots", "products", "offers")
        )
        (self.data / "spots").mkdir()
        shutil.copy(DATA / "spots" / "leshan.yaml", self.data / "spots")
        with (DATA / "adcodes.csv").open(encoding="utf-8", newline="") as lines:
            codes = [
                dict(row) | {"lon": row["lng"], "coord_source": ""} for row in csv.DictReader(lines)
            ]
        columns = ("adcode", "name", "level", "parent", "lon", "lat", "coord_source")
        written(self.facts / CODES, codes, columns)
        self.write()

    def contents(self) -> dict[Path, bytes]:
        """What every file of the catalogue holds."""
        files = [file for file in self.data.rglob("*") if file.is_file()]
        return {file: file.read_bytes() for file in files}

    def write(
        self,
        spots: Iterable[Cells] = (SPOT,),
        venues: Iterable[Cells] = (MUSEUM,),
        parts: Iterable[Cells] = (PART,),
    ) -> None:
        written(self.facts / SPOTS, spots, SPOT)
        written(self.facts / VENUES, venues, MUSEUM)
        written(self.facts / PARTS, parts, PART)

    def take_over(self, day: date = DAY) -> Release:
        return take_over(self.facts, self.data, day)

    def faults(self) -> list[str]:
        with pytest.raises(DataError) as refused:
            self.take_over()
        return refused.value.faults


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def by_id(release: Release) -> Mapping[str, Spot]:
    return {spot.id: spot for spot in release.spots}


def test_a_spot_keeps_its_id_and_what_the_facts_do_not_speak_of(folders: Folders) -> None:
    before = {spot.id: spot for spot in load_spots(folders.data)}[EMEISHAN]
    release = folders.take_over()
    after = by_id(release)[EMEISHAN]
    assert after.price is not None
    assert after.price.peak_fen == 18500
    assert after.sources["price"] == "newguide-com-2027"
    assert after.notes["price"] == "gate only"
    assert after.aliases == before.aliases
    assert after.free_entry == before.free_entry
    assert after.free_entry
    assert after.sources["free_entry"] == before.sources["free_entry"]
    assert after.address is None
    assert after.phones == (), "what the facts know no more is not known"
    assert after.as_of == DAY
    assert release.report.changed.keys() == {EMEISHAN}
    assert release.report.new_sources == ["newguide-com-2027"]
    assert 'newguide-com-2027:\n  title: "Page on newguide.com"' in release.sources


def test_new_rows_become_spots_with_kind_level_and_whole(folders: Folders) -> None:
    release = folders.take_over()
    assert release.report.created == ["leshan-xin-bowuguan", "jinding"]
    museum, part = (by_id(release)[slug] for slug in release.report.created)
    assert_fields(museum, kind="museum", level=None, category="museum")
    assert museum.phones == ("0833-1234567", "400-123-4567")
    assert museum.notes["level"] == "no level was found"
    assert_fields(part, part_of=EMEISHAN, ticket="separate", level=None, category=None)
    assert part.position.precision == "whole", "its pin is only that of the whole"
    assert part.sources["price"] == "newguide-com-2027", "where the row has it from"


def test_a_spot_that_is_not_in_the_facts_stays_as_it_is(folders: Folders) -> None:
    before = {spot.id: spot for spot in load_spots(folders.data)}
    release = folders.take_over()
    assert set(release.report.not_in_facts) == before.keys() - {EMEISHAN}
    after = by_id(release)
    assert all(after[slug] == before[slug] for slug in release.report.not_in_facts)


def test_taking_the_same_facts_over_again_changes_nothing_not_even_the_date(
    folders: Folders,
) -> None:
    folders.take_over().write(folders.data)
    files = folders.contents()
    again = folders.take_over(date(2028, 1, 1))
    assert_fields(again.report, created=[], changed={}, new_sources=[])
    again.write(folders.data)
    assert folders.contents() == files
    assert [spot.id for spot in load_spots(folders.data)] == list(slugs_in(again))


def slugs_in(release: Release) -> Iterable[str]:
    """The ids of the files of a release, in the order of the files."""
    for name in sorted(release.files):
        yield from re.findall(r"^- id: (.*)$", release.files[name], re.MULTILINE)


def test_the_shipped_files_are_as_the_script_writes_them() -> None:
    """Hand-made changes keep to the form, so that the next release shows only what it changes."""
    files = spot_files(load_spots(), Reference.load().places)
    assert files == {
        file.name: file.read_text(encoding="utf-8") for file in (DATA / "spots").glob("*.yaml")
    }
    sources = (DATA / "sources.yaml").read_text(encoding="utf-8")
    assert source_file(load_yaml(DATA / "sources.yaml")) == sources


def test_a_part_that_is_in_another_table_is_one_spot(folders: Folders) -> None:
    """A museum of its own that is also a part: what its own table says of it comes first."""
    part = PART | {
        "name_zh": "乐山新博物馆（新馆）",
        "adcode": "511102",
        "district": "市中区",
        "name_en": "New",
    }
    folders.write(parts=[part])
    release = folders.take_over()
    (slug,) = release.report.created
    museum = by_id(release)[slug]
    assert museum.name.zh == "乐山新博物馆"
    assert museum.name.en == "New"
    assert_fields(museum, part_of=EMEISHAN, ticket="separate", kind="museum")
    assert museum.position.precision == "spot"
    assert museum.price is not None
    assert museum.sources["part"] == "row-name"


def test_an_entrance_under_the_ticket_of_its_whole_becomes_no_spot(folders: Folders) -> None:
    folders.write(parts=[PART | {"name_zh": "峨眉山零公里入口"}])
    release = folders.take_over()
    assert release.report.created == ["leshan-xin-bowuguan"]
    assert "峨眉山零公里入口" in release.report.left_out


def test_what_is_decided_by_people_is_said_of_rows_that_there_are() -> None:
    """A typing error in decisions.yaml would silently decide nothing."""
    decisions = Decisions.load()
    spots = {spot.id: spot for spot in load_spots()}
    names = {spot.name.zh for spot in spots.values()}
    assert decisions.ids.keys() <= names
    assert {spots[slug].name.zh for slug in decisions.ids.values()} == decisions.ids.keys()
    assert decisions.aliases.keys() <= spots.keys()
    assert all(
        set(aliases) == set(spots[slug].aliases) for slug, aliases in decisions.aliases.items()
    )
    for name, part in decisions.parts.items():
        assert {name, part.whole} <= names
    assert decisions.left_out.keys().isdisjoint(names)
    assert decisions.texts().may_mean <= set(load_yaml(DATA / "sources.yaml"))


def row(name: str, **changes: object) -> SpotRow:
    return SpotRow.model_validate(SPOT | {"name_zh": name, "where": name} | changes)


@pytest.mark.parametrize(
    ("names", "wanted", "by"),
    [
        ([("a", "峨眉山景区")], "a", By.NAME),
        ([("a", "旧名", "峨眉山景区")], "a", By.ALIAS),
        ([("a", "峨眉山风景名胜区")], "a", By.CORE),
        ([("a", "四川峨眉山旅游区")], "a", By.CORE),
        ([("a", "峨眉山风景区"), ("b", "峨眉山旅游区")], None, None),
        ([("a", "峨眉山大佛禅院")], None, None),
        ([("decided", "别的名字"), ("a", "峨眉山景区")], "a", By.NAME),
    ],
)
def test_how_a_row_finds_its_spot(
    names: list[tuple[str, ...]], wanted: str | None, by: By | None
) -> None:
    spots = [spot(slug, name={"zh": name}, aliases=aliases) for slug, name, *aliases in names]
    matching = Matching(spots, {"另一行": "decided"})
    matching.match([row("峨眉山景区")])
    match = matching.matches.get("峨眉山景区")
    if wanted is None:
        assert match is None
    else:
        assert match is not None
        assert match.id == wanted
        assert match.by is by
    matching.match([row("另一行")])
    is_there = "decided" in {slug for slug, *_ in names}
    assert ("另一行" in matching.matches) is is_there


def test_a_name_that_is_only_like_another_counts_near_by_alone() -> None:
    far = spot("far", name={"zh": "峨眉山风景区"}, adcode="511102")
    matching = Matching([far], {})
    matching.match([row("峨眉山景区", lon="103.9", lat="29.7")])
    assert matching.matches == {}
    assert matching.unmatched() == ["far"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("成都川菜博物馆", "chengdu-chuancai-bowuguan"),
        ("四川科技馆", "sichuan-kejiguan"),
        ("千佛寨", "qianfozhai"),
        ("龙潭河旅游景区", "longtanhe"),
        ("阆中张飞庙（汉桓侯祠）", "zhangfeimiao"),
        ("峨眉山", "emeishan-emeishan"),  # taken, so the district stands in front
        ("816工程", "spot-816gongcheng"),
        ("绵竹绵竹绵竹绵竹绵竹绵竹绵竹绵竹", "mianzhumianzhumianzhumianzhumianzhumianzh"[:40]),
    ],
)
def test_ids_are_made_of_names(name: str, made: str) -> None:
    places = ("四川", "成都", "峨眉山") if name == "峨眉山" else ("四川", "成都", "阆中")
    if name.startswith("阆中"):
        made = f"langzhong-{made}"
    assert slug(name, places, {"emeishan"}) == made


def test_an_id_that_is_taken_everywhere_gets_a_number() -> None:
    taken = {"hu", "leshan-hu", "sichuan-hu"}
    assert slug("湖", ("四川", "乐山"), taken) == "hu-2"


def test_names_that_differ_in_what_areas_are_called_have_one_core() -> None:
    names = ["峨眉山景区", "峨眉山风景名胜区", "四川省峨眉山旅游区", "峨眉山（新）"]
    assert {core(name) for name in names} == {"峨眉山"}
    assert core("重庆") == "重庆"


@pytest.mark.parametrize(
    ("text", "keys", "note"),
    [
        ("general knowledge", ("general-knowledge",), ""),
        (
            "GeoNames 1789647 (Xichang, county seat area)",
            ("geonames",),
            "GeoNames 1789647 (Xichang, county seat area)",
        ),
        ("GitHub Andy626-Worlder/x (Ctrip), GCJ-02 [POI 金佛山]", ("ctrip-2023",), "POI 金佛山"),
        (
            "GitHub yiweinanzi/trave_afar, Qunar agrees within 0.3 km",
            ("trave-afar",),
            "Qunar agrees within 0.3 km",
        ),
        ("the row", ("whole",), ""),
        ("the row; new.com (2027-01)", ("whole", "new-com-2027"), ""),
        ("the point of the row (GitHub Andy626-Worlder/x (a + b)) [a pin]", ("whole",), "a pin"),
        ("one.com, two.cn (2026-12)", ("one-com", "two-cn-2026"), ""),
        ("one.com (2026) says 80; two.cn", ("one-com-2026", "two-cn"), "one.com (2026) says 80"),
        ("a telephone book of 2027", ("a-telephone-book-of-2027",), ""),
        ("县志", ("source",), ""),
        ("general knowledge [a row of its own in scenic_facts.csv]", ("general-knowledge",), ""),
    ],
)
def test_what_a_text_says_of_its_sources(text: str, keys: tuple[str, ...], note: str) -> None:
    told = Decisions.load().texts().told(text, ("whole",))
    assert told.keys == keys
    assert told.note == note


def test_a_source_that_nobody_has_decided_on_keeps_its_title_and_date() -> None:
    texts = Decisions.load().texts()
    texts.told("a telephone book; page.com (about 2027-05)")
    assert texts.made == {
        "a-telephone-book": {"title": "a telephone book", "licence": "none stated"},
        "page-com-2027": {"title": "Page on page.com", "licence": "none stated", "date": "2027-05"},
    }


def test_the_groups_of_a_cell() -> None:
    assert groups_of("level: a; b; coords: c: d") == {"level": "a; b", "position": "c: d"}
    assert trust_of("level=high; coords=low") == {"level": "high", "position": "low"}
    with pytest.raises(ValueError, match="'level:high' is no group with high, medium, low or none"):
        trust_of("level:high")


@pytest.mark.parametrize(
    ("table", "changes", "fault"),
    [
        (SPOTS, {"name_zh": ""}, "row 2 (without name): name_zh: is missing"),
        (VENUES, {"name_zh": "峨眉\u0007山"}, "name.zh: leave out characters that cannot be seen"),
        (SPOTS, {"lon": "一百"}, "row 2 (峨眉山景区): lon: a number is needed"),
        (SPOTS, {"lon": "nan"}, "position.lng: "),
        (
            SPOTS,
            {"lon": "29.567", "lat": "103.444"},
            "position.lng: has to be at least 97",
        ),
        (SPOTS, {"lat": "31.9"}, "km from the seat of 峨眉山市 (511181) is too far"),
        (SPOTS, {"datum": "GCJ-02"}, "row 2 (峨眉山景区): datum: write WGS-84"),
        (SPOTS, {"coord_precision": "about"}, "coord_precision: write one of "),
        (SPOTS, {"level": "6A"}, "level: write one of 5A"),
        (SPOTS, {"category": "月亮"}, "category: '月亮' is not in categories.yaml"),
        (
            SPOTS,
            {"price_cny_peak": "-1"},
            "price_cny_peak: has to be at least 0",
        ),
        (SPOTS, {"price_cny_peak": "80元"}, "price_cny_peak: a whole number is needed"),
        (SPOTS, {"price_cny_peak": ""}, "price_cny_offpeak: there is no price_cny_peak"),
        (SPOTS, {"adcode": "5111"}, "adcode: write six digits"),
        (SPOTS, {"adcode": "511199"}, "adcode: 511199 is not in adcodes_sc_cq.csv"),
        (SPOTS, {"adcode": "500101", "district": ""}, "adcode: 500101 does not lie in 四川"),
        (SPOTS, {"district": "市中区"}, "district: 511181 is '峨眉山市', not '市中区'"),
        (SPOTS, {"province": "四川省"}, "province: write one of 四川, 重庆"),
        (SPOTS, {"source": ""}, "source: is missing"),
        (
            SPOTS,
            {"source": "level: x; coords: y"},
            "source: there is none for price, heritage, name",
        ),
        (
            SPOTS,
            {"confidence": "level=sure"},
            "'level=sure' is no group with high, medium, low or none",
        ),
        (VENUES, {"phone": "call us"}, "phones.0: write one number"),
        (VENUES, {"kind": "castle"}, "kind: write one of "),
        (
            VENUES,
            {"name_zh": "峨眉山景区"},
            "name_zh: '峨眉山景区' is already that of scenic_facts.csv: row 2",
        ),
        (PARTS, {"part_of_name_zh": "月亮山"}, "there is no '月亮山' in scenic_facts.csv"),
        (
            PARTS,
            {"part_of_name_zh": "乐山新博物馆"},
            "there is no '乐山新博物馆' in scenic_facts.csv",
        ),
        (PARTS, {"name_zh": "峨眉山景区"}, "part_of_name_zh: it is no part of itself"),
        (PARTS, {"ticketed": "perhaps"}, "ticketed: write one of "),
    ],
)
def test_a_broken_row_is_refused_naming_file_line_and_column(
    folders: Folders, table: str, changes: dict[str, str], fault: str
) -> None:
    rows = {SPOTS: [SPOT], VENUES: [MUSEUM], PARTS: [PART]}
    rows[table] = [rows[table][0] | changes]
    folders.write(rows[SPOTS], rows[VENUES], rows[PARTS])
    told = folders.faults()
    assert any(fault in line for line in told), told
    assert all(line.startswith((f"{table}: row 2 (", f"{PARTS}: row 2 (")) for line in told), told


def test_rows_that_stand_twice_are_refused(folders: Folders) -> None:
    folders.write([SPOT, SPOT], [MUSEUM], [PART, PART])
    assert folders.faults() == [
        "scenic_facts.csv: row 3 (峨眉山景区): name_zh: '峨眉山景区' is already that of "
        "scenic_facts.csv: row 2 (峨眉山景区)",
        "parts.csv: row 3 (金顶): name_zh: '金顶' is already that of parts.csv: row 2 (金顶)",
    ]


def test_every_fault_of_every_table_is_told_at_once(folders: Folders) -> None:
    folders.write(
        [SPOT | {"lon": "x", "lat": "y"}], [MUSEUM | {"level": "9A"}], [PART | {"lon": ""}]
    )
    assert len(folders.faults()) == 4


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"", "venues.csv: it is empty"),
        (b"name_zh;level\na;b\n", "venues.csv: there is no column name_en, no column"),
        (b"name_zh,name_zh\na,b\n", "venues.csv: the columns 'name_zh' and 'name_zh' are the same"),
        (b'name_zh\n"a', 'venues.csv: this is not CSV: row 2: a quote (") is not closed'),
        (b"name_zh\n" + b"a" * 200_000, "venues.csv: this is not CSV: "),
        (b"\x00\x01\x02" * 100, "venues.csv: "),
    ],
)
def test_a_table_that_is_none_is_refused(
    folders: Folders, content: bytes | None, fault: str
) -> None:
    file = folders.facts / VENUES
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (told, *_) = folders.faults()
    assert fault in told


def test_a_missing_column_is_named_and_a_further_one_allowed(folders: Folders) -> None:
    columns = [column for column in SPOT if column not in {"adcode", "phone"}]
    written(folders.facts / SPOTS, [SPOT], columns)
    assert folders.faults() == [
        "scenic_facts.csv: there is no column adcode, no column phone; row 1 has the headings"
    ]
    written(folders.facts / SPOTS, [SPOT | {"colour": "green"}], [*SPOT, "colour"])
    assert EMEISHAN in folders.take_over().report.changed


def test_a_table_without_rows_is_refused(folders: Folders) -> None:
    """An empty file would otherwise pass for a release in which nothing is known."""
    folders.write(spots=[])
    assert (
        "scenic_facts.csv: there is no row below row 1, which has the headings" in folders.faults()
    )


def test_a_byte_order_mark_and_crlf_are_no_fault(folders: Folders) -> None:
    file = folders.facts / SPOTS
    text = file.read_text(encoding="utf-8").replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert EMEISHAN in folders.take_over().report.changed


def test_codes_that_the_catalogue_does_not_know_are_told(folders: Folders) -> None:
    file = folders.facts / CODES
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("峨眉山市", "峨山市") + "511190,新区,district,511100,,,\n", encoding="utf-8"
    )
    folders.write([SPOT | {"district": "峨山市"}], [MUSEUM], [PART | {"district": "峨山市"}])
    told = folders.faults()
    assert any(
        "name: adcodes.csv calls 511181 '峨眉山市'; make them agree" in line for line in told
    )
    assert any("adcode: 511190 is not in adcodes.csv; add it there first" in line for line in told)


def test_nothing_is_written_where_a_record_is_refused(folders: Folders) -> None:
    files = folders.contents()
    folders.write([SPOT | {"lat": "31.9"}])
    folders.faults()
    assert folders.contents() == files


def test_one_command_takes_over_a_release(folders: Folders, tmp_path: Path) -> None:
    out, run = tmp_path / "out", CliRunner().invoke
    command = ["from-facts", str(folders.facts), "--out", str(out), "--as-of", "2027-03-01"]
    shown = run(app, [*command, "--dry-run"])
    assert shown.exit_code == 0, shown.output
    assert "+ jinding 金顶\n" in shown.stdout
    assert "~ emeishan 峨眉山景区: address, phones, " in shown.stdout
    assert "new sources, to be looked at in sources.yaml: newguide-com-2027" in shown.stdout
    assert shown.stdout.endswith("dry run: nothing was written\n")
    assert not out.exists()

    done = run(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["created"] == ["leshan-xin-bowuguan", "jinding"]
    assert told["changed"] == ["emeishan"]
    assert told["matched"] == {"name": 1}
    assert len(told["not_in_facts"]) == len(load_spots()) - 1
    leshan = load_yaml(out / "spots" / "leshan.yaml")
    assert {"jinding", "emeishan"} <= {record["id"] for record in leshan}
    assert {record["as_of"] for record in leshan} == {"2026-11-25", "2027-03-01"}


def test_the_command_refuses_broken_facts_and_says_where(folders: Folders, tmp_path: Path) -> None:
    folders.write([SPOT | {"level": "6A"}])
    command = ["from-facts", str(folders.facts), "--out", str(tmp_path / "out"), "--json"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    told = json.loads(refused.stdout)
    assert told["refused"] == "the facts cannot be used"
    (fault,) = told["errors"]
    assert fault.startswith("scenic_facts.csv: row 2 (峨眉山景区): level: write one of 5A")
    assert not (tmp_path / "out").exists()
    assert CliRunner().invoke(app, ["from-facts", str(tmp_path / "nothing")]).exit_code == 2


def test_a_place_that_cannot_be_written_to_is_told(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "spots").write_text("a file", encoding="utf-8")
    command = ["from-facts", str(folders.facts), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "spots: File exists" in refused.stderr
