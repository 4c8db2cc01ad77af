"""Offers: what operators promise visitors for some weeks, such as buy one, get one free (买一送一).

An offer says who may claim a voucher, where and when; what a voucher then allows is in its terms.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from passes.terms import Blackout, DateRange, Payment
from passes.texts import Text


class BenefitKind(StrEnum):
    """What a voucher is worth."""

    BUY_ONE_GET_ONE = "buy_one_get_one"
    PERCENT = "percent"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Benefit:
    """`percent` is what is taken off the price, and set for that kind alone."""

    kind: BenefitKind
    percent: int | None = None


class Group(StrEnum):
    """Who may claim."""

    ANYONE = "anyone"
    NATIVE_OF_CHONGQING = "native_of:chongqing"
    NATIVE_OF_SICHUAN = "native_of:sichuan"
    UNION_MEMBER = "union_member"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many vouchers there are; None is without limit. `per_day` counts claims on one business day."""

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
    """A published offer. `window` is when it runs; nobody needs to be awake when it begins or ends."""

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
    example: bool = False
    state: OfferState = OfferState.PUBLISHED

    def runs_on(self, day: date) -> bool:
        """Whether a voucher can be claimed and used on that business day."""
        return self.state is OfferState.PUBLISHED and day in self.window and day not in self.blackout
