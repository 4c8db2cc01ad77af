"""Whoever knows a name and a number, or makes people up: cards are looked at, names cannot be
guessed, accounts are counted, and numbers cannot be tried."""

from contextlib import suppress
from datetime import timedelta

import pytest

from passes.admission.gates import GateKind
from passes.admission.lookup import MANY_MISSES, Card, Misses
from passes.base.errors import Conflict
from passes.ledger.verdicts import Reason
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Quota
from passes.people.identification import MOST_WRONG_NAMES
from tests.support import build
from tests.support.build import HOLDER, NOW, OPERATOR, live_scan, offer
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

HANDHELD = build.gate(GateKind.HANDHELD)


async def test_a_pass_taken_by_name_and_number_is_shown_to_staff_first(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.issue()
    await rooms.known()
    (held,) = await rooms.holding.wallet.of_visitor(await rooms.account())
    refused = await rooms.verdict_on(live_scan(held, "a"))
    assert_refused(refused, Reason.CHECK_IDENTITY, speak="请走人工通道")
    later = NOW + timedelta(minutes=1)
    seen = await rooms.verdict_on(live_scan(held, "b", later, gate=HANDHELD), later)
    assert_admitted(seen, check_identity=True)
    tomorrow = NOW + timedelta(days=1)
    by_itself = await rooms.verdict_on(live_scan(held, "c", tomorrow), tomorrow)
    assert_admitted(by_itself, check_identity=False)


async def test_a_look_that_was_annulled_was_none(rooms: RoomsUnderTest) -> None:
    await rooms.issue()
    await rooms.known()
    (held,) = await rooms.holding.wallet.of_visitor(await rooms.account())
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", gate=HANDHELD)))
    await rooms.admission.admission.annul(HANDHELD, "a", NOW)
    later = NOW + timedelta(minutes=1)
    again = await rooms.verdict_on(live_scan(held, "b", later), later)
    assert_refused(again, Reason.CHECK_IDENTITY)


async def test_who_said_who_they_are_before_goes_through_the_turnstile(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.known()
    held = await rooms.issue_to(visitor)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))


async def test_the_account_that_was_unbound_is_told(rooms: RoomsUnderTest) -> None:
    before = await rooms.known("甲")
    unbind = rooms.people.identification.unbind
    await unbind(HOLDER, OPERATOR, NOW + timedelta(hours=1), "lost phone")
    told = await rooms.people.visitors.get(before.id)
    assert told is not None
    assert told.notice is not None
    assert told.notice.code == "identity_unbound"
    assert told.notice.at == NOW + timedelta(hours=1)


async def test_staff_look_at_cards_for_vouchers(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim()
    window = build.gate(GateKind.WINDOW)
    told = await rooms.verdict_on(live_scan(voucher, "a", gate=window))
    assert_admitted(told, check_identity=True, pays=1)


async def test_an_account_that_becomes_many_people_has_no_more_than_one_person(
    rooms: RoomsUnderTest,
) -> None:
    two_each = offer(quota=Quota(total=50, per_person=2))
    wanted = await rooms.wanted(two_each)
    claimed = 0
    for n in range(6):
        visitor = await rooms.known("甲", person=build.person(n))
        for _ in range(2):
            with suppress(NotClaimable):
                voucher = await rooms.offers.claiming.claim(visitor, wanted, NOW)
                claimed += 1
                window = build.gate(GateKind.WINDOW, id=f"w{claimed}")
                await rooms.verdict_on(live_scan(voucher, f"{claimed}", gate=window))
        await rooms.people.identification.unbind(build.person(n), OPERATOR, NOW, "test")
    assert claimed == 2
    assert (await rooms.counts())["bogo"] == 2


async def test_what_an_account_gives_back_it_may_claim_again(rooms: RoomsUnderTest) -> None:
    wanted = await rooms.wanted(offer(quota=Quota(per_person=1)))
    visitor = await rooms.known()
    for n in range(3):
        at = NOW + timedelta(minutes=n)
        voucher = await rooms.offers.claiming.claim(visitor, wanted, at)
        await rooms.offers.cancelling.cancel(voucher, "visitor:v", at)


async def test_names_cannot_be_guessed_for_a_number(rooms: RoomsUnderTest) -> None:
    """After some wrong names the right one is answered like them, until the next day."""
    await rooms.issue()
    visitor = await rooms.account()
    identify = rooms.people.identification.identify
    for n in range(MOST_WRONG_NAMES):
        wrong = build.statement(document=build.document(name=f"测试{'乙丙丁戊己'[n]}"))
        with pytest.raises(Conflict) as refused:
            await identify(visitor, wrong, NOW)
        assert refused.value.code == "name_differs"
    with pytest.raises(Conflict) as refused:
        await identify(visitor, build.statement(), NOW)
    assert refused.value.code == "name_differs"
    tomorrow = NOW + timedelta(days=1)
    known = await identify(visitor, build.statement(), tomorrow)
    assert known.identity is not None


async def test_a_typing_error_is_corrected(rooms: RoomsUnderTest) -> None:
    await rooms.issue()
    visitor = await rooms.account()
    identify = rooms.people.identification.identify
    with pytest.raises(Conflict):
        await identify(visitor, build.statement(document=build.document(name="测试已")), NOW)
    assert (await identify(visitor, build.statement(), NOW)).identity is not None


async def test_a_gate_that_tries_numbers_raises_an_alarm(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    await rooms.issue()
    find = rooms.admission.lookup.find
    for n in range(1, MANY_MISSES + 1):
        await find(Card(build.person(n).number), HANDHELD, NOW)
    assert "has asked for many numbers that have no pass" in caplog.text
    lines = await rooms.base.audit.about(f"gate:{HANDHELD.id}")
    assert [line.action for line in lines].count("many_lookups_in_vain") == 1


def test_numbers_with_passes_and_those_of_long_ago_raise_no_alarm() -> None:
    misses = Misses()
    for n in range(MANY_MISSES * 2):
        assert not misses.note("gate", True, NOW)
        assert not misses.note("slow", False, NOW + timedelta(minutes=n))


def test_a_gate_without_staff_never_looks_at_a_card() -> None:
    due = build.held(card_due_since=NOW)
    case = build.case(held=due)
    assert not case.looks_at_card
