"""Somebody else shows a pass; and the doors are open in an emergency."""

from datetime import timedelta

import pytest

from passes.admission.by_hand import Shown, WhyByHand
from passes.admission.emergency import WhyEmergency
from passes.admission.gates import GateKind, Purpose
from passes.admission.not_the_holder import MARKS_THAT_FREEZE, Marked, WhyNotTheHolder
from passes.admission.staff import StaffDecision
from passes.admission.stops import WhyResumed
from passes.base.errors import DomainError
from passes.holding.lifecycle import Step
from passes.holding.model import PassState
from passes.ledger.verdicts import Reason
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, live_scan, printed_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

HANDHELD = build.gate(GateKind.HANDHELD)
UNLIMITED = build.product(limits=Limits(per_spot_day=None))


async def not_the_holder(rooms: RoomsUnderTest, pass_id: str, nonce: str) -> Marked:
    decision = StaffDecision(HANDHELD, nonce, WhyNotTheHolder.FACE)
    return await rooms.admission.holder_checks.mark(decision, pass_id, NOW)


async def test_it_annuls_marks_and_at_last_freezes_and_the_holder_is_told(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.known()
    held = await rooms.issue(UNLIMITED)
    scan = live_scan(held, "in", gate=HANDHELD)
    assert_admitted(await rooms.verdict_on(scan))
    first = await not_the_holder(rooms, held.id, "n0")
    assert first.annulled
    ledger = await rooms.ledger.records.whole(held.id)
    assert ledger[-1].tally.total == 0

    assert_admitted(await rooms.verdict_on(printed_scan(held, "holder")))
    repeated = await not_the_holder(rooms, held.id, "n0")
    assert (repeated.annulled, len(repeated.held.misuses)) == (True, 1)
    assert len(await rooms.ledger.records.whole(held.id)) == 3, "the holder's own visit stands"

    for n in range(1, MARKS_THAT_FREEZE):
        marked = await not_the_holder(rooms, held.id, f"n{n}")
    assert marked.held.state is PassState.FROZEN
    assert not marked.annulled
    told = await rooms.people.visitors.get(visitor.id)
    assert told is not None
    assert told.notice is not None
    assert told.notice.code == "pass_frozen_misused"
    lines = [(line.by, line.action) for line in await rooms.lines_about(f"pass:{held.id}")]
    assert ("service:not_the_holder", "freeze") in lines
    assert lines.count((f"gate:{HANDHELD.id}", "not_the_holder")) == MARKS_THAT_FREEZE
    assert len(await rooms.admission.case_work.all(open_only=True)) == MARKS_THAT_FREEZE
    frozen = await rooms.verdict_on(live_scan(held, "later"))
    assert_refused(frozen, Reason.FROZEN_BY_STAFF)
    unfrozen = await rooms.holding.lifecycle.take(held.id, Step.UNFREEZE, OPERATOR, NOW)
    assert (unfrozen.state, unfrozen.misuses) == (PassState.ACTIVE, ())


async def test_the_nonce_of_another_decision_marks_no_pass(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(UNLIMITED)
    by_hand = StaffDecision(HANDHELD, "h", WhyByHand.GOODWILL)
    await rooms.admission.by_hand.admit(by_hand, Shown(1, pass_id=held.id), NOW)
    with pytest.raises(DomainError) as refused:
        await not_the_holder(rooms, held.id, "h")
    assert refused.value.code == "nonce_reused"
    stored = await rooms.holding.passes.get(held.id)
    assert stored is not None
    assert stored.misuses == ()


async def test_in_an_emergency_nobody_comes_in_and_everybody_leaves(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(UNLIMITED)
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    until = NOW + timedelta(hours=2)
    fire = StaffDecision(HANDHELD, "e1", WhyEmergency.FIRE)
    emergencies = rooms.admission.emergencies
    stop, case = await emergencies.declare(fire, until, NOW)
    assert await emergencies.declare(fire, until, NOW) == (stop, case)
    assert (case.people, case.opened_at, case.until) == (None, NOW, until)
    there = build.gate(id="another")
    refused = await rooms.verdict_on(live_scan(held, "again", gate=there))
    assert_refused(refused, Reason.EMERGENCY, admitted_from=None, speak="请有序离开")
    out = await rooms.verdict_on(live_scan(held, "out", purpose=Purpose.LEAVE))
    assert_admitted(out, leaving=True)
    over = StaffDecision(HANDHELD, "e2", WhyResumed.OVER)
    await rooms.admission.stopping.resume_here(over, NOW)
    assert await emergencies.declare(fire, until, NOW) == (await stop_of(rooms), case)
    assert_admitted(await rooms.verdict_on(printed_scan(held, "after")))


async def stop_of(rooms: RoomsUnderTest) -> object:
    return rooms.admission.stopping.stops.get(EMEISHAN)
