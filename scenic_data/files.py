"""Files of data: lists of records in YAML and JSON, which say where they stand, not yet checked.

Tables of spots, which operators save as CSV and XLSX, are read by `passes.files.spots`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from passes.base import typed
from passes.base.unreadable import (
    NOT_UTF8,
    WIDE_COLON,
    json_words,
    wide_colon,
    yaml_words,
)

DATA = Path(__file__).parent / "data"
"""The data files that the project ships."""

_DEEPEST = 50


class DataError(Exception):
    """Data files that cannot be used. Each of `faults` names file, record, field and what to
    mend."""

    def __init__(self, faults: list[str]) -> None:
        """`faults` is not empty."""
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What stands at one place of a file; `where` names file, number and id."""

    where: str
    fields: dict[str, Any]
    headings: Mapping[str, str] = field(default_factory=dict)
    """In a table the headings of the columns, by dotted field."""

    def at(self, path: str) -> str:
        """Where a fault of that field is."""
        for name, heading in self.headings.items():
            if f"{path}.".startswith(f"{name}."):
                return f"{self.where}, column {heading}"
        return f"{self.where}: {path}"

    @property
    def id(self) -> str | None:
        """The id, if the record has one that may be one."""
        found = self.fields.get("id")
        return typed.slug(found) if isinstance(found, str) else None


def read_folder(folder: Path) -> list[FileRecord]:
    """The records of the YAML files of a folder. Raises `DataError` with every fault of every
    file."""
    records: list[FileRecord] = []
    faults: list[str] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            records += read_records(file)
        except DataError as error:
            faults += error.faults
    if not records and not faults:
        faults = [f"{folder}: there is no data file"]
    if faults:
        raise DataError(faults)
    return records


def read_records(file: Path) -> list[FileRecord]:
    """The records of a file, by its ending. Raises `DataError` for what is no list of records."""
    readers = {".yaml": load_yaml, ".yml": load_yaml, ".json": load_json}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        endings = f"{', '.join(readers)}, that of a table with .csv or .xlsx"
        raise DataError([f"{file.name}: a file name ends with {endings}"])
    found = reader(file)
    if not isinstance(found, list):
        raise DataError([f"{file.name}: a list of spots is needed"])
    if not found:
        raise DataError([f"{file.name}: there is no record"])
    records, faults = [], []
    for number, fields in enumerate(found, start=1):
        name = fields.get("id") if isinstance(fields, dict) else None
        where = f"{file.name}: record {number} ({name or 'without id'})"
        if isinstance(fields, dict):
            records.append(FileRecord(where, fields))
        else:
            faults.append(f"{where}: record: fields with names are needed")
    if faults:
        raise DataError(faults)
    return records


def load_yaml(file: Path) -> Any:
    """What a YAML file holds. Raises `DataError` naming file and line."""
    text = _text(file)
    try:
        _refuse_deep(text)
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        _refuse_wide_colon(file, text)
        mark = error.problem_mark or error.context_mark
        line = f" in line {mark.line + 1}" if mark else ""
        what = yaml_words(str(error.problem))
        raise DataError([f"{file.name}: this cannot be read as YAML{line}: {what}"]) from None
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        what = yaml_words(" ".join(str(error).split()))
        raise DataError([f"{file.name}: this cannot be read as YAML: {what}"]) from None
    if isinstance(found, str):  # the whole file is one word: no field was found in it
        _refuse_wide_colon(file, text)
    return found


def _refuse_wide_colon(file: Path, text: str) -> None:
    line = wide_colon(text)
    if line is not None:
        raise DataError([f"{file.name}: line {line}: {WIDE_COLON}"])


def load_json(file: Path) -> Any:
    """What a JSON file holds. Raises `DataError` naming file and line."""
    try:
        return json.loads(_text(file), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError([f"{file.name}: this is not JSON: {json_words(error)}"]) from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"this is not UTF-8: byte {error.start}: {NOT_UTF8}"
        raise DataError([f"{file.name}: {what}"]) from None
    except OSError as error:
        raise DataError([f"{file}: {error.strerror}"]) from None


def _refuse_deep(text: str) -> None:
    """Raise `ValueError` for nesting that would overflow the stack of the C parser, which cannot
    raise."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader with the plain values of YAML 1.2: `yes` and `2026-10-01` are words,
    `1:30` is no number.

    It also refuses a key that stands twice in one mapping.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?[0-9]{1,18}", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one record")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
