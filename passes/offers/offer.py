"""Offers: what operators promise visitors for some weeks, such as buy one, get one free (买一送一).

An offer says who may claim a voucher, where and when; what a voucher then allows is in its terms.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from passes.base.text import Text
from passes.people.groups import Group
from passes.terms.edition import Edition
from passes.terms.holidays import NO_HOLIDAYS
from passes.terms.prices import Benefit, Party, Payment
from passes.terms.terms import Coverage, Limits, SpotFacts, Terms
from passes.terms.times import Blackout
from passes.terms.validity import DateRange, Term


@dataclass(frozen=True, slots=True)
class Quota:
    """How many vouchers there are; None is without limit.

    `per_day` counts the claims of one business day, `per_spot_day` those of them at one spot.
    """

    total: int | None = None
    per_day: int | None = None
    per_spot_day: int | None = None
    per_person: int | None = 1


class OfferState(StrEnum):
    """What operators have done with an offer since it was published."""

    PUBLISHED = "published"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Offer:
    """A published offer. It begins and ends by itself, with the business days of its `window`.

    `voucher_days` is for how many days a voucher can be used, from the day it is claimed on.
    """

    id: str
    version: int
    title: Text
    benefit: Benefit
    spots: frozenset[str]
    window: DateRange
    eligible: frozenset[Group]
    voucher_days: int
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

    def runs_on(self, day: date) -> bool:
        """Whether a voucher can be claimed and used on that business day."""
        published = self.state is OfferState.PUBLISHED
        return published and day in self.window and not self.blackout.holds(day, NO_HOLIDAYS)

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
        terms = Terms(
            term=Term(days=self.voucher_days),
            coverage=Coverage(spots=self.spots),
            limits=Limits(per_spot_day=1, total=1),
            blackout=self.blackout,
            party=self.party,
            payment=self.payment,
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
