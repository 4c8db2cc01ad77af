"""The life of a pass: every step from every state, races, and activation by day."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.base.calendar import business_day, start_of
from passes.base.errors import Conflict, Unknown
from passes.codes.format import Code, read
from passes.holding.lifecycle import Step
from passes.holding.model import PassState
from passes.holding.shown_code import live_text
from passes.ledger.verdicts import Reason
from passes.terms.terms import Term, Unactivated
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW, SERIAL, TODAY
from tests.support.rooms import RoomsUnderTest

WAITING = Term(days=365, activate_within=30)


@pytest.fixture
def desk(any_mongo: Mongo) -> RoomsUnderTest:
    return RoomsUnderTest(any_mongo)


STEPS = {
    (Step.ACTIVATE, PassState.ISSUED): PassState.ACTIVE,
    (Step.FREEZE, PassState.ISSUED): PassState.FROZEN,
    (Step.FREEZE, PassState.ACTIVE): PassState.FROZEN,
    (Step.FREEZE, PassState.FROZEN): PassState.FROZEN,
    (Step.UNFREEZE, PassState.FROZEN): PassState.ACTIVE,
    (Step.UNFREEZE, PassState.ACTIVE): PassState.ACTIVE,
    (Step.UNFREEZE, PassState.ISSUED): PassState.ISSUED,
    (Step.REVOKE, PassState.ISSUED): PassState.REVOKED,
    (Step.REVOKE, PassState.ACTIVE): PassState.REVOKED,
    (Step.REVOKE, PassState.FROZEN): PassState.REVOKED,
    (Step.REVOKE, PassState.REVOKED): PassState.REVOKED,
}


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", PassState)
async def test_every_step_from_every_state(mongo: Mongo, step: Step, state: PassState) -> None:
    desk = RoomsUnderTest(mongo)
    before = await desk.issued(state=state)
    expected = STEPS.get((step, state))
    if expected is None:
        with pytest.raises(Conflict, match="cannot be"):
            await desk.holding.lifecycle.take(SERIAL, step, "operator:test", NOW)
        assert await desk.holding.passes.get(SERIAL) == before
        assert await desk.base.audit.about(f"pass:{SERIAL}") == []
        return
    after = await desk.holding.lifecycle.take(SERIAL, step, "operator:test", NOW, "lost")
    assert after.state is expected
    assert await desk.holding.passes.get(SERIAL) == after
    lines = await desk.base.audit.about(f"pass:{SERIAL}")
    assert [(line.action, line.detail) for line in lines] == (
        [] if expected is state else [(step.value, {"reason": "lost"})]
    )


async def test_a_pass_that_is_not_there(desk: RoomsUnderTest) -> None:
    with pytest.raises(Unknown):
        await desk.holding.lifecycle.take("0" * 16, Step.FREEZE, "operator:test", NOW)


async def test_a_frozen_pass_is_refused_at_once_and_its_story_is_told(desk: RoomsUnderTest) -> None:
    held = await desk.issue()
    clock = NOW
    for step, nonce, reason in (
        (None, "a", Reason.OK),
        (Step.FREEZE, "b", Reason.FROZEN),
        (Step.UNFREEZE, "c", Reason.ALREADY_TODAY),
        (Step.REVOKE, "d", Reason.REVOKED),
    ):
        clock += timedelta(seconds=1)
        if step is not None:
            await desk.holding.lifecycle.take(held.id, step, "operator:test", clock, "lost")
        clock += timedelta(seconds=1)
        verdict, _ = await desk.admission.admission.admit(
            build.scan(live_text(held, KEYS, clock), nonce, clock), clock
        )
        assert verdict.reason is reason
    told = await desk.admission.histories.under_serial(held)
    assert [event.what for event in told] == [
        "issue", "admitted", "freeze", "refused", "unfreeze", "refused", "revoke", "refused",
    ]  # fmt: skip
    assert told[3].detail == {"reason": "frozen", "nonce": "b"}


async def test_of_activations_at_once_one_counts(desk: RoomsUnderTest) -> None:
    waiting = await desk.issued(
        state=PassState.ISSUED,
        activate_by=TODAY + timedelta(days=30),
        terms=build.terms(term=WAITING),
    )
    days = [NOW + timedelta(days=n) for n in range(6)]
    done = await asyncio.gather(
        *(desk.holding.lifecycle.take(SERIAL, Step.ACTIVATE, "operator:test", at) for at in days)
    )
    assert len({held.valid for held in done}) == 1
    (line,) = await desk.base.audit.about(f"pass:{SERIAL}")
    assert done[0].activated_at == line.at
    assert done[0].valid.start == business_day(line.at)
    assert waiting.activated_at is None


@pytest.mark.parametrize("unactivated", Unactivated)
async def test_a_pass_waits_then_begins_or_lapses(
    desk: RoomsUnderTest, unactivated: Unactivated
) -> None:
    product = build.product(term=Term(days=10, activate_within=3, unactivated=unactivated))
    held = await desk.issue(product)
    assert held.state == PassState.ISSUED
    assert held.activate_by == TODAY + timedelta(days=3)
    assert held.valid.start == TODAY + timedelta(days=4)
    assert held.valid.end == TODAY + timedelta(days=13)
    code = read(live_text(held, KEYS, NOW), KEYS, NOW)
    assert isinstance(code, Code)
    assert code.first_day == TODAY
    assert code.last_day == TODAY + timedelta(days=13), "the code names every day it may have"
    later = start_of(TODAY + timedelta(days=4))
    begun = unactivated is Unactivated.STARTS
    assert held.state_on(business_day(later)) is (PassState.ACTIVE if begun else PassState.EXPIRED)
    with pytest.raises(Conflict):
        await desk.holding.lifecycle.take(held.id, Step.ACTIVATE, "operator:test", later)
    frozen = await desk.holding.lifecycle.take(held.id, Step.FREEZE, "operator:test", later)
    assert frozen.state is PassState.FROZEN
    thawed = await desk.holding.lifecycle.take(held.id, Step.UNFREEZE, "operator:test", later)
    assert thawed.state is PassState.ISSUED
    assert thawed == replace(held, revision=2)


@given(st.integers(1, 60), st.integers(1, 400), st.integers(0, 60), st.integers(0, 60))
def test_a_later_activation_never_shortens_a_pass(
    within: int, days: int, early: int, late: int
) -> None:
    term = Term(days=days, activate_within=within)
    early, late = sorted((min(early, within), min(late, within)))
    first, second = (term.starting(TODAY + timedelta(days=n)) for n in (early, late))
    assert second.end - second.start == first.end - first.start == timedelta(days=days - 1)
    assert second.end >= first.end
    latest = term.starting(TODAY + timedelta(days=within + 1))
    assert latest.end > second.end >= date.min
