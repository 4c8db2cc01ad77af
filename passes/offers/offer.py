"""Offers: what operators promise visitors for some weeks, such as buy one, get one free (买一送一).

An offer says who may claim a voucher, where and when; what a voucher then allows is in its terms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from passes.base.calendar import instant_of
from passes.base.text import Text
from passes.people.groups import Group
from passes.people.sealing import Sealed
from passes.terms.edition import Edition
from passes.terms.holidays import NO_HOLIDAYS
from passes.terms.prices import Benefit, Party, Payment, SeasonPrice
from passes.terms.terms import Benefits, Coverage, Limits, SpotFacts, SpotTimes, Terms
from passes.terms.times import Blackout, Hours
from passes.terms.validity import DateRange, Term


@dataclass(frozen=True, slots=True)
class Quota:
    """How many vouchers there are; None is without limit.

    `per_day` counts the claims of one business day, `per_spot_day` those of them at one spot. Of a
    campaign `per_spot_day` counts the visits to a spot on a day.
    """

    total: int | None = None
    per_day: int | None = None
    per_spot_day: int | None = None
    per_person: int | None = 1


class ClaimKind(StrEnum):
    """How a visitor comes to a voucher: by claiming it, or by showing themselves."""

    VISITOR = "visitor"
    AUTOMATIC = "automatic"


class OfferState(StrEnum):
    """What operators have done with an offer since it was published."""

    PUBLISHED = "published"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Offer:
    """A published offer. It begins and ends by itself, with the business days of its `window`.

    `spots` are those that its coverage meant when it was published. `voucher_days` is for how many
    days a voucher can be used, from the day it is claimed on; None is until the window ends.

    With `limits` it is a campaign: one voucher admits at many spots. Without, a voucher is good for
    one visit.
    """

    id: str
    version: int
    title: Text
    benefit: Benefit
    spots: frozenset[str]
    window: DateRange
    eligible: frozenset[Group]
    voucher_days: int | None
    quota: Quota = field(default_factory=Quota)
    blackout: Blackout = field(default_factory=Blackout)
    payment: Payment = Payment.AT_WINDOW
    real_name: bool = True
    """Whether it is for visitors who have said who they are; each of these counts as one person."""
    with_pass: bool = False
    """Whether holders of a pass that opens one of its spots may claim, too."""
    price_fen: int | None = None
    """What a ticket costs at the window, from which the benefit is taken off."""
    example: bool = False
    state: OfferState = OfferState.PUBLISHED
    coverage: Coverage | None = None
    """What it covers, as its file says; None for offers that named their spots alone."""
    limits: Limits | None = None
    benefits: Mapping[str, Benefit] = field(default_factory=dict)
    """At some spots of a campaign another benefit."""
    prices: Mapping[str, tuple[SeasonPrice, ...]] = field(default_factory=dict)
    catalogue_prices: bool = False
    """Whether tickets cost what the catalogue says, where no other price is said."""
    claim: ClaimKind = ClaimKind.VISITOR
    opens: time | None = None
    """The time of day, on the first day of the window, from which it can be claimed."""
    hours: tuple[Hours, ...] = ()
    at: tuple[SpotTimes, ...] = ()
    key: Sealed | None = None
    """The key of the hashes by which it is known who has claimed, made when it is published first
    and destroyed six months after its end. None, too, for offers that never had one."""

    def runs_on(self, day: date) -> bool:
        """Whether a voucher can be claimed and used on that business day."""
        published = self.state is OfferState.PUBLISHED
        return published and day in self.window and not self.blackout.holds(day, NO_HOLIDAYS)

    @property
    def campaign(self) -> bool:
        """Whether one voucher admits at many spots."""
        return self.limits is not None

    @property
    def covers(self) -> Coverage:
        """What it covers. To name a whole is to name its parts."""
        return self.coverage or Coverage(spots=self.spots)

    @property
    def opens_at(self) -> datetime:
        """The instant from which it can be claimed."""
        return instant_of(self.window.start, self.opens or time())

    def runs_at(self, spot: SpotFacts) -> bool:
        """Whether it is for that spot, or for the whole of which that is a part."""
        return spot.id in self.spots or not self.spots.isdisjoint(spot.tags)

    def may_run(self, day: date) -> bool:
        """Whether it has not ended on that business day."""
        return self.state is not OfferState.ENDED and day <= self.window.end

    @property
    def party(self) -> Party:
        """How many people a voucher admits, and what they pay."""
        return self.benefit.party(self.price_fen)

    @property
    def slug(self) -> str:
        """The id under which its file publishes it."""
        return self.id

    def voucher(self) -> Edition:
        """The draft of what a claim gives: good for one visit, under the id of the offer."""
        one_visit = Limits(per_spot_day=1, total=1)
        terms = Terms(
            term=self._term,
            coverage=self.covers,
            limits=self.limits or one_visit,
            blackout=self.blackout,
            party=self.party,
            payment=self.payment,
            hours=self.hours,
            at=self.at,
            benefits=self._benefits,
            visits_per_spot_day=self.quota.per_spot_day if self.campaign else None,
        )
        return Edition(
            product_id=self.id,
            version=0,
            number=0,
            title=self.title,
            terms=terms,
            spots=frozenset(),
            example=self.example,
            offer=True,
            benefit=str(self.benefit),
        )

    @property
    def _term(self) -> Term:
        if self.voucher_days is None:
            return Term(dates=self.window)
        return Term(days=self.voucher_days)

    @property
    def _benefits(self) -> Benefits | None:
        """The benefits of a campaign. A voucher for one visit has its one party instead, as it
        always had."""
        if not self.campaign:
            return None
        return Benefits(
            default=self.benefit,
            by_spot=self.benefits,
            prices=self.prices,
            price_fen=self.price_fen,
            catalogue_prices=self.catalogue_prices,
        )
