"""Traits: what a pass keeps of its holder for reports, so that nobody need open sealed data.

Coarse on purpose: where the number of an ID card was first given, to the city, and an age band.
They stay when the holder is erased.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.base.text import Text
from passes.people.identity import DocumentKind, Identity

OLDEST = 120
"""The greatest age that anybody reckons with, in full years."""


class AgeBand(StrEnum):
    """How old the holder was when the pass was issued, in full years."""

    UNDER_6 = "0-5"
    UNDER_14 = "6-13"
    UNDER_18 = "14-17"
    UNDER_60 = "18-59"
    UNDER_65 = "60-64"
    FROM_65 = "65+"

    @property
    def ages(self) -> tuple[int, int]:
        """The first and the last age that it covers."""
        if self is AgeBand.FROM_65:
            return 65, OLDEST
        first, _, last = self.value.partition("-")
        return int(first), int(last)


_BELOW = (
    (6, AgeBand.UNDER_6),
    (14, AgeBand.UNDER_14),
    (18, AgeBand.UNDER_18),
    (60, AgeBand.UNDER_60),
    (65, AgeBand.UNDER_65),
)


CATEGORIES: Mapping[AgeBand, Text] = {
    AgeBand.UNDER_6: Text("幼儿票", "infant"),
    AgeBand.UNDER_14: Text("儿童票", "child"),
    AgeBand.UNDER_18: Text("少年票", "youth"),
    AgeBand.UNDER_60: Text("成人票", "adult"),
    AgeBand.UNDER_65: Text("长者票", "senior, 60 to 64"),
    AgeBand.FROM_65: Text("长者票", "senior, 65 and over"),
}
"""What staff at a gate are told of the holder's age."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The day on which the holder comes into another age band."""

    on: date
    age_band: AgeBand


@dataclass(frozen=True, slots=True)
class Traits:
    """What reports need to know of a holder; None is unknown.

    `origin` is the first four digits of a resident ID number: an adcode of GB/T 2260 of its time,
    for province and city.
    """

    origin: str | None = None
    age_band: AgeBand | None = None
    turns: tuple[Turn, ...] = ()
    """When they come into another age band while the pass is valid."""
    turns_until: date | None = None
    """Up to which day all turns are known; None if that is not known itself."""

    def age_band_on(self, day: date) -> AgeBand | None:
        """The age band on a day that is not before the issue."""
        band = self.age_band
        for turn in self.turns:
            if turn.on <= day:
                band = turn.age_band
        return band

    def ages_on(self, day: date) -> tuple[int, int] | None:
        """Between which ages they surely are on a day that is not before the issue; None if
        nothing is known. Where a turn may be missing they may be of any greater age."""
        band = self.age_band_on(day)
        if band is None:
            return None
        first, last = band.ages
        sure = self.turns_until is not None and day <= self.turns_until
        return first, last if sure else OLDEST


def traits_of(identity: Identity, day: date, until: date | None = None) -> Traits:
    """The traits of a person on a business day, with the turns up to another day."""
    origin = None
    if identity.kind is DocumentKind.RESIDENT:
        origin = identity.number[:4]
    last_day = until or day
    turns = _turns(identity, day, last_day)
    return Traits(origin, _age_band(identity.age_on(day)), turns, last_day)


def _turns(identity: Identity, day: date, until: date) -> tuple[Turn, ...]:
    years = (age for age, _ in _BELOW)
    birthdays = ((age, _birthday(identity.born, age)) for age in years)
    return tuple(Turn(on, _age_band(age)) for age, on in birthdays if day < on <= until)


def _birthday(born: date, age: int) -> date:
    """The day on which somebody is so many years old; of 29 February, 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def _age_band(age: int) -> AgeBand:
    for below, band in _BELOW:
        if age < below:
            return band
    return AgeBand.FROM_65
