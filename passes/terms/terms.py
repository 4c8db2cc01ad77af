"""Terms: what a pass allows. They belong to an edition of a product, which is never changed.

Knows the shape of terms and the simple questions they answer; what follows at a gate is in
`passes.admission.rules`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

from passes.base import typed


class Payment(StrEnum):
    """When the visitor pays."""

    PAID = "paid"
    AT_WINDOW = "at_window"


class SpotFacts(Protocol):
    """What terms and rules need to know of a scenic spot; the catalogue has it."""

    @property
    def id(self) -> str:
        """Its slug."""

    @property
    def tags(self) -> frozenset[str]:
        """What a product may cover it by, such as `sichuan`, `5A` or `ancient_town`.

        A part of a bigger entry bears the tags of that whole, too, and its id.
        """

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
"""About ten years."""


class Unactivated(StrEnum):
    """What becomes of a pass that its holder did not activate in time."""

    STARTS = "starts"
    LAPSES = "lapses"


@dataclass(frozen=True, slots=True)
class Term:
    """When a pass is valid: on the days of `dates`, or for `days` days from its first day. Exactly
    one of the two is set.

    With `activate_within`, which goes with `days` alone, the holder chooses the first day by
    activating the pass, within so many days after that of issue.
    """

    dates: DateRange | None = None
    days: int | None = None
    activate_within: int | None = None
    unactivated: Unactivated = Unactivated.STARTS

    def starting(self, first: date) -> DateRange:
        """The valid days of a pass issued on (or for) the day `first`."""
        if self.dates is not None:
            return self.dates
        days_after_the_first = (self.days or 1) - 1
        return DateRange(first, first + timedelta(days=days_after_the_first))


@dataclass(frozen=True, slots=True)
class Coverage:
    """The spots that a pass opens: those named, and those with any of the `tags`.

    Those `excluded` are never opened. To name a whole is to name its parts.
    """

    spots: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def covers(self, spot: SpotFacts) -> bool:
        """Whether the pass opens this spot."""
        names = spot.tags | {spot.id}
        if not self.excluded.isdisjoint(names):
            return False
        return not self.spots.isdisjoint(names) or not self.tags.isdisjoint(spot.tags)


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a pass admits; None is without limit.

    A visit counts once, however many people of a party it lets in. `days` are distinct business
    days with a visit; `minutes_between` lie between two visits, wherever they are.
    """

    per_spot_day: int | None = 1
    per_spot: int | None = None
    total: int | None = None
    days: int | None = None
    minutes_between: int | None = None


@dataclass(frozen=True, slots=True)
class SpotLimits:
    """Limits at one spot, instead of the limits of the same name."""

    per_spot_day: int | None = 1
    per_spot: int | None = None


@dataclass(frozen=True, slots=True)
class Blackout:
    """Days on which a pass admits nowhere. Weekdays are numbers of ISO 8601: Monday is 1."""

    dates: tuple[DateRange, ...] = ()
    weekdays: frozenset[int] = frozenset()

    def __contains__(self, day: date) -> bool:
        if day.isoweekday() in self.weekdays:
            return True
        return any(day in span for span in self.dates)


@dataclass(frozen=True, slots=True)
class Season:
    """Days of every year from `start` to `end`, both `MM-DD` and both included.

    A season that ends before it starts runs over New Year.
    """

    start: str
    end: str

    def __contains__(self, day: date) -> bool:
        today = f"{day:%m-%d}"
        runs_over_new_year = self.end < self.start
        if runs_over_new_year:
            return today >= self.start or today <= self.end
        return self.start <= today <= self.end


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is agreed to be paid to a spot for each admission, in fen.

    `by_spot` has the spots with a fee of their own; `fee_fen` is that of all others.
    """

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
        if day in self.blackout:
            return False
        return not self.season or any(day in season for season in self.season)


def missing_from(coverage: Coverage, spots: Iterable[SpotFacts]) -> list[str]:
    """The spots and tags that a coverage names and that none of these spots is or has, in order."""
    ids, tags = set[str](), set[str]()
    for spot in spots:
        ids.add(spot.id)
        tags |= spot.tags
    named = coverage.spots | coverage.excluded
    missing = [f"spot {slug}{typed.likest(slug, ids)}" for slug in sorted(named - ids)]
    missing += [f"tag {tag}" for tag in sorted(coverage.tags - tags)]
    return missing
