"""Clocks: what a device says of the time is evidence, and a server that is wrong is noticed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from passes.admission.clocks import DIFFERENT, ENOUGH_GATES, GateClocks
from passes.base.errors import Conflict
from passes.ledger.records import fold
from passes.ledger.verdicts import Reason
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import NOW, SERIAL, live_scan, printed_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

EVER = [
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2019, 12, 31, tzinfo=UTC),
    NOW + timedelta(days=400),
    datetime(9999, 12, 30, tzinfo=UTC),
]
MANY_A_DAY = build.terms(limits=Limits(per_spot_day=None))


@pytest.mark.parametrize("said", EVER, ids=lambda said: said.strftime("%Y"))
async def test_whatever_the_clock_of_a_gate_says_it_admits(
    rooms: RoomsUnderTest, said: datetime
) -> None:
    held = await rooms.issued()
    scan = replace(live_scan(held, "a"), scanned_at=said)
    first = await rooms.verdict_on(scan)
    assert_admitted(first, decided_at=NOW)
    assert await rooms.verdict_on(scan, NOW + timedelta(hours=20)) == first
    (record,) = await rooms.ledger.records.whole(SERIAL)
    assert record.at == NOW
    assert record.scanned_at == said


async def test_a_retry_is_recognised_though_nine_scans_came_between_and_the_clock_is_400_days_ahead(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=MANY_A_DAY)
    wrong = replace(printed_scan(held, "N"), scanned_at=NOW + timedelta(days=400))
    first = await rooms.verdict_on(wrong)
    for n in range(1, 10):
        at = NOW + timedelta(minutes=n)
        assert_admitted(await rooms.verdict_on(printed_scan(held, f"n{n}", at), at))
    assert await rooms.verdict_on(wrong, NOW + timedelta(minutes=10)) == first
    assert len(await rooms.ledger.records.whole(SERIAL)) == 10


async def test_a_refusal_does_not_turn_green_the_next_day_by_a_wrong_clock(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    south = build.gate(id="south")
    await rooms.verdict_on(live_scan(held, "in"))
    wrong = replace(live_scan(held, "N", gate=south), scanned_at=NOW + timedelta(days=400))
    first = await rooms.verdict_on(wrong)
    assert_refused(first, Reason.ALREADY_TODAY)
    for n in range(12):
        await rooms.verdict_on(live_scan(held, f"n{n}", gate=south))
    assert await rooms.verdict_on(wrong, NOW + timedelta(hours=23)) == first
    assert await rooms.verdict_on(wrong, NOW + timedelta(days=5)) == first, "to the letter"


async def test_a_gate_may_correct_its_clock_between_two_tries(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    first = await rooms.verdict_on(live_scan(held))
    corrected = replace(live_scan(held), scanned_at=NOW - timedelta(days=9_000))
    assert await rooms.verdict_on(corrected, NOW + timedelta(hours=23)) == first


async def test_after_a_day_a_nonce_with_another_instant_names_another_scan(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(printed_scan(held, "1"))
    after = NOW + timedelta(hours=25)
    with pytest.raises(Conflict, match="names another scan"):
        await rooms.verdict_on(printed_scan(held, "1", after), after)


async def test_a_server_that_was_ahead_for_one_scan_does_not_lock_the_pass(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=3)))
    ahead = NOW + timedelta(days=30)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", ahead), ahead))

    for n in range(2):
        day = NOW + timedelta(days=n)
        verdict = await rooms.verdict_on(live_scan(held, f"b{n}", day), day)
        assert_admitted(verdict, decided_at=day, visits_left=1 - n)
        again = await rooms.verdict_on(
            live_scan(held, f"c{n}", day, gate=build.gate(id="south")), day
        )
        assert_refused(again, Reason.ALREADY_TODAY)

    assert "in the future" in caplog.text
    day = NOW + timedelta(days=2)
    assert_refused(await rooms.verdict_on(live_scan(held, "d", day), day), Reason.NO_VISITS_LEFT)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.at for record in ledger] == [ahead, NOW, NOW + timedelta(days=1)]
    assert ledger[-1].tally == fold(ledger)


def told(clocks: GateClocks, skews: list[timedelta], now: datetime = NOW) -> bool:
    """Whether somebody is told, when gates with these skews have scanned."""
    notes = [clocks.note(f"gate-{n}", now + skew, now) for n, skew in enumerate(skews)]
    return any(notes)


WRONG, RIGHT = DIFFERENT * 2, timedelta(seconds=1)


def test_many_gates_that_disagree_put_the_servers_clock_in_doubt() -> None:
    assert told(GateClocks(), [WRONG] * ENOUGH_GATES)
    assert told(GateClocks(), [-WRONG] * ENOUGH_GATES)


def test_one_gate_with_a_wrong_clock_is_its_own_affair() -> None:
    assert not told(GateClocks(), [WRONG])
    assert not told(GateClocks(), [WRONG] * (ENOUGH_GATES - 1))
    assert not told(GateClocks(), [RIGHT] * ENOUGH_GATES + [WRONG] * ENOUGH_GATES)


def test_the_doubt_is_said_once_in_ten_minutes() -> None:
    clocks = GateClocks()
    assert told(clocks, [WRONG] * 5)
    assert not told(clocks, [WRONG] * 5)
    assert told(clocks, [WRONG] * 5, NOW + timedelta(minutes=11))


def test_what_gates_said_long_ago_is_forgotten() -> None:
    clocks = GateClocks()
    told(clocks, [WRONG] * (ENOUGH_GATES - 1))
    assert not clocks.note("another", NOW + WRONG + timedelta(hours=1), NOW + timedelta(hours=1))


async def test_most_gates_disagree_and_the_log_says_so(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    held = await rooms.issued()
    for n in range(ENOUGH_GATES):
        scan = live_scan(held, f"n{n}", gate=build.gate(id=f"gate-{n}"))
        await rooms.verdict_on(replace(scan, scanned_at=NOW + timedelta(hours=8)))
    assert "the clocks of most gates disagree" in caplog.text
