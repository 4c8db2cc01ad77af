"""The life of a pass: every step from every state, races, and activation by day."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.base.calendar import business_day, start_of
from passes.base.errors import Conflict, Unknown
from passes.codes.format import Code, read
from passes.holding.lifecycle import Step
from passes.holding.model import PassState
from passes.holding.shown_code import live_text
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.validity import DateRange, Term, Unactivated
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW, OPERATOR, SERIAL, TODAY, live_scan
from tests.support.fields import assert_fields
from tests.support.interleaving import ALWAYS, overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

WAITING = Term(days=365, activate_within=30)


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
    rooms = RoomsUnderTest(mongo)
    before = await rooms.issued(state=state)
    take, expected = rooms.holding.lifecycle.take, STEPS.get((step, state))
    if expected is None:
        with pytest.raises(Conflict, match="cannot be"):
            await take(SERIAL, step, OPERATOR, NOW)
        assert await rooms.holding.passes.get(SERIAL) == before
        assert await rooms.lines_about(f"pass:{SERIAL}") == []
        return
    after = await take(SERIAL, step, OPERATOR, NOW, "lost")
    assert after.state is expected
    assert await rooms.holding.passes.get(SERIAL) == after
    lines = await rooms.lines_about(f"pass:{SERIAL}")
    if expected is state:
        assert lines == [], "nothing happened"
    else:
        (line,) = lines
        assert_fields(line, action=step.value, detail={"reason": "lost"})


async def test_a_pass_that_is_not_there(rooms: RoomsUnderTest) -> None:
    with pytest.raises(Unknown):
        await rooms.holding.lifecycle.take("0" * 16, Step.FREEZE, OPERATOR, NOW)


async def test_a_frozen_pass_is_refused_at_once_and_its_history_is_told(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issue()
    take = rooms.holding.lifecycle.take
    instants = (NOW + timedelta(seconds=n) for n in itertools.count(1))

    async def scanned(nonce: str) -> Verdict:
        at = next(instants)
        return await rooms.verdict_on(live_scan(held, nonce, at), at)

    assert_admitted(await scanned("a"))
    await take(held.id, Step.FREEZE, OPERATOR, next(instants), "lost")
    assert_refused(await scanned("b"), Reason.FROZEN_BY_STAFF)
    await take(held.id, Step.UNFREEZE, OPERATOR, next(instants), "lost")
    assert_refused(await scanned("c"), Reason.ALREADY_TODAY)
    await take(held.id, Step.REVOKE, OPERATOR, next(instants), "lost")
    assert_refused(await scanned("d"), Reason.REVOKED)
    told = await rooms.admission.histories.under_serial(held)
    assert [event.what for event in told] == [
        "issue",
        "admitted",
        "freeze",
        "refused",
        "unfreeze",
        "refused",
        "revoke",
        "refused",
    ]
    assert told[3].detail == {"reason": "frozen_by_staff", "nonce": "b"}


async def test_of_activations_at_once_one_counts(rooms: RoomsUnderTest) -> None:
    waiting = await rooms.issued(
        state=PassState.ISSUED,
        activate_by=TODAY + timedelta(days=30),
        terms=build.terms(term=WAITING),
    )
    take = rooms.holding.lifecycle.take
    days = [NOW + timedelta(days=n) for n in range(6)]
    done = await asyncio.gather(*(take(SERIAL, Step.ACTIVATE, OPERATOR, at) for at in days))
    assert len({held.valid for held in done}) == 1
    (line,) = await rooms.lines_about(f"pass:{SERIAL}")
    assert done[0].activated_at == line.at
    assert done[0].valid.start == business_day(line.at)
    assert waiting.activated_at is None


@pytest.mark.parametrize(
    ("unactivated", "state_then"),
    [
        (Unactivated.STARTS, PassState.ACTIVE),
        (Unactivated.LAPSES, PassState.EXPIRED),
    ],
)
async def test_a_pass_waits_then_begins_or_lapses(
    rooms: RoomsUnderTest, unactivated: Unactivated, state_then: PassState
) -> None:
    term = Term(days=10, activate_within=3, unactivated=unactivated)
    take, held = rooms.holding.lifecycle.take, await rooms.issue(build.product(term=term))
    begins, ends = TODAY + timedelta(days=4), TODAY + timedelta(days=13)
    assert held.state is PassState.ISSUED
    assert held.activate_by == TODAY + timedelta(days=3)
    assert held.valid == DateRange(begins, ends)
    code = read(live_text(held, KEYS, NOW), KEYS, NOW)
    assert isinstance(code, Code)
    assert code.first_day == TODAY, "the code names every day it may have"
    assert code.last_day == ends
    later = start_of(begins)
    assert held.state_on(begins) is state_then
    with pytest.raises(Conflict):
        await take(held.id, Step.ACTIVATE, OPERATOR, later)
    frozen = await take(held.id, Step.FREEZE, OPERATOR, later)
    assert frozen.state is PassState.FROZEN
    thawed = await take(held.id, Step.UNFREEZE, OPERATOR, later)
    assert thawed.state is PassState.ISSUED
    assert thawed == replace(held, revision=2)


@given(st.integers(1, 60), st.integers(1, 400), st.integers(0, 60), st.integers(0, 60))
def test_a_later_activation_never_shortens_a_pass(
    within: int, days: int, early: int, late: int
) -> None:
    term = Term(days=days, activate_within=within)
    early, late = sorted((min(early, within), min(late, within)))
    first, second = (term.starting(TODAY + timedelta(days=n)) for n in (early, late))
    assert first.end - first.start == timedelta(days=days - 1)
    assert second.end - second.start == timedelta(days=days - 1)
    assert second.end >= first.end
    latest = term.starting(TODAY + timedelta(days=within + 1))
    assert latest.end > second.end


async def test_a_pass_that_others_change_again_and_again_is_busy(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, revisions = RoomsUnderTest(mongo), itertools.count(1)
    await rooms.issued()

    async def change_it() -> None:
        await rooms.change_stored(SERIAL, revision=next(revisions))

    overtake(monkeypatch, rooms.holding.passes, "replace", change_it, ALWAYS)
    with pytest.raises(Conflict, match="is being changed right now"):
        await rooms.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    held = await rooms.holding.passes.get(SERIAL)
    assert held is not None
    assert held.state is PassState.ACTIVE
    assert await rooms.lines_about(f"pass:{SERIAL}") == []
