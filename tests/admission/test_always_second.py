"""Whoever always comes second at a pass: told to try again, and nothing of theirs is stored."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from passes.admission.gates import GateKind
from passes.base.errors import Unavailable
from passes.ledger.records import fold
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, SERIAL, live_scan, printed_scan
from tests.support.interleaving import ALWAYS, overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

MANY_A_DAY = build.terms(limits=Limits(per_spot_day=None))


def rival_of(rooms: RoomsUnderTest) -> Callable[[], Awaitable[None]]:
    """Another process, which admits the same pass each time it is called."""
    rival, numbers = RoomsUnderTest(rooms.database), itertools.count()

    async def admit() -> None:
        number = next(numbers)
        gate = build.gate(GateKind.HANDHELD, id=f"rival-{number}")
        scan = printed_scan(build.held(), f"r{number}", gate=gate)
        assert_admitted(await rival.verdict_on(scan))

    return admit


async def test_a_scan_that_is_always_second_is_told_to_try_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = RoomsUnderTest(mongo)
    held = await rooms.issued(terms=MANY_A_DAY)
    with monkeypatch.context() as contended:
        overtake(contended, rooms.ledger.records, "append", rival_of(rooms), ALWAYS)
        with pytest.raises(Unavailable, match="scanned too often") as refused:
            await rooms.verdict_on(live_scan(held, "mine"))
    assert refused.value.code == "busy"
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert all(record.gate_id.startswith("rival") for record in ledger)
    assert ledger[-1].tally == fold(ledger)
    assert_admitted(await rooms.verdict_on(live_scan(held, "mine")))


async def test_an_annulment_that_is_always_second_is_told_to_try_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = RoomsUnderTest(mongo)
    held = await rooms.issued(terms=MANY_A_DAY)
    await rooms.verdict_on(live_scan(held, "mine"))
    with monkeypatch.context() as contended:
        overtake(contended, rooms.ledger.records, "append", rival_of(rooms), ALWAYS)
        with pytest.raises(Unavailable, match="scanned too often"):
            await rooms.admission.annulling.annul(build.gate(), "mine", NOW)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert ledger[-1].tally.total == len(ledger), "nothing is annulled"
    undone = await rooms.admission.annulling.annul(build.gate(), "mine", NOW)
    assert undone.by.annuls == 1


async def test_a_tally_that_an_older_version_worked_out_is_worked_out_anew(mongo: Mongo) -> None:
    """It says less than there was; what counts is the whole ledger."""
    rooms = RoomsUnderTest(mongo)
    held = await rooms.issued(terms=build.terms(limits=Limits(total=2)))
    for n in (1, 2):
        at = NOW + timedelta(days=n - 3)
        await rooms.ledger.records.append(build.record(n, at, Tally(version=0)))
    assert_refused(await rooms.verdict_on(live_scan(held, "mine")), Reason.NO_VISITS_LEFT)
