"""Tables: rows written as CSV or XLSX, so that spreadsheets show them as they are.

What is text stays text there: nothing is calculated, however it begins. `passes.files.rows` reads
what is written here.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

Rows = Sequence[Mapping[str, Any]]
"""Rows of the same columns: text, numbers, truth values, days, or None."""

_CALCULATED = re.compile("'?[=+@-].|''", re.DOTALL)
"""How text begins that a spreadsheet would calculate when it opens a CSV, and what would be taken
for text with a ' in front of it."""

_AS_IT_IS = {
    "default_date_format": "yyyy-mm-dd",
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write_table(rows: Rows, file: Path) -> None:
    """Write rows into a file that ends with `.csv` or `.xlsx`. Raises `OSError`."""
    if file.suffix.lower() == ".xlsx":
        write_xlsx(rows, file)
    else:
        write_csv(rows, file)


def write_csv(rows: Rows, file: Path) -> None:
    """Write rows with a byte order mark, by which spreadsheet programs know UTF-8. Raises
    `OSError`."""
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        print_csv(rows, out)


def print_csv(rows: Rows, out: TextIO) -> None:
    """Write rows as CSV to a stream."""
    columns = list(rows[0]) if rows else []
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _as_text(value) for column, value in row.items()})


def write_xlsx(rows: Rows, file: Path) -> None:
    """Write rows as the first sheet of a spreadsheet. Raises `OSError`."""
    with new_workbook(file) as book:
        sheet = book.add_worksheet()
        if rows:
            sheet.write_row(0, 0, list(rows[0]))
        for n, row in enumerate(rows, start=1):
            sheet.write_row(n, 0, list(row.values()))
        sheet.freeze_panes(1, 0)
        sheet.autofit()


@contextmanager
def new_workbook(file: Path) -> Iterator[Any]:
    """A spreadsheet, written when it is left, in which text stays text. Raises `OSError`."""
    # Only here: most commands write no spreadsheet.
    import xlsxwriter  # noqa: PLC0415

    try:
        with xlsxwriter.Workbook(file, _AS_IT_IS) as book:
            yield book
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] from None


def _as_text(value: Any) -> Any:
    """The value as a CSV has it; text that would be calculated has a ' in front."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and _CALCULATED.match(value):
        return f"'{value}"
    return value
