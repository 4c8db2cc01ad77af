"""Terms: what a pass allows. They belong to an edition of a product, which is never changed.

Knows the shape of terms and the simple questions they answer; what follows at a gate is in
`passes.admission.rules`. Beside this module: `validity` (on which days), `times` (blackouts,
seasons, hours), `holidays`, `prices` (who pays what).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from passes.base import typed
from passes.terms.free_entry import FreeRule
from passes.terms.prices import Benefit, Party, Payment, SeasonPrice
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import Term


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

    @property
    def ticket_fen(self) -> int | None:
        """What an adult's ticket costs all the year, if that is known."""

    @property
    def takes_visitors(self) -> bool:
        """Whether it is neither closed nor retired."""

    @property
    def free_entry(self) -> Sequence[FreeRule]:
        """Who enters it free by law, as far as that is known."""

    def open_on(self, day: date) -> bool:
        """Whether it takes visitors on that business day."""


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
    days with a visit; `minutes_between` lie between two visits, wherever they are. Months and years
    are those of validity: they run from the first day of the pass.
    """

    per_spot_day: int | None = 1
    per_spot: int | None = None
    total: int | None = None
    days: int | None = None
    minutes_between: int | None = None
    per_month: int | None = None
    per_year: int | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Limits that some spots of a pass share: "any 2 of these 8", "3 visits among these".

    `visits` are visits to all of them together, `different` how many of them can be visited at all.
    `spots` are those that the coverage meant when it was published.
    """

    coverage: Coverage
    visits: int | None = None
    different: int | None = None
    spots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SpotTimes:
    """Times that hold at some spots of a pass, beside those of the pass itself: not 峨眉山 in the
    golden week. `spots` are those that the coverage meant when it was published."""

    coverage: Coverage
    times: Times
    spots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Holders:
    """Who may hold a pass: people of an age in full years, from `from_age` to `to_age`, who belong
    to any of the `groups`. What is empty restricts nothing."""

    from_age: int | None = None
    to_age: int | None = None
    groups: frozenset[str] = frozenset()

    def admit_age(self, age: int) -> bool:
        """Whether somebody of that age may hold it."""
        old_enough = self.from_age is None or age >= self.from_age
        young_enough = self.to_age is None or age <= self.to_age
        return old_enough and young_enough

    def admit_groups(self, groups: frozenset[str]) -> bool:
        """Whether somebody of these groups may hold it."""
        return not self.groups or not self.groups.isdisjoint(groups)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is agreed to be paid to a spot for each admission, in fen.

    `by_spot` has the spots with a fee of their own; `fee_fen` is that of all others.
    """

    fee_fen: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Benefits:
    """What a voucher of a campaign is worth: one benefit, others at some spots, and of which prices
    it is taken.

    Prices are those named by spot; else `price_fen`; else, with `catalogue_prices`, those of the
    catalogue, where it knows one for all the year.
    """

    default: Benefit
    by_spot: Mapping[str, Benefit] = field(default_factory=dict)
    prices: Mapping[str, tuple[SeasonPrice, ...]] = field(default_factory=dict)
    price_fen: int | None = None
    catalogue_prices: bool = False

    def at(self, spot: SpotFacts) -> Benefit:
        """The benefit at a spot."""
        return self.by_spot.get(spot.id, self.default)

    def party_at(self, spot: SpotFacts, day: date) -> Party:
        """How many people a voucher lets in at a spot, and what they pay on a day."""
        return self.at(spot).party(self._price_at(spot, day))

    def _price_at(self, spot: SpotFacts, day: date) -> int | None:
        for price in self.prices.get(spot.id, ()):
            if price.holds_on(day):
                return price.fen
        if self.price_fen is not None or not self.catalogue_prices:
            return self.price_fen
        return spot.ticket_fen


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that decides where, when and how often a pass admits."""

    term: Term
    coverage: Coverage
    limits: Limits = field(default_factory=Limits)
    overrides: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    """By spot the limits that are others there; a limit that is not named stays as it is."""
    blackout: Blackout = field(default_factory=Blackout)
    season: tuple[Season, ...] = ()
    """When in the year it admits; always, if there is none."""
    party: Party = field(default_factory=Party)
    payment: Payment = Payment.PAID
    settlement: Settlement = field(default_factory=Settlement)
    hours: tuple[Hours, ...] = ()
    at: tuple[SpotTimes, ...] = ()
    pools: tuple[Pool, ...] = ()
    re_entry: bool = False
    """Whether people who left may come back on the same day without another visit."""
    benefits: Benefits | None = None
    """For a campaign, what it is worth where; then `party` does not count."""
    holders: Holders = field(default_factory=Holders)
    visits_per_spot_day: int | None = None
    """For a campaign, how many visits a day there are at one spot, of all vouchers together."""

    @property
    def times(self) -> Times:
        """When it admits anywhere."""
        return Times(self.blackout, self.season, self.hours)

    def times_at(self, spot_id: str) -> list[Times]:
        """All times that hold at a spot."""
        if not self.at:
            return [self.times]
        return [self.times, *(each.times for each in self.at if spot_id in each.spots)]

    def limits_at(self, spot_id: str) -> Limits:
        """The limits as they are at a spot."""
        special = self.overrides.get(spot_id)
        if special is None:
            return self.limits
        return replace(self.limits, **special)

    def party_at(self, spot: SpotFacts, day: date) -> Party:
        """How many people come in at a spot on a day, and what they pay."""
        if self.benefits is None:
            return self.party
        return self.benefits.party_at(spot, day)

    def pools_of(self, spot_id: str) -> list[Pool]:
        """The pools that a spot belongs to."""
        if not self.pools:
            return []
        return [pool for pool in self.pools if spot_id in pool.spots]


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
