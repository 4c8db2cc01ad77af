"""Connections: who makes room for whom, and who has taken too long. Over real sockets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from server.addresses import Addresses
from server.connections import Bounds, Connections
from server.listening import BoundedServer
from tests.support.connection import Connection, connected, request
from tests.support.waiting import until

ASK = request("GET", "/")
SMALL = Bounds(connections=8, per_address=4)


class Says(RequestHandler):
    """`/` says something small at once, `/big` 20 MB, `/held` something once it is let go on."""

    async def get(self, path: str) -> None:
        if path == "held":
            await self.application.settings["go_on"].wait()
        self.finish(b"x" * (20_000_000 if path == "big" else 10))


@dataclass(frozen=True)
class Serving:
    """A server, and what lets `/held` go on."""

    port: int
    server: BoundedServer
    connections: Connections
    go_on: asyncio.Event

    async def at_work(self, number: int) -> None:
        """Return once so many connections are."""
        await until(lambda: len(self.connections._working) == number, f"{number} are at work")


@asynccontextmanager
async def serving(bounds: Bounds, *proxies: str) -> AsyncIterator[Serving]:
    go_on = asyncio.Event()
    application = Application([("/(.*)", Says)], go_on=go_on, log_function=lambda _: None)
    addresses = Addresses(map(ip_network, proxies))
    connections = Connections(bounds, addresses, asyncio.get_running_loop().time)
    server = BoundedServer(application, connections=connections)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([listening])
    try:
        yield Serving(listening.getsockname()[1], server, connections, go_on)
    finally:
        go_on.set()
        server.stop()
        await server.close_all_connections()


async def is_answered(connection: Connection) -> bool:
    return (await connection.ask(ASK)).status == 200


async def test_a_new_connection_takes_the_place_of_that_which_waits_longest() -> None:
    async with serving(SMALL) as here, AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(connected(here.port)) for _ in range(4)]
        used = kept[0]
        assert await is_answered(used)
        newest = await stack.enter_async_context(connected(here.port))
        assert await is_answered(newest)
        await kept[1].ended()
        assert await is_answered(used), "one that has asked before is spared last"
        assert len(here.connections) == 4


async def test_another_address_finds_room_though_one_has_filled_its_own() -> None:
    async with serving(SMALL) as here, AsyncExitStack() as stack:
        for _number in range(20):
            await stack.enter_async_context(connected(here.port))
        others = [
            await stack.enter_async_context(connected(here.port, f"127.0.0.{n}")) for n in (2, 3, 4)
        ]
        for other in others:
            assert await is_answered(other)


async def test_all_of_an_address_at_work_leave_it_no_room_but_others() -> None:
    async with serving(SMALL) as here, AsyncExitStack() as stack:
        held = [await stack.enter_async_context(connected(here.port)) for _ in range(4)]
        for each in held:
            each.writer.write(request("GET", "/held"))
        await here.at_work(4)
        refused = await stack.enter_async_context(connected(here.port))
        await refused.ended()
        other = await stack.enter_async_context(connected(here.port, "127.0.0.2"))
        assert await is_answered(other)
        here.go_on.set()
        for each in held:
            assert (await each.reply()).status == 200


async def test_where_all_are_at_work_a_new_one_waits_until_one_is_answered() -> None:
    async with serving(Bounds(2, 2), "127.0.0.0/8") as here, AsyncExitStack() as stack:
        held = [await stack.enter_async_context(connected(here.port)) for _ in range(2)]
        for each in held:
            each.writer.write(request("GET", "/held"))
        await here.at_work(2)
        waiting = await stack.enter_async_context(connected(here.port))
        waiting.writer.write(ASK)
        await until(lambda: not here.server._accepting, "no more are accepted")
        here.go_on.set()
        assert (await waiting.reply()).status == 200


async def test_a_proxy_may_have_more_than_an_address() -> None:
    async with serving(SMALL, "127.0.0.1") as here, AsyncExitStack() as stack:
        through = [await stack.enter_async_context(connected(here.port)) for _ in range(8)]
        for each in through:
            assert await is_answered(each)
        assert len(here.connections) == 8


async def test_the_log_tells_of_it_once(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(SMALL) as here, AsyncExitStack() as stack:
        with caplog.at_level(logging.WARNING):
            for _number in range(50):
                await stack.enter_async_context(connected(here.port))
            last = await stack.enter_async_context(connected(here.port))
            assert await is_answered(last)
    told = [each for each in caplog.records if "too many connections" in each.getMessage()]
    assert len(told) == 1


async def test_one_that_never_asks_is_closed() -> None:
    async with serving(Bounds(8, 4, first_request=0.2)) as here:
        async with (
            connected(here.port) as silent,
            connected(here.port) as slow,
            connected(here.port) as used,
        ):
            assert await is_answered(used)
            slow.writer.write(b"GET / HTTP/1.1\r\nHost:")
            await silent.ended()
            await slow.ended()
            assert await is_answered(used), "it has asked before"
        await until(lambda: len(here.connections) == 0, "all are closed")


@pytest.mark.parametrize("asked", [1, 3])
async def test_one_that_never_reads_its_reply_is_closed(asked: int) -> None:
    """Tornado waited for ever, with the whole reply in memory."""
    async with serving(Bounds(8, 4, reply=0.5)) as here, AsyncExitStack() as stack:
        deaf = await stack.enter_async_context(connected(here.port))
        other = await stack.enter_async_context(connected(here.port))
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.writer.write(request("GET", "/big") * asked)
        await here.at_work(1)
        await until(lambda: len(here.connections) <= 1, "it is given up")
        assert await is_answered(other)


async def test_one_that_waits_for_us_is_not_given_up() -> None:
    async with serving(Bounds(8, 4, reply=0.1)) as here, AsyncExitStack() as stack:
        patient = await stack.enter_async_context(connected(here.port))
        patient.writer.write(request("GET", "/held"))
        await here.at_work(1)
        (stream,) = here.connections._working
        here.connections._working[stream] -= 10  # seconds ago
        here.connections.sweep()
        here.go_on.set()
        assert (await patient.reply()).status == 200
