"""Passes that start at their first visit, and passes that are paused."""

from dataclasses import replace
from datetime import date, timedelta

from passes.admission.gates import GateKind
from passes.holding.lifecycle import Step
from passes.holding.transitions import activate, freeze, unfreeze
from passes.ledger.verdicts import Reason
from passes.terms.validity import DateRange, Starts, Term, Unactivated
from scripts.passes import summary_of
from tests.support import build
from tests.support.build import NOW, OPERATOR, SEALER, TODAY
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

FIRST_VISIT = Term(days=3, starts=Starts.FIRST_VISIT, start_within=30)
HANDHELD = build.gate(GateKind.HANDHELD)
HOLDER = "visitor:test"


def days(count: int) -> timedelta:
    return timedelta(days=count)


async def test_the_first_visit_starts_the_pass_with_no_second_write(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(build.product(term=FIRST_VISIT))
    stored = await rooms.holding.passes.get(held.id)
    first = NOW + days(20)
    assert_admitted(await rooms.verdict_on(build.printed_scan(held, "a", first), first))
    assert await rooms.holding.passes.get(held.id) == stored
    shown = await summary_of(held, rooms.holding.wallet)
    assert shown["valid_until"] == TODAY + days(22)
    last, over = first + days(2), first + days(3)
    assert_admitted(await rooms.verdict_on(build.printed_scan(held, "b", last), last))
    refused = await rooms.verdict_on(build.printed_scan(held, "c", over), over)
    assert_refused(refused, Reason.EXPIRED)


async def test_a_pass_not_visited_in_time_has_expired(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(build.product(term=FIRST_VISIT))
    late = NOW + days(31)
    refused = await rooms.verdict_on(build.printed_scan(held, "a", late), late)
    assert_refused(refused, Reason.EXPIRED)


async def test_an_annulled_first_visit_has_not_started_the_pass(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(build.product(term=FIRST_VISIT))
    assert_admitted(await rooms.verdict_on(build.printed_scan(held, "a")))
    await rooms.admission.annulling.annul(HANDHELD, "a", NOW)
    tally = (await rooms.ledger.records.whole(held.id))[-1].tally
    assert tally.first_day is None
    later = NOW + days(25)
    assert_admitted(await rooms.verdict_on(build.printed_scan(held, "b", later), later))


async def test_a_pause_of_the_holder_is_added_up_to_the_number(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue(build.product(term=Term(days=10, pause_days=5)))
    lifecycle = rooms.holding.lifecycle
    await lifecycle.take(held.id, Step.FREEZE, HOLDER, NOW)
    resumed = await lifecycle.take(held.id, Step.UNFREEZE, HOLDER, NOW + days(3))
    assert resumed.valid == DateRange(TODAY, held.valid.end + days(3))
    await lifecycle.take(held.id, Step.FREEZE, HOLDER, NOW + days(4))
    again = await lifecycle.take(held.id, Step.UNFREEZE, HOLDER, NOW + days(9))
    assert (again.paused_days, again.valid.end) == (5, held.valid.end + days(5))
    last_day = NOW + days(14)
    assert_admitted(await rooms.verdict_on(build.printed_scan(again, "a", last_day), last_day))


async def test_a_frozen_pass_that_is_reissued_keeps_the_days_of_its_pause(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issue(build.product(term=Term(days=10, pause_days=5)))
    await rooms.holding.lifecycle.take(held.id, Step.FREEZE, HOLDER, NOW)
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, NOW + days(2))
    assert (new.paused_days, new.valid.end) == (2, held.valid.end + days(2))
    assert (new.frozen_by, new.frozen_on) == (None, None)


def test_days_before_the_first_one_are_not_lost_by_a_pause() -> None:
    """Freezing a pass that is not valid yet made it longer."""
    next_week = DateRange(TODAY + days(7), TODAY + days(16))
    held = build.held(terms=build.terms(term=Term(days=10, pause_days=5)), valid=next_week)
    resumed = unfreeze(freeze(held, HOLDER, NOW), HOLDER, NOW + days(6))
    assert (resumed.valid, resumed.paused_days) == (next_week, 0)
    longer = unfreeze(freeze(held, HOLDER, NOW), HOLDER, NOW + days(9))
    assert (longer.valid.end, longer.paused_days) == (next_week.end + days(2), 2)


async def test_the_first_day_that_was_agreed_is_kept_when_activated_early(
    rooms: RoomsUnderTest,
) -> None:
    agreed = TODAY + days(10)
    for starts in (Starts.AT_ONCE, Starts.NEXT_DAY):
        term = Term(days=5, activate_within=30, starts=starts)
        person = SEALER.seal(build.person(3 + len(starts.value)))
        new = await rooms.new(person, build.product(term=term), agreed)
        held = await rooms.holding.issuing.issue(new, OPERATOR, NOW)
        active = activate(held, NOW)
        assert active.valid == DateRange(agreed, agreed + days(4))


async def test_a_first_day_that_was_agreed_is_the_first_day(rooms: RoomsUnderTest) -> None:
    """Where days begin on the next one, it was the day after."""
    agreed = date(2026, 7, 10)
    draft = build.product(term=Term(days=5, starts=Starts.NEXT_DAY))
    new = await rooms.new(SEALER.seal(build.HOLDER), draft, agreed)
    held = await rooms.holding.issuing.issue(new, OPERATOR, NOW)
    assert held.valid == DateRange(agreed, agreed + days(4))


def test_a_pass_that_would_lapse_has_no_days_to_show() -> None:
    term = Term(days=5, activate_within=30, unactivated=Unactivated.LAPSES)
    waiting = build.held(terms=build.terms(term=term), activate_by=TODAY + days(30))
    waiting = replace(waiting, state=waiting.state_in_force)
    assert waiting.lapses
    assert not activate(waiting, NOW).lapses
