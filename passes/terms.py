"""Terms: what a pass allows, copied from its product when it is issued and never changed after.

Knows the shape of terms and the simple questions they answer; what follows at a gate is in `rules`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol


class Payment(StrEnum):
    """When the visitor pays."""

    PAID = "paid"
    AT_WINDOW = "at_window"


class Spot(Protocol):
    """What the rules need to know of a scenic spot."""

    @property
    def id(self) -> str:
        """Its slug."""

    @property
    def tags(self) -> frozenset[str]:
        """What a product may cover it by, such as `sichuan`, `5A` or `ancient_town`."""

    def open_on(self, day: date) -> bool:
        """Whether it takes visitors on that business day."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """Business days from `start` to `end`, both included."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


LONGEST_TERM = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Term:
    """When a pass is valid: on the days of `dates`, or for `days` days from its first day; exactly one is set."""

    dates: DateRange | None = None
    days: int | None = None

    def starting(self, first: date) -> DateRange:
        """The valid days of a pass issued on (or for) the day `first`."""
        if self.dates is not None:
            return self.dates
        return DateRange(first, first + timedelta(days=(self.days or 1) - 1))


@dataclass(frozen=True, slots=True)
class Coverage:
    """The spots a pass opens: those named, and those with any of the `tags`; never those `excluded`."""

    spots: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def covers(self, spot: Spot) -> bool:
        """Whether the pass opens this spot."""
        return spot.id not in self.excluded and (spot.id in self.spots or not self.tags.isdisjoint(spot.tags))


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a pass admits; None means without limit. A visit is one admission, whatever the party."""

    per_spot_day: int | None = 1
    per_spot: int | None = None
    total: int | None = None
    days: int | None = None
    minutes_between: int | None = None


@dataclass(frozen=True, slots=True)
class Blackout:
    """Days on which a pass admits nowhere; weekdays are ISO numbers, Monday is 1."""

    dates: tuple[DateRange, ...] = ()
    weekdays: frozenset[int] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays or any(day in span for span in self.dates)


@dataclass(frozen=True, slots=True)
class Party:
    """One visit admits up to `admits` people, of whom `pays` pay: buy one, get one free is 2 and 1."""

    admits: int = 1
    pays: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that decides where, when and how often a pass admits."""

    term: Term
    coverage: Coverage
    limits: Limits = field(default_factory=Limits)
    blackout: Blackout = field(default_factory=Blackout)
    party: Party = field(default_factory=Party)
    payment: Payment = Payment.PAID


def missing_from(coverage: Coverage, spots: Iterable[Spot]) -> list[str]:
    """The spots and tags that a coverage names and that none of these spots is or has, in order."""
    ids, tags = set[str](), set[str]()
    for spot in spots:
        ids.add(spot.id)
        tags |= spot.tags
    return [f"spot {slug}" for slug in sorted((coverage.spots | coverage.excluded) - ids)] + [
        f"tag {tag}" for tag in sorted(coverage.tags - tags)
    ]
