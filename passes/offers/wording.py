"""The wording of offers: how visitors come to a voucher, and what it then allows (使用须知).

Each rule gives the sentences about one thing, as in `passes.terms.wording`, which has those about
the voucher itself. A rule says what `passes.offers.eligibility` and `passes.offers.quotas` ask.
"""

from collections.abc import Callable, Iterable
from datetime import time, timedelta

from passes.base.text import Text
from passes.offers.claiming import LATE
from passes.offers.offer import ClaimKind, Offer
from passes.people.groups import ANYONE
from passes.terms.edition import Edition
from passes.terms.phrases import group_words, listed, on_day, several
from passes.terms.wording import rules_of, sentences

Rule = Callable[[Offer], Iterable[Text]]


def claiming(offer: Offer) -> Iterable[Text]:
    """When it can be claimed, if it has to be."""
    if offer.claim is ClaimKind.AUTOMATIC:
        yield Text(
            "无需领取，入园时出示本人身份证或入园码即可",
            "it needs no claim: show your ID card or your code at the gate",
        )
        return
    first, last = on_day(offer.window.start), on_day(offer.window.end)
    if offer.opens is not None and offer.opens != time():
        clock = f"{offer.opens:%H:%M}"
        first = Text(f"{first.zh}{clock}", f"{clock} on {first.en}")
    yield Text(f"{first.zh}至{last.zh}可领取", f"it can be claimed from {first.en} to {last.en}")
    if offer.blackout.dates or offer.blackout.weekdays:
        yield Text(
            "不可使用的日期暂停领取", "it cannot be claimed on days on which it does not admit"
        )


def late_claims(offer: Offer) -> Iterable[Text]:
    """From when the days of a voucher count that is claimed late in the evening."""
    if offer.voucher_days is not None and offer.claim is ClaimKind.VISITOR:
        clock = f"{(timedelta(days=1) - LATE) // timedelta(hours=1)}:00"
        yield Text(
            f"{clock}后领取的，有效天数自次日起算",
            f"if it is claimed at {clock} or later, its days count from the next one",
        )


def claimants(offer: Offer) -> Iterable[Text]:
    """Who may have it."""
    if ANYONE not in offer.eligible:
        groups = listed([group_words(each) for each in sorted(offer.eligible)], "或", "or")
        yield Text(f"限{groups.zh}享受", f"it is for {groups.en}")
    if offer.real_name:
        yield Text("须先完成实名认证", "say who you are first, by real name")
    if not offer.with_pass:
        yield Text(
            "已持有适用景区年票的，不能再领取",
            "it is not for holders of a pass that opens one of its spots",
        )


def quotas(offer: Offer) -> Iterable[Text]:
    """How many vouchers there are."""
    quota = offer.quota
    if quota.total is not None:
        yield Text(f"共{quota.total}张，领完即止", f"there are {several(quota.total, 'voucher')}")
    if quota.per_day is not None:
        yield Text(
            f"每天限领{quota.per_day}张",
            f"{several(quota.per_day, 'voucher')} can be claimed a day",
        )
    # Of a campaign this counts visits; the rules of its voucher say so.
    if quota.per_spot_day is not None and not offer.campaign:
        yield Text(
            f"每个景区（点）每天限领{quota.per_spot_day}张",
            f"{several(quota.per_spot_day, 'voucher')} can be claimed a day for each spot",
        )
    if quota.per_person is not None and offer.claim is ClaimKind.VISITOR:
        yield Text(
            f"每人限领{quota.per_person}张",
            f"each person can claim {several(quota.per_person, 'voucher')}",
        )


RULES: tuple[Rule, ...] = (claiming, late_claims, claimants, quotas)


def rules_of_offer(offer: Offer, voucher: Edition) -> tuple[Text, ...]:
    """What a visitor has to know of an offer and of its voucher, a sentence each."""
    of_the_claim = sentences(clause for rule in RULES for clause in rule(offer))
    return of_the_claim + rules_of(voucher)
