"""Admission over the real database, through both drivers: what is decided, what is stored, and races."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind, Scan
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Unknown
from passes.codes.format import rotate, sign, to_text
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text, static_text
from passes.ledger.records import RecordKind, fold, standing
from passes.ledger.verdicts import Reason
from passes.store.indexes import ensure_indexes
from passes.terms.terms import Limits, Party
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, KEYS, NOW, SERIAL, XIANNVSHAN
from tests.support.rooms import RoomsUnderTest


class Desk(RoomsUnderTest):
    """The rooms, and a look behind them."""

    async def change(self, **fields: Any) -> None:
        await self.database.collection("passes").update({"_id": SERIAL}, {"$set": fields})

    async def refused(self) -> list[str]:
        return [
            document["verdict"]["reason"]
            for document in await self.database.collection("refusals").find({})
        ]


@pytest.fixture
def desk(any_mongo: Mongo) -> Desk:
    return Desk(any_mongo)


def live(held: Pass, nonce: str = "n1", at: Any = NOW, **changes: Any) -> Scan:
    return build.scan(live_text(held, KEYS, at), nonce, at, **changes)


async def test_one_pass_two_spots_one_visit_a_day(desk: Desk) -> None:
    held = await desk.issued()
    there = build.gate(GateKind.HANDHELD, XIANNVSHAN)
    verdicts = [
        (await desk.admission.admission.admit(scan, NOW))[0].reason.value
        for scan in (
            live(held, "a"),
            live(held, "b"),
            live(held, "c", gate=there),
            live(held, "d", gate=there),
        )
    ]
    assert verdicts == ["ok", "already_today", "ok", "already_today"]
    ledger = await desk.ledger.records.whole(SERIAL)
    assert [(record.n, record.spot_id, record.nonce) for record in ledger] == [
        (1, EMEISHAN, "a"),
        (2, XIANNVSHAN, "c"),
    ]
    assert await desk.refused() == ["already_today", "already_today"]


async def test_32_scans_at_once_admit_exactly_once(desk: Desk) -> None:
    held = await desk.issued()
    gates = [build.gate(id=f"gate-{n}") for n in range(32)]
    verdicts = await asyncio.gather(
        *(
            desk.admission.admission.admit(live(held, f"n{n}", gate=gate), NOW)
            for n, gate in enumerate(gates)
        )
    )
    assert Counter(verdict.reason for verdict, _ in verdicts) == {
        Reason.OK: 1,
        Reason.ALREADY_TODAY: 31,
    }
    assert len(await desk.ledger.records.whole(SERIAL)) == 1
    assert len(await desk.refused()) == 31


async def test_two_gates_race_for_the_last_visits(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(per_spot_day=None, total=5)))
    gates = [build.gate(id=f"gate-{n}", spot_id=(EMEISHAN, XIANNVSHAN)[n % 2]) for n in range(16)]
    verdicts = await asyncio.gather(
        *(
            desk.admission.admission.admit(live(held, f"n{n}", gate=gate), NOW)
            for n, gate in enumerate(gates)
        )
    )
    admitted = [verdict for verdict, _ in verdicts if verdict.admitted]
    assert sorted(verdict.visits_left or 0 for verdict in admitted) == [0, 1, 2, 3, 4]
    ledger = await desk.ledger.records.whole(SERIAL)
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
async def test_gates_race_on_three_days_at_two_spots(desk: Desk, limits: Limits, most: int) -> None:
    held = await desk.issued(terms=build.terms(limits=limits))
    verdicts: list[bool] = []
    for day in range(3):
        at = NOW + timedelta(days=day)
        gates = [
            build.gate(id=f"gate-{n}", spot_id=(EMEISHAN, XIANNVSHAN)[n % 2]) for n in range(8)
        ]
        scans = [live(held, f"{day}-{n}", at, gate=gate) for n, gate in enumerate(gates)]
        verdicts += [
            verdict.admitted
            for verdict, _ in await asyncio.gather(
                *(desk.admission.admission.admit(s, at) for s in scans)
            )
        ]
    ledger = await desk.ledger.records.whole(SERIAL)
    assert sum(verdicts) == len(ledger) == most
    assert ledger[-1].tally == fold(ledger)


async def test_the_same_scan_sent_again_has_the_same_answer(desk: Desk) -> None:
    held = await desk.issued()
    first = await desk.admission.admission.admit(live(held), NOW)
    again = await desk.admission.admission.admit(live(held), NOW + timedelta(seconds=20))
    assert first == again
    assert len(await desk.ledger.records.whole(SERIAL)) == 1


async def test_8_copies_of_one_scan_at_once_are_one_visit(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    verdicts = await asyncio.gather(
        *(desk.admission.admission.admit(live(held), NOW) for _ in range(8))
    )
    assert len({verdict for verdict, _ in verdicts}) == 1
    assert len(await desk.ledger.records.whole(SERIAL)) == 1


async def test_a_retry_after_a_long_silence_has_the_same_answer_though_the_code_is_stale_by_then(
    desk: Desk,
) -> None:
    held = await desk.issued()
    first = await desk.admission.admission.admit(live(held), NOW)
    assert first[0].admitted
    for later in (timedelta(seconds=95), timedelta(hours=5), timedelta(days=3)):
        assert await desk.admission.admission.admit(live(held), NOW + later) == first
    assert await desk.refused() == []
    stale, _ = await desk.admission.admission.admit(live(held, "other"), NOW + timedelta(minutes=5))
    assert stale.reason is Reason.CODE_STALE


async def test_the_answer_is_found_however_often_the_pass_was_scanned_since(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    handheld = build.gate(GateKind.HANDHELD)
    first, _ = await desk.admission.admission.admit(live(held, "first", gate=handheld), NOW)
    annulled, _ = await desk.admission.admission.admit(live(held, "annulled", gate=handheld), NOW)
    await desk.admission.admission.annul(handheld, "annulled", NOW)
    for n in range(40):
        at = NOW + timedelta(minutes=n)
        verdict, _ = await desk.admission.admission.admit(
            live(held, f"n{n}", at, gate=handheld), at
        )
        assert verdict.admitted
        await desk.ledger.records.write_marks()
    much_later = NOW + timedelta(hours=1)
    assert (await desk.admission.admission.admit(live(held, "first", gate=handheld), much_later))[
        0
    ] == first
    with pytest.raises(Conflict, match="annulled"):
        await desk.admission.admission.admit(live(held, "annulled", gate=handheld), much_later)
    assert len(await desk.ledger.records.whole(SERIAL)) == 43
    assert annulled.admitted


async def test_a_refusal_is_found_however_often_the_pass_was_refused_since(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(per_spot_day=None, minutes_between=1)))
    await desk.admission.admission.admit(live(held, "in"), NOW)
    first, _ = await desk.admission.admission.admit(live(held, "first"), NOW)
    assert first.reason is Reason.TOO_SOON
    for n in range(12):
        await desk.admission.admission.admit(live(held, f"n{n}"), NOW)
    later = NOW + timedelta(minutes=2)
    assert (await desk.admission.admission.admit(live(held, "first"), later))[0] == first
    assert (await desk.admission.admission.admit(live(held, "new", later), later))[0].admitted


async def test_a_party_that_comes_in_parts_is_one_visit(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(party=Party(4, 4), limits=Limits(total=2)))
    parts = [(3, Reason.OK), (2, Reason.ALREADY_TODAY), (1, Reason.OK), (1, Reason.ALREADY_TODAY)]
    for n, (party, reason) in enumerate(parts):
        verdict, _ = await desk.admission.admission.admit(live(held, f"n{n}", party=party), NOW)
        assert (verdict.reason, verdict.admits) == (reason, party if reason is Reason.OK else 0)
    ledger = await desk.ledger.records.whole(SERIAL)
    assert ledger[-1].tally == fold(ledger)
    assert (ledger[-1].tally.total, len(ledger)) == (1, 2)
    await desk.admission.admission.annul(build.gate(), "n0", NOW)
    ledger = await desk.ledger.records.whole(SERIAL)
    assert (ledger[-1].tally.total, ledger[-1].tally.places) == (1, {EMEISHAN: 3}), (
        "the fourth is in, three may follow"
    )


async def test_who_leaves_is_let_out_and_it_counts_for_nothing(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(total=1)))
    await desk.admission.admission.admit(live(held, "in"), NOW)
    await desk.change(state=PassState.FROZEN.value)
    out, _ = await desk.admission.admission.admit(live(held, "out", leaving=True), NOW)
    assert (out.admitted, out.leaving, out.message.zh) == (True, True, "再见，欢迎再来")
    assert (await desk.admission.admission.admit(live(held, "out", leaving=True), NOW))[0] == out
    ledger = await desk.ledger.records.whole(SERIAL)
    assert [record.kind for record in ledger] == [RecordKind.ADMITTED, RecordKind.EXITED]
    assert ledger[0].tally == ledger[1].tally == fold(ledger)
    with pytest.raises(Unknown):
        await desk.admission.admission.annul(build.gate(), "out", NOW)
    await desk.admission.admission.annul(build.gate(), "in", NOW)
    ledger = await desk.ledger.records.whole(SERIAL)
    assert ledger[-1].tally == fold(ledger)
    assert ledger[-1].tally.total == 0
    await desk.change(state=PassState.REVOKED.value)
    assert (await desk.admission.admission.admit(live(held, "gone", leaving=True), NOW))[
        0
    ].reason is Reason.REVOKED


async def test_the_earlier_answer_comes_before_any_rule(desk: Desk) -> None:
    """The reply was lost; meanwhile the pass was revoked, or unfrozen. The gate is told what was decided then."""
    held = await desk.issued()
    admitted, _ = await desk.admission.admission.admit(live(held, "a"), NOW)
    await desk.change(state=PassState.REVOKED.value)
    assert (await desk.admission.admission.admit(live(held, "a"), NOW))[0] == admitted
    refused, _ = await desk.admission.admission.admit(live(held, "b"), NOW)
    assert refused.reason is Reason.REVOKED
    await desk.change(state=PassState.ACTIVE.value)
    there = replace(live(held, "b"), gate=build.gate(spot_id=XIANNVSHAN))
    assert (await desk.admission.admission.admit(live(held, "b"), NOW))[0] == refused
    assert (await desk.admission.admission.admit(there, NOW))[0].admitted, (
        "the same nonce of another gate is another scan"
    )


async def test_a_nonce_that_names_another_scan_is_a_conflict(desk: Desk) -> None:
    held = await desk.issued()
    printed = build.gate(GateKind.HANDHELD)
    await desk.admission.admission.admit(
        build.scan(static_text(held, KEYS), "1", gate=printed), NOW
    )
    tomorrow = NOW + timedelta(days=1)
    counted_anew = build.scan(static_text(held, KEYS), "1", tomorrow, gate=printed)
    with pytest.raises(Conflict, match="names another scan"):
        await desk.admission.admission.admit(counted_anew, tomorrow)
    await desk.admission.admission.admit(live(held, "2"), NOW)
    with pytest.raises(Conflict, match="names another scan"):
        await desk.admission.admission.admit(
            live(held, "2", NOW + timedelta(seconds=60)), NOW + timedelta(seconds=60)
        )
    assert len(await desk.ledger.records.whole(SERIAL)) == 1


async def test_a_gate_may_correct_its_clock_between_two_tries(desk: Desk) -> None:
    held = await desk.issued()
    first = await desk.admission.admission.admit(live(held), NOW)
    corrected = replace(live(held), scanned_at=NOW + timedelta(minutes=9))
    assert await desk.admission.admission.admit(corrected, NOW) == first


@pytest.mark.parametrize("text", ["", "BP1:", "hello", "BP1:" + "0" * 143, "\ud800", "票" * 300])
async def test_what_is_no_code_is_refused_and_kept(desk: Desk, text: str) -> None:
    verdict, held = await desk.admission.admission.admit(build.scan(text), NOW)
    assert (verdict.reason, held) == (Reason.CODE_MALFORMED, None)
    assert await desk.refused() == ["code_malformed"]


async def test_a_code_that_was_never_issued_raises_an_alarm(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    verdict, held = await desk.admission.admission.admit(live(build.held()), NOW)
    assert (verdict.reason, held) == (Reason.CODE_UNKNOWN, None)
    assert "well signed but never issued" in caplog.text


async def test_a_screenshot_is_refused_and_shows_whose_it_is(desk: Desk) -> None:
    held = await desk.issued()
    screenshot = replace(live(held), scanned_at=NOW)
    verdict, found = await desk.admission.admission.admit(screenshot, NOW + timedelta(minutes=2))
    assert verdict.reason is Reason.CODE_STALE
    assert found is not None
    assert found.id == held.id
    fresh = NOW + timedelta(minutes=2)
    assert (await desk.admission.admission.admit(live(held, "n2", fresh), fresh))[0].admitted


async def test_a_code_sealed_for_another_pass_is_forged(desk: Desk) -> None:
    await desk.issued()
    other = KEYS.pass_day_key(business_day(NOW), "f" * 16)
    text = to_text(rotate(sign(build.code(), KEYS.newest()), other, NOW))
    assert (await desk.admission.admission.admit(build.scan(text), NOW))[
        0
    ].reason is Reason.CODE_FORGED


async def test_an_annulled_visit_can_be_made_again(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(total=1)))
    gate = build.gate()
    await desk.admission.admission.admit(live(held, "a"), NOW)
    undone = await desk.admission.admission.annul(gate, "a", NOW + timedelta(seconds=5))
    assert await desk.admission.admission.annul(gate, "a", NOW + timedelta(hours=1)) == undone
    with pytest.raises(Conflict, match="annulled"):
        await desk.admission.admission.admit(live(held, "a"), NOW)
    assert (await desk.admission.admission.admit(live(held, "b"), NOW + timedelta(seconds=10)))[
        0
    ].admitted
    ledger = await desk.ledger.records.whole(SERIAL)
    assert [record.kind for record in ledger] == [
        RecordKind.ADMITTED,
        RecordKind.ANNULLED,
        RecordKind.ADMITTED,
    ]
    assert [record.nonce for record in standing(ledger)] == ["b"]


async def test_annulling_at_once_is_one_annulment(desk: Desk) -> None:
    held = await desk.issued()
    await desk.admission.admission.admit(live(held, "a"), NOW)
    undone = await asyncio.gather(
        *(desk.admission.admission.annul(build.gate(), "a", NOW) for _ in range(8))
    )
    assert len(await desk.ledger.records.whole(SERIAL)) == 2
    assert all(record == undone[0] for record in undone)


async def test_annulling_needs_the_same_gate_and_15_minutes(desk: Desk) -> None:
    held = await desk.issued()
    await desk.admission.admission.admit(live(held, "a"), NOW)
    with pytest.raises(Unknown):
        await desk.admission.admission.annul(build.gate(id="another"), "a", NOW)
    with pytest.raises(Unknown):
        await desk.admission.admission.annul(build.gate(), "b", NOW)
    with pytest.raises(Conflict, match="15 minutes"):
        await desk.admission.admission.annul(
            build.gate(), "a", NOW + timedelta(minutes=15, seconds=1)
        )


async def test_time_never_runs_backwards_in_a_ledger(desk: Desk) -> None:
    """The clock of a second server is behind; its admission counts as not earlier than the last one."""
    held = await desk.issued()
    await desk.admission.admission.admit(live(held, "a"), NOW)
    behind = NOW - timedelta(seconds=20)
    there = build.gate(spot_id=XIANNVSHAN)
    verdict, _ = await desk.admission.admission.admit(live(held, "b", gate=there), behind)
    assert (verdict.reason, verdict.decided_at) == (Reason.OK, NOW)


async def test_cost_of_a_scan_reads_only_the_newest_records_of_a_long_ledger(desk: Desk) -> None:
    held = await desk.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    for n in range(40):
        at = NOW + timedelta(minutes=n)
        await desk.admission.admission.admit(live(held, f"n{n}", at), at)
    await desk.ledger.records.write_marks()
    marked = await desk.holding.passes.get(SERIAL)
    assert marked is not None
    assert marked.ledger_mark == 24
    verdict, _ = await desk.admission.admission.admit(live(held, "again", at), at)
    assert verdict.admitted
    ledger = await desk.ledger.records.whole(SERIAL)
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
) -> Iterator[tuple[Desk, Operations]]:
    operations = Operations()

    async def connect() -> Mongo:
        mongo = Mongo(mongo_uri, f"counted_{os.getpid()}", request.param, [operations])
        await ensure_indexes(mongo)
        return mongo

    mongo = cast(Mongo, io_loop.run_sync(connect))
    yield Desk(mongo), operations
    io_loop.run_sync(mongo.drop)
    io_loop.run_sync(mongo.close)


async def test_an_admitted_scan_costs_three_operations(counted: tuple[Desk, Operations]) -> None:
    desk, operations = counted
    held = await desk.issued()
    operations.sent.clear()
    verdict, _ = await desk.admission.admission.admit(live(held), NOW)
    assert verdict.admitted
    assert operations.sent == ["find", "find", "insert"]
    operations.sent.clear()
    await desk.admission.admission.admit(live(held), NOW)
    assert operations.sent == ["find", "find"], "a repeated scan writes nothing"
    operations.sent.clear()
    await desk.admission.admission.admit(live(held, "b"), NOW)
    assert sorted(operations.sent) == ["find", "find", "insert", "update"]
    operations.sent.clear()
    await desk.admission.admission.admit(build.scan("BP1:nonsense", "c"), NOW)
    assert operations.sent == ["insert"]
