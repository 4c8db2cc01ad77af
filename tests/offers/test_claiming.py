"""Claiming over the real database: quotas, races, crashes, giving back, and reconciling."""

import asyncio
import itertools
import os
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from passes.base.calendar import start_of
from passes.base.errors import Conflict, DomainError, Invalid
from passes.holding.lifecycle import Step as LifeStep
from passes.holding.model import Pass, PassState
from passes.ledger.verdicts import Reason
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Offer, OfferState, Quota
from passes.offers.quotas import CLAIM_TAKES
from passes.people.groups import UNION_MEMBER, native_of
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from server.mongo import Mongo
from tests.support import build
from tests.support.build import (
    EMEISHAN,
    NOW,
    OPERATOR,
    TODAY,
    XIANNVSHAN,
    live_scan,
    offer,
)
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of

VISITOR = "visitor:v"
TOMORROW = TODAY + timedelta(days=1)
WINDOW = build.gate(kind=GateKind.WINDOW)

PUBLISHED_BEFORE = frozenset({"editions"})
"""Which stands before anybody claims."""

names = (f"claims{os.getpid()}_{n}" for n in itertools.count())


async def why_not(call: Awaitable[Any]) -> NotClaimable:
    """What stands in the way of a claim."""
    with pytest.raises(NotClaimable) as refused:
        await call
    return refused.value


async def test_a_claim_gives_a_voucher_that_ends_with_the_offer(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim()
    assert_fields(
        voucher,
        product_id="bogo",
        voucher=True,
        state=PassState.ACTIVE,
        valid=DateRange(TODAY, TODAY + timedelta(days=29)),
    )
    assert voucher.holder.mask == "测** 110***********002X"
    assert_fields(voucher.terms.party, admits=2, pays=1)
    assert voucher.terms.limits.total == 1
    assert await rooms.counts() == {"bogo": 1, "bogo:2026-07-01": 1, "bogo:2026-07-01:emeishan": 1}
    late = await rooms.claim(1, at=NOW + timedelta(days=170))
    assert late.valid.end == date(2026, 12, 31)


async def test_the_quota_of_a_day_then_the_whole_are_used_up(rooms: RoomsUnderTest) -> None:
    for n in range(3):
        await rooms.claim(n)
    refused = await why_not(rooms.claim(3))
    assert_fields(refused, code="sold_out_today", claimable_from=start_of(TOMORROW))
    assert "2026-07-02" in refused.text.zh
    tomorrow = NOW + timedelta(days=1)
    for n in (3, 4):
        await rooms.claim(n, at=tomorrow)
    refused = await why_not(rooms.claim(5, at=tomorrow))
    assert_fields(refused, code="sold_out", claimable_from=None)
    assert (await rooms.counts())["bogo"] == 5
    last_day = offer(window=DateRange(TODAY, TODAY), id="last")
    for n in range(3):
        await rooms.claim(n, last_day)
    refused = await why_not(rooms.claim(3, last_day))
    assert refused.code == "sold_out", "there is no other day"


async def test_the_quota_of_a_spot_counts_for_the_spot_that_was_chosen(
    rooms: RoomsUnderTest,
) -> None:
    two = offer(spots=frozenset({EMEISHAN, XIANNVSHAN}), quota=Quota(per_spot_day=1))
    with pytest.raises(Invalid, match="has to be one of emeishan, wulong-xiannvshan"):
        await rooms.claim(0, two)
    with pytest.raises(Invalid):
        await rooms.claim(0, two, spot_id="leshan-dafo")
    here = await rooms.claim(0, two, spot_id=EMEISHAN)
    assert here.spots == {EMEISHAN}
    refused = await why_not(rooms.claim(1, two, spot_id=EMEISHAN))
    assert refused.code == "sold_out_today"
    assert await rooms.counts() == {
        "bogo": 1,
        "bogo:2026-07-01": 1,
        "bogo:2026-07-01:emeishan": 1,
    }, "nothing is lost"
    await rooms.claim(1, two, spot_id=XIANNVSHAN)
    anywhere = await rooms.claim(2, replace(two, quota=Quota(), id="all"))
    assert anywhere.spots == {EMEISHAN, XIANNVSHAN}


LATER = date(2026, 7, 9)
OBJECTIONS: dict[str, tuple[dict[str, Any], str, date | None]] = {
    "before it begins": (
        {"window": DateRange(LATER, date(2026, 8, 1))},
        "offer_not_running",
        LATER,
    ),
    "after it": ({"window": DateRange(date(2026, 6, 1), date(2026, 6, 30))}, "offer_ended", None),
    "on a day left out": (
        {"blackout": Blackout((DateRange(TODAY, TODAY),))},
        "offer_not_running",
        TOMORROW,
    ),
    "paused": ({"state": OfferState.PAUSED}, "offer_paused", None),
    "ended": ({"state": OfferState.ENDED}, "offer_ended", None),
    "for others": ({"eligible": frozenset({native_of("chongqing")})}, "not_eligible", None),
    "for members": ({"eligible": frozenset({UNION_MEMBER})}, "not_eligible", None),
}


@pytest.mark.parametrize(("changes", "code", "first"), OBJECTIONS.values(), ids=OBJECTIONS.keys())
async def test_why_not_and_from_when(
    mongo: Mongo, changes: dict[str, Any], code: str, first: date | None
) -> None:
    rooms = RoomsUnderTest(mongo)
    refused = await why_not(rooms.claim(0, offer(**changes)))
    claimable_from = start_of(first) if first else None
    assert_fields(refused, code=code, claimable_from=claimable_from)
    assert await rooms.counts() == {}


async def test_groups_are_told_by_the_number_or_by_operators(rooms: RoomsUnderTest) -> None:
    union = offer(eligible=frozenset({UNION_MEMBER, native_of("sichuan")}))
    visitor = await rooms.visitor()
    await rooms.people.members.add(visitor.lookup, UNION_MEMBER)
    claimed = await rooms.claim(0, union)
    assert claimed.voucher
    await rooms.people.members.remove(visitor.lookup, UNION_MEMBER)
    refused = await why_not(rooms.claim(0, replace(union, id="again")))
    assert refused.code == "not_eligible"


async def test_a_native_is_told_by_the_number(rooms: RoomsUnderTest) -> None:
    natives = offer(eligible=frozenset({native_of("chongqing")}))
    native = build.document(name="测试渝")
    native = replace(native, number=build.id_number("50010319900307002"))
    visitor = await rooms.known("渝", document=native)
    voucher = await rooms.offers.claiming.claim(visitor, await rooms.wanted(natives), NOW)
    assert voucher.counts


async def test_real_name_is_asked_for_where_the_offer_says_so(rooms: RoomsUnderTest) -> None:
    stranger = await rooms.account("stranger")
    claim = rooms.offers.claiming.claim
    refused = await why_not(claim(stranger, await rooms.wanted(offer()), NOW))
    assert refused.code == "real_name_needed"
    anonymous = await rooms.wanted(offer(real_name=False, id="anonymous"))
    voucher = await claim(stranger, anonymous, NOW)
    assert voucher.holder == stranger.anonymous
    refused = await why_not(claim(stranger, anonymous, NOW))
    assert refused.code == "already_claimed"


async def test_each_has_so_many_and_no_voucher_beside_a_pass(rooms: RoomsUnderTest) -> None:
    two = offer(quota=Quota(per_person=2))
    first, second = await rooms.claim(0, two), await rooms.claim(0, two)
    assert first.id != second.id
    refused = await why_not(rooms.claim(0, two))
    assert refused.code == "already_claimed"
    assert (await rooms.counts())["bogo"] == 2
    visitor = await rooms.visitor(1)
    await rooms.holding.issuing.issue(await rooms.new(visitor.holder), OPERATOR, NOW)
    refused = await why_not(rooms.claim(1))
    assert refused.code == "pass_held"
    beside_a_pass = await rooms.claim(1, offer(with_pass=True))
    assert beside_a_pass.voucher
    unlimited = offer(id="many", quota=Quota(per_person=None))
    four = [await rooms.claim(2, unlimited) for _ in range(4)]
    assert len({voucher.id for voucher in four}) == 4


async def test_the_same_claim_again_is_the_same_voucher(rooms: RoomsUnderTest) -> None:
    two = offer(spots=frozenset({EMEISHAN, XIANNVSHAN}), quota=Quota(per_person=9))
    first = await rooms.claim(0, two, key="k1")
    assert await rooms.claim(0, two, key="k1") == first
    at_once = await asyncio.gather(*(rooms.claim(0, two, key="k2") for _ in range(6)))
    assert len({each.id for each in at_once}) == 1
    assert (await rooms.counts())["bogo"] == 2
    of_another = await rooms.claim(1, two, key="k1")
    assert of_another.id != first.id, "the key is that of one visitor"
    for changes in ({"of": offer(id="other")}, {"of": two, "spot_id": EMEISHAN}):
        with pytest.raises(Conflict, match="names another claim"):
            await rooms.claim(0, key="k1", **changes)


async def claims_at_once(rooms: RoomsUnderTest, visitors: list[int]) -> list[Pass]:
    """The vouchers of an offer of 5 after these visitors have claimed it at once."""
    few = offer(quota=Quota(total=5, per_person=1))
    for n in range(20):
        await rooms.visitor(n)
    done = await asyncio.gather(*(rooms.claim(n, few) for n in visitors), return_exceptions=True)
    assert {type(each) for each in done} <= {Pass, NotClaimable}
    vouchers = list(await rooms.holding.passes.of_product("bogo"))
    holders = {voucher.holder.lookup for voucher in vouchers}
    assert len(holders) == len(vouchers)
    assert (await rooms.counts())["bogo"] == len(vouchers)
    return vouchers


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
async def test_of_many_who_claim_at_once_as_many_as_there_are_succeed(
    rooms: RoomsUnderTest, twice: bool
) -> None:
    """A visitor who claims twice at once may for a moment count twice.

    Then somebody else is refused too soon, and fewer than there are succeed.
    """
    everybody = list(range(20))
    if twice:
        assert len(await claims_at_once(rooms, [*everybody, *everybody])) <= 5
    else:
        assert len(await claims_at_once(rooms, everybody)) == 5


async def test_an_unused_voucher_is_given_back_and_claimed_by_somebody_else(
    rooms: RoomsUnderTest,
) -> None:
    one, cancel = offer(quota=Quota(total=1)), rooms.offers.cancelling.cancel
    voucher = await rooms.claim(0, one)
    refused = await why_not(rooms.claim(1, one))
    assert refused.code == "sold_out"
    back = await cancel(voucher, VISITOR, NOW)
    assert_fields(back, state=PassState.REVOKED, cancelled_at=NOW)
    assert await cancel(back, VISITOR, NOW) == back
    assert await rooms.counts() == {"bogo": 0, "bogo:2026-07-01": 0, "bogo:2026-07-01:emeishan": 0}
    again = await rooms.claim(0, one)
    no_voucher = replace(again, edition=replace(again.edition, offer=False))
    with pytest.raises(Conflict, match="only vouchers of an offer"):
        await cancel(no_voucher, VISITOR, NOW)
    assert_refused(await rooms.verdict_on(live_scan(again)), Reason.PAY_AT_WINDOW)
    paid = await rooms.verdict_on(live_scan(again, "n2", gate=WINDOW))
    assert_admitted(paid, admits=2, pays=1)
    with pytest.raises(Conflict, match="has been used"):
        await cancel(again, VISITOR, NOW)
    await rooms.admission.annulling.annul(WINDOW, "n2", NOW)
    back = await cancel(again, VISITOR, NOW)
    assert back.cancelled_at == NOW


async def test_a_voucher_that_was_reissued_is_one_voucher(rooms: RoomsUnderTest) -> None:
    one = offer(quota=Quota(total=1))
    voucher = await rooms.claim(0, one)
    new = await rooms.holding.reissuing.reissue(voucher.id, OPERATOR, NOW)
    done = await rooms.offers.quotas.reconcile(one, NOW + CLAIM_TAKES)
    assert done.corrected == ()
    refused = await why_not(rooms.claim(0, one))
    assert refused.code == "already_claimed"
    await rooms.offers.cancelling.cancel(new, VISITOR, NOW)
    again = await rooms.claim(0, one)
    assert again.counts


async def test_giving_back_is_finished_after_a_crash_at_any_write(mongo: Mongo) -> None:
    for writes in range(4):
        mortal = CrashingDatabase(mongo, spared=PUBLISHED_BEFORE)
        rooms = RoomsUnderTest(mortal)
        one = offer(id=f"crash-{writes}", quota=Quota(total=1))
        voucher = await rooms.claim(0, one)
        mortal.writes_left = writes
        with suppress(Crash):
            await rooms.offers.cancelling.cancel(voucher, VISITOR, NOW)
        mortal.restart()
        if writes:
            verdict = await rooms.verdict_on(live_scan(voucher, f"s{writes}"))
            assert reason_of(verdict) in {Reason.REVOKED, Reason.PAY_AT_WINDOW}
        current = await rooms.holding.passes.get(voucher.id)
        assert current is not None
        await rooms.offers.cancelling.cancel(current, VISITOR, NOW)
        await rooms.offers.quotas.reconcile(one, NOW + CLAIM_TAKES)
        again = await rooms.claim(0, one, NOW + CLAIM_TAKES)
        assert again.counts, f"after {writes} writes"


async def test_freezing_and_giving_back_at_once_leave_one_that_gates_can_read(
    rooms: RoomsUnderTest,
) -> None:
    take, many = rooms.holding.lifecycle.take, offer(quota=Quota())
    for n in range(10):
        voucher = await rooms.claim(n, many)
        await asyncio.gather(
            take(voucher.id, LifeStep.FREEZE, VISITOR, NOW),
            rooms.offers.cancelling.cancel(voucher, VISITOR, NOW),
            return_exceptions=True,
        )
        with suppress(Conflict):
            await take(voucher.id, LifeStep.UNFREEZE, VISITOR, NOW)
        scan = live_scan(voucher, f"n{n}", gate=WINDOW)
        verdict, held = await rooms.admission.admission.admit(scan, NOW)
        assert held is not None
        given_back = held.cancelled_at is not None
        assert verdict.admitted is not given_back


async def test_reconciling_beside_a_reissue_counts_the_voucher_once(mongo: Mongo) -> None:
    for writes in range(7):
        mortal = CrashingDatabase(mongo, spared=PUBLISHED_BEFORE)
        rooms, one = RoomsUnderTest(mortal), offer(id=f"cut-{writes}", quota=Quota(total=1))
        voucher = await rooms.claim(0, one)
        mortal.writes_left = writes
        with suppress(Crash):
            await rooms.holding.reissuing.reissue(voucher.id, OPERATOR, NOW)
        mortal.restart()
        done = await rooms.offers.quotas.reconcile(one, NOW + CLAIM_TAKES)
        assert done.corrected == ()
        refused = await why_not(rooms.claim(1, one, NOW + CLAIM_TAKES))
        assert refused.code == "sold_out"


async def test_reissuing_and_giving_back_at_once_count_as_they_end(rooms: RoomsUnderTest) -> None:
    many = offer(quota=Quota())
    for n in range(10):
        voucher = await rooms.claim(n, many)
        await asyncio.gather(
            rooms.holding.reissuing.reissue(voucher.id, OPERATOR, NOW),
            rooms.offers.cancelling.cancel(voucher, VISITOR, NOW),
            return_exceptions=True,
        )
    assert (await rooms.counts())["bogo"] == len(await rooms.vouchers())
    done = await rooms.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)
    assert done.corrected == ()


async def test_a_claim_of_a_visitor_who_is_erased_meanwhile_leaves_nobody_behind(
    rooms: RoomsUnderTest,
) -> None:
    many = offer(quota=Quota())
    for n in range(12):
        visitor = await rooms.visitor(n)
        wanted = await rooms.wanted(many)
        await asyncio.gather(
            rooms.offers.claiming.claim(visitor, wanted, NOW),
            rooms.rights.erasing.erase(visitor, give_up_passes=n % 2 == 0, now=NOW),
            return_exceptions=True,
        )
        erased = await rooms.people.visitors.get(visitor.id) is None
        if erased:
            held = await rooms.holding.passes.of_holder(visitor.lookup)
            assert list(held) == [], "who is erased holds nothing"
        of_nobody = [each for each in await rooms.vouchers() if not each.holder.lookup]
        assert of_nobody == [], "nobody holds a voucher"
    done = await rooms.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)
    assert all(each.counted >= each.vouchers for each in done.corrected)


async def test_a_claim_and_a_change_of_identity_at_once_do_not_part_a_voucher_from_its_visitor(
    rooms: RoomsUnderTest,
) -> None:
    many = offer(quota=Quota())
    for n in range(12):
        visitor = await rooms.visitor(n)
        wanted = await rooms.wanted(many)
        another = build.statement(build.person(n + 100))
        await asyncio.gather(
            rooms.offers.claiming.claim(visitor, wanted, NOW),
            rooms.people.identification.identify(visitor, another, NOW),
            return_exceptions=True,
        )
        now = await rooms.people.visitors.get(visitor.id)
        assert now is not None
        held = await rooms.holding.passes.of_holder(visitor.lookup)
        vouchers = [each for each in held if each.counts]
        if vouchers:
            assert now.lookup == visitor.lookup


async def test_a_key_does_not_show_the_voucher_of_another_person(rooms: RoomsUnderTest) -> None:
    claim, many = rooms.offers.claiming.claim, offer(quota=Quota())
    visitor = await rooms.visitor(0)
    await claim(visitor, await rooms.wanted(many, key="k"), NOW)
    await rooms.people.identification.unbind(build.person(0), OPERATOR, NOW, "")
    other = await rooms.people.visitors.get(visitor.id)
    assert other is not None
    with pytest.raises(Conflict, match="names another claim"):
        await claim(other, await rooms.wanted(many, key="k"), NOW)


async def test_a_scan_and_giving_back_at_once_leave_one_of_the_two(rooms: RoomsUnderTest) -> None:
    many = offer(quota=Quota(per_person=1))
    for n in range(8):
        voucher = await rooms.claim(n, many)
        verdict, cancelled = await asyncio.gather(
            rooms.verdict_on(live_scan(voucher, f"n{n}", gate=WINDOW)),
            rooms.offers.cancelling.cancel(voucher, VISITOR, NOW),
            return_exceptions=True,
        )
        assert not isinstance(verdict, BaseException)
        not_given_back = isinstance(cancelled, Conflict)
        assert verdict.admitted is not_given_back


Step = tuple[str, int, float | None]
"""What a visitor does, which visitor, and after how many writes the process dies: None is never."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "claim", "cancel"]),
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(0, 16).map(lambda halves: halves / 2)),
    ),
    max_size=14,
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_is_claimed_given_back_or_crashes_no_quota_is_exceeded(
    io_loop: IOLoop, mongo_uri: str, steps: list[Step]
) -> None:
    io_loop.run_sync(lambda: many_steps(mongo_uri, steps))


async def many_steps(uri: str, steps: list[Step]) -> None:
    """Steps one after the other, each of which may die at a write; then counters are made exact."""
    async with Mongo(uri, next(names), "pymongo") as mongo:
        mortal = CrashingDatabase(mongo, spared=PUBLISHED_BEFORE)
        rooms, of = RoomsUnderTest(mortal), offer(quota=Quota(total=3, per_day=2, per_person=1))
        for n in range(6):
            await rooms.visitor(n)
        at = NOW
        for what, n, writes in steps:
            at += timedelta(hours=5)
            if writes is not None:
                mortal.writes_left = writes
            with suppress(Crash, DomainError):
                if what == "claim":
                    await rooms.claim(n, of, at)
                else:
                    await give_back(rooms, n, at)
            mortal.restart()
            await assert_quotas_kept(rooms, of)
        reconciled = await rooms.offers.quotas.reconcile(of, at + CLAIM_TAKES)
        assert reconciled.busy == 0
        assert (await rooms.counts()).get("bogo", 0) == len(await not_given_back(rooms))
        again = await rooms.offers.quotas.reconcile(of, at + CLAIM_TAKES)
        assert again.corrected == ()
        await mongo.drop()


async def give_back(rooms: RoomsUnderTest, n: int, at: datetime) -> None:
    visitor = await rooms.visitor(n)
    for voucher in await rooms.holding.passes.of_holder(visitor.lookup):
        await rooms.offers.cancelling.cancel(voucher, VISITOR, at)


async def not_given_back(rooms: RoomsUnderTest) -> list[Pass]:
    vouchers = await rooms.holding.passes.of_product("bogo")
    return [voucher for voucher in vouchers if voucher.cancelled_at is None]


async def assert_quotas_kept(rooms: RoomsUnderTest, of: Offer) -> None:
    """No quota is exceeded, and no counter says less than there are vouchers."""
    vouchers, counts = await not_given_back(rooms), await rooms.counts()
    assert of.quota.total is not None
    assert of.quota.per_day is not None
    assert len(vouchers) <= counts.get("bogo", 0)
    assert counts.get("bogo", 0) <= of.quota.total
    holders = {voucher.holder.lookup for voucher in vouchers}
    assert len(holders) == len(vouchers), "one to a person"
    for key, count in counts.items():
        assert count >= 0, key
        of_one_day = key.startswith("bogo:") and not key.endswith(EMEISHAN)
        if of_one_day:
            assert count <= of.quota.per_day, key


async def test_reconciling_waits_for_claims_that_may_be_under_way(rooms: RoomsUnderTest) -> None:
    many, reconcile = offer(quota=Quota(total=9)), rooms.offers.quotas.reconcile
    await rooms.claim(0, many)
    await rooms.offers.quotas.reserve(many, EMEISHAN, NOW)
    too_soon = await reconcile(many, NOW)
    assert too_soon.busy == 3
    assert (await rooms.counts())["bogo"] == 2
    done = await reconcile(many, NOW + CLAIM_TAKES)
    assert done.busy == 0
    assert [(each.key, each.counted, each.vouchers) for each in done.corrected] == [
        ("bogo", 2, 1),
        ("bogo:2026-07-01", 2, 1),
        ("bogo:2026-07-01:emeishan", 2, 1),
    ]
    again = await reconcile(many, NOW + CLAIM_TAKES)
    assert again.exact == 3


@pytest.mark.parametrize(("clock", "days"), [(21, 1), (22, 2), (23, 2)])
async def test_a_voucher_of_one_day_claimed_at_2359_is_not_dead_at_midnight(
    rooms: RoomsUnderTest, clock: int, days: int
) -> None:
    one_day = offer(voucher_days=1)
    voucher = await rooms.claim(of=one_day, at=start_of(TODAY) + timedelta(hours=clock, minutes=59))
    assert voucher.valid == DateRange(TODAY, TODAY + timedelta(days=days - 1))
