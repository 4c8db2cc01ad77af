"""What a validation library finds wrong, in words for whoever wrote the input.

Shared by every edge (HTTP, files, settings). Knows no library: anything that lists its errors as
pydantic does will do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

_WORDS = {
    # the type of an error in pydantic: what to tell instead
    "model_type": "fields with names are needed",
    "model_attributes_type": "fields with names are needed",
    "dict_type": "fields with names are needed",
    "tuple_type": "a list is needed",
    "missing": "is missing",
    "too_short": "at least one is needed",
    "extra_forbidden": "is not known here",
}
_NAME_OF_A_TYPE = re.compile(r"[\[(]|^_")
"""A part of a location that names a member of a union, such as `tuple[str]` or `_NativeOf`."""


class ListsErrors(Protocol):
    """An error that lists single errors, each with `loc`, `type` and `msg`."""

    def errors(self) -> Sequence[Any]:
        """The single errors."""


def faults_of(error: ListsErrors, root: str = "") -> Iterator[tuple[str, str]]:
    """Where each fault is, as a dotted path below `root`, and what to correct there."""
    for fault in error.errors():
        yield _path(fault["loc"], root), _what(fault)


def _path(location: Sequence[str | int], root: str) -> str:
    """The dotted path of a location. What pydantic says there of types is no field: left out."""
    parts = map(str, location)
    fields = [part for part in parts if not _NAME_OF_A_TYPE.search(part)]
    if root:
        fields.insert(0, root)
    return ".".join(fields)


def _what(fault: Mapping[str, Any]) -> str:
    return _WORDS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))
