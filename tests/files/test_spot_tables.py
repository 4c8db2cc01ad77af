"""Tables of spots: written, changed in a spreadsheet, and read again."""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from passes.files.headings import SPOTS as HEADINGS
from passes.files.spoilt import text_of
from passes.files.spots import read_spots, spot_rows
from passes.files.tables import write_table
from scenic_data.checking import load_spots
from scenic_data.files import DataError
from scenic_data.importing import Plan, plan
from scenic_data.model import Notice, Spot
from scenic_data.reference import Reference
from tests.support.build import EMEISHAN
from tests.support.fields import assert_fields

REFERENCE = Reference.load()
ALL = load_spots()
HERE = [spot for spot in ALL if spot.adcode.startswith("5111")]
TODAY = date(2026, 12, 1)
ENGLISH = {field: field for field in HEADINGS}
CHINESE = {field: also[0] for field, also in HEADINGS.items()}


def planned(file: Path, stored: Sequence[Spot] = HERE, *, complete: bool = False) -> Plan:
    return plan(read_spots(file), stored, REFERENCE, TODAY, complete=complete)


def spot_of(made: Plan, slug: str = EMEISHAN) -> Spot:
    return next(spot for spot in made.spots if spot.id == slug)


def saved(folder: Path, text: str, name: str = "spots.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def faults(file: Path) -> list[str]:
    with pytest.raises(DataError) as refused:
        planned(file)
    return refused.value.faults


def test_every_field_of_a_spot_has_a_heading() -> None:
    groups = {"name", "position", "price", "sources", "notes", "confidence"}
    assert {heading.partition(".")[0] for heading in HEADINGS} == set(Spot.model_fields)
    assert {heading for heading in HEADINGS if "." not in heading} == (
        set(Spot.model_fields) - groups
    )
    called = [each for field, also in HEADINGS.items() for each in (field, *also)]
    assert len(called) == len(set(called))


def as_written(file: Path) -> Path:
    return file


def by_excel_as_csv(file: Path) -> Path:
    """As Excel in China saves a CSV anew: GB18030, its own days and truth values."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    again = file.with_name("again.csv")
    with again.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows([changed_by_excel(cell) for cell in row] for row in rows)
    return again


def changed_by_excel(cell: str) -> str:
    if cell in {"true", "false"}:
        return cell.upper()
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        return cell
    return f"{day.year}/{day.month}/{day.day}"


def with_numbers_as_text(file: Path) -> Path:
    """As a program saves an XLSX that keeps everything as text, days and numbers too."""
    return _anew(file, text_of)


def with_text_as_numbers(file: Path) -> Path:
    """As a spreadsheet saves what was typed into it anew: text of digits is a number, and a day the
    number of days."""

    def typed(cell: Any) -> Any:
        if isinstance(cell, date):
            return (cell - date(1899, 12, 30)).days
        return float(cell) if isinstance(cell, str) and cell.isdigit() else cell

    return _anew(file, typed)


def _anew(file: Path, change: Callable[[Any], Any]) -> Path:
    with CalamineWorkbook.from_path(file) as book:
        cells = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    again = file.with_name("again.xlsx")
    with xlsxwriter.Workbook(
        again, {"strings_to_formulas": False, "strings_to_urls": False}
    ) as out:
        sheet = out.add_worksheet()
        for n, row in enumerate(cells):
            for column, cell in enumerate(reversed(row)):  # the columns moved, one in front is free
                if cell != "":
                    sheet.write(n + 2, column + 1, change(cell))
    return again


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "names", "saved_again"),
    [
        ("spots.csv", ENGLISH, as_written),
        ("spots.xlsx", CHINESE, as_written),
        ("spots.csv", CHINESE, by_excel_as_csv),
        ("spots.xlsx", ENGLISH, with_numbers_as_text),
        ("spots.xlsx", CHINESE, with_text_as_numbers),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", ""),
)
def test_importing_what_was_exported_changes_nothing(
    tmp_path: Path, name: str, names: Mapping[str, str], saved_again: Callable[[Path], Path]
) -> None:
    write_table(spot_rows(ALL, names), tmp_path / name)
    made = planned(saved_again(tmp_path / name), ALL, complete=True)
    assert made.changed == {}
    assert list(made.spots) == ALL
    assert len(made.unchanged) == len(ALL)


WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=9)
WITH_MARKS = st.text("|[]'\"=+-@,;测", min_size=1, max_size=9)
NAMES = WORDS | WITH_MARKS
PRICES = st.fixed_dictionaries({"peak_fen": st.integers(0, 100_000)})
NOTICES = st.builds(
    Notice, zh=NAMES, en=st.none() | NAMES, start=st.dates(date(2026, 1, 1)), closed=st.booleans()
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "aliases": st.lists(NAMES, max_size=3, unique=True),
        "address": NAMES,
        "open_hours": NAMES,
        "price": PRICES,
        "notices": st.lists(NOTICES.map(Notice.model_dump), max_size=2),
        "closed_weekdays": st.lists(st.integers(1, 7), max_size=3, unique=True),
        "notes": st.dictionaries(st.sampled_from(["price", "hours"]), NAMES, max_size=2),
        "sources": st.dictionaries(
            st.sampled_from(["price", "level"]),
            st.sampled_from(["a", ("a",), ("a", "b")]),
            max_size=2,
        ),
        "reservation": st.booleans(),
        "status": st.sampled_from(["open", "closed", "retired"]),
    },
)


@settings(max_examples=40, deadline=None)
@given(CHANGES)
def test_a_spot_of_any_words_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    told = HERE[0].model_dump(exclude={"free_entry", "sources"}) | changes
    spot = Spot.model_validate(told)
    folder = tmp_path_factory.mktemp("written")
    for name in ("spots.csv", "spots.xlsx"):
        write_table(spot_rows([spot], ENGLISH), folder / name)
        made = plan(read_spots(folder / name), [spot], REFERENCE, TODAY)
        assert made.changed == {}


def test_a_price_that_is_changed_in_an_export_is_a_correction_by_the_operator(
    tmp_path: Path,
) -> None:
    """Though the file still says the source and the day of the former price."""
    rows = spot_rows(HERE, CHINESE)
    for row in rows:
        if row["编号"] == EMEISHAN:
            row["旺季票价（分）"] = 18500
    write_table(rows, tmp_path / "spots.xlsx")
    made = planned(tmp_path / "spots.xlsx")
    assert [name for name, _, _ in made.changed[EMEISHAN]] == [
        "price.peak_fen",
        "sources.price",
        "confidence.price",
        "as_of",
    ]
    assert_fields(spot_of(made), as_of=TODAY)
    assert spot_of(made).sources["price"] == "operator"


def test_cells_of_lists_and_of_nothing(tmp_path: Path) -> None:
    text = (
        "\ufeffid,name.zh,price.peak_fen,reservation,aliases,season,closed_weekdays,open_hours\r\n"
        'emeishan,,18500,true,峨眉山|峨山,04-01/11-15,1|2,"06:00-18:00, 冬季 07:00"\r\n'
        "leshan-dafo,,null,,,,,\r\n"
        "\r\n"
    )
    made = planned(saved(tmp_path, text))
    spot = spot_of(made)
    assert_fields(spot, reservation=True, aliases=("峨眉山", "峨山"), closed_weekdays=(1, 2))
    assert spot.season == ("04-01/11-15",)
    assert spot.open_hours == "06:00-18:00, 冬季 07:00"
    assert spot.price is not None
    assert spot.price.peak_fen == 18500
    assert spot_of(made, "leshan-dafo").price is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,id\na,b\n", "spots.csv: the columns 'id' and 'id' are the same"),
        ("id,编号\na,b\n", "spots.csv: the columns 'id' and '编号' are the same"),
        (
            "id,price.peak_fenn\nemeishan,1\n",
            "spots.csv: there is no column 'price.peak_fenn' of spots; did you mean",
        ),
        (
            "编号,开放时问\nemeishan,1\n",
            "spots.csv: there is no column '开放时问' of spots; did you mean 开放时间?",
        ),
        (
            "编号,票价（元）\nemeishan,185\n",
            "spots.csv: there is no column '票价（元）' of spots; prices are in fen",
        ),
        (
            "编号,旺季票价（分）\n\nemeishan,185.00\n",
            "spots.csv: row 3 (emeishan), column 旺季票价（分）: write whole fen, such as",
        ),
        (
            "编号,旺季票价（分）\nemeishan,185元\n",
            "spots.csv: row 2 (emeishan), column 旺季票价（分）: a whole number is needed",
        ),
        (
            "编号,电话\nemeishan,8335090000\n",
            "spots.csv: row 2, column 电话: a spreadsheet has dropped the 0 in front of 8335090000",
        ),
        (
            "编号,公告\nemeishan,大雪封山\n",
            "spots.csv: row 2 (emeishan), column 公告: write a list as JSON",
        ),
        (
            "编号,公告\nemeishan," + "[" * 100_000,
            "spots.csv: row 2 (emeishan), column 公告: write a",
        ),
        (
            "编号,所属景区\nemeishan,leshan-dafoo\n",
            "spots.csv: row 2 (emeishan), column 所属景区: there is no spot 'leshan-dafoo'; "
            "did you mean leshan-dafo?",
        ),
        (
            "编号,等级\nemeishann,5A\n",
            "spots.csv: row 2 (emeishann), column 编号: there is no spot emeishann; "
            "did you mean emeishan? (a new one needs",
        ),
        (
            "编号,资料日期\nemeishan,2026年2月30日\n",
            "spots.csv: row 2 (emeishan), column 资料日期: write a day that exists",
        ),
        ("id\n", "spots.csv: there is no row below row 1"),
    ],
    ids=lambda value: value[:30],
)
def test_a_table_that_is_wrong_is_refused_naming_row_and_column(
    tmp_path: Path, text: str, told: str
) -> None:
    (fault,) = faults(saved(tmp_path, text))
    assert fault.startswith(told)
