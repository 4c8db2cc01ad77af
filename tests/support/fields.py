"""Asserts about several fields of one thing, so that a failure names the field that is wrong."""

from collections.abc import Mapping
from typing import Any


def assert_fields(found: object, **expected: Any) -> None:
    """The named attributes of an object, or entries of a JSON object, are as expected."""
    actual = {name: _field(found, name) for name in expected}
    assert actual == expected


def _field(found: object, name: str) -> Any:
    if isinstance(found, Mapping):
        return found[name]
    return getattr(found, name)
