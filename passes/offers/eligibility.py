"""Eligibility: whether a visitor may claim a voucher of an offer now; if not, why, and from when.

Pure: knows nothing of how many vouchers are left but what it is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from passes.base.calendar import business_day, day_after, start_of
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.offers.offer import Offer, OfferState
from passes.people.barring import barred_text
from passes.people.groups import ANYONE, Group
from passes.people.traits import Traits
from passes.terms.terms import SpotFacts
from passes.terms.validity import DateRange


class NotClaimable(Conflict):
    """Why a voucher cannot be claimed now."""

    def __init__(self, code: str, text: Text, claimable_from: datetime | None = None) -> None:
        """`code` is stable; `claimable_from` is from when it can be, if time alone will do."""
        super().__init__(code, text)
        self.claimable_from = claimable_from


@dataclass(frozen=True, slots=True)
class Claimant:
    """What counts about a visitor who wants to claim, at an instant.

    `vouchers` are how many of each offer they have claimed and not given back, `spots_open` the
    spots that their passes in force open.
    """

    now: datetime
    real_name: bool = False
    groups: frozenset[Group] = frozenset({ANYONE})
    vouchers: Mapping[str, int] = field(default_factory=dict)
    spots_open: frozenset[str] = frozenset()
    traits: Traits = field(default_factory=Traits)
    is_companion: bool = False
    """Whether an account claims for them."""
    barred_until: datetime | None = None
    """Until when they may hold no pass, as operators have said."""

    @property
    def today(self) -> date:
        """The business day on which they want to claim."""
        return business_day(self.now)


def objection(offer: Offer, claimant: Claimant) -> NotClaimable | None:
    """The first reason why a visitor may not claim, quotas apart, in the order in which staff would
    explain it; None if they may."""
    not_now = _not_running(offer, claimant.now) or _barred(claimant)
    if not_now is not None:
        return not_now
    nameless = _wrong_without_name(offer, claimant)
    if nameless is not None:
        return nameless
    if offer.eligible.isdisjoint(claimant.groups):
        return NotClaimable("not_eligible", Text("您不符合领取条件", "this offer is not for you"))
    most = offer.quota.per_person
    if most is not None and claimant.vouchers.get(offer.id, 0) >= most:
        return too_many(offer)
    opened_by_a_pass = not offer.spots.isdisjoint(claimant.spots_open)
    if opened_by_a_pass and not offer.with_pass:
        text = Text("您的电子票已含本景区，不能再领", "your pass opens this spot already")
        return NotClaimable("pass_held", text)
    return None


def _wrong_without_name(offer: Offer, claimant: Claimant) -> NotClaimable | None:
    """The objection to a claim of somebody without a name, or without need of one."""
    if offer.real_name and not claimant.real_name:
        return NotClaimable("real_name_needed", Text("请先实名认证", "say who you are first"))
    if claimant.is_companion and not offer.real_name:
        text = Text(
            "此活动按账户领取，不能为同行人领取", "this offer is claimed by account, once for each"
        )
        return NotClaimable("claimed_by_account", text)
    return None


def too_many(offer: Offer) -> NotClaimable:
    """The objection that a visitor has as many vouchers as one person may have."""
    most = offer.quota.per_person
    text = Text(f"每人限领{most}张，您已领取", f"each may claim {most}, which you have")
    return NotClaimable("already_claimed", text)


class ClaimedForAnother(NotClaimable):
    """The account has claimed an offer for another person, or for as many companions as it may."""

    def __init__(self) -> None:
        """It is always the same."""
        text = Text(
            "此账户已为另一位实名人领取，不能再为他人领取",
            "this account has claimed this offer for another person; it cannot for a second one",
        )
        super().__init__("claimed_for_another", text)


def closed_spots(offer: Offer, spots: Iterable[SpotFacts], days: DateRange) -> NotClaimable | None:
    """The objection that none of these spots takes visitors on a day of a voucher, if so.

    A voucher that cannot be used anywhere would only use up the quota, and the visitor's share.
    """
    meant = tuple(spots)
    day = days.start
    while day <= days.end:
        if offer.runs_on(day) and any(spot.open_on(day) for spot in meant):
            return None
        day = day_after(day)
    text = Text(
        "景区暂停开放，暂不可领取", "no spot of this voucher takes visitors while it could be used"
    )
    return NotClaimable("spot_closed", text)


def sold_out(offer: Offer, which: str, today: date) -> NotClaimable:
    """The objection that a quota is used up: `which` is `total`, `per_day` or `per_spot_day`."""
    if which == "total":
        return NotClaimable("sold_out", Text("已领完", "all are claimed"))
    again = _first_running(offer, day_after(today))
    if which == "per_day":
        text = Text("今日已领完", "all of today are claimed")
    else:
        text = Text("该景区今日已领完", "all of today are claimed for this spot")
    if again is None:
        return NotClaimable("sold_out", text)
    when = f"{again:%Y-%m-%d}"
    text = Text(f"{text.zh}，{when}可再领", f"{text.en}; try again on {when}")
    return NotClaimable("sold_out_today", text, start_of(again))


def _barred(claimant: Claimant) -> NotClaimable | None:
    """The objection that operators have said that a visitor may hold no pass, if they have."""
    until = claimant.barred_until
    return None if until is None else NotClaimable("holder_barred", barred_text(until), until)


def _not_running(offer: Offer, now: datetime) -> NotClaimable | None:
    """The objection that an offer does not run today, or not yet, if it does not."""
    today = business_day(now)
    if offer.runs_on(today) and now >= offer.opens_at:
        return None
    if offer.runs_on(today):
        when = f"{offer.opens:%H:%M}"
        text = Text(f"今日{when}起可领", f"claims begin today at {when}")
        return NotClaimable("offer_not_running", text, offer.opens_at)
    if offer.state is OfferState.PAUSED:
        return NotClaimable("offer_paused", Text("活动已暂停", "this offer is paused"))
    first = _first_running(offer, today)
    if first is None:
        return NotClaimable("offer_ended", Text("活动已结束", "this offer has ended"))
    when = f"{first:%Y-%m-%d}"
    text = Text(f"今日不可领取，{when}起可领", f"not today; from {when} on")
    return NotClaimable("offer_not_running", text, max(start_of(first), offer.opens_at))


def _first_running(offer: Offer, day: date) -> date | None:
    """The first day from `day` on, on which the offer runs."""
    if offer.state is not OfferState.PUBLISHED:
        return None
    day = max(day, offer.window.start)
    while day <= offer.window.end:
        if offer.runs_on(day):
            return day
        day = day_after(day)
    return None
