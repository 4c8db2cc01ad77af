"""Sheets: what stands in the cells of a CSV or an XLSX, row by row, from the top.

What a file is follows from its content, whatever its name ends with.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from passes.base.unreadable import csv_words

Value = int | float | str | bool | date | datetime | time | timedelta
"""A cell as a spreadsheet keeps it; one with nothing in it is an empty text."""

Sheet = Sequence[Sequence[Value]]
"""All rows from the top, blank ones among them."""

MOST_BYTES = 20_000_000
MOST_ROWS = 100_000
_MOST_COLUMNS = 300
_MOST_UNPACKED = 300_000_000
_SAVE_AS = "save it as .xlsx, or as CSV UTF-8"
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old .xls, or it has a password"),
    (b"\x1f\x8b", "packed (gzip)"),
    (b"Rar!", "packed (RAR)"),
    (b"7z\xbc\xaf", "packed (7z)"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"{\\rtf", "a text document (RTF)"),
)
"""How files begin that are no tables, and what they are."""

_IN_ARCHIVES = (
    ("xl/workbook.bin", "an .xlsb"),
    ("word/document.xml", "a Word document"),
    ("mimetype", "an OpenDocument file"),
)
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|head|table|meta|\?xml)", re.IGNORECASE)
_CHINESE = re.compile("[\u4e00-\u9fff]")
_CELL = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?\br="(?P<column>[A-Z]{1,3})(?P<row>[0-9]{1,7})"(?:[^>]*[^/>])?>'
)
"""A cell that holds something: one that is only formatted is closed at once."""

_SEPARATORS = ",;\t"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
"""What a broken archive raises, or one with a password."""

_FORMULA_AROUND_TEXT = re.compile(r'="([^"]*)"')
_KEPT_AS_TEXT = re.compile("'[=+@'-]")
"""How text begins that has a ' in front, so that no spreadsheet calculates it."""


class NotATable(Exception):
    """A file that cannot be used, in words that follow its name."""


def read_sheet(file: Path) -> Sheet:
    """All rows of a file. Raises `NotATable`, and `OSError`."""
    if file.stat().st_size > MOST_BYTES:
        raise NotATable(f"it is bigger than {MOST_BYTES // 1_000_000} MB; divide it")
    content = file.read_bytes()
    if not content:
        raise NotATable("it is empty")
    for begins, what in _FOREIGN:
        if content.startswith(begins):
            raise NotATable(f"it is no table but {what}: open it and {_SAVE_AS}")
    if _WEB_PAGE.match(content.removeprefix(b"\xef\xbb\xbf")):
        raise NotATable(
            f"it is a web page, whatever its name ends with: open it in a spreadsheet and "
            f"{_SAVE_AS}"
        )
    if content.startswith(b"PK"):
        return _xlsx(content)
    return _csv(_decoded(content))


def _decoded(content: bytes) -> str:
    """The text of a file. Raises `NotATable` for what is none, or in two encodings."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        elif content[1:2] == b"\0":
            text = content.decode("utf-16-le")
        elif content[:1] == b"\0":
            text = content.decode("utf-16-be")
        else:
            text = _eight_bits(content)
    except UnicodeDecodeError as error:
        raise NotATable(
            f"it is neither UTF-8 nor GB18030 nor UTF-16: byte {error.start}; {_SAVE_AS}"
        ) from None
    if "\0" in text:
        raise NotATable(f"it is no text, for it has bytes of nought; {_SAVE_AS}")
    return text


def _eight_bits(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What is joined of two files would be read as GB18030, too, and be nonsense.
        for number, line in enumerate(content.splitlines(), start=1):
            if _is_chinese_utf8(line):
                raise NotATable(
                    f"line {number} is UTF-8, others are not; {_SAVE_AS} as a whole"
                ) from None
        return content.decode("gb18030")


def _is_chinese_utf8(line: bytes) -> bool:
    try:
        return _CHINESE.search(line.decode()) is not None
    except UnicodeDecodeError:
        return False


def _csv(text: str) -> Sheet:
    """The records of a CSV, which are the rows that a spreadsheet shows. Raises `NotATable`."""
    separator = _separator(text.splitlines())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        rows.extend([_unwrapped(cell.strip()) for cell in cells] for cells in reader)
    except csv.Error as error:
        row = len(rows) + 1
        raise NotATable(f"this is not CSV: row {row}: {csv_words(error)}") from None
    if len(rows) > MOST_ROWS:
        raise _too_many(f"A{len(rows)}")
    return rows


def _separator(lines: Sequence[str]) -> str:
    """What separates cells: what the first line has most of that has cells and is not blank."""
    for line in lines:
        if line.strip(" ,;\t") and any(each in line for each in _SEPARATORS):
            return max(_SEPARATORS, key=line.count)
    return ","


def _unwrapped(cell: str) -> str:
    """A cell without what keeps spreadsheets from changing it: `="0833"`, `'=1+1`."""
    around = _FORMULA_AROUND_TEXT.fullmatch(cell)
    if around is not None:
        return around[1]
    if _KEPT_AS_TEXT.match(cell):
        return cell[1:]
    return cell


def _xlsx(content: bytes) -> Sheet:
    """The rows of the first sheet with something on it. Raises `NotATable`."""
    # Only here: what starts a server, and most commands, read no spreadsheet.
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive)
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            for n in range(len(book.sheet_names)):
                sheet = book.get_sheet_by_index(n)
                if sheet.height:
                    return sheet.to_python(skip_empty_area=False)
    except (CalamineError, *_DAMAGED):
        raise NotATable(f"it is a damaged .xlsx: open it in a spreadsheet and {_SAVE_AS}") from None
    raise NotATable("there is no row")


def _check_archive(archive: zipfile.ZipFile) -> None:
    """Raise `NotATable` for an archive that is no workbook, or whose cells would fill the memory.

    The library makes room for every cell between the first and the last before it is asked how many
    there are.
    """
    inside = archive.namelist()
    if "xl/workbook.xml" not in inside:
        what = next((what for name, what in _IN_ARCHIVES if name in inside), "packed (ZIP)")
        raise NotATable(f"it is no table but {what}: open it and {_SAVE_AS}")
    if sum(each.file_size for each in archive.infolist()) > _MOST_UNPACKED:
        raise NotATable(f"it is bigger than {_MOST_UNPACKED // 1_000_000} MB unpacked; divide it")
    for name in inside:
        if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
            continue
        for found in _CELL.finditer(archive.read(name)):
            column, row = found["column"].decode(), int(found["row"])
            if row > MOST_ROWS or _number_of(column) > _MOST_COLUMNS:
                raise _too_many(f"{column}{row}")
            if b't="e"' in found[0]:
                raise NotATable(f"cell {column}{row} shows an error, such as #REF!; correct it")


def _too_many(cell: str) -> NotATable:
    return NotATable(
        f"it has more than {MOST_ROWS:,} rows or {_MOST_COLUMNS} columns (cell {cell}); divide it"
    )


def _number_of(letters: str) -> int:
    """The number of a column, from 1."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
