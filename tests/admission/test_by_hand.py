"""Staff let people in by hand: a record of the pass, if there is one, and a case for operators."""

from dataclasses import replace
from datetime import timedelta

import pytest

from passes.admission.by_hand import Shown, WhyByHand
from passes.admission.gates import GateKind
from passes.admission.not_the_holder import WhyNotTheHolder
from passes.admission.staff import StaffDecision, WhyAnnulled
from passes.base.errors import DomainError
from passes.holding.shown_code import live_text
from passes.ledger.records import By, Record, RecordKind, fold
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, live_scan
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

HANDHELD = build.gate(GateKind.HANDHELD)
SOON = NOW + timedelta(minutes=5)
USED_UP = build.terms(limits=Limits(total=1))


def decision(nonce: str = "h1") -> StaffDecision:
    return StaffDecision(HANDHELD, nonce, WhyByHand.DEVICE_FAULT, "黑屏", "07")


async def ledger_of(rooms: RoomsUnderTest) -> list[Record]:
    ledger = list(await rooms.ledger.records.whole(SERIAL))
    assert ledger[-1].tally == fold(ledger)
    return ledger


async def test_a_pass_is_let_in_against_its_limits_once_and_it_is_a_case(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=USED_UP)
    by_hand = rooms.admission.by_hand
    there = build.gate(spot_id=build.XIANNVSHAN)
    assert_admitted(await rooms.verdict_on(live_scan(held, "in", gate=there)))
    stale = live_text(held, build.KEYS, NOW - timedelta(hours=1))
    let_in = await by_hand.admit(decision(), Shown(1, code=stale), NOW)
    assert let_in.counts
    again = await by_hand.admit(decision(), Shown(1, code=stale), SOON)
    assert again.record == let_in.record
    assert again.case == let_in.case
    _, record = await ledger_of(rooms)
    assert_fields(record, by=By.HAND, staff="07", decision=decision().in_ledger)
    assert record.tally.total == 2
    (case,) = await rooms.admission.case_work.all(open_only=True)
    assert_fields(case, people=1, pass_id=SERIAL, note="黑屏", reason="device_fault")
    assert len(await rooms.lines_about(f"pass:{SERIAL}")) == 1
    next_scan = await rooms.verdict_on(live_scan(held, "next", SOON), SOON)
    assert_refused(next_scan, Reason.ALREADY_TODAY)


async def test_it_costs_no_second_visit_on_the_same_day_at_the_same_spot(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=3), party=Party(2, 2)))
    assert_admitted(await rooms.verdict_on(live_scan(held, "in", party=1)))
    by_hand = rooms.admission.by_hand
    for nonce in ("rest", "more"):
        await by_hand.admit(decision(nonce), Shown(1, pass_id=SERIAL), NOW)
    ledger = await ledger_of(rooms)
    assert [record.kind for record in ledger[1:]] == [RecordKind.ADMITTED, RecordKind.LET_IN]
    assert ledger[-1].tally.total == 1
    for nonce in ("rest", "more"):
        await by_hand.annul(HANDHELD, nonce, SOON)
        await by_hand.annul(HANDHELD, nonce, SOON)
    ledger = await ledger_of(rooms)
    assert len(ledger) == 5
    assert ledger[-1].tally.places == {build.EMEISHAN: 1}
    assert all(case.annulled_at for case in await rooms.admission.case_work.all(open_only=False))


async def test_nobody_owes_money_for_it(rooms: RoomsUnderTest) -> None:
    await rooms.issued(terms=build.terms(party=Party(2, 2), payment=Payment.AT_WINDOW))
    await rooms.admission.by_hand.admit(decision(), Shown(2, pass_id=SERIAL), NOW)
    assert (await ledger_of(rooms))[-1].tally.due == {}


async def test_without_a_pass_it_is_a_case_alone(rooms: RoomsUnderTest) -> None:
    by_hand, work = rooms.admission.by_hand, rooms.admission.case_work
    let_in = await by_hand.admit(decision(), Shown(3), NOW)
    assert await by_hand.admit(decision(), Shown(3), SOON) == let_in
    assert not let_in.counts
    number = let_in.case.id
    with pytest.raises(DomainError, match="a note is needed"):
        await work.close(number, OPERATOR, " ", NOW)
    await work.close(number.lower(), OPERATOR, "已核实", NOW)
    with pytest.raises(DomainError, match="closed"):
        await work.close(number, OPERATOR, "再次", NOW)
    assert await work.all(open_only=True) == []
    assert (await work.get(number)).closing_note == "已核实"
    late = NOW + timedelta(minutes=16)
    with pytest.raises(DomainError, match="15 minutes"):
        await by_hand.annul(HANDHELD, "h1", late)
    with pytest.raises(DomainError, match="let nobody in"):
        await by_hand.annul(build.gate(GateKind.WINDOW), "h1", NOW)


async def test_by_hand_sent_again_after_a_reissue_lets_nobody_in_twice(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.issued(terms=build.terms(limits=Limits(total=3)))
    by_hand = rooms.admission.by_hand
    let_in = await by_hand.admit(decision(), Shown(1, pass_id=SERIAL), NOW)
    newest = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    tomorrow = NOW + timedelta(days=1)
    again = await by_hand.admit(decision(), Shown(1, pass_id=SERIAL), tomorrow)
    assert again == let_in
    (carried,) = await rooms.ledger.records.whole(newest.id)
    assert carried.tally.total == 1


OTHERWISE = {
    "another pass": Shown(1, pass_id="00000000000000a2"),
    "no pass": Shown(1),
}


@pytest.mark.parametrize("shown", OTHERWISE.values(), ids=OTHERWISE)
async def test_the_nonce_of_one_decision_lets_nobody_in_with_another_pass(
    rooms: RoomsUnderTest, shown: Shown
) -> None:
    await rooms.issued()
    await rooms.issued(id="00000000000000a2")
    by_hand = rooms.admission.by_hand
    await by_hand.admit(decision(), Shown(1, pass_id=SERIAL), NOW)
    with pytest.raises(DomainError) as refused:
        await by_hand.admit(decision(), shown, NOW)
    assert refused.value.code == "nonce_reused"
    assert await rooms.ledger.records.whole("00000000000000a2") == []


async def test_the_nonce_of_one_decision_names_no_decision_of_another_kind(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits()))
    rooms_of = rooms.admission
    annulment = StaffDecision(HANDHELD, "a", WhyAnnulled.DID_NOT_ENTER)
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    await rooms_of.annulling.annul_at_spot(annulment, SERIAL, NOW)
    await rooms_of.by_hand.admit(decision("h"), Shown(1, pass_id=SERIAL), NOW)
    with pytest.raises(DomainError) as by_hand:
        await rooms_of.by_hand.admit(decision("a"), Shown(1, pass_id=SERIAL), NOW)
    with pytest.raises(DomainError) as annulled:
        await rooms_of.annulling.annul_at_spot(replace(annulment, nonce="h"), SERIAL, NOW)
    assert {by_hand.value.code, annulled.value.code} == {"nonce_reused"}
    assert (await ledger_of(rooms))[-1].tally.total == 1


WRONG = {
    "no code of ours": (Shown(1, code="hello"), "code_unreadable"),
    "no such pass": (Shown(1, pass_id="0" * 16), "pass_unknown"),
}


@pytest.mark.parametrize(("shown", "code"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_shown_has_to_be_known(
    rooms: RoomsUnderTest, shown: Shown, code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        await rooms.admission.by_hand.admit(decision(), shown, NOW)
    assert refused.value.code == code
    assert await rooms.admission.case_work.all(open_only=False) == []


async def test_a_nonce_of_staff_names_one_decision_about_one_pass(rooms: RoomsUnderTest) -> None:
    held, other = await rooms.issued(), await rooms.issued(id="00000000000000a2")
    await rooms.admission.by_hand.admit(decision(), Shown(1, pass_id=held.id), NOW)
    misuse = replace(decision(), reason=WhyNotTheHolder.FACE)
    annulment = replace(decision(), reason=WhyAnnulled.DID_NOT_ENTER)
    for trying in (
        rooms.admission.by_hand.admit(decision(), Shown(1, pass_id=other.id), NOW),
        rooms.admission.by_hand.admit(decision(), Shown(1), NOW),
        rooms.admission.holder_checks.mark(misuse, held.id, NOW),
        rooms.admission.annulling.annul_at_spot(annulment, held.id, NOW),
    ):
        with pytest.raises(DomainError) as error:
            await trying
        assert error.value.code == "nonce_reused"
    assert len(await ledger_of(rooms)) == 1
    assert await rooms.ledger.records.whole(other.id) == []
    (case,) = await rooms.admission.case_work.all(open_only=True)
    assert case.annulled_at is None
