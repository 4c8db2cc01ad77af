"""Speaking to a server: what is no answer, what is a refusal, and which address is used."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from scripts.gate.client import (
    SECONDS_TO_ANSWER,
    Call,
    Client,
    NoAnswer,
    Refused,
    document_of,
    until_answered,
)
from scripts.gate.clock import steady
from tests.support.line import line_to
from tests.support.processes import PROJECT


@asynccontextmanager
async def answering(
    *replies: tuple[int, bytes, dict[str, str]],
) -> AsyncIterator[tuple[int, list[float]]]:
    """A server that gives these replies in turn, the last one again and again: its port, and when
    it was asked."""
    asked: list[float] = []

    class Handler(RequestHandler):
        def post(self) -> None:
            status, body, headers = replies[min(len(asked), len(replies) - 1)]
            asked.append(steady())
            self.set_status(status)
            for name, value in headers.items():
                self.set_header(name, value)
            self.finish(body)

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(".*", Handler)]))
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1], asked
    finally:
        server.stop()
        await server.close_all_connections()


def at(*ports: int) -> Client:
    return Client([f"http://127.0.0.1:{port}/" for port in ports], "token")


def test_it_waits_as_long_as_the_protocol_says() -> None:
    protocol = (PROJECT / "docs" / "gate-protocol.md").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"Wait (\d+)\s+seconds for an\s+answer", protocol)
    assert int(seconds) == SECONDS_TO_ANSWER


async def test_it_asks_again_when_the_server_says() -> None:
    busy = (503, b"{}", {"Retry-After": "1"})
    async with answering(busy, (200, b'{"verdict": "admitted"}', {})) as (port, asked):
        assert await until_answered(at(port), "/gate/scans", {}) == {"verdict": "admitted"}
    first, second = asked
    assert second - first >= 1


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ((500, b"{}", {}), NoAnswer),
        ((200, b"<html>sign in to the hotspot</html>", {}), NoAnswer),
        ((302, b"", {"Location": "http://hotspot.example"}), NoAnswer),
        ((403, b"<html>blocked</html>", {}), NoAnswer),
        ((200, b"[]", {}), NoAnswer),
        ((422, b'{"code": "body_invalid", "detail": "wrong"}', {}), Refused),
        ((401, b'{"code": "token_withdrawn", "detail": "ended"}', {}), Refused),
    ],
)
async def test_what_is_an_answer(
    reply: tuple[int, bytes, dict[str, str]], what: type[Exception]
) -> None:
    async with answering(reply) as (port, _):
        with pytest.raises(what) as raised:
            await at(port).post("/gate/scans", {})
    if isinstance(raised.value, Refused):
        assert raised.value.ends_gate == (reply[0] == 401)


async def test_it_tells_a_cut_line_from_a_slow_one_and_from_nobody() -> None:
    async with answering((200, b"{}", {})) as (port, asked), line_to(port) as line:
        client = at(line.port)
        line.cut()
        with pytest.raises(NoAnswer) as cut:
            await client.post("/x", {})
        assert (cut.value.cut, cut.value.sent) == (True, True)
        line.heal()
        line.deafen()
        with pytest.raises(NoAnswer) as slow:
            await client.post("/x", {}, 0.2)
        assert (slow.value.cut, slow.value.sent) == (False, True)
        assert len(asked) == 1
    with pytest.raises(NoAnswer) as nobody:
        await at(line.port).post("/x", {})
    assert (nobody.value.cut, nobody.value.sent) == (True, False)


async def test_the_first_address_that_answers_is_used() -> None:
    async with (
        answering((200, b'{"n": 1}', {})) as (first, _),
        answering((200, b'{"n": 2}', {})) as (second, _),
        line_to(first) as line,
    ):
        client = at(line.port, second)
        probe = Call("POST", "/gate/heartbeat", {})
        assert document_of(await client.find(probe)) == {"n": 1}
        line.cut()
        assert document_of(await client.find(probe)) == {"n": 2}
        assert await client.post("/gate/scans", {}) == {"n": 2}
        line.heal()
        assert document_of(await client.find(probe)) == {"n": 1}
