"""Doubts: which values of a spot are to be shown with care, and why.

Told by the dates of its sources, its precision and its confidence.
"""

from collections.abc import Mapping
from enum import StrEnum

from scenic_data.model import Precision, Spot
from scenic_data.reference import Source


class Doubt(StrEnum):
    """Why a value is to be shown with care."""

    COARSE = "coarse"
    OLD = "old"
    UNSURE = "unsure"


_CHANGES = frozenset({"price", "ticket", "hours", "phone", "free_entry"})
"""The groups that change from year to year; a level or a place of ten years ago is seldom wrong."""

_OLD_AFTER = 2
"""Years between the newest source of such a group and the day on which the facts were gathered."""


def doubts(spot: Spot, known: Mapping[str, Source]) -> dict[str, tuple[Doubt, str | None]]:
    """For each doubtful group of fields why, and the date of its newest source, `YYYY` or
    longer."""
    found: dict[str, tuple[Doubt, str | None]] = {}
    for group, keys in spot.sources.items():
        newest = _newest((keys,) if isinstance(keys, str) else keys, known)
        why = _why(spot, group, newest)
        if why is not None:
            found[group] = why, newest
    return found


def _why(spot: Spot, group: str, newest: str | None) -> Doubt | None:
    if group == "position" and spot.position.precision is not Precision.SPOT:
        return Doubt.COARSE
    if group in _CHANGES and newest is not None and spot.as_of.year - int(newest[:4]) >= _OLD_AFTER:
        return Doubt.OLD
    return Doubt.UNSURE if spot.confidence.get(group) == "low" else None


def _newest(keys: tuple[str, ...], known: Mapping[str, Source]) -> str | None:
    dates = [source.date for key in keys if (source := known.get(key)) and source.date]
    return max(dates, default=None)
