"""Rows: tables as people save them, read into text by the name of the field.

CSV     UTF-8 with or without a byte order mark, UTF-16, or GB18030; cells separated by comma,
        semicolon or tab
XLSX    the first sheet that has something on it; formulas count as what they last showed

The headings stand in the first row that has one that is known, else in the first that is not blank.
Rows and columns are named as a spreadsheet shows them: row 1 is the top one, and blank rows are
counted but skipped. Values become text of one form: 18500, true, 2026-07-01, 2026-07-01 10:00.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from passes.base import typed
from passes.files.sheets import NotATable, Sheet, Value, read_sheet
from passes.files.spoilt import spoilt, written
from scenic_data.files import DataError

Names = Mapping[str, Sequence[str]]
"""For each field what its heading may be besides its own name."""

_HEADINGS_WITHIN = 10
"""So many rows that are not blank are looked at for headings: titles stand above them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with something in it: `number` is that of a spreadsheet, `where` names file and row,
    `cells` has what is filled."""

    number: int
    where: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file; `headings` has for each field the heading as it stands there."""

    headings: Mapping[str, str]
    rows: Sequence[Row]

    def column(self, field: str) -> str:
        """How a fault names the column of a field."""
        return f"column {self.headings.get(field, field)}"


def read_table(file: Path, names: Names, needed: Iterable[str] = ()) -> Table:
    """The table in a file. A heading that `names` does not have is a field of that name.

    Raises `DataError` naming file, row and column of every fault: a file that is no table or too
    big, a heading that stands twice, no row below the headings, no column for a `needed` field, and
    values that a spreadsheet has spoilt.
    """
    try:
        return _table(file.name, read_sheet(file), names, tuple(needed))
    except OSError as error:
        raise DataError([f"{file}: {error.strerror}"]) from None
    except NotATable as error:
        raise DataError([f"{file.name}: {error}"]) from None


def _table(name: str, sheet: Sheet, names: Names, needed: tuple[str, ...]) -> Table:
    filled = [
        (number, row) for number, row in enumerate(sheet, start=1) if any(map(_is_filled, row))
    ]
    if not filled:
        raise NotATable("there is no row")
    fields = {_key(each): field for field, also in names.items() for each in (field, *also)}
    top = _headings_among(filled[:_HEADINGS_WITHIN], fields)
    number, headings = filled[top]
    columns = {
        n: fields.get(_key(str(heading)), typed.plain(str(heading)))
        for n, heading in enumerate(headings)
        if _is_filled(heading)
    }
    faults = [
        f"{name}: {what}" for what in _column_faults(number, headings, columns, names, needed)
    ]
    rows = []
    for below, cells in filled[top + 1 :]:
        where = f"{name}: row {below}"
        faults += [f"{where}, {what}" for what in _cell_faults(cells, headings, columns)]
        found = {
            field: written(cells[n], field)
            for n, field in columns.items()
            if n < len(cells) and _is_filled(cells[n])
        }
        if found:
            rows.append(Row(below, where, found))
    if not faults and not rows:
        raise NotATable(f"there is no row below row {number}, which has the headings")
    if faults:
        raise DataError(faults)
    return Table({field: _shown(headings[n]) for n, field in columns.items()}, rows)


def _is_filled(value: Value) -> bool:
    return not isinstance(value, str) or bool(value.strip())


def _shown(heading: Value) -> str:
    """A heading on one line."""
    return " ".join(str(heading).split())


def _key(heading: str) -> str:
    """What makes two headings the same: no blanks, hyphens, marks or case, as `ID number*`."""
    return re.sub(r"[\s_*:-]", "", typed.slug(heading))


def _headings_among(rows: Sequence[tuple[int, Sequence[Value]]], fields: Mapping[str, str]) -> int:
    """Which of the rows has the headings."""
    for n, (_, cells) in enumerate(rows):
        if any(_key(str(cell)) in fields for cell in cells):
            return n
    return 0


def _column_faults(
    number: int,
    headings: Sequence[Value],
    columns: Mapping[int, str],
    names: Names,
    needed: tuple[str, ...],
) -> Iterator[str]:
    """What is wrong with the headings in that row."""
    first: dict[str, int] = {}
    for n, field in columns.items():
        if first.setdefault(field, n) != n:
            earlier, later = _shown(headings[first[field]]), _shown(headings[n])
            yield f"the columns {earlier!r} and {later!r} are the same"
    missing = [field for field in needed if field not in first]
    if missing:
        called = [" or ".join((field, *names.get(field, ())[:1])) for field in missing]
        yield f"there is no column {', no column '.join(called)}; row {number} has the headings"


def _cell_faults(
    cells: Sequence[Value], headings: Sequence[Value], columns: Mapping[int, str]
) -> Iterator[str]:
    """What is wrong with the cells of a row, whatever they should say."""
    for n, cell in enumerate(cells):
        if not _is_filled(cell):
            continue
        if n not in columns:
            yield f"column {_letters(n + 1)}: there is no heading above it"
        elif what := spoilt(cell, columns[n]):
            yield f"column {_shown(headings[n])}: {what}"


def _letters(number: int) -> str:
    """The letters of a column, from 1: A, …, Z, AA."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
