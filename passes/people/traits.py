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


_BELOW = (
    (6, AgeBand.UNDER_6),
    (14, AgeBand.UNDER_14),
    (18, AgeBand.UNDER_18),
    (60, AgeBand.UNDER_60),
    (65, AgeBand.UNDER_65),
)


@dataclass(frozen=True, slots=True)
class Traits:
    """What reports need to know of a holder; None is unknown.

    `origin` is the first four digits of a resident ID number: an adcode of GB/T 2260 of its time,
    for province and city.
    """

    origin: str | None = None
    age_band: AgeBand | None = None


def traits_of(identity: Identity, day: date) -> Traits:
    """The traits of a person on a business day."""
    origin = None
    if identity.kind is DocumentKind.RESIDENT:
        origin = identity.number[:4]
    return Traits(origin, _age_band(identity.age_on(day)))


def _age_band(age: int) -> AgeBand:
    for below, band in _BELOW:
        if age < below:
            return band
    return AgeBand.FROM_65
