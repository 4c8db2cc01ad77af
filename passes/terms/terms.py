"""Terms: what a pass allows, copied from its product when it is issued and never changed after.

Knows the shape of terms and the simple questions they answer; what follows at a gate is in `rules`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol


class Payment(StrEnum):
    """When the visitor pays."""

    PAID = "paid"
    AT_WINDOW = "at_window"


class SpotFacts(Protocol):
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


class Unactivated(StrEnum):
    """What becomes of a pass that its holder did not activate in time."""

    STARTS = "starts"
    LAPSES = "lapses"


@dataclass(frozen=True, slots=True)
class Term:
    """When a pass is valid: on the days of `dates`, or for `days` days from its first day; exactly one is set.

    With `activate_within`, which goes with `days` alone, the holder chooses the first day within so many days after
    that of issue, by activating the pass.
    """

    dates: DateRange | None = None
    days: int | None = None
    activate_within: int | None = None
    unactivated: Unactivated = Unactivated.STARTS

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

    def covers(self, spot: SpotFacts) -> bool:
        """Whether the pass opens this spot."""
        return spot.id not in self.excluded and (
            spot.id in self.spots or not self.tags.isdisjoint(spot.tags)
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a pass admits; None means without limit. A visit is one admission, whatever the party."""

    per_spot_day: int | None = 1
    per_spot: int | None = None
    total: int | None = None
    days: int | None = None
    minutes_between: int | None = None


@dataclass(frozen=True, slots=True)
class SpotLimits:
    """Limits at one spot, instead of those of the same name."""

    per_spot_day: int | None = 1
    per_spot: int | None = None


@dataclass(frozen=True, slots=True)
class Blackout:
    """Days on which a pass admits nowhere; weekdays are ISO numbers, Monday is 1."""

    dates: tuple[DateRange, ...] = ()
    weekdays: frozenset[int] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays or any(day in span for span in self.dates)


@dataclass(frozen=True, slots=True)
class Season:
    """Days of every year, `MM-DD`, both included; one that ends before it starts runs over New Year."""

    start: str
    end: str

    def __contains__(self, day: date) -> bool:
        today = f"{day:%m-%d}"
        if self.start <= self.end:
            return self.start <= today <= self.end
        return today >= self.start or today <= self.end


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is agreed to be paid to a spot for each admission, in fen: its own fee, or else the usual one."""

    fee_fen: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Party:
    """One visit admits up to `admits` people, of whom `pays` pay: buy one, get one free is 2 and 1.

    `each_fen` is what each of these pays at a window, if it was said.
    """

    admits: int = 1
    pays: int = 1
    each_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that decides where, when and how often a pass admits."""

    term: Term
    coverage: Coverage
    limits: Limits = field(default_factory=Limits)
    overrides: Mapping[str, SpotLimits] = field(default_factory=dict)
    blackout: Blackout = field(default_factory=Blackout)
    season: tuple[Season, ...] = ()
    """When in the year it admits; always, if there is none."""
    party: Party = field(default_factory=Party)
    payment: Payment = Payment.PAID
    settlement: Settlement = field(default_factory=Settlement)

    def limits_at(self, spot_id: str) -> Limits:
        """The limits as they are at a spot."""
        special = self.overrides.get(spot_id)
        if special is None:
            return self.limits
        return replace(self.limits, per_spot_day=special.per_spot_day, per_spot=special.per_spot)

    def admits_on(self, day: date) -> bool:
        """Whether the pass admits anywhere on a day: none of its blackout, and in its season."""
        return day not in self.blackout and (
            not self.season or any(day in season for season in self.season)
        )


def missing_from(coverage: Coverage, spots: Iterable[SpotFacts]) -> list[str]:
    """The spots and tags that a coverage names and that none of these spots is or has, in order."""
    ids, tags = set[str](), set[str]()
    for spot in spots:
        ids.add(spot.id)
        tags |= spot.tags
    return [f"spot {slug}" for slug in sorted((coverage.spots | coverage.excluded) - ids)] + [
        f"tag {tag}" for tag in sorted(coverage.tags - tags)
    ]
