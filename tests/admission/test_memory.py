"""Memory: what a process remembers of a ledger may be stale at any point, and never decides alone.

Two processes over one database: `here` remembers, `there` does something that it has not seen.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from passes.base.errors import Conflict, DomainError, Unavailable
from passes.holding.lifecycle import Step
from passes.holding.model import Pass
from passes.holding.shown_code import live_text
from passes.ledger.records import fold, standing
from passes.ledger.verdicts import Reason, Verdict
from passes.store.ledger import NEWEST, Remembered
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW, OPERATOR, SERIAL
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.rooms import RoomsUnderTest

GATE = build.gate(GateKind.HANDHELD)
CARNET = Limits(per_spot_day=None, total=3)


@dataclass
class Processes:
    """Two processes over one database, and one pass that both have scanned."""

    here: RoomsUnderTest
    there: RoomsUnderTest
    held: Pass


async def processes(mongo: Mongo, limits: Limits = CARNET) -> Processes:
    here, there = RoomsUnderTest(mongo), RoomsUnderTest(mongo)
    held = await here.issued(terms=build.terms(limits=limits))
    return Processes(here, there, held)


async def scan(
    rooms: RoomsUnderTest, held: Pass, nonce: str, at: datetime = NOW, **changes: Any
) -> Verdict:
    """Scan a paper, of one person as the gate says: no two scans are one showing."""
    asked = build.printed_scan(held, nonce, at, gate=GATE, party=1, **changes)
    return await rooms.verdict_on(asked, at)


async def test_an_admission_from_memory_reads_no_ledger(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    assert (await scan(two.here, two.held, "a")).admitted
    remembered = two.here.ledger.records.remembered(SERIAL)
    assert remembered is not None
    assert [record.nonce for record in remembered] == ["a"]
    assert (await scan(two.here, two.held, "b")).admitted
    assert two.there.ledger.records.remembered(SERIAL) is None


async def test_another_process_has_admitted(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    await scan(two.here, two.held, "a")
    await scan(two.there, two.held, "b")
    await scan(two.there, two.held, "c")
    assert (await scan(two.here, two.held, "d")).reason is Reason.NO_VISITS_LEFT
    assert (await scan(two.here, two.held, "c")).admitted, "a retry at another server"


async def test_another_process_has_annulled_what_stands_in_the_way(any_mongo: Mongo) -> None:
    two = await processes(any_mongo, Limits(total=1))
    await scan(two.here, two.held, "a")
    await two.there.admission.annulling.annul(GATE, "a", NOW)
    assert (await scan(two.here, two.held, "b")).admitted


async def test_another_process_has_annulled_the_answer_that_is_asked_for(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    await scan(two.here, two.held, "a")
    await two.there.admission.annulling.annul(GATE, "a", NOW)
    with pytest.raises(Conflict, match="admitted and annulled"):
        await scan(two.here, two.held, "a")


async def test_another_process_has_reissued_the_pass(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    await scan(two.here, two.held, "a")
    new = await two.there.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    assert (await scan(two.here, two.held, "b")).reason is Reason.REVOKED
    assert (await scan(two.here, new, "c")).visits_left == 1


async def test_another_process_has_frozen_the_pass(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    await scan(two.here, two.held, "a")
    await two.there.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    assert (await scan(two.here, two.held, "b")).reason is Reason.FROZEN_BY_STAFF


async def test_a_voucher_given_back_elsewhere_is_not_admitted_from_memory(
    any_mongo: Mongo,
) -> None:
    here, there = RoomsUnderTest(any_mongo), RoomsUnderTest(any_mongo)
    voucher = await here.claim()
    window = build.gate(GateKind.WINDOW)

    async def scanned(nonce: str) -> Verdict:
        asked = build.scan(live_text(voucher, KEYS, NOW), nonce, NOW, gate=window)
        return (await here.admission.admission.admit(asked, NOW))[0]

    assert (await scanned("a")).admitted
    await here.admission.annulling.annul(window, "a", NOW)
    await there.offers.cancelling.cancel(voucher, "visitor:v", NOW)
    assert (await scanned("b")).reason is Reason.REVOKED


async def test_a_tally_of_an_older_version_is_worked_out_anew(any_mongo: Mongo) -> None:
    two = await processes(any_mongo)
    await scan(two.here, two.held, "a")
    wrong = {"tally.version": 0, "tally.total": 99}
    await any_mongo.collection("admissions").update({"_id": f"{SERIAL}:1"}, {"$set": wrong})
    assert (await scan(two.there, two.held, "b")).visits_left == 1


async def test_a_refusal_cut_short_between_its_writes_is_noted_by_the_next_try(
    any_mongo: Mongo,
) -> None:
    """Else a third try, after the pass was unfrozen, would find nothing and be admitted."""
    mortal = CrashingDatabase(any_mongo)
    rooms = RoomsUnderTest(mortal)
    held = await rooms.issued()
    await rooms.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    mortal.writes_left = 1
    with pytest.raises(Crash):
        await scan(rooms, held, "a")
    mortal.writes_left = float("inf")
    assert (await scan(rooms, held, "a")).reason is Reason.FROZEN_BY_STAFF
    await rooms.holding.lifecycle.take(SERIAL, Step.UNFREEZE, OPERATOR, NOW)
    again = await scan(rooms, held, "a")
    assert again.reason is Reason.FROZEN_BY_STAFF, "as it was answered before"
    assert (await scan(rooms, held, "b")).admitted


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    remembered = Remembered(most=2)
    for pass_id in ("a", "b"):
        remembered.put(pass_id, [])
    assert remembered.get("a") == ()
    remembered.put("c", [])
    assert remembered.get("b") is None, "it was not asked for longest"
    assert remembered.get("a") == ()
    records = [build.record(n, NOW, build.case().tally) for n in range(1, NEWEST + 3)]
    remembered.put(SERIAL, records[:1])
    for record in records[1:]:
        remembered.add(record)
    newest = remembered.get(SERIAL)
    assert newest is not None
    assert [record.n for record in newest] == [record.n for record in records[-NEWEST:]]
    remembered.add(records[0])
    assert remembered.get(SERIAL) is None, "a record that does not follow proves it stale"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["scan", "scan", "scan", "retry", "annul", "reissue", "freeze"]),
        st.booleans(),
        st.integers(0, 40),
    ),
    max_size=16,
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_two_processes_do_both_tell_what_the_whole_ledger_tells(
    io_loop: IOLoop, mongo: Mongo, steps: list[tuple[str, bool, int]]
) -> None:
    io_loop.run_sync(lambda: played(mongo, steps))


async def played(mongo: Mongo, steps: list[tuple[str, bool, int]]) -> None:
    """Play the steps with a pass of three visits, one a day at a spot."""
    for name in ("passes", "admissions", "refusals"):
        await mongo.collection(name).delete({})
    two = await processes(mongo, Limits(total=3, minutes_between=30))
    held, at, nonces = two.held, NOW, list[str]()
    for number, (what, first, hours) in enumerate(steps):
        rooms = two.here if first else two.there
        at += timedelta(hours=hours)
        if what == "scan":
            nonces.append(f"n{number}")
            await as_the_ledger_says(rooms, held, nonces[-1], at)
        elif what == "retry" and nonces:
            await answered_again(rooms, held, nonces[hours % len(nonces)], at)
        elif what == "annul" and nonces:
            await annulled(rooms, nonces[-1], at)
        elif what == "reissue":
            held = await rooms.holding.reissuing.reissue(held.id, OPERATOR, at)
            nonces.clear()
        elif what == "freeze":
            step = Step.FREEZE if hours % 2 else Step.UNFREEZE
            await rooms.holding.lifecycle.take(held.id, step, OPERATOR, at)
    ledger = await two.here.ledger.records.whole(held.id)
    assert fold(ledger).total <= 3
    if ledger:
        assert ledger[-1].tally == fold(ledger)


async def as_the_ledger_says(rooms: RoomsUnderTest, held: Pass, nonce: str, at: datetime) -> None:
    """A new scan gets the verdict that a process which remembers nothing would give."""
    stored = await rooms.holding.passes.get(held.id)
    assert stored is not None
    tally = fold(await rooms.ledger.records.whole(held.id))
    frozen = stored.frozen_by is not None
    too_soon = tally.last_at is not None and at < tally.last_at + timedelta(minutes=30)
    already = tally.visits_on((at + timedelta(hours=8)).date(), GATE.spot_id) >= 1
    may = tally.total < 3 and not frozen and not already and not too_soon
    assert (await scan(rooms, held, nonce, at)).admitted == may


async def answered_again(rooms: RoomsUnderTest, held: Pass, nonce: str, at: datetime) -> None:
    """A retry, with a code of now, is answered as before, or told that it was annulled."""
    before = len(standing(await rooms.ledger.records.whole(held.id)))
    assert await code_of(scan(rooms, held, nonce, at)) in {None, "nonce_reused", "scan_annulled"}
    assert len(standing(await rooms.ledger.records.whole(held.id))) == before


async def annulled(rooms: RoomsUnderTest, nonce: str, at: datetime) -> None:
    """An annulment, if that is still possible."""
    code = await code_of(rooms.admission.annulling.annul(GATE, nonce, at))
    assert code in {None, "annul_too_late", "pass_reissued", "scan_unknown"}


async def code_of(call: Awaitable[object]) -> str | None:
    """The code of the error that a call raises, if it does."""
    try:
        await call
    except DomainError as error:
        return error.code
    return None


async def test_many_at_once_through_two_processes_share_what_is_left(any_mongo: Mongo) -> None:
    two = await processes(any_mongo, Limits(per_spot_day=None, total=7))
    await scan(two.here, two.held, "first")
    await scan(two.there, two.held, "second")
    verdicts = await asyncio.gather(
        *(scan(rooms, two.held, f"{n}") for n in range(12) for rooms in (two.here, two.there)),
        return_exceptions=True,
    )
    admitted = [each for each in verdicts if isinstance(each, Verdict) and each.admitted]
    conflicts = [each for each in verdicts if isinstance(each, Conflict | Unavailable)]
    assert len(standing(await two.here.ledger.records.whole(SERIAL))) == 7
    assert len(admitted) + len(conflicts) >= 5
