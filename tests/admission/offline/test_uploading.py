"""Uploading: items about one pass in order, those about many passes together, and none in vain."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tornado.ioloop import IOLoop

from passes.admission.gates import Purpose
from passes.admission.offline.items import DecidedAlone, Result, ScanItem, Timing
from passes.base.audit import AuditLine, Outcome
from passes.base.errors import Unavailable
from passes.holding import transitions
from passes.ledger.records import RecordKind, fold
from passes.ledger.verdicts import Reason
from server.settings import DriverName
from tests.support import build
from tests.support.build import NOW, OPERATOR
from tests.support.commands import Commands, counted_rooms
from tests.support.rooms import RoomsUnderTest

LATER = NOW + timedelta(minutes=30)
TIMING = Timing(LATER, LATER, None)
OK = DecidedAlone(Reason.OK, 1)
MANY = 200


@pytest.fixture
def counted(
    io_loop: IOLoop, mongo_uri: str, pytestconfig: pytest.Config
) -> Iterator[tuple[RoomsUnderTest, Commands]]:
    driver: DriverName = pytestconfig.getoption("--driver")
    yield from counted_rooms(io_loop, mongo_uri, driver)


async def test_many_items_take_few_commands(counted: tuple[RoomsUnderTest, Commands]) -> None:
    rooms, commands = counted
    held = [
        await rooms.issued(id=f"{n:016x}", holder=build.SEALER.seal(build.person(n)))
        for n in range(1, MANY + 1)
    ]
    items = [ScanItem(build.live_scan(each, f"n{each.id}"), OK) for each in held]
    items += [
        ScanItem(build.live_scan(each, f"r{each.id}"), DecidedAlone(Reason.BLACKOUT))
        for each in held
    ]
    commands.sent.clear()
    results = await rooms.admission.uploading.upload(items, TIMING)
    assert [each.result for each in results] == [Result.RECORDED] * MANY + [Result.REFUSED] * MANY
    assert commands.sent.total() < MANY / 4, commands.sent


async def test_items_of_one_pass_keep_their_order(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(re_entry=True))
    items = []
    for n, purpose in enumerate([Purpose.ENTER, Purpose.LEAVE, Purpose.ENTER, Purpose.LEAVE]):
        at = NOW + timedelta(minutes=n)
        items.append(ScanItem(build.live_scan(held, f"n{n}", at, purpose=purpose), OK))
    await rooms.admission.uploading.upload(items, TIMING)
    ledger = await rooms.ledger.records.whole(held.id)
    assert [record.nonce for record in ledger] == ["n0", "n1", "n2", "n3"]
    assert [record.tally.total for record in ledger] == [1, 1, 1, 1]
    assert not await rooms.admission.conflicts.all(open_only=True)


async def test_a_live_scan_and_its_upload_at_once_are_one_record(rooms: RoomsUnderTest) -> None:
    for n in range(10):
        held = await rooms.issued(id=f"{n + 1:016x}")
        scan = build.live_scan(held, f"n{n}")
        upload = rooms.admission.uploading.upload
        timing = Timing(NOW, NOW)
        await asyncio.gather(
            rooms.verdict_on(scan),
            upload([ScanItem(scan, OK)], timing),
            upload([ScanItem(scan, OK)], timing),
        )
        (record,) = await rooms.ledger.records.whole(held.id)
        assert record.tally == fold([record])
    assert not await rooms.admission.conflicts.all(open_only=True)


async def test_what_waits_for_a_reissue_comes_later_and_keeps_nobody_back(
    rooms: RoomsUnderTest,
) -> None:
    """The process died after the old pass named a successor that is not there."""
    held = await rooms.issued()
    other = await rooms.issued(id="00000000000000b2", holder=build.SEALER.seal(build.person(1)))
    line = AuditLine(LATER, OPERATOR, "reissue", f"pass:{held.id}", outcome=Outcome.BEGUN)
    await rooms.base.audit.write(line)
    cut_short = transitions.supersede(held, "00000000000000c3")
    assert await rooms.holding.passes.replace(held, cut_short)
    items = [
        ScanItem(build.live_scan(held, "a"), OK),
        ScanItem(build.live_scan(held, "b", purpose=Purpose.LEAVE), OK),
        ScanItem(build.live_scan(other, "c"), OK),
    ]
    results = await rooms.admission.uploading.upload(items, TIMING)
    assert [each.result for each in results] == [Result.LATER, Result.LATER, Result.RECORDED]
    await rooms.holding.reissuing.reissue(held.id, OPERATOR, LATER)
    results = await rooms.admission.uploading.upload(items, TIMING)
    assert [each.result for each in results] == [Result.RECORDED, Result.RECORDED, Result.KNOWN]
    ledger = await rooms.ledger.records.whole("00000000000000c3")
    assert [record.kind for record in ledger] == [
        RecordKind.CARRIED,
        RecordKind.ADMITTED,
        RecordKind.EXITED,
    ]


async def test_a_pass_that_cannot_be_read_keeps_nobody_back(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    other = await rooms.issued(id="00000000000000b2", holder=build.SEALER.seal(build.person(1)))
    await rooms.tamper_with(held.id, version=99)
    items = [ScanItem(build.live_scan(each, each.id), OK) for each in (held, other)]
    results = await rooms.admission.uploading.upload(items, TIMING)
    assert [each.result for each in results] == [Result.LATER, Result.RECORDED]
    with pytest.raises(Unavailable):
        await rooms.admission.uploading.upload(items[:1], TIMING)


async def test_a_gate_is_not_told_repeat_because_of_an_upload(rooms: RoomsUnderTest) -> None:
    """What it let in hours ago is stored just now."""
    held = await rooms.issued(
        terms=build.terms(limits=replace(build.terms().limits, per_spot_day=9))
    )
    await rooms.admission.uploading.upload([ScanItem(build.live_scan(held, "a"), OK)], TIMING)
    verdict = await rooms.verdict_on(build.live_scan(held, "b", LATER), LATER)
    assert verdict.reason is Reason.OK
