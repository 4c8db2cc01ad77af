"""Whoever knows a name and a number, or makes people up: cards are looked at, names cannot be
guessed, accounts are counted, and numbers cannot be tried."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from passes.admission.gates import GateKind
from passes.admission.lookup import MANY_MISSES, Card, Misses
from passes.base.errors import Conflict, TooOften, Unknown
from passes.holding.model import Pass
from passes.ledger.verdicts import Reason
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Quota
from passes.people.tries import MOST_OF_ACCOUNT, MOST_WRONG_NAMES
from passes.store.people import AttemptStore
from server.mongo import Mongo
from tests.support import build
from tests.support.build import HOLDER, NOW, OPERATOR, SEALER, TODAY, live_scan, offer
from tests.support.interleaving import overtake
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
    await rooms.admission.annulling.annul(HANDHELD, "a", NOW)
    later = NOW + timedelta(minutes=1)
    again = await rooms.verdict_on(live_scan(held, "b", later), later)
    assert_refused(again, Reason.CHECK_IDENTITY)


async def test_a_pass_that_is_issued_after_somebody_said_to_be_its_holder_waits_for_a_look(
    rooms: RoomsUnderTest,
) -> None:
    """Whoever said a name and a number first would have every pass that a union issues later."""
    visitor = await rooms.known()
    held = await rooms.issue_to(visitor)
    refused = await rooms.verdict_on(live_scan(held, "a"))
    assert_refused(refused, Reason.CHECK_IDENTITY)


async def test_an_account_that_is_bound_while_a_pass_is_issued_is_noticed(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, rival = RoomsUnderTest(mongo), RoomsUnderTest(mongo)

    async def bind_first() -> None:
        await rival.known()

    overtake(monkeypatch, rooms.holding.passes, "add", bind_first)
    issued = await rooms.issue()
    assert issued.card_due_since == NOW
    assert await rooms.holding.passes.get(issued.id) == issued


async def test_one_look_at_the_card_serves_all_passes_of_a_person(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.known()
    shown, other = (
        await rooms.issue_to(visitor),
        await rooms.issue(build.product("other")),
    )
    later = NOW + timedelta(minutes=1)
    refused = await rooms.verdict_on(live_scan(other, "a"))
    assert_refused(refused, Reason.CHECK_IDENTITY)
    assert_admitted(await rooms.verdict_on(live_scan(shown, "b", later, gate=HANDHELD), later))
    seen = await rooms.holding.wallet.with_card_seen(other)
    assert seen.card_due_since is None
    assert_admitted(await rooms.verdict_on(live_scan(other, "c", later), later))
    newer = await rooms.issue(build.product("newer"), at=later)
    assert newer.card_due_since is None


async def test_a_look_before_the_pass_was_taken_by_another_account_does_not_count(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issue_to(await rooms.known("甲"))
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", gate=HANDHELD)))
    later = NOW + timedelta(hours=1)
    await rooms.people.identification.unbind(HOLDER, OPERATOR, later, "lost phone")
    thief = await rooms.account("乙")
    await rooms.people.identification.identify(thief, build.statement(), later)
    tomorrow = NOW + timedelta(days=1)
    refused = await rooms.verdict_on(live_scan(held, "b", tomorrow), tomorrow)
    assert_refused(refused, Reason.CHECK_IDENTITY)


async def test_a_look_at_who_shows_a_printed_code_tells_nothing_of_the_account(
    rooms: RoomsUnderTest,
) -> None:
    """The holder shows paper and their card; the thief of the account comes to a turnstile."""
    held = await rooms.issue_to(await rooms.known())
    paper = build.printed_scan(held, "a")
    assert_admitted(await rooms.verdict_on(paper), check_identity=True)
    tomorrow = NOW + timedelta(days=1)
    refused = await rooms.verdict_on(live_scan(held, "b", tomorrow), tomorrow)
    assert_refused(refused, Reason.CHECK_IDENTITY)


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


async def test_an_account_that_was_erased_is_counted_on(rooms: RoomsUnderTest) -> None:
    one_each = offer(quota=Quota(total=50, per_person=1))
    wanted = await rooms.wanted(one_each)
    window = build.gate(GateKind.WINDOW)
    visitor = await rooms.known("甲", person=build.person(1))
    voucher = await rooms.offers.claiming.claim(visitor, wanted, NOW)
    assert_admitted(await rooms.verdict_on(live_scan(voucher, "a", gate=window)))
    await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)
    again = await rooms.known("甲", person=build.person(2))
    with pytest.raises(NotClaimable) as refused:
        await rooms.offers.claiming.claim(again, wanted, NOW)
    assert refused.value.code == "claimed_for_another"
    assert again.id != visitor.id
    kept = str(await rooms.database.collection("holdings").find({}))
    assert "甲" not in kept
    assert visitor.lookup not in kept
    assert visitor.id not in kept


async def test_a_used_voucher_fixes_the_person_of_an_account_for_its_offer(
    rooms: RoomsUnderTest,
) -> None:
    two_each = offer(quota=Quota(total=50, per_person=2))
    wanted = await rooms.wanted(two_each)
    visitor = await rooms.known("甲", person=build.person(1))
    await rooms.offers.claiming.claim(visitor, wanted, NOW)
    await rooms.people.identification.unbind(build.person(1), OPERATOR, NOW, "test")
    other = await rooms.known("甲", person=build.person(2))
    with pytest.raises(NotClaimable) as refused:
        await rooms.offers.claiming.claim(other, wanted, NOW)
    assert refused.value.code == "claimed_for_another"
    assert (await rooms.counts())["bogo"] == 1, "what was counted is given back"
    await rooms.people.identification.unbind(build.person(2), OPERATOR, NOW, "test")
    same = await rooms.known("甲", person=build.person(1))
    assert await rooms.offers.claiming.claim(same, wanted, NOW)


async def test_a_voucher_that_was_given_back_fixes_nobody(rooms: RoomsUnderTest) -> None:
    wanted = await rooms.wanted(offer(quota=Quota(total=50, per_person=1)))
    visitor = await rooms.known("甲", person=build.person(1))
    voucher = await rooms.offers.claiming.claim(visitor, wanted, NOW)
    await rooms.offers.cancelling.cancel(voucher, "visitor:v", NOW)
    other = await rooms.known("甲", person=build.person(2))
    assert await rooms.offers.claiming.claim(other, wanted, NOW)


async def test_claims_at_once_by_one_account_are_no_more_than_one_may_have(
    mongo: Mongo,
) -> None:
    """One WeChat account, which becomes another person between its claims."""
    rooms = RoomsUnderTest(mongo)
    wanted = await rooms.wanted(offer(quota=Quota(total=50, per_person=2)))
    visitor = await rooms.known()
    claims = (rooms.offers.claiming.claim(visitor, wanted, NOW) for _ in range(8))
    done = await asyncio.gather(*claims, return_exceptions=True)
    serials = {each.id for each in done if isinstance(each, Pass)}
    assert 1 <= len(serials) <= 2
    assert len(await rooms.vouchers()) == len(serials)


async def test_names_cannot_be_guessed_for_a_number(rooms: RoomsUnderTest) -> None:
    """After so many wrong names the right one is answered like them, by whatever account, until
    the next day, or until staff have seen the document."""
    await rooms.issue()
    identify = rooms.people.identification.identify
    for n in range(MOST_WRONG_NAMES):
        visitor = await rooms.account(f"guesser {n // MOST_OF_ACCOUNT}")
        wrong = build.statement(document=build.document(name=f"测试{chr(0x4E00 + n)}"))
        with pytest.raises(Conflict) as refused:
            await identify(visitor, wrong, NOW)
        assert refused.value.code == "name_differs"
    visitor = await rooms.account()
    with pytest.raises(Conflict) as refused:
        await identify(visitor, build.statement(), NOW)
    assert refused.value.code == "name_differs"
    with suppress(Unknown):  # nobody is bound
        await rooms.people.identification.unbind(HOLDER, OPERATOR, NOW, "seen")
    assert (await identify(visitor, build.statement(), NOW)).identity is not None


async def test_names_can_be_said_again_on_the_next_day(rooms: RoomsUnderTest) -> None:
    await rooms.issue()
    lookup = SEALER.seal(HOLDER).lookup
    attempts = AttemptStore(rooms.database)
    for _ in range(MOST_WRONG_NAMES):
        assert await attempts.begin(lookup, TODAY, MOST_WRONG_NAMES, NOW)
    visitor = await rooms.account()
    tomorrow = NOW + timedelta(days=1)
    known = await rooms.people.identification.identify(visitor, build.statement(), tomorrow)
    assert known.identity is not None


async def test_a_number_tells_the_same_whether_it_has_a_pass_or_an_account(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.known("甲")
    with pytest.raises(Conflict) as refused:
        await rooms.known("乙", document=build.document(name="测试偷"))
    assert refused.value.code == "name_differs"
    with pytest.raises(Conflict) as refused:
        await rooms.known("乙")
    assert refused.value.code == "identity_bound"


async def test_an_account_cannot_try_numbers(rooms: RoomsUnderTest) -> None:
    """Each answer tells whether a number is known here; an erased account gets no more of them."""
    visitor = await rooms.account()
    for n in range(MOST_OF_ACCOUNT):
        await rooms.known(person=build.person(n))
    with pytest.raises(TooOften) as refused:
        await rooms.known(person=build.person(MOST_OF_ACCOUNT))
    assert refused.value.code == "identity_tries"
    assert 0 < refused.value.retry_after <= 24 * 3600
    await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)
    with pytest.raises(TooOften):
        await rooms.known(person=build.person(MOST_OF_ACCOUNT))


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


def test_numbers_of_long_ago_raise_no_alarm() -> None:
    misses = Misses()
    for n in range(MANY_MISSES * 2):
        assert not misses.one_more("slow", NOW + timedelta(minutes=n))


def test_a_gate_without_staff_never_looks_at_a_card() -> None:
    due = build.held(card_due_since=NOW)
    case = build.case(held=due)
    assert not case.looks_at_card
