"""Reissuing: visits go along, old codes are dead, and nothing loses or doubles a visit."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind, Scan
from passes.base.errors import Conflict, Unavailable, Unknown
from passes.holding.model import Pass, PassState
from passes.ledger.records import RecordKind, fold, standing
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason
from passes.people.holder import NOBODY
from passes.store.ledger import LedgerStore
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, live_scan, printed_scan
from tests.support.fields import assert_fields
from tests.support.interleaving import ALWAYS, overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of


async def test_visits_go_along_and_the_old_code_is_dead(rooms: RoomsUnderTest) -> None:
    old = await rooms.issued(terms=build.terms(limits=Limits(total=2)))
    first = await rooms.verdict_on(live_scan(old, "a"))
    assert_admitted(first)
    new = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW, "stolen")
    assert new.id != SERIAL
    assert_fields(
        new, state=PassState.ACTIVE, reissued_from=SERIAL, valid=old.valid, holder=old.holder
    )
    assert_refused(await rooms.verdict_on(live_scan(old, "b")), Reason.REVOKED)
    visited_this_morning = await rooms.verdict_on(live_scan(new, "c"))
    assert_refused(visited_this_morning, Reason.ALREADY_TODAY)
    tomorrow = NOW + timedelta(days=1)
    assert_admitted(await rooms.verdict_on(live_scan(new, "d", tomorrow), tomorrow), visits_left=0)
    after_that = tomorrow + timedelta(days=1)
    third = await rooms.verdict_on(live_scan(new, "e", after_that), after_that)
    assert_refused(third, Reason.NO_VISITS_LEFT)
    ledger = await rooms.ledger.records.whole(new.id)
    assert [record.kind for record in ledger] == [RecordKind.CARRIED, RecordKind.ADMITTED]
    assert ledger[-1].tally == fold(ledger)
    assert ledger[-1].tally.total == 2
    retried = await rooms.verdict_on(live_scan(old, "a"))
    assert retried == first, "a retry of the first scan has the first answer"
    with pytest.raises(Conflict, match="reissued"):
        await rooms.admission.annulling.annul(build.gate(), "a", NOW)


async def test_doing_it_again_gives_the_same(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    reissue = rooms.holding.reissuing.reissue
    new = await reissue(SERIAL, OPERATOR, NOW)
    assert await reissue(SERIAL, OPERATOR, NOW) == new
    third = await reissue(new.id, OPERATOR, NOW)
    lineage = await rooms.admission.histories.lineage(third)
    assert [held.id for held in lineage] == [SERIAL, new.id, third.id]
    assert third.reissued_from == new.id
    assert len(await rooms.base.audit.about(f"pass:{SERIAL}")) == 1
    with pytest.raises(Unknown):
        await reissue("0" * 16, OPERATOR, NOW)


@pytest.mark.parametrize("state", [PassState.REVOKED, PassState.REFUNDED, PassState.EXPIRED])
async def test_what_is_not_in_force_is_not_reissued(mongo: Mongo, state: PassState) -> None:
    rooms = RoomsUnderTest(mongo)
    await rooms.issued(state=state)
    with pytest.raises(Conflict, match="cannot be reissued"):
        await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)


def only_so_often(operation: Any, left: Iterator[int]) -> Any:
    """An operation of the database that works as often as `left` has items, then never again."""

    async def run(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is None:
            raise Unavailable("database_unavailable", build.product().title)
        return await operation(*arguments, **options)

    return run


@pytest.mark.parametrize("writes", range(6))
async def test_a_reissue_cut_short_is_finished_by_doing_it_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The database goes away after so many writes."""
    rooms = RoomsUnderTest(mongo)
    old = await rooms.issued(terms=build.terms(limits=Limits(total=2)))
    assert_admitted(await rooms.verdict_on(live_scan(old, "a")))
    left = iter(range(writes))
    with monkeypatch.context() as broken:
        for name in ("insert", "insert_each", "update"):
            operation = getattr(type(mongo.collection("x")), name)
            broken.setattr(f"server.mongo.MongoCollection.{name}", only_so_often(operation, left))
        with pytest.raises(Unavailable):
            await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    meanwhile = await rooms.verdict_on(live_scan(old, "b", gate=build.gate(id="south")))
    assert reason_of(meanwhile) in {Reason.ALREADY_TODAY, Reason.REVOKED}
    new = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    (carried,) = await rooms.ledger.records.whole(new.id)
    assert carried.kind is RecordKind.CARRIED
    assert carried.tally.total == 1
    assert_refused(await rooms.verdict_on(live_scan(new, "c")), Reason.ALREADY_TODAY)


def one_more(held: Pass, nonce: str) -> Scan:
    """A scan of a paper, at a gate of its own."""
    return printed_scan(held, nonce, gate=build.gate(GateKind.HANDHELD, id=f"gate-{nonce}"))


async def test_scans_that_race_with_a_reissue_are_counted_once(rooms: RoomsUnderTest) -> None:
    old = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None, total=12)))
    scans = [asyncio.create_task(rooms.verdict_on(one_more(old, f"n{n}"))) for n in range(16)]
    reissue = asyncio.create_task(rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW))
    verdicts, new = await asyncio.gather(*scans), await reissue
    reasons = Counter(reason_of(verdict) for verdict in verdicts)
    assert set(reasons) <= {Reason.OK, Reason.REVOKED, Reason.NO_VISITS_LEFT}
    closed = await rooms.ledger.records.whole(SERIAL)
    assert closed[-1].kind is RecordKind.CLOSED
    assert len(standing(closed)) == reasons[Reason.OK]
    assert closed[-1].tally.total == reasons[Reason.OK]
    after = [await rooms.verdict_on(one_more(new, f"m{n}")) for n in range(16)]
    admitted_after = [verdict for verdict in after if verdict.admitted]
    assert reasons[Reason.OK] + len(admitted_after) == 12
    assert new.holder == old.holder


async def test_a_pass_that_is_scanned_without_a_pause_cannot_be_reissued_yet(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scans that were decided before the pass was revoked take one number after the other."""
    rooms, numbers = RoomsUnderTest(mongo), itertools.count(1)
    await rooms.issued()
    rival = LedgerStore(mongo)

    async def admit() -> None:
        assert await rival.append(build.record(next(numbers), NOW, Tally()))

    with monkeypatch.context() as contended:
        overtake(contended, rooms.ledger.records, "append", admit, ALWAYS)
        with pytest.raises(Conflict, match="scanned too often"):
            await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    new = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    assert new.reissued_from == SERIAL, "doing it again finishes it"


async def test_a_pass_whose_holder_is_erased_while_it_is_reissued_becomes_nobodys(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure cannot find the successor, which is stored a moment later."""
    visitor = await rooms.visitor()
    held = await rooms.issue_to(visitor)

    async def erase() -> None:
        await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)

    overtake(monkeypatch, rooms.holding.passes, "add", erase)
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, NOW)
    assert_fields(new, reissued_from=held.id, holder=NOBODY, state=PassState.REVOKED)
    assert await rooms.holding.passes.of_holder(visitor.lookup) == []
