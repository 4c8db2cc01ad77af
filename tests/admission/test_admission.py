"""Admission over the real database, through both drivers: decided, stored, and raced for."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from tornado.ioloop import IOLoop

from passes.admission.gates import Gate, GateKind, Purpose, Scan
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Unknown
from passes.codes.format import rotate, sign, to_text
from passes.holding.model import PassState
from passes.ledger.records import RecordKind, fold, standing
from passes.ledger.verdicts import Reason, Verdict
from passes.store.indexes import ensure_indexes
from passes.terms.prices import Party
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import (
    EMEISHAN,
    KEYS,
    NOW,
    SERIAL,
    XIANNVSHAN,
    live_scan,
    printed_scan,
)
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of

MANY_A_DAY = build.terms(limits=Limits(per_spot_day=None))


def gates_at_both_spots(number: int) -> list[Gate]:
    """Handhelds, at 峨眉山 and 仙女山 by turns."""
    spots = (EMEISHAN, XIANNVSHAN)
    kind = GateKind.HANDHELD
    return [build.gate(kind, spots[n % 2], id=f"gate-{n}") for n in range(number)]


async def verdicts_at_once(
    rooms: RoomsUnderTest, scans: list[Scan], at: datetime = NOW
) -> list[Verdict]:
    return list(await asyncio.gather(*(rooms.verdict_on(scan, at) for scan in scans)))


async def test_one_pass_two_spots_one_visit_a_day(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    south = build.gate(id="south")
    there = build.gate(GateKind.HANDHELD, XIANNVSHAN)
    another_there = build.gate(spot_id=XIANNVSHAN)
    later = NOW + timedelta(hours=3)

    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))
    again = await rooms.verdict_on(live_scan(held, "b", gate=south))
    assert_refused(again, Reason.ALREADY_TODAY)
    assert_admitted(await rooms.verdict_on(live_scan(held, "c", later, gate=there), later))
    again_there = await rooms.verdict_on(live_scan(held, "d", later, gate=another_there), later)
    assert_refused(again_there, Reason.ALREADY_TODAY)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [(record.n, record.spot_id, record.nonce) for record in ledger] == [
        (1, EMEISHAN, "a"),
        (2, XIANNVSHAN, "c"),
    ]
    assert await rooms.refusal_reasons() == ["already_today", "already_today"]


async def test_32_scans_at_once_admit_exactly_once(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    gates = [build.gate(id=f"gate-{n}") for n in range(32)]
    scans = [live_scan(held, f"n{n}", gate=gate) for n, gate in enumerate(gates)]
    verdicts = await verdicts_at_once(rooms, scans)
    reasons = Counter(reason_of(verdict) for verdict in verdicts)
    assert reasons == {Reason.OK: 1, Reason.ALREADY_TODAY: 31}
    assert len(await rooms.ledger.records.whole(SERIAL)) == 1
    assert len(await rooms.refusal_reasons()) == 31


async def test_two_gates_race_for_the_last_visits(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None, total=5)))
    gates = gates_at_both_spots(16)
    scans = [printed_scan(held, f"n{n}", gate=gate) for n, gate in enumerate(gates)]
    verdicts = await verdicts_at_once(rooms, scans)
    admitted = [verdict for verdict in verdicts if verdict.admitted]
    assert sorted(verdict.visits_left or 0 for verdict in admitted) == [0, 1, 2, 3, 4]
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.n for record in ledger] == [1, 2, 3, 4, 5]
    assert ledger[-1].tally == fold(ledger)


CONTENDED = {
    "per spot and day": (Limits(per_spot_day=2), 12),
    "per spot": (Limits(per_spot_day=None, per_spot=3), 6),
    "total": (Limits(per_spot_day=None, total=5), 5),
    "days": (Limits(per_spot_day=1, days=2), 4),
    "minutes between": (Limits(per_spot_day=None, minutes_between=60), 3),
}


@pytest.mark.parametrize(("limits", "most"), CONTENDED.values(), ids=CONTENDED.keys())
async def test_gates_race_on_three_days_at_two_spots(
    rooms: RoomsUnderTest, limits: Limits, most: int
) -> None:
    held = await rooms.issued(terms=build.terms(limits=limits))
    verdicts: list[Verdict] = []
    for day in range(3):
        at = NOW + timedelta(days=day)
        gates = gates_at_both_spots(8)
        scans = [printed_scan(held, f"{day}-{n}", at, gate=gate) for n, gate in enumerate(gates)]
        verdicts += await verdicts_at_once(rooms, scans, at)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert sum(verdict.admitted for verdict in verdicts) == most
    assert len(ledger) == most
    assert ledger[-1].tally == fold(ledger)


async def test_the_same_scan_sent_again_has_the_same_answer(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    first = await rooms.admission.admission.admit(live_scan(held), NOW)
    again = await rooms.admission.admission.admit(live_scan(held), NOW + timedelta(seconds=20))
    assert first == again
    assert len(await rooms.ledger.records.whole(SERIAL)) == 1


async def test_8_copies_of_one_scan_at_once_are_one_visit(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=MANY_A_DAY)
    verdicts = await verdicts_at_once(rooms, [live_scan(held)] * 8)
    assert len(set(verdicts)) == 1
    assert len(await rooms.ledger.records.whole(SERIAL)) == 1


async def test_a_retry_after_a_long_silence_has_the_same_answer_though_the_code_is_stale_by_then(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    first = await rooms.verdict_on(live_scan(held))
    assert_admitted(first)
    for later in (timedelta(seconds=95), timedelta(hours=5), timedelta(days=3)):
        assert await rooms.verdict_on(live_scan(held), NOW + later) == first
    assert await rooms.refusal_reasons() == []
    stale = await rooms.verdict_on(live_scan(held, "other"), NOW + timedelta(minutes=5))
    assert_refused(stale, Reason.CODE_STALE)


async def test_the_answer_is_found_however_often_the_pass_was_scanned_since(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=MANY_A_DAY)
    handheld = build.gate(GateKind.HANDHELD)
    first = await rooms.verdict_on(live_scan(held, "first", gate=handheld))
    soon = NOW + timedelta(seconds=30)
    annulled = live_scan(held, "annulled", soon, gate=handheld)
    assert_admitted(await rooms.verdict_on(annulled, soon))
    await rooms.admission.annulling.annul(handheld, "annulled", soon)
    for n in range(40):
        at = NOW + timedelta(minutes=n + 1)
        assert_admitted(await rooms.verdict_on(live_scan(held, f"n{n}", at, gate=handheld), at))
        await rooms.ledger.records.write_marks()
    much_later = NOW + timedelta(hours=1)
    assert await rooms.verdict_on(live_scan(held, "first", gate=handheld), much_later) == first
    with pytest.raises(Conflict, match="annulled"):
        await rooms.verdict_on(annulled, much_later)
    assert len(await rooms.ledger.records.whole(SERIAL)) == 43


async def test_a_refusal_is_found_however_often_the_pass_was_refused_since(
    rooms: RoomsUnderTest,
) -> None:
    limits = Limits(per_spot_day=None, minutes_between=1)
    held = await rooms.issued(terms=build.terms(limits=limits))
    await rooms.verdict_on(live_scan(held, "in"))
    soon = NOW + timedelta(seconds=5)
    first = await rooms.verdict_on(live_scan(held, "first"), soon)
    assert_refused(first, Reason.TOO_SOON, admitted_from=NOW + timedelta(minutes=1))
    for n in range(12):
        await rooms.verdict_on(live_scan(held, f"n{n}"), soon)
    later = NOW + timedelta(minutes=2)
    assert await rooms.verdict_on(live_scan(held, "first"), later) == first
    assert_admitted(await rooms.verdict_on(live_scan(held, "new", later), later))


async def test_a_party_that_comes_in_parts_is_one_visit(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(party=Party(4, 4), limits=Limits(total=2)))

    async def arrive(people: int, nonce: str) -> Verdict:
        return await rooms.verdict_on(live_scan(held, nonce, party=people))

    assert_admitted(await arrive(3, "n0"), admits=3)
    assert_refused(await arrive(2, "n1"), Reason.PARTY_TOO_LARGE)
    assert_admitted(await arrive(1, "n2"), admits=1)
    assert_refused(await arrive(1, "n3"), Reason.ALREADY_TODAY)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert len(ledger) == 2
    assert ledger[-1].tally == fold(ledger)
    assert ledger[-1].tally.total == 1
    await rooms.admission.annulling.annul(build.gate(), "n0", NOW)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert ledger[-1].tally.total == 1, "the fourth is in"
    assert ledger[-1].tally.places == {EMEISHAN: 3}, "three may follow"


async def test_who_leaves_is_let_out_and_it_counts_for_nothing(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=1)))
    await rooms.verdict_on(live_scan(held, "in"))
    await rooms.change_stored(SERIAL, state=PassState.FROZEN.value)
    out = await rooms.verdict_on(live_scan(held, "out", purpose=Purpose.LEAVE))
    assert_admitted(out, leaving=True, speak="欢迎再来")
    assert out.message.zh == "再见，欢迎再来"
    assert await rooms.verdict_on(live_scan(held, "out", purpose=Purpose.LEAVE)) == out
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.kind for record in ledger] == [RecordKind.ADMITTED, RecordKind.EXITED]
    assert ledger[0].tally == fold(ledger)
    assert ledger[1].tally == fold(ledger)
    with pytest.raises(Unknown):
        await rooms.admission.annulling.annul(build.gate(), "out", NOW)
    await rooms.admission.annulling.annul(build.gate(), "in", NOW)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert ledger[-1].tally == fold(ledger)
    assert ledger[-1].tally.total == 0
    await rooms.change_stored(SERIAL, state=PassState.REVOKED.value)
    gone = await rooms.verdict_on(live_scan(held, "gone", purpose=Purpose.LEAVE))
    assert_refused(gone, Reason.REVOKED)


async def test_the_earlier_answer_comes_before_any_rule(rooms: RoomsUnderTest) -> None:
    """The reply was lost; meanwhile the pass was revoked, or unfrozen.

    The gate is told what was decided then.
    """
    held = await rooms.issued()
    admitted = await rooms.verdict_on(live_scan(held, "a"))
    await rooms.change_stored(SERIAL, state=PassState.REVOKED.value)
    assert await rooms.verdict_on(live_scan(held, "a")) == admitted
    refused = await rooms.verdict_on(live_scan(held, "b"))
    assert_refused(refused, Reason.REVOKED)
    await rooms.change_stored(SERIAL, state=PassState.ACTIVE.value)
    assert await rooms.verdict_on(live_scan(held, "b")) == refused
    there = build.gate(GateKind.HANDHELD, XIANNVSHAN)
    same_nonce_elsewhere = await rooms.verdict_on(printed_scan(held, "b", gate=there))
    assert_admitted(same_nonce_elsewhere)


async def test_a_nonce_that_names_another_scan_is_a_conflict(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(printed_scan(held, "1"))
    two_days_later = NOW + timedelta(days=2)
    with pytest.raises(Conflict, match="names another scan"):  # the gate counts its nonces anew
        await rooms.verdict_on(printed_scan(held, "1", two_days_later), two_days_later)
    await rooms.verdict_on(live_scan(held, "2"))
    next_code = NOW + timedelta(seconds=60)
    with pytest.raises(Conflict, match="names another scan"):
        await rooms.verdict_on(live_scan(held, "2", next_code), next_code)
    assert len(await rooms.ledger.records.whole(SERIAL)) == 1


@pytest.mark.parametrize("text", ["", "BP1:", "hello", "BP1:" + "0" * 143, "\ud800", "票" * 300])
async def test_what_is_no_code_is_refused_and_kept(rooms: RoomsUnderTest, text: str) -> None:
    verdict, held = await rooms.admission.admission.admit(build.scan(text), NOW)
    assert_refused(verdict, Reason.CODE_MALFORMED)
    assert held is None
    assert await rooms.refusal_reasons() == ["code_malformed"]


async def test_a_code_that_was_never_issued_raises_an_alarm(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    verdict, held = await rooms.admission.admission.admit(live_scan(build.held()), NOW)
    assert_refused(verdict, Reason.CODE_UNKNOWN)
    assert held is None
    assert "well signed but never issued" in caplog.text


async def test_a_screenshot_is_refused_and_shows_whose_it_is(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    later = NOW + timedelta(minutes=2)
    verdict, found = await rooms.admission.admission.admit(live_scan(held), later)
    assert_refused(verdict, Reason.CODE_STALE)
    assert found is not None
    assert found.id == held.id
    assert_admitted(await rooms.verdict_on(live_scan(held, "n2", later), later))


async def test_a_code_sealed_for_another_pass_is_forged(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    other = KEYS.pass_day_key(business_day(NOW), "f" * 16)
    text = to_text(rotate(sign(build.code(), KEYS.newest()), other, NOW))
    assert_refused(await rooms.verdict_on(build.scan(text)), Reason.CODE_FORGED)


async def test_an_annulled_visit_can_be_made_again(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=1)))
    gate, annul = build.gate(), rooms.admission.annulling.annul
    await rooms.verdict_on(live_scan(held, "a"))
    undone = await annul(gate, "a", NOW + timedelta(seconds=5))
    assert await annul(gate, "a", NOW + timedelta(hours=1)) == undone
    with pytest.raises(Conflict, match="annulled"):
        await rooms.verdict_on(live_scan(held, "a"))
    soon = NOW + timedelta(seconds=10)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b"), soon), visits_left=0)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.kind for record in ledger] == [
        RecordKind.ADMITTED,
        RecordKind.ANNULLED,
        RecordKind.ADMITTED,
    ]
    assert [record.nonce for record in standing(ledger)] == ["b"]


async def test_annulling_at_once_is_one_annulment(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(live_scan(held, "a"))
    undone = await asyncio.gather(
        *(rooms.admission.annulling.annul(build.gate(), "a", NOW) for _ in range(8))
    )
    assert len(await rooms.ledger.records.whole(SERIAL)) == 2
    assert all(record == undone[0] for record in undone)


async def test_annulling_needs_the_same_gate_and_15_minutes(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    annul = rooms.admission.annulling.annul
    await rooms.verdict_on(live_scan(held, "a"))
    with pytest.raises(Unknown):
        await annul(build.gate(id="another"), "a", NOW)
    with pytest.raises(Unknown):
        await annul(build.gate(), "b", NOW)
    with pytest.raises(Conflict, match="15 minutes"):
        await annul(build.gate(), "a", NOW + timedelta(minutes=15, seconds=1))


async def test_time_never_runs_backwards_in_a_ledger(rooms: RoomsUnderTest) -> None:
    """The clock of a second server is behind.

    Its admission counts as not earlier than the last one.
    """
    held = await rooms.issued()
    await rooms.verdict_on(live_scan(held, "a"))
    behind = NOW - timedelta(seconds=20)
    there = build.gate(spot_id=XIANNVSHAN)
    verdict = await rooms.verdict_on(live_scan(held, "b", behind, gate=there), behind)
    assert_admitted(verdict, decided_at=NOW)


async def test_cost_of_a_scan_reads_only_the_newest_records_of_a_long_ledger(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=MANY_A_DAY)
    for n in range(40):
        at = NOW + timedelta(minutes=n)
        await rooms.verdict_on(live_scan(held, f"n{n}", at), at)
    await rooms.ledger.records.write_marks()
    marked = await rooms.holding.passes.get(SERIAL)
    assert marked is not None
    assert marked.ledger_mark == 24
    at += timedelta(minutes=1)
    assert_admitted(await rooms.verdict_on(live_scan(held, "again", at), at))
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.n for record in ledger] == list(range(1, 42))
    assert ledger[-1].tally == fold(ledger)


class Operations(CommandListener):
    """Counts what the driver sends to the database."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.fixture(params=["motor", "pymongo"])
def counted(
    io_loop: IOLoop, mongo_uri: str, request: pytest.FixtureRequest
) -> Iterator[tuple[RoomsUnderTest, Operations]]:
    operations = Operations()

    async def connect() -> Mongo:
        mongo = Mongo(mongo_uri, f"counted_{os.getpid()}", request.param, [operations])
        await ensure_indexes(mongo)
        return mongo

    mongo = cast(Mongo, io_loop.run_sync(connect))
    yield RoomsUnderTest(mongo), operations
    io_loop.run_sync(mongo.drop)
    io_loop.run_sync(mongo.close)


async def test_an_admitted_scan_costs_three_operations(
    counted: tuple[RoomsUnderTest, Operations],
) -> None:
    rooms, operations = counted
    held = await rooms.issued()
    operations.sent.clear()
    assert_admitted(await rooms.verdict_on(live_scan(held)))
    assert operations.sent == ["find", "find", "insert"]
    operations.sent.clear()
    await rooms.verdict_on(live_scan(held))
    assert operations.sent == ["find", "find"], "a repeated scan writes nothing"
    operations.sent.clear()
    at_another_gate = live_scan(held, "b", gate=build.gate(id="south"))
    assert_refused(await rooms.verdict_on(at_another_gate), Reason.ALREADY_TODAY)
    assert sorted(operations.sent) == ["find", "find", "insert", "update"]
    operations.sent.clear()
    assert_refused(await rooms.verdict_on(build.scan("BP1:nonsense", "c")), Reason.CODE_MALFORMED)
    assert operations.sent == ["insert"]
