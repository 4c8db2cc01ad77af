"""Fields of a value that are told of it in memory and are never part of its document."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

IN_MEMORY: Mapping[str, bool] = {"in_memory": True}
"""The metadata of a dataclass field that a store sets when it reads, and does not write."""


def stored_fields(kind: Any) -> list[Field[Any]]:
    """The fields of a dataclass that its documents have."""
    return [each for each in fields(kind) if "in_memory" not in each.metadata]
