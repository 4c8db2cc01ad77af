"""The line of the tests does to a connection what it says."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.support.line import Line, line_to


async def echo(reader: StreamReader, writer: StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Line, StreamReader, StreamWriter]]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, line_to(server.sockets[0].getsockname()[1]) as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        try:
            writer.write(b"one\n")
            assert await reader.readline() == b"one\n"
            yield line, reader, writer
        finally:
            writer.transport.abort()


async def test_a_cut_line_resets_and_refuses_until_it_is_healed() -> None:
    async with connected() as (line, reader, _):
        line.cut()
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        other, _ = await asyncio.open_connection("127.0.0.1", line.port)
        with pytest.raises(ConnectionError):
            await other.readexactly(1)
        line.heal()
        again, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(b"two\n")
        assert await again.readline() == b"two\n"
        assert line.carried == 2
        writer.transport.abort()


@pytest.mark.parametrize("hold", [Line.silence, Line.deafen])
async def test_what_is_held_arrives_once_the_line_is_healed(hold: Callable[[Line], None]) -> None:
    async with connected() as (line, reader, writer):
        hold(line)
        writer.write(b"two\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                asyncio.shield(waiting := asyncio.create_task(reader.readline())), 0.1
            )
        line.heal()
        assert await waiting == b"two\n"
