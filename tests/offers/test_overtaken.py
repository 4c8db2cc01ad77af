"""Claims and returns that somebody overtakes between two of their steps."""

import itertools
from collections.abc import Awaitable, Callable

import pytest

from passes.admission.gates import GateKind
from passes.base.errors import Conflict
from passes.holding.model import Pass
from passes.holding.shown_code import live_text
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import OfferState, Quota
from passes.offers.quotas import CLAIM_TAKES
from passes.people.holder import NOBODY
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW, OPERATOR, offer
from tests.support.interleaving import ALWAYS, overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted

VISITOR = "visitor:v"
MANY = offer(quota=Quota())


@pytest.fixture
def rival(rooms: RoomsUnderTest) -> RoomsUnderTest:
    """Another process over the same database."""
    return RoomsUnderTest(rooms.database)


async def test_a_voucher_that_is_given_back_twice_at_once_is_counted_back_once(
    rooms: RoomsUnderTest, rival: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher, _ = await rooms.claim(0, MANY), await rooms.claim(1, MANY)

    async def give_back_first() -> None:
        await rival.offers.cancelling.cancel(voucher, VISITOR, NOW)

    overtake(monkeypatch, rooms.holding.passes, "replace", give_back_first)
    back = await rooms.offers.cancelling.cancel(voucher, VISITOR, NOW)
    assert back.cancelled_at == NOW
    assert (await rooms.counts())["bogo"] == 1
    lines = await rooms.lines_about(f"pass:{voucher.id}")
    assert [line.action for line in lines] == ["claim", "cancel"]


def comes_and_goes(rival: RoomsUnderTest, voucher_text: str) -> Callable[[], Awaitable[None]]:
    """A gate that admits and annuls each time it is called, so that nothing is used."""
    window, numbers = build.gate(kind=GateKind.WINDOW), itertools.count()

    async def admit_and_annul() -> None:
        nonce = f"n{next(numbers)}"
        scan = build.scan(voucher_text, nonce, gate=window)
        assert_admitted(await rival.verdict_on(scan))
        await rival.admission.annulling.annul(window, nonce, NOW)

    return admit_and_annul


@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
async def test_giving_back_beside_a_gate_that_admits_and_annuls(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    rooms, rival = RoomsUnderTest(mongo), RoomsUnderTest(mongo)
    voucher = await rooms.claim(0, MANY)
    gate = comes_and_goes(rival, live_text(voucher, KEYS, NOW))
    with monkeypatch.context() as contended:
        overtake(contended, rooms.ledger.records, "append", gate, times)
        if times == 1:
            back = await rooms.offers.cancelling.cancel(voucher, VISITOR, NOW)
            assert back.cancelled_at == NOW
            return
        with pytest.raises(Conflict, match="being changed"):
            await rooms.offers.cancelling.cancel(voucher, VISITOR, NOW)
    assert (await rooms.counts())["bogo"] == 1, "nothing is given back"


async def test_a_visitor_who_is_erased_just_after_the_claim_holds_nothing(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure finds the voucher and gives it back; the claim does not give it back again."""
    await rooms.claim(1, MANY)
    visitor, wanted = await rooms.visitor(0), await rooms.wanted(MANY)

    async def erase() -> None:
        await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)

    overtake(monkeypatch, rooms.offers.claimants, "still", erase)
    with pytest.raises(Conflict, match="this account has changed meanwhile"):
        await rooms.offers.claiming.claim(visitor, wanted, NOW)
    assert (await rooms.counts())["bogo"] == 1
    vouchers = await rooms.holding.passes.of_product("bogo")
    erased = [voucher for voucher in vouchers if voucher.holder == NOBODY]
    assert [voucher.cancelled_at for voucher in erased] == [NOW]


async def test_a_visitor_who_becomes_another_just_after_the_claim_loses_the_voucher(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, wanted = await rooms.visitor(0), await rooms.wanted(MANY)

    async def unbind() -> None:
        await rooms.people.identification.unbind(build.person(0), OPERATOR, NOW, "")

    overtake(monkeypatch, rooms.offers.claimants, "still", unbind)
    with pytest.raises(Conflict, match="this account has changed meanwhile"):
        await rooms.offers.claiming.claim(visitor, wanted, NOW)
    (voucher,) = await rooms.holding.passes.of_product("bogo")
    assert voucher.holder == NOBODY
    assert voucher.cancelled_at == NOW
    assert (await rooms.counts())["bogo"] == 0


async def test_of_two_claims_at_once_after_a_return_one_is_first(
    rooms: RoomsUnderTest, rival: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of the voucher that was given back is passed on to one of them."""
    voucher = await rooms.claim(0, MANY)
    await rooms.offers.cancelling.cancel(voucher, VISITOR, NOW)

    async def claim_first() -> None:
        await rival.claim(0, MANY)

    overtake(monkeypatch, rooms.holding.holdings, "pass_on", claim_first)
    with pytest.raises(NotClaimable) as refused:
        await rooms.claim(0, MANY)
    assert refused.value.code == "already_claimed"
    assert (await rooms.counts())["bogo"] == 1


@pytest.mark.parametrize(("room", "method"), [("wallet", "of_visitor"), ("counters", "increment")])
async def test_a_claim_made_twice_at_once_is_granted_twice(
    rooms: RoomsUnderTest,
    rival: RoomsUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    room: str,
    method: str,
) -> None:
    """The first takes the only voucher: the second is that claim, too, not one that came late."""
    the_last = offer(quota=Quota(total=1))
    first: list[Pass] = []

    async def claim_first() -> None:
        first.append(await rival.claim(0, the_last, key="tapped twice"))

    stores = {"wallet": rooms.holding.wallet, "counters": rooms.offers.counters}
    overtake(monkeypatch, stores[room], method, claim_first)
    assert [await rooms.claim(0, the_last, key="tapped twice")] == first
    assert (await rooms.counts())["bogo"] == 1


async def test_an_offer_that_is_paused_and_ended_at_once_is_busy(
    rooms: RoomsUnderTest, rival: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.offers.stored.put(offer())

    async def end_first() -> None:
        await rival.offers.publishing.set_state("bogo", OfferState.ENDED, OPERATOR, NOW)

    overtake(monkeypatch, rooms.offers.stored, "set_state", end_first)
    with pytest.raises(Conflict, match="changes this moment"):
        await rooms.offers.publishing.set_state("bogo", OfferState.PAUSED, OPERATOR, NOW)
    (stored,) = await rooms.offers.stored.all()
    assert stored.state is OfferState.ENDED


async def test_a_counter_that_is_used_while_it_is_corrected_is_left_for_later(
    rooms: RoomsUnderTest, rival: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.offers.quotas.reserve(MANY, None, NOW)
    later = NOW + CLAIM_TAKES

    async def claim_first() -> None:
        await rival.claim(1, MANY, later)

    overtake(monkeypatch, rooms.offers.counters, "correct", claim_first)
    done = await rooms.offers.quotas.reconcile(MANY, later)
    assert done.busy == 2
    assert done.corrected == ()
    assert (await rooms.counts())["bogo"] == 2, "nobody's claim is lost"


async def test_a_counter_that_is_lost_is_counted_anew(rooms: RoomsUnderTest) -> None:
    for n in range(3):
        await rooms.claim(n, MANY)
    await rooms.database.collection("offer_counters").delete({"_id": "bogo"})
    done = await rooms.offers.quotas.reconcile(MANY, NOW + CLAIM_TAKES)
    assert [(each.key, each.counted, each.vouchers) for each in done.corrected] == [("bogo", 0, 3)]
    assert (await rooms.counts())["bogo"] == 3
