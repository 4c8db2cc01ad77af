"""What a validation library finds wrong, in words for whoever wrote the input.

Shared by every edge (HTTP, files, settings). Each fault names the field and says what to write
there. Knows no library: anything that lists its errors as pydantic does will do.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from passes.base import forms

_FIELDS = "fields with names are needed"
_LIST = "a list is needed"
_TEXT = "text is needed; a value such as 511181 stands in quotes"
_WHOLE_NUMBER = "a whole number is needed, such as 3"
_NUMBER = "a number is needed, such as 3.5"
_YES_OR_NO = "write true or false"
_DAY = "write a day that exists, as 2026-10-01"
_INSTANT = "write a moment that exists, with its offset, as 2026-07-01T10:00:00+08:00"

_WORDS: dict[str, str] = {
    # the type of an error in pydantic: what to tell instead
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "none_required": "leave it out",
    "ip_any_network": "write an address or a network, such as 10.0.0.7 or 10.0.0.0/8",
}
_FAMILIES: dict[str, str] = {
    # how the types of errors begin that mean the same to people
    "model": _FIELDS,
    "dict": _FIELDS,
    "mapping": _FIELDS,
    "dataclass": _FIELDS,
    "tuple": _LIST,
    "list": _LIST,
    "set": _LIST,
    "frozen_set": _LIST,
    "iterable": _LIST,
    "string": _TEXT,
    "bytes": _TEXT,
    "int": _WHOLE_NUMBER,
    "float": _NUMBER,
    "decimal": _NUMBER,
    "finite_number": _NUMBER,
    "bool": _YES_OR_NO,
    "datetime": _INSTANT,
    "date": _DAY,
    "timezone": _INSTANT,
    "time": "write a time of day, as 08:30",
}
_ELSE = "cannot be used here"

_Limits = Mapping[str, Any]


def _at_most_so_long(limits: _Limits) -> str:
    return f"has more than {limits['max_length']} characters"


def _at_least_so_long(limits: _Limits) -> str:
    least = limits["min_length"]
    if least == 1:
        return "is empty"
    return f"has fewer than {least} characters"


def _at_least_so_many(limits: _Limits) -> str:
    least = limits["min_length"]
    if least == 1:
        return "at least one is needed"
    return f"at least {least} are needed"


def _one_of(limits: _Limits) -> str:
    values = re.findall(r"'([^']*)'", str(limits["expected"]))
    if len(values) == 1:
        return f"write {values[0]}"
    return f"write one of {', '.join(values)}"


def _not_json(limits: _Limits) -> str:
    place = re.search(r"line \d+ column \d+", str(limits["error"]))
    if place is None:
        return "is no JSON"
    return f"is no JSON from {place[0].replace(' column', ', column')} on"


_BY_LIMITS: dict[str, Callable[[_Limits], str]] = {
    "string_too_long": _at_most_so_long,
    "string_too_short": _at_least_so_long,
    "string_pattern_mismatch": lambda limits: forms.WORDS.get(limits["pattern"], _ELSE),
    "too_short": _at_least_so_many,
    "too_long": lambda limits: f"at most {limits['max_length']} are allowed",
    "greater_than_equal": lambda limits: f"has to be at least {limits['ge']}",
    "greater_than": lambda limits: f"has to be more than {limits['gt']}",
    "less_than_equal": lambda limits: f"may be at most {limits['le']}",
    "less_than": lambda limits: f"has to be less than {limits['lt']}",
    "enum": _one_of,
    "literal_error": _one_of,
    "json_invalid": _not_json,
    "value_error": lambda limits: str(limits["error"]),
}
"""For errors whose words need the limits that the model sets."""

_NAME_OF_A_TYPE = re.compile(r"[\[(]|^_")
"""A part of a location that names a member of a union, such as `tuple[str]` or `_NativeOf`."""


class ListsErrors(Protocol):
    """An error that lists single errors, each with `loc`, `type`, and in `ctx` the limits."""

    def errors(self) -> Sequence[Any]:
        """The single errors."""


def faults_of(error: ListsErrors, root: str = "") -> Iterator[tuple[str, str]]:
    """Where each fault is, as a dotted path below `root`, and what to correct there."""
    for fault in error.errors():
        yield _path(fault["loc"], root), words_of(fault["type"], fault.get("ctx", {}))


def words_of(kind: str, limits: _Limits) -> str:
    """What to tell of an error of that type, with the limits that it names."""
    if kind in _BY_LIMITS and limits:
        return _BY_LIMITS[kind](limits)
    if kind in _WORDS:
        return _WORDS[kind]
    longest_first = sorted(_FAMILIES, key=len, reverse=True)
    for family in longest_first:
        if kind.startswith(f"{family}_") or kind == family:
            return _FAMILIES[family]
    return _ELSE


def _path(location: Sequence[str | int], root: str) -> str:
    """The dotted path of a location. What pydantic says there of types is no field: left out."""
    parts = map(str, location)
    fields = [part for part in parts if not _NAME_OF_A_TYPE.search(part)]
    if root:
        fields.insert(0, root)
    return ".".join(fields)
