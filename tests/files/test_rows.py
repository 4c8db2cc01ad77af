"""Rows of tables as people save them, and what is refused."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.files import sheets
from passes.files.headings import ROSTER
from passes.files.rows import read_table
from passes.files.spoilt import moment_of, text_of
from passes.files.tables import write_table
from scenic_data.files import DataError
from tests.support.build import id_number

NUMBER = id_number("11010119900307001")
PEOPLE = [{"name": "测试甲", "id_number": NUMBER}, {"name": "测试乙", "id_number": NUMBER}]

Sheet = Sequence[Sequence[Any]]


def workbook(file: Path, *sheets: Sheet) -> Path:
    """A spreadsheet with these cells; None is no cell."""
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        for cells in sheets:
            sheet = book.add_worksheet()
            for n, row in enumerate(cells):
                sheet.write_row(n, 0, row)
    return file


def saved(folder: Path, content: bytes, name: str = "roster.csv") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def people(file: Path) -> list[dict[str, str]]:
    table = read_table(file, ROSTER, needed=("name", "id_number"))
    return [dict(row.cells) for row in table.rows]


def faults(file: Path) -> list[str]:
    with pytest.raises(DataError) as refused:
        read_table(file, ROSTER, needed=("name", "id_number"))
    return refused.value.faults


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_roster_in_any_encoding(tmp_path: Path, encoding: str, separator: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    for ends in ("\n", "\r\n", "\r"):
        for headings in (("name", "id_number"), ("姓名", "身份证号码"), ("Name*", "ID Number")):
            lines = [
                ("某工会会员名单",),
                headings,
                ("测试甲", NUMBER),
                ("", ""),
                ("测试乙", NUMBER),
                ("", ""),
            ]
            text = mark + ends.join(separator.join(line) for line in lines)
            assert people(saved(tmp_path, text.encode(encoding))) == PEOPLE, (ends, headings)


def test_an_xlsx_with_a_title_blank_rows_and_columns_and_more_than_is_needed(
    tmp_path: Path,
) -> None:
    file = workbook(
        tmp_path / "roster.xlsx",
        [],
        [
            ["某工会会员名单"],
            [],
            [None, "序号", "姓名", None, "身份证号"],
            [None, 1, "测试甲", None, NUMBER],
            [],
            [None, 2, "测试乙", None, NUMBER],
        ],
    )
    table = read_table(file, ROSTER, needed=("name", "id_number"))
    assert [row.where for row in table.rows] == ["roster.xlsx: row 4", "roster.xlsx: row 6"]
    assert dict(table.rows[1].cells) == PEOPLE[1] | {"序号": "2"}
    assert table.column("id_number") == "column 身份证号"


def test_what_a_file_is_follows_from_its_content(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", [["姓名", "身份证号"], ["测试甲", NUMBER]])
    assert people(file.rename(tmp_path / "roster.csv")) == PEOPLE[:1]
    text = f"姓名,身份证号\n测试甲,{NUMBER}\n"
    assert people(saved(tmp_path, text.encode(), "roster.xlsx")) == PEOPLE[:1]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (f'="{NUMBER}"', NUMBER),
        (f"\t{NUMBER}", NUMBER),
        ("'=1+1", "=1+1"),
        ("''=1", "'=1"),
        ("'测试", "'测试"),
    ],
)
def test_what_keeps_a_spreadsheet_from_changing_a_cell_is_no_part_of_it(
    tmp_path: Path, cell: str, text: str
) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["姓名", "证件号"], ["测试甲", cell]])
    assert people(tmp_path / "a.csv")[0]["id_number"] == text


_SPOILT = "a spreadsheet has"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("1.10101E+17", f"{_SPOILT} made 1.10101E+17 of the number: make the column one of text"),
        ("1.1E17", f"{_SPOILT} made 1.1E17"),
        ("110101199003070000", f"{_SPOILT} rounded the number, its end is lost"),
        (110101199003070020, f"{_SPOILT} rounded the number, its end is lost"),
    ],
)
def test_a_number_that_a_spreadsheet_has_spoilt_is_named(
    tmp_path: Path, cell: str | int, told: str
) -> None:
    file = workbook(tmp_path / "a.xlsx", [["姓名", "证件号码"], [], ["测试甲", cell]])
    (fault,) = faults(file)
    assert fault.startswith(f"a.xlsx: row 3, column 证件号码: {told}")
    if isinstance(cell, str):
        text = f"姓名,证件号码\n\n测试甲,{cell}\n"
        assert (
            faults(saved(tmp_path, text.encode(), "a.csv"))[0].partition(": ")[2]
            == (fault.partition(": ")[2])
        )


def test_a_true_number_that_ends_with_000_is_none_that_was_rounded(tmp_path: Path) -> None:
    """One resident ID number in a thousand does, and its holder cannot help it."""
    numbers = (
        id_number(f"110101199003{day:02}{n}00") for day in range(1, 29) for n in range(1, 10)
    )
    number = next(each for each in numbers if each.endswith("000"))
    text = f"姓名,证件号\n测试甲,{number}\n"
    assert people(saved(tmp_path, text.encode()))[0]["id_number"] == number


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-07-01", datetime(2026, 7, 1)),
        ("2026/7/1", datetime(2026, 7, 1)),
        ("2026.7.1", datetime(2026, 7, 1)),
        ("2026年7月1日", datetime(2026, 7, 1)),
        ("2026-07-01 10:00", datetime(2026, 7, 1, 10)),
        ("2026/7/1 9:05:30", datetime(2026, 7, 1, 9, 5, 30)),
        ("46204", datetime(2026, 7, 1)),
        (46204, datetime(2026, 7, 1)),
        (46204.4166666667, datetime(2026, 7, 1, 10)),
        (date(2026, 7, 1), datetime(2026, 7, 1)),
        (datetime(2026, 7, 1, 10), datetime(2026, 7, 1, 10)),
        ("2026-02-30", None),
        ("tomorrow", None),
        ("2026", None),
        (True, None),
    ],
)
def test_moments_as_spreadsheets_write_them(cell: object, moment: datetime | None) -> None:
    assert moment_of(cell) == moment


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (18500.0, "18500"),
        (103.77038, "103.77038"),
        (True, "true"),
        (date(2026, 7, 1), "2026-07-01"),
        (datetime(2026, 7, 1), "2026-07-01"),
        (datetime(2026, 7, 1, 10), "2026-07-01 10:00"),
        (time(8, 30), "08:30"),
        (datetime(2026, 7, 1, 8, 30) - datetime(2026, 7, 1), "08:30"),
        (" 测试 ", "测试"),
    ],
)
def test_values_have_one_form_as_text(value: object, text: str) -> None:
    assert text_of(value) == text


def test_formulas_count_as_what_they_showed_and_errors_are_named(tmp_path: Path) -> None:
    file = tmp_path / "formulas.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "身份证号"])
        sheet.write_formula(1, 0, '="测试"&"甲"', None, "测试甲")
        sheet.write_string(1, 1, NUMBER)
    assert people(file) == PEOPLE[:1]
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "身份证号"])
        sheet.write_formula(1, 0, "=A9/0", None, "#DIV/0!")
    assert faults(file) == ["formulas.xlsx: cell A2 shows an error, such as #REF!; correct it"]


def archive(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "there is no row"),
        (b",,\n\n,,\n", "there is no row"),
        ("姓名,身份证号\n".encode(), "there is no row below row 1, which has the headings"),
        (b"%PDF-1.7", "it is no table but a PDF: open it and save it as .xlsx, or as CSV UTF-8"),
        (archive(a="b"), "it is no table but packed (ZIP)"),
        (archive(**{"word__document.xml": ""}), "it is no table but a Word document"),
        (archive(**{"xl__workbook.xml": "<nonsense/>"}), "it is a damaged .xlsx"),
        (archive(a="b" * 999)[:40], "it is a damaged .xlsx"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "it is no table but an old .xls, or it has a password",
        ),
        (b"<html><table><tr><td>", "it is a web page, whatever its name ends with"),
        (b"\xef\xbb\xbf \n<!DOCTYPE html>", "it is a web page, whatever its name ends with"),
        ("姓名,身份证号\n甲\0,1".encode(), "it is no text, for it has bytes of nought"),
        (b"\xff\xfe\x00", "it is neither UTF-8 nor GB18030 nor UTF-16: byte 2"),
        (b"name,id_number\n\xff\xff,1", "it is neither UTF-8 nor GB18030 nor UTF-16: byte 15"),
        (
            "姓名,身份证号\n".encode() + "测试甲,1\n".encode("gb18030"),
            "line 1 is UTF-8, others are not",
        ),
        (b'name,id_number\n"a', 'this is not CSV: row 2: a quote (") is not closed'),
        (b"name,id_number\na,1,x", "row 2, column C: there is no heading above it"),
        (
            b"name,ID-number,id number\na,1,1",
            "the columns 'ID-number' and 'id number' are the same",
        ),
        (b"a,b\n1,2", "there is no column name or 姓名, no column id_number or 身份证号; row 1"),
        (b"name,id_number\n" + b"a,1\n" * (sheets.MOST_ROWS + 1), "it has more than 100,000 rows"),
        (b"a" * (sheets.MOST_BYTES + 1), "it is bigger than 20 MB; divide it"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_table_is_refused_in_words(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (fault,) = faults(saved(tmp_path, content, "roster.xls"))
    assert fault.startswith(f"roster.xls: {told}")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    assert "No such file" in faults(tmp_path / "nothing.csv")[0]
    assert "Is a directory" in faults(tmp_path)[0]


@pytest.mark.parametrize("last", [(1_048_575, 0), (1, 16_383)], ids=["rows", "columns"])
def test_a_spreadsheet_whose_last_cell_is_far_away_is_refused_before_room_is_made_for_it(
    tmp_path: Path, last: tuple[int, int]
) -> None:
    """The library makes room for all the cells between: for both at once 500 GB."""
    file = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "身份证号"])
        sheet.write_row(1, 0, ["测试甲", NUMBER])
        sheet.write(*last, "x")
    (fault,) = faults(file)
    assert re.search(r"more than 100,000 rows or 300 columns \(cell (A1048576|XFD2)\)", fault)


def test_cells_that_are_only_formatted_are_none(tmp_path: Path) -> None:
    file = tmp_path / "formatted.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "身份证号"])
        sheet.write_row(1, 0, ["测试甲", NUMBER])
        sheet.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))
    assert people(file) == PEOPLE[:1]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.integers(-(10**11), 10**11).map(lambda n: (n * 10 + 1) / 10**6),
    st.dates(date(1901, 1, 1), date(2099, 12, 31)),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[Any, Any, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("written")
    written = [dict(zip(("甲", "b", "c"), row, strict=True)) for row in cells]
    expected = [
        {field: text_of(value) for field, value in row.items() if value is not None}
        for row in written
    ]
    for name in ("a.csv", "a.xlsx"):
        write_table(written, folder / name)
        try:
            table = read_table(folder / name, {})
        except DataError:
            assert not any(expected), "only rows without anything are no rows"
            continue
        assert [dict(row.cells) for row in table.rows] == [row for row in expected if row]


def test_nothing_that_is_written_is_calculated(tmp_path: Path) -> None:
    write_table([{"name": "=1+1", "phone": "+86-1"}], tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["name,phone", "'=1+1,'+86-1"]
    write_table([{"name": "=1+1"}], tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
