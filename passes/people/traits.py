"""Traits: what a pass keeps of its holder for reports, so that nobody need open sealed data.

Coarse on purpose: where the number of an ID card was first given, to the city, and an age band.
They stay when the holder is erased.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.people.identity import DocumentKind, Identity


class AgeBand(StrEnum):
    """How old the holder was when the pass was issued, in full years."""

    UNDER_6 = "0-5"
    UNDER_14 = "6-13"
    UNDER_18 = "14-17"
    UNDER_60 = "18-59"
    UNDER_65 = "60-64"
    FROM_65 = "65+"


_UNTIL = (
    (6, AgeBand.UNDER_6),
    (14, AgeBand.UNDER_14),
    (18, AgeBand.UNDER_18),
    (60, AgeBand.UNDER_60),
    (65, AgeBand.UNDER_65),
)


@dataclass(frozen=True, slots=True)
class Traits:
    """`origin` is the first four digits of a resident ID number, an adcode of GB/T 2260 of its
    time: province and city. None is unknown."""

    origin: str | None = None
    age_band: AgeBand | None = None


def traits_of(identity: Identity, day: date) -> Traits:
    """The traits of a person on a business day."""
    resident = identity.kind is DocumentKind.RESIDENT
    age = identity.age_on(day)
    band = next((band for below, band in _UNTIL if age < below), AgeBand.FROM_65)
    return Traits(origin=identity.number[:4] if resident else None, age_band=band)
