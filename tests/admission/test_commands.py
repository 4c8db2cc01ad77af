"""How many commands the database gets: few for a scan, fewer than scans when many come at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from passes.holding.model import Pass
from passes.terms.terms import Limits
from tests.support import build
from tests.support.commands import Commands, counted_rooms
from tests.support.rooms import RoomsUnderTest

MANY = 48


@pytest.fixture(params=["motor", "pymongo"])
def counted(
    io_loop: IOLoop, mongo_uri: str, request: pytest.FixtureRequest
) -> Iterator[tuple[RoomsUnderTest, Commands]]:
    yield from counted_rooms(io_loop, mongo_uri, request.param)


async def many_passes(rooms: RoomsUnderTest) -> list[Pass]:
    like = build.held()
    serials = [f"{n:016x}" for n in range(1, MANY + 1)]
    return [await rooms.keep(replace(like, id=serial)) for serial in serials]


async def scan(rooms: RoomsUnderTest, held: Pass, nonce: str) -> bool:
    """Whether a paper is admitted, at a gate of its own for each nonce."""
    gate = build.gate(GateKind.HANDHELD, id=f"gate-{nonce}")
    verdict = await rooms.verdict_on(build.printed_scan(held, nonce, gate=gate))
    return verdict.admitted


async def test_many_scans_at_once_send_fewer_commands_than_there_are_scans(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    passes = await many_passes(rooms)
    commands.sent.clear()
    admitted = await asyncio.gather(*(scan(rooms, held, "a") for held in passes))
    assert all(admitted)
    assert commands.sent.total() < MANY / 2
    assert commands.sent["insert"] <= MANY / 4


async def test_a_second_scan_of_each_pass_reads_no_ledger(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    assert await scan(rooms, held, "a")
    commands.sent.clear()
    assert await scan(rooms, held, "b")
    assert commands.sent == {"find": 1, "insert": 1}


async def test_a_refusal_of_a_pass_that_is_remembered_costs_four_operations(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    held = await rooms.issued()
    assert await scan(rooms, held, "a")
    commands.sent.clear()
    assert not await scan(rooms, held, "b")
    assert commands.sent == {"find": 2, "insert": 1, "update": 1}
