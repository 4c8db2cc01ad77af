"""Entry is stopped at a spot until an hour, at every process, and people inside can leave."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from passes.admission.gates import GateKind, Purpose
from passes.admission.staff import StaffDecision
from passes.admission.stop import Stop
from passes.admission.stops import LONGEST, WhyResumed, WhyStopped
from passes.base.audit import AuditLine
from passes.base.errors import DomainError
from passes.ledger.verdicts import Reason
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, XIANNVSHAN, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

HOUR = timedelta(hours=1)
HANDHELD = build.gate(GateKind.HANDHELD)
UNLIMITED = build.terms(limits=Limits(per_spot_day=None))


def full(nonce: str = "s1") -> StaffDecision:
    return StaffDecision(HANDHELD, nonce, WhyStopped.FULL)


RESUMED = StaffDecision(HANDHELD, "r1", WhyResumed.OVER)


async def by_operator(rooms: RoomsUnderTest, spot_id: str, until: datetime) -> Stop:
    stop = Stop(spot_id, NOW, until, "weather", OPERATOR)
    line = AuditLine(NOW, OPERATOR, "stop_entry", f"spot:{spot_id}")
    return await rooms.admission.stopping.stop(stop, line, NOW)


async def test_staff_stop_entry_at_their_spot_and_who_is_inside_leaves(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=UNLIMITED)
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    stopping = rooms.admission.stopping
    await stopping.stop_here(full(), NOW + HOUR, NOW)
    soon = NOW + HOUR / 2
    stopped = await rooms.verdict_on(live_scan(held, "again", soon), soon)
    assert_refused(stopped, Reason.ENTRY_STOPPED, admitted_from=NOW + HOUR)
    assert stopped.message.zh == "本景区暂停入园，可于2026年7月1日 11:00再来"
    elsewhere = live_scan(held, "there", soon, gate=build.gate(spot_id=XIANNVSHAN))
    assert_admitted(await rooms.verdict_on(elsewhere, soon))
    out = live_scan(held, "out", soon, purpose=Purpose.LEAVE)
    assert_admitted(await rooms.verdict_on(out, soon), leaving=True)
    (line,) = await rooms.lines_about(f"spot:{EMEISHAN}")
    assert (line.by, line.detail["reason"]) == (f"gate:{HANDHELD.id}", "full")
    ended = NOW + HOUR
    assert_admitted(await rooms.verdict_on(live_scan(held, "later", ended), ended))


async def test_a_stop_sent_again_after_entry_was_resumed_stops_nothing(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=UNLIMITED)
    stopping = rooms.admission.stopping
    with pytest.raises(DomainError, match="not stopped"):
        await stopping.resume_here(RESUMED, NOW)
    await stopping.stop_here(full(), NOW + HOUR, NOW)
    resumed = await stopping.resume_here(RESUMED, NOW)
    assert resumed.until == NOW
    assert await stopping.resume_here(RESUMED, NOW + HOUR) == resumed
    assert await stopping.stop_here(full(), NOW + HOUR, NOW) == resumed
    assert_admitted(await rooms.verdict_on(live_scan(held)))


async def test_operators_stop_a_whole_with_its_parts_and_staff_do_not_change_that(
    rooms: RoomsUnderTest,
) -> None:
    rooms.spots.put(build.spot(EMEISHAN).within(build.spot(XIANNVSHAN)))
    held = await rooms.issued(terms=UNLIMITED)
    await by_operator(rooms, EMEISHAN, NOW + HOUR)
    await by_operator(rooms, XIANNVSHAN, NOW + 2 * HOUR)
    stopped = await rooms.verdict_on(live_scan(held))
    assert_refused(stopped, Reason.ENTRY_STOPPED, admitted_from=NOW + 2 * HOUR)
    for changed in (
        rooms.admission.stopping.stop_here(full(), NOW + HOUR / 2, NOW),
        rooms.admission.stopping.resume_here(RESUMED, NOW),
    ):
        with pytest.raises(DomainError) as refused:
            await changed
        assert refused.value.code == "stopped_by_operators"


async def test_another_process_learns_of_it_by_the_versions(rooms: RoomsUnderTest) -> None:
    there = RoomsUnderTest(rooms.database)
    before = (await there.base.versions.all())["stops"]
    await rooms.admission.stopping.stop_here(full(), NOW + HOUR, NOW)
    assert (await there.base.versions.all())["stops"] == before + 1
    await there.loaders()["stops"]()
    held = await there.issued()
    assert_refused(await there.verdict_on(live_scan(held)), Reason.ENTRY_STOPPED)


@pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + LONGEST + HOUR])
async def test_until_when_has_to_be_an_hour_to_come(rooms: RoomsUnderTest, until: datetime) -> None:
    with pytest.raises(DomainError) as refused:
        await rooms.admission.stopping.stop_here(full(), until, NOW)
    assert refused.value.code == "until_wrong"


async def test_an_emergency_under_the_nonce_of_a_stop_opens_the_doors(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.admission.stopping.stop_here(full(), NOW + HOUR, NOW)
    await rooms.admission.emergencies.declare(full(), NOW + HOUR, NOW)
    current = rooms.admission.stopping.stops.get(EMEISHAN)
    assert current is not None
    assert current.emergency


def storm(*spot_ids: str, until: datetime = NOW + HOUR) -> list[Stop]:
    return [Stop(spot_id, NOW, until, "weather", OPERATOR) for spot_id in spot_ids]


async def test_many_spots_are_closed_at_once_and_reopened(rooms: RoomsUnderTest) -> None:
    stopping = rooms.admission.stopping
    plan = await stopping.plan_closing(storm(EMEISHAN, XIANNVSHAN), NOW)
    assert stopping.stops.all() == (), "a plan changes nothing"
    await stopping.carry_out(plan, "stop_entry", "暴雨", OPERATOR, NOW)
    assert {stop.id for stop in stopping.stops.all()} == {EMEISHAN, XIANNVSHAN}
    (line,) = await rooms.lines_about(f"spot:{EMEISHAN}")
    assert line.detail["note"] == "暴雨"
    soon = NOW + HOUR / 2
    again = await stopping.plan_reopening([EMEISHAN, XIANNVSHAN], soon)
    await stopping.carry_out(again, "resume_entry", "", OPERATOR, soon)
    held = await rooms.issued(terms=UNLIMITED)
    assert_admitted(await rooms.verdict_on(live_scan(held, "in", soon), soon))
    assert (await stopping.plan_reopening([EMEISHAN], soon)).change == ()


async def test_closing_shortens_no_stop_and_ends_no_emergency(rooms: RoomsUnderTest) -> None:
    stopping = rooms.admission.stopping
    longer = await by_operator(rooms, EMEISHAN, NOW + 2 * HOUR)
    there = build.gate(GateKind.HANDHELD, XIANNVSHAN)
    fire = StaffDecision(there, "e1", WhyStopped.FIRE)
    open_doors = await stopping.stop_here(fire, NOW + HOUR / 2, NOW, emergency=True)
    plan = await stopping.plan_closing(storm(EMEISHAN, XIANNVSHAN), NOW)
    assert plan.change == ()
    assert set(plan.keep) == {longer, open_doors}
    reopened = await stopping.plan_reopening([EMEISHAN, XIANNVSHAN], NOW)
    assert [stop.id for stop in reopened.change] == [EMEISHAN]
    assert reopened.keep == (open_doors,)


async def test_an_emergency_that_comes_in_between_stays(rooms: RoomsUnderTest) -> None:
    stopping = rooms.admission.stopping
    plan = await stopping.plan_closing(storm(EMEISHAN), NOW)
    fire = StaffDecision(HANDHELD, "e1", WhyStopped.FIRE)
    open_doors = await stopping.stop_here(fire, NOW + HOUR / 2, NOW, emergency=True)
    await stopping.carry_out(plan, "stop_entry", "", OPERATOR, NOW)
    assert stopping.stops.all() == (open_doors,)
    over = NOW + HOUR
    later = [replace(storm(EMEISHAN, until=over + HOUR)[0], since=over)]
    await stopping.carry_out(
        await stopping.plan_closing(later, over), "stop_entry", "", OPERATOR, over
    )
    assert stopping.stops.all() == tuple(later)


async def test_closing_names_every_spot_that_is_not_there(rooms: RoomsUnderTest) -> None:
    with pytest.raises(DomainError) as refused:
        await rooms.admission.stopping.plan_closing(storm("emeishna", "nowhere"), NOW)
    assert [fault.what for fault in refused.value.faults] == [
        "there is no spot emeishna; did you mean emeishan?",
        "there is no spot nowhere",
    ]
