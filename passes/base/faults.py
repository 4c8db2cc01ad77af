"""Validation: what pydantic finds wrong, in words for whoever wrote the input."""

import re
from collections.abc import Iterator

from pydantic import ValidationError

_WORDS = {
    "model_type": "fields with names are needed",
    "model_attributes_type": "fields with names are needed",
    "dict_type": "fields with names are needed",
    "tuple_type": "a list is needed",
    "missing": "is missing",
    "too_short": "at least one is needed",
    "extra_forbidden": "is not known here",
}


def faults_of(error: ValidationError, root: str = "") -> Iterator[tuple[str, str]]:
    """Where each fault is, as a dotted path below `root`, and what to mend."""
    for fault in error.errors():
        parts = [
            str(part) for part in fault["loc"] if not re.search(r"[\[(]|^_", str(part))
        ]  # no names of types
        path = ".".join([root, *parts] if root else parts)
        yield path, _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
