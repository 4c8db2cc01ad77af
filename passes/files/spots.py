"""Spots in files: YAML and JSON as `scenic_data.files` reads them, and tables, read and written.

A table has a row a spot and a column a field, such as `price.peak_fen`, or as `headings.SPOTS`
calls it. In a cell:

    nothing         says nothing: what is known stays
    null            says that it is not known
    a|b             the items of a list
    [{"who": …}]    JSON, for lists of groups, and for items with a `|` in them
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from passes.base import typed
from passes.files import headings
from passes.files.rows import Table, read_table
from passes.files.spoilt import DAYS
from scenic_data import files
from scenic_data.files import DataError, FileRecord
from scenic_data.model import Spot

TABLES = (".csv", ".tsv", ".xlsx", ".xls")
"""How the names of tables end; what they are follows from their content."""

_LISTS = ("aliases", "phones", "season", "closed_weekdays", "images")
_LISTS_OF_GROUPS = ("free_entry", "notices")
_SOURCES = "sources."


def read_spots(path: Path) -> list[FileRecord]:
    """The records of a file, or of the YAML files of a folder. Raises `DataError`."""
    if path.is_dir():
        return files.read_folder(path)
    if path.suffix.lower() not in TABLES:
        return files.read_records(path)
    table = read_table(path, headings.SPOTS)
    _check_columns(table, path.name)
    return _records(table)


def _check_columns(table: Table, name: str) -> None:
    """Raise `DataError` for columns that no spot has."""
    known = {each: field for field, also in headings.SPOTS.items() for each in (field, *also)}
    faults = []
    for field, heading in table.headings.items():
        if field in headings.SPOTS:
            continue
        near = typed.likest(field, known)
        if "元" in heading or "yuan" in heading.lower():
            near = "; prices are in fen: price.peak_fen (旺季票价（分）), 18500 for 185 yuan"
        faults.append(f"{name}: there is no column {heading!r} of spots{near}")
    if faults:
        raise DataError(faults)


def _records(table: Table) -> list[FileRecord]:
    records, faults = [], []
    for row in table.rows:
        where = f"{row.where} ({row.cells.get('id', 'without id')})"
        fields: dict[str, Any] = {}
        for field, cell in row.cells.items():
            try:
                _put(fields, field, _read(field, cell))
            except (ValueError, RecursionError):
                faults.append(
                    f"{where}, {table.column(field)}: write a list as JSON, as exports do"
                )
        records.append(FileRecord(where, fields, table.headings))
    if faults:
        raise DataError(faults)
    return records


def _put(fields: dict[str, Any], dotted: str, value: Any) -> None:
    """`name.zh` becomes a field `zh` in a field `name`."""
    *groups, name = dotted.split(".")
    for group in groups:
        fields = fields.setdefault(group, {})
    fields[name] = value


def _read(field: str, cell: str) -> Any:
    """What a cell says. Raises `ValueError` for what should be JSON and is not."""
    if cell == "null":
        return None
    has_items = field in _LISTS or field.startswith(_SOURCES)
    if field in _LISTS_OF_GROUPS or (has_items and cell.startswith("[")):
        return json.loads(cell)
    if field in _LISTS or (has_items and "|" in cell):
        return [item.strip() for item in cell.split("|")]
    return cell


def spot_rows(spots: Iterable[Spot], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each spot, with the columns that any of them fills; `names` has their headings by
    field. Read again, the rows say what the spots are."""
    flat = [dict(_cells(spot.model_dump(mode="json", exclude_none=True))) for spot in spots]
    filled = [field for field in headings.SPOTS if any(field in row for row in flat)]
    return [{names[field]: row.get(field) for field in filled} for row in flat]


def _cells(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The cells of a spot that say something, by dotted field."""
    for name, value in fields.items():
        field = prefix + name
        if isinstance(value, Mapping):
            yield from _cells(value, f"{field}.")
        elif value != []:
            yield field, _cell(field, value)


def _cell(field: str, value: Any) -> Any:
    if field in DAYS:
        return date.fromisoformat(value)
    if not isinstance(value, list):
        return value
    if field in _LISTS_OF_GROUPS:
        return json.dumps(value, ensure_ascii=False)
    items = [str(item) for item in value]
    joined = "|".join(items)
    # What would be read otherwise than it is meant is written as JSON.
    return joined if _is_read_as(field, joined, items) else json.dumps(items, ensure_ascii=False)


def _is_read_as(field: str, cell: str, items: list[str]) -> bool:
    try:
        return bool(_read(field, cell) == items)
    except ValueError:
        return False
