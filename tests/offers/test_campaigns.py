"""Campaigns: one claim, one code, each spot once; visits a day, benefits by spot, and no claim."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from passes.admission.gates import Gate, GateKind
from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.holding import transitions
from passes.holding.model import Pass
from passes.ledger.records import fold
from passes.ledger.verdicts import Reason, Verdict
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import ClaimKind, Offer, Quota
from passes.offers.quotas import CLAIM_TAKES
from passes.offers.report import RowsBy, offer_rows
from passes.people.groups import ANYONE, native_of
from passes.terms.prices import Benefit, BenefitKind, SeasonPrice
from passes.terms.terms import Coverage, Limits
from passes.terms.times import Season
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, NOW, TODAY, XIANNVSHAN, live_scan, offer
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of

TOMORROW = NOW + timedelta(days=1)
SPOTS = frozenset({EMEISHAN, XIANNVSHAN})


def campaign(**changes: Any) -> Offer:
    """A campaign over both spots: each once a person, at half price, and free at 仙女山."""
    usual = offer(
        id="huimin",
        benefit=Benefit(BenefitKind.PERCENT, 50),
        spots=SPOTS,
        coverage=Coverage(tags=frozenset({"5A"})),
        voucher_days=None,
        limits=Limits(per_spot=1, per_spot_day=1),
        benefits={XIANNVSHAN: Benefit(BenefitKind.FREE)},
        prices={EMEISHAN: (SeasonPrice(11000, Season("12-15", "01-14")), SeasonPrice(16000))},
        quota=Quota(total=500, per_person=1),
    )
    return replace(usual, **changes)


def window_at(spot_id: str, number: int = 0) -> Gate:
    """A ticket window."""
    return build.gate(GateKind.WINDOW, spot_id, id=f"{spot_id}-{number}")


async def shown(
    rooms: RoomsUnderTest, held: Pass, spot_id: str, at: datetime = NOW, number: int = 0
) -> Verdict:
    """What a window says to a voucher."""
    gate = window_at(spot_id, number)
    return await rooms.verdict_on(live_scan(held, f"{held.id}-{at:%d%H%M}", at, gate=gate), at)


async def test_one_claim_admits_at_every_spot_once(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim(of=campaign())
    assert_admitted(await shown(rooms, voucher, EMEISHAN), visits_left=0)
    assert_refused(await shown(rooms, voucher, EMEISHAN, number=1), Reason.ALREADY_TODAY)
    later = NOW + timedelta(hours=4)
    assert_admitted(await shown(rooms, voucher, XIANNVSHAN, later))
    again = await shown(rooms, voucher, EMEISHAN, TOMORROW)
    assert_refused(again, Reason.NO_VISITS_LEFT, admitted_from=None)
    with pytest.raises(NotClaimable, match="each may claim 1"):
        await rooms.claim(of=campaign())


async def test_benefits_and_prices_are_those_of_the_spot_and_the_season(
    rooms: RoomsUnderTest,
) -> None:
    voucher = await rooms.claim(of=campaign())
    half = await shown(rooms, voucher, EMEISHAN)
    assert_admitted(half, admits=1, pays=1, amount_fen=8000)
    free = await shown(rooms, voucher, XIANNVSHAN, NOW + timedelta(hours=1))
    assert_admitted(free, admits=1, pays=0)
    other = await rooms.claim(1, of=campaign())
    in_winter = NOW.replace(month=12, day=20)
    assert_admitted(await shown(rooms, other, EMEISHAN, in_winter), amount_fen=5500)
    ledger = await rooms.ledger.records.whole(voucher.id)
    assert [record.benefit for record in ledger] == ["percent:50", "free"]


async def test_a_free_spot_opens_a_turnstile_and_another_sends_to_the_window(
    rooms: RoomsUnderTest,
) -> None:
    voucher = await rooms.claim(of=campaign())
    seen = transitions.card_seen(voucher, NOW)
    assert await rooms.holding.passes.replace(voucher, seen)
    there = build.gate(spot_id=XIANNVSHAN)
    assert_admitted(await rooms.verdict_on(live_scan(voucher, "a", gate=there)))
    later = NOW + timedelta(minutes=5)
    here = await rooms.verdict_on(live_scan(voucher, "b", later), later)
    assert_refused(here, Reason.PAY_AT_WINDOW)


LIMITED = campaign(quota=Quota(total=500, per_spot_day=2, per_person=1))


async def test_a_spot_takes_as_many_visits_a_day_as_the_campaign_says(
    rooms: RoomsUnderTest,
) -> None:
    vouchers = [await rooms.claim(n, of=LIMITED) for n in range(12)]
    verdicts = await asyncio.gather(
        *(shown(rooms, each, EMEISHAN, number=n) for n, each in enumerate(vouchers))
    )
    assert Counter(map(reason_of, verdicts)) == {Reason.OK: 2, Reason.QUOTA_USED_UP: 10}
    assert_admitted(await shown(rooms, vouchers[0], XIANNVSHAN, NOW + timedelta(hours=1)))
    refused = next(each for each, told in zip(vouchers, verdicts, strict=True) if not told.admitted)
    assert_admitted(await shown(rooms, refused, EMEISHAN, TOMORROW))


async def test_an_annulled_visit_is_given_back_to_the_campaign(rooms: RoomsUnderTest) -> None:
    first, second, third = [await rooms.claim(n, of=LIMITED) for n in range(3)]
    await shown(rooms, first, EMEISHAN)
    await shown(rooms, second, EMEISHAN)
    assert_refused(await shown(rooms, third, EMEISHAN), Reason.QUOTA_USED_UP)
    nonce = f"{first.id}-{NOW:%d%H%M}"
    for _ in range(2):
        await rooms.admission.annulling.annul(window_at(EMEISHAN), nonce, NOW)
    later = NOW + timedelta(minutes=1)
    assert_admitted(await shown(rooms, third, EMEISHAN, later))
    assert_refused(await shown(rooms, first, EMEISHAN, later), Reason.QUOTA_USED_UP)


async def test_a_scan_sent_again_takes_one_visit_of_the_campaign(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim(of=LIMITED)
    for _ in range(3):
        assert_admitted(await shown(rooms, voucher, EMEISHAN))
    assert (await rooms.counts("huimin"))[f"huimin:{TODAY}:{EMEISHAN}"] == 1


@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_after_a_crash_at_a_gate_the_campaign_is_never_oversold(
    mongo: Mongo, writes: int
) -> None:
    """Counted by the second write, and not stored: one visit fewer, until it is reconciled."""
    mortal = CrashingDatabase(mongo)
    rooms = RoomsUnderTest(mortal)
    one_a_day = campaign(quota=Quota(total=500, per_spot_day=1, per_person=1))
    voucher = await rooms.claim(of=one_a_day)
    other = await rooms.claim(1, of=one_a_day)
    mortal.writes_left = writes
    with pytest.raises(Crash):
        await shown(rooms, voucher, EMEISHAN)
    mortal.writes_left = float("inf")
    soon = NOW + timedelta(minutes=2)
    if writes == 2:
        assert_refused(await shown(rooms, other, EMEISHAN, soon), Reason.QUOTA_USED_UP)
        after = NOW + CLAIM_TAKES * 2
        await rooms.offers.quotas.reconcile(one_a_day, after)
    later = NOW + timedelta(hours=2)
    assert_admitted(await shown(rooms, other, EMEISHAN, later))
    assert_refused(await shown(rooms, voucher, EMEISHAN, later), Reason.QUOTA_USED_UP)


async def test_reconciling_counts_the_visits_of_a_campaign(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim(of=LIMITED)
    await shown(rooms, voucher, EMEISHAN)
    key = f"huimin:{TODAY}:{EMEISHAN}"
    await rooms.offers.counters.increment("huimin", key, None, NOW)
    done = await rooms.offers.quotas.reconcile(LIMITED, NOW + timedelta(minutes=5))
    assert [(each.key, each.counted, each.vouchers) for each in done.corrected] == [(key, 2, 1)]


async def test_a_campaign_opens_at_nine_on_its_first_day(rooms: RoomsUnderTest) -> None:
    opens_later = campaign(opens=time(10, 30))
    with pytest.raises(NotClaimable) as early:
        await rooms.claim(of=opens_later)
    assert early.value.text.zh == "今日10:30起可领"
    assert early.value.claimable_from == NOW + timedelta(minutes=30)
    assert await rooms.claim(of=opens_later, at=NOW + timedelta(minutes=30))
    another_day = NOW + timedelta(hours=20)
    assert business_day(another_day) > TODAY
    assert await rooms.claim(1, of=opens_later, at=another_day)


async def test_a_voucher_of_a_campaign_is_claimed_for_all_of_its_spots(
    rooms: RoomsUnderTest,
) -> None:
    with pytest.raises(Invalid, match="all spots of the campaign"):
        await rooms.claim(of=campaign(), spot_id=EMEISHAN)


AUTOMATIC = campaign(claim=ClaimKind.AUTOMATIC, quota=Quota(per_spot_day=5))


async def published(rooms: RoomsUnderTest, draft: Offer) -> Offer:
    """A campaign as every process knows it."""
    await rooms.offers.publishing.publish([draft], build.OPERATOR, NOW)
    await rooms.offers.offers.load()
    await rooms.terms.editions.load()
    found = rooms.offers.offers.get(draft.id)
    assert found is not None
    return found


async def test_an_automatic_campaign_is_there_when_it_is_shown(rooms: RoomsUnderTest) -> None:
    automatic = await published(rooms, AUTOMATIC)
    visitor = await rooms.visitor()
    pass_id = rooms.offers.automatic.serial(visitor, automatic)
    assert pass_id is not None
    assert await rooms.holding.passes.get(pass_id) is None, "nothing is stored before"
    shown_at_once = await asyncio.gather(
        *(rooms.offers.automatic.shown(visitor, pass_id, NOW) for _ in range(4))
    )
    assert {each.id for each in shown_at_once if each} == {pass_id}
    (voucher,) = await rooms.vouchers("huimin")
    assert_admitted(await shown(rooms, voucher, EMEISHAN))
    assert_admitted(await shown(rooms, voucher, XIANNVSHAN, NOW + timedelta(hours=1)))


async def test_nobody_shows_the_automatic_voucher_of_somebody_else(rooms: RoomsUnderTest) -> None:
    automatic = await published(rooms, AUTOMATIC)
    one, other = await rooms.visitor(0), await rooms.visitor(1)
    pass_id = rooms.offers.automatic.serial(one, automatic)
    assert pass_id is not None
    assert await rooms.offers.automatic.shown(other, pass_id, NOW) is None


async def test_an_automatic_campaign_says_why_it_is_not_for_somebody(
    rooms: RoomsUnderTest,
) -> None:
    natives = replace(AUTOMATIC, eligible=frozenset({native_of("chongqing")}))
    automatic = await published(rooms, natives)
    visitor = await rooms.visitor()
    pass_id = rooms.offers.automatic.serial(visitor, automatic)
    assert pass_id is not None
    with pytest.raises(NotClaimable, match="not for you"):
        await rooms.offers.automatic.shown(visitor, pass_id, NOW)


async def test_publishing_resolves_the_coverage_of_a_campaign(rooms: RoomsUnderTest) -> None:
    known = await published(rooms, replace(campaign(), spots=frozenset()))
    assert known.spots == SPOTS
    again = await rooms.offers.publishing.publish([campaign()], build.OPERATOR, NOW)
    assert again.unchanged == ("huimin",)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"benefits": {"jiuzhaigou": Benefit(BenefitKind.FREE)}}, "does not cover jiuzhaigou"),
        ({"coverage": Coverage(tags=frozenset({"9A"}))}, "there is no tag 9A"),
    ],
)
async def test_a_campaign_that_names_what_it_does_not_cover_is_refused(
    rooms: RoomsUnderTest, changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await published(rooms, campaign(**changes))
    assert what in refused.value.faults[0].what


async def test_the_report_of_a_campaign_has_rows_by_spot_and_province(
    rooms: RoomsUnderTest,
) -> None:
    voucher = await rooms.claim(of=campaign())
    await shown(rooms, voucher, EMEISHAN)
    await shown(rooms, voucher, XIANNVSHAN, NOW + timedelta(hours=1))
    records = await rooms.ledger.records.whole(voucher.id)
    assert records[-1].tally == fold(records)
    provinces = {EMEISHAN: "sichuan", XIANNVSHAN: "chongqing"}
    by_province = offer_rows(RowsBy.PROVINCE, [voucher], records, TODAY, provinces)
    assert [(row.province, row.claimed, row.admissions) for row in by_province] == [
        (None, 1, 0),
        ("chongqing", 0, 1),
        ("sichuan", 0, 1),
    ]
    by_spot = offer_rows(RowsBy.SPOT, [voucher], records, TODAY)
    assert [(row.spot, row.admissions, row.paying) for row in by_spot] == [
        (None, 0, 0),
        (EMEISHAN, 1, 1),
        (XIANNVSHAN, 1, 0),
    ]


def test_who_may_claim_is_written_as_groups() -> None:
    assert campaign().eligible == {ANYONE}
