"""Claiming over the real database: quotas, races, crashes at every write, giving back, and reconciling."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from passes.base.errors import Conflict, DomainError, Invalid
from passes.holding.lifecycle import Step as LifeStep
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Offer, OfferState, Quota
from passes.offers.quotas import CLAIM_TAKES
from passes.people.accounts import IdentityStatement
from passes.people.groups import Group
from passes.people.identity import Document, DocumentKind
from passes.store.database import Database
from passes.terms.terms import Blackout, DateRange
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, KEYS, NOW, TODAY, XIANNVSHAN, offer
from tests.support.rooms import PRIVACY_VERSION, RoomsUnderTest

names = (f"w{n}" for n in itertools.count())


@pytest.fixture
def desk(any_mongo: Mongo) -> RoomsUnderTest:
    return RoomsUnderTest(any_mongo)


async def why(call: Any) -> NotClaimable:
    with pytest.raises(NotClaimable) as refused:
        await call
    return refused.value


async def test_a_claim_gives_a_voucher_that_ends_with_the_offer(desk: RoomsUnderTest) -> None:
    voucher = await desk.claim()
    assert voucher.state == PassState.ACTIVE
    assert voucher.valid == DateRange(TODAY, TODAY + timedelta(days=29))
    assert voucher.product_id == "bogo"
    assert voucher.voucher
    assert voucher.holder.mask == "测** 110***********002X"
    assert voucher.terms.party.admits == 2
    assert voucher.terms.party.pays == 1
    assert voucher.terms.limits.total == 1
    assert await desk.counts() == {"bogo": 1, "bogo:2026-07-01": 1, "bogo:2026-07-01:emeishan": 1}
    late = NOW + timedelta(days=170)
    assert (await desk.claim(1, at=late)).valid.end == date(2026, 12, 31)


async def test_the_quota_of_a_day_then_the_whole_are_used_up(desk: RoomsUnderTest) -> None:
    for n in range(3):
        await desk.claim(n)
    refused = await why(desk.claim(3))
    assert refused.code == "sold_out_today"
    assert refused.claimable_from == datetime(2026, 7, 1, 16, tzinfo=NOW.tzinfo)
    assert "2026-07-02" in refused.text.zh
    tomorrow = NOW + timedelta(days=1)
    for n in (3, 4):
        await desk.claim(n, at=tomorrow)
    refused = await why(desk.claim(5, at=tomorrow))
    assert refused.code == "sold_out"
    assert refused.claimable_from is None
    assert (await desk.counts())["bogo"] == 5
    last_day = offer(window=DateRange(TODAY, TODAY), id="last")
    for n in range(3):
        await desk.claim(n, last_day)
    assert (await why(desk.claim(3, last_day))).code == "sold_out", "there is no other day"


async def test_the_quota_of_a_spot_counts_for_the_spot_that_was_chosen(
    desk: RoomsUnderTest,
) -> None:
    two = offer(spots=frozenset({EMEISHAN, XIANNVSHAN}), quota=Quota(per_spot_day=1))
    with pytest.raises(Invalid, match="has to be one of emeishan, wulong-xiannvshan"):
        await desk.claim(0, two)
    with pytest.raises(Invalid):
        await desk.claim(0, two, spot_id="leshan-dafo")
    here = await desk.claim(0, two, spot_id=EMEISHAN)
    assert here.spots == {EMEISHAN}
    assert (await why(desk.claim(1, two, spot_id=EMEISHAN))).code == "sold_out_today"
    assert await desk.counts() == {
        "bogo": 1,
        "bogo:2026-07-01": 1,
        "bogo:2026-07-01:emeishan": 1,
    }, "nothing is lost"
    await desk.claim(1, two, spot_id=XIANNVSHAN)
    without = replace(two, quota=Quota(), id="all")
    assert (await desk.claim(2, without)).spots == {EMEISHAN, XIANNVSHAN}


LATER = date(2026, 7, 9)
OBJECTIONS: dict[str, tuple[dict[str, Any], str, date | None]] = {
    "before it begins": (
        {"window": DateRange(date(2026, 7, 9), date(2026, 8, 1))},
        "offer_not_running",
        date(2026, 7, 9),
    ),
    "after it": ({"window": DateRange(date(2026, 6, 1), date(2026, 6, 30))}, "offer_ended", None),
    "on a day left out": (
        {"blackout": Blackout((DateRange(TODAY, TODAY),))},
        "offer_not_running",
        TODAY + timedelta(days=1),
    ),
    "paused": ({"state": OfferState.PAUSED}, "offer_paused", None),
    "ended": ({"state": OfferState.ENDED}, "offer_ended", None),
    "for others": ({"eligible": frozenset({Group.NATIVE_OF_CHONGQING})}, "not_eligible", None),
    "for members": ({"eligible": frozenset({Group.UNION_MEMBER})}, "not_eligible", None),
}


@pytest.mark.parametrize(("changes", "code", "first"), OBJECTIONS.values(), ids=OBJECTIONS.keys())
async def test_why_not_and_from_when(
    mongo: Mongo, changes: dict[str, Any], code: str, first: date | None
) -> None:
    desk = RoomsUnderTest(mongo)
    refused = await why(desk.claim(0, offer(**changes)))
    assert refused.code == code
    assert (
        (refused.claimable_from + timedelta(hours=8)).date() == first
        if refused.claimable_from
        else first is None
    )
    assert await desk.counts() == {}


async def test_groups_are_told_by_the_number_or_by_operators(desk: RoomsUnderTest) -> None:
    union = offer(eligible=frozenset({Group.UNION_MEMBER, Group.NATIVE_OF_SICHUAN}))
    visitor = await desk.visitor()
    await desk.people.members.add(visitor.lookup, Group.UNION_MEMBER)
    assert (await desk.claim(0, union)).voucher
    await desk.people.members.remove(visitor.lookup, Group.UNION_MEMBER)
    assert (await why(desk.claim(0, replace(union, id="again")))).code == "not_eligible"


async def test_real_name_is_asked_for_where_the_offer_says_so(desk: RoomsUnderTest) -> None:
    stranger = await desk.people.accounts.of_openid("stranger", NOW)
    assert (
        await why(desk.offers.claiming.claim(stranger, await desk.wanted(offer()), NOW))
    ).code == "real_name_needed"
    anonymous = offer(real_name=False, id="anonymous")
    voucher = await desk.offers.claiming.claim(stranger, await desk.wanted(anonymous), NOW)
    assert voucher.holder == stranger.anonymous
    assert (
        await why(desk.offers.claiming.claim(stranger, await desk.wanted(anonymous), NOW))
    ).code == "already_claimed"


async def test_each_has_so_many_and_no_voucher_beside_a_pass(desk: RoomsUnderTest) -> None:
    two = offer(quota=Quota(per_person=2))
    first, second = await desk.claim(0, two), await desk.claim(0, two)
    assert first.id != second.id
    assert (await why(desk.claim(0, two))).code == "already_claimed"
    assert (await desk.counts())["bogo"] == 2
    visitor = await desk.visitor(1)
    await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    assert (await why(desk.claim(1))).code == "pass_held"
    assert (await desk.claim(1, offer(with_pass=True))).voucher
    unlimited = offer(id="many", quota=Quota(per_person=None))
    assert len({(await desk.claim(2, unlimited)).id for _ in range(4)}) == 4


async def test_the_same_claim_again_is_the_same_voucher(desk: RoomsUnderTest) -> None:
    two = offer(spots=frozenset({EMEISHAN, XIANNVSHAN}), quota=Quota(per_person=9))
    first = await desk.claim(0, two, key="k1")
    assert await desk.claim(0, two, key="k1") == first
    at_once = await asyncio.gather(*(desk.claim(0, two, key="k2") for _ in range(6)))
    assert len({each.id for each in at_once}) == 1
    assert (await desk.counts())["bogo"] == 2
    assert (await desk.claim(1, two, key="k1")).id != first.id, "the key is that of one visitor"
    for changes in ({"of": offer(id="other")}, {"of": two, "spot_id": EMEISHAN}):
        with pytest.raises(Conflict, match="names another claim"):
            await desk.claim(0, key="k1", **changes)


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
async def test_of_many_who_claim_at_once_as_many_as_there_are_succeed(
    desk: RoomsUnderTest, twice: bool
) -> None:
    """A visitor who claims twice at once may for a moment count twice, so that somebody else is refused too soon."""
    few = offer(quota=Quota(total=5, per_person=1))
    for n in range(20):
        await desk.visitor(n)
    visitors = [*range(20), *(range(20) if twice else ())]
    done = await asyncio.gather(*(desk.claim(n, few) for n in visitors), return_exceptions=True)
    assert {type(each) for each in done} <= {Pass, NotClaimable}
    vouchers = await desk.holding.passes.of_product("bogo")
    assert len(vouchers) <= 5 if twice else len(vouchers) == 5
    assert len({voucher.holder.lookup for voucher in vouchers}) == len(vouchers)
    assert (await desk.counts())["bogo"] == len(vouchers)


async def test_an_unused_voucher_is_given_back_and_claimed_by_somebody_else(
    desk: RoomsUnderTest,
) -> None:
    one = offer(quota=Quota(total=1))
    voucher = await desk.claim(0, one)
    assert (await why(desk.claim(1, one))).code == "sold_out"
    back = await desk.offers.cancelling.cancel(voucher, "visitor:v", NOW)
    assert back.state == PassState.REVOKED
    assert back.cancelled_at == NOW
    assert await desk.offers.cancelling.cancel(back, "visitor:v", NOW) == back
    assert await desk.counts() == {"bogo": 0, "bogo:2026-07-01": 0, "bogo:2026-07-01:emeishan": 0}
    again = await desk.claim(0, one)
    with pytest.raises(Conflict, match="unused voucher"):
        await desk.offers.cancelling.cancel(
            replace(again, edition=replace(again.edition, offer=False)), "visitor:v", NOW
        )
    verdict, _ = await desk.admission.admission.admit(build.scan(live_text(again, KEYS, NOW)), NOW)
    assert verdict.reason.value == "pay_at_window"
    window = build.gate(kind=GateKind.WINDOW)
    verdict, _ = await desk.admission.admission.admit(
        build.scan(live_text(again, KEYS, NOW), "n2", gate=window), NOW
    )
    assert verdict.admits == 2
    assert verdict.pays == 1
    with pytest.raises(Conflict, match="unused voucher"):
        await desk.offers.cancelling.cancel(again, "visitor:v", NOW)
    await desk.admission.admission.annul(window, "n2", NOW)
    assert (await desk.offers.cancelling.cancel(again, "visitor:v", NOW)).cancelled_at


async def test_a_voucher_that_was_reissued_is_one_voucher(desk: RoomsUnderTest) -> None:
    one = offer(quota=Quota(total=1))
    voucher = await desk.claim(0, one)
    new = await desk.holding.reissuing.reissue(voucher.id, "operator:test", NOW)
    assert (await desk.offers.quotas.reconcile(one, NOW + CLAIM_TAKES)).corrected == ()
    assert (await why(desk.claim(0, one))).code == "already_claimed"
    await desk.offers.cancelling.cancel(new, "visitor:v", NOW)
    assert (await desk.claim(0, one)).counts


async def test_giving_back_is_finished_after_a_crash_at_any_write(mongo: Mongo) -> None:
    one = offer(quota=Quota(total=1))
    for writes in range(4):
        mortal = Mortal(mongo)
        desk = RoomsUnderTest(mortal)
        again = replace(one, id=f"crash-{writes}")
        voucher = await desk.claim(0, again)
        mortal.writes_left = writes
        with suppress(Crash):
            await desk.offers.cancelling.cancel(voucher, "visitor:v", NOW)
        mortal.writes_left = float("inf")
        if writes:
            verdict, _ = await desk.admission.admission.admit(
                build.scan(live_text(voucher, KEYS, NOW), f"s{writes}"), NOW
            )
            assert verdict.reason.value in {"revoked", "pay_at_window"}
        current = await desk.holding.passes.get(voucher.id)
        assert current is not None
        await desk.offers.cancelling.cancel(current, "visitor:v", NOW)
        await desk.offers.quotas.reconcile(again, NOW + CLAIM_TAKES)
        assert (await desk.claim(0, again, NOW + CLAIM_TAKES)).counts, f"after {writes} writes"


async def test_freezing_and_giving_back_at_once_leave_one_that_gates_can_read(
    desk: RoomsUnderTest,
) -> None:
    life, many = desk.holding.lifecycle, offer(quota=Quota())
    for n in range(10):
        voucher = await desk.claim(n, many)
        await asyncio.gather(
            life.take(voucher.id, LifeStep.FREEZE, "visitor:v", NOW),
            desk.offers.cancelling.cancel(voucher, "visitor:v", NOW),
            return_exceptions=True,
        )
        with suppress(Conflict):
            await life.take(voucher.id, LifeStep.UNFREEZE, "visitor:v", NOW)
        window = build.gate(kind=GateKind.WINDOW)
        verdict, held = await desk.admission.admission.admit(
            build.scan(live_text(voucher, KEYS, NOW), f"n{n}", gate=window), NOW
        )
        assert held is not None
        assert verdict.admitted != (held.cancelled_at is not None)


async def test_reconciling_beside_a_reissue_counts_the_voucher_once(mongo: Mongo) -> None:
    for writes in range(7):
        mortal = Mortal(mongo)
        desk, one = RoomsUnderTest(mortal), offer(id=f"cut-{writes}", quota=Quota(total=1))
        voucher = await desk.claim(0, one)
        mortal.writes_left = writes
        with suppress(Crash):
            await desk.holding.reissuing.reissue(voucher.id, "operator:test", NOW)
        mortal.writes_left = float("inf")
        assert (await desk.offers.quotas.reconcile(one, NOW + CLAIM_TAKES)).corrected == ()
        assert (await why(desk.claim(1, one, NOW + CLAIM_TAKES))).code == "sold_out"


async def test_reissuing_and_giving_back_at_once_count_as_they_end(desk: RoomsUnderTest) -> None:
    many, reissuing = offer(quota=Quota()), desk.holding.reissuing
    for n in range(10):
        voucher = await desk.claim(n, many)
        await asyncio.gather(
            reissuing.reissue(voucher.id, "operator:test", NOW),
            desk.offers.cancelling.cancel(voucher, "visitor:v", NOW),
            return_exceptions=True,
        )
    vouchers = [each for each in await desk.holding.passes.of_product("bogo") if each.counts]
    assert (await desk.counts())["bogo"] == len(vouchers)
    assert (await desk.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)).corrected == ()


async def test_a_claim_of_a_visitor_who_is_erased_meanwhile_leaves_nobody_behind(
    desk: RoomsUnderTest,
) -> None:
    erasing = desk.rights.erasing
    many = offer(quota=Quota())
    for n in range(12):
        visitor = await desk.visitor(n)
        claim = desk.offers.claiming.claim(visitor, await desk.wanted(many), NOW)
        await asyncio.gather(
            claim,
            erasing.erase(visitor, give_up_passes=n % 2 == 0, now=NOW),
            return_exceptions=True,
        )
        gone = await desk.people.visitors.get(visitor.id) is None
        left = await desk.holding.passes.of_holder(visitor.lookup)
        assert not (gone and left), "who is erased holds nothing"
        vouchers = await desk.holding.passes.of_product("bogo")
        assert not [each for each in vouchers if each.counts and not each.holder.lookup], (
            "nobody holds a voucher"
        )
    done = await desk.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)
    assert all(each.counted >= each.vouchers for each in done.corrected)


async def test_a_claim_and_a_change_of_identity_at_once_do_not_part_a_voucher_from_its_visitor(
    desk: RoomsUnderTest,
) -> None:
    many = offer(quota=Quota())
    for n in range(12):
        visitor, other = await desk.visitor(n), build.person(n + 100)
        said = Document(DocumentKind.RESIDENT, other.name, other.number)
        await asyncio.gather(
            desk.offers.claiming.claim(visitor, await desk.wanted(many), NOW),
            desk.people.accounts.identify(visitor, IdentityStatement(said, PRIVACY_VERSION), NOW),
            return_exceptions=True,
        )
        now = await desk.people.visitors.get(visitor.id)
        assert now is not None
        standing = [
            each for each in await desk.holding.passes.of_holder(visitor.lookup) if each.counts
        ]
        assert now.lookup == visitor.lookup or standing == []


async def test_a_key_does_not_show_the_voucher_of_another_person(desk: RoomsUnderTest) -> None:
    many = offer(quota=Quota())
    visitor = await desk.visitor(0)
    await desk.offers.claiming.claim(visitor, await desk.wanted(many, key="k"), NOW)
    await desk.people.accounts.release(build.person(0), "operator:test", NOW, "")
    other = await desk.people.visitors.get(visitor.id)
    assert other is not None
    with pytest.raises(Conflict, match="names another claim"):
        await desk.offers.claiming.claim(other, await desk.wanted(many, key="k"), NOW)


async def test_a_scan_and_giving_back_at_once_leave_one_of_the_two(desk: RoomsUnderTest) -> None:
    many = offer(quota=Quota(per_person=1))
    window = build.gate(kind=GateKind.WINDOW)
    for n in range(8):
        voucher = await desk.claim(n, many)
        scan = build.scan(live_text(voucher, KEYS, NOW), f"n{n}", gate=window)
        admitted, cancelled = await asyncio.gather(
            desk.admission.admission.admit(scan, NOW),
            desk.offers.cancelling.cancel(voucher, "visitor:v", NOW),
            return_exceptions=True,
        )
        assert not isinstance(admitted, BaseException)
        assert admitted[0].admitted == isinstance(cancelled, Conflict)


class Crash(Exception):
    """The process dies."""


WRITES = {"insert", "insert_each", "update", "delete"}


class Mortal:
    """A database whose user dies before or after a certain write."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes_left: float = float("inf")

    def collection(self, name: str) -> Any:
        mortal, collection = self, self._database.collection(name)
        dies = name != "editions"  # which are published before anybody claims

        class Collection:
            def __getattr__(self, operation: str) -> Any:
                method = getattr(collection, operation)
                return mortal.dying(method) if dies and operation in WRITES else method

        return Collection()

    def dying(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.writes_left < 1:
                raise Crash
            done = await method(*args, **kwargs)
            self.writes_left -= 1
            if self.writes_left == 0.5:
                raise Crash
            return done

        return call


Step = tuple[str, int, float | None]

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
    """Steps of visitors one after the other, each of which may die at a write; then the counters are made exact."""
    async with Mongo(uri, next(names), "pymongo") as mongo:
        mortal = Mortal(mongo)
        desk, of = RoomsUnderTest(mortal), offer(quota=Quota(total=3, per_day=2, per_person=1))
        for n in range(6):
            await desk.visitor(n)
        at = NOW
        for what, n, writes in steps:
            at += timedelta(hours=5)
            mortal.writes_left = float("inf") if writes is None else writes
            try:
                if what == "claim":
                    await desk.claim(n, of, at)
                else:
                    await give_back(desk, of, n, at)
            except (Crash, DomainError):
                pass
            mortal.writes_left = float("inf")
            await check(desk, of)
        reconciled = await desk.offers.quotas.reconcile(of, at + CLAIM_TAKES)
        assert reconciled.busy == 0
        standing = [
            voucher
            for voucher in await desk.holding.passes.of_product("bogo")
            if voucher.cancelled_at is None
        ]
        assert (await desk.counts()).get("bogo", 0) == len(standing)
        again = await desk.offers.quotas.reconcile(of, at + CLAIM_TAKES)
        assert again.corrected == ()
        await mongo.drop()


async def give_back(desk: RoomsUnderTest, of: Offer, n: int, at: datetime) -> None:
    visitor = await desk.visitor(n)
    for voucher in await desk.holding.passes.of_holder(visitor.lookup):
        await desk.offers.cancelling.cancel(voucher, "visitor:v", at)


async def check(desk: RoomsUnderTest, of: Offer) -> None:
    """No quota is exceeded, and no counter says less than there are vouchers."""
    vouchers = [
        voucher
        for voucher in await desk.holding.passes.of_product("bogo")
        if voucher.cancelled_at is None
    ]
    counts = await desk.counts()
    assert of.quota.total is not None
    assert len(vouchers) <= counts.get("bogo", 0) <= of.quota.total
    assert len({voucher.holder.lookup for voucher in vouchers}) == len(vouchers), "one to a person"
    for key, count in counts.items():
        limit = 3 if key == "bogo" else 2
        assert 0 <= count <= limit or key.endswith(EMEISHAN)


async def test_reconciling_waits_for_claims_that_may_be_under_way(desk: RoomsUnderTest) -> None:
    many = offer(quota=Quota(total=9))
    await desk.claim(0, many)
    await desk.offers.quotas.reserve(many, EMEISHAN, NOW)
    assert (await desk.offers.quotas.reconcile(many, NOW)).busy == 3
    assert (await desk.counts())["bogo"] == 2
    done = await desk.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)
    assert [(each.key, each.counted, each.vouchers) for each in done.corrected] == [
        ("bogo", 2, 1),
        ("bogo:2026-07-01", 2, 1),
        ("bogo:2026-07-01:emeishan", 2, 1),
    ]
    assert (done.busy, (await desk.offers.quotas.reconcile(many, NOW + CLAIM_TAKES)).exact) == (
        0,
        3,
    )
