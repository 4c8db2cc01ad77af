"""A refusal does not cost the caller its connection, nor the request that it sends next."""

from typing import Any

import pytest
from tornado.httpserver import HTTPServer

from handlers.services import Services
from handlers.web.api import ApiHandler
from passes.base.errors import TooOften
from passes.base.text import Text
from tests.support.api import Api
from tests.support.connection import Connection, connected, request
from tests.support.replies import assert_problem
from tests.support.visitors import signed_in

HEALTH = request("GET", "/healthz")
CHUNKED = b'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a": 1\r\n1\r\n}\r\n0\r\n\r\n'


def chunked(path: str) -> bytes:
    return request("POST", path).removesuffix(b"\r\n") + CHUNKED


REFUSED: list[tuple[bytes, int]] = [
    (request("GET", "/api/v1/me"), 401),
    (request("POST", "/api/v1/gate/scans", body=b"{}"), 401),
    (chunked("/api/v1/gate/scans"), 401),
    (request("PUT", "/api/v1/me/identity", "Authorization: Bearer nonsense", body=b"{}"), 401),
    (request("GET", "/nowhere"), 404),
    (request("HEAD", "/nowhere"), 404),
    (request("POST", "/nowhere", body=b"{}"), 404),
    (chunked("/nowhere"), 404),
    (request("PUT", "/api/v1/spots", body=b"{}"), 405),
    (request("PATCH", "/api/v1/spots", body=b"{}"), 405),
    (request("OPTIONS", "/api/v1/spots"), 405),
    (request("POST", "/api/v1/gate/enrol", body=b"x" * 70_000), 413),
    (request("POST", "/api/v1/gate/enrol", body=b"{"), 400),
]


def has_body(written: bytes) -> bool:
    head = written.partition(b"\r\n\r\n")[0]
    return b"Content-Length" in head or b"Transfer-Encoding" in head


def port_of(server: HTTPServer) -> int:
    port: int = next(iter(server._sockets.values())).getsockname()[1]
    return port


async def is_kept(connection: Connection) -> None:
    """What is asked next is answered over the same connection."""
    assert (await connection.ask(HEALTH)).status == 200


async def reply_to(connection: Connection, written: bytes) -> int:
    """The status; of a reply to HEAD the length is not that of what follows."""
    if not written.startswith(b"HEAD"):
        return (await connection.ask(written)).status
    connection.writer.write(written)
    top = await connection.reader.readuntil(b"\r\n\r\n")
    return int(top.split()[1])


@pytest.mark.parametrize(("written", "status"), REFUSED)
async def test_a_refusal_keeps_the_connection(
    http_server: HTTPServer, written: bytes, status: int
) -> None:
    async with connected(port_of(http_server)) as connection:
        for _ in range(3):
            assert await reply_to(connection, written) == status
        await is_kept(connection)


@pytest.mark.parametrize(("written", "status"), [each for each in REFUSED if has_body(each[0])])
async def test_a_refusal_waits_for_a_body_that_comes_later(
    http_server: HTTPServer, written: bytes, status: int
) -> None:
    head, _, body = written.partition(b"\r\n\r\n")
    head += b"\r\nExpect: 100-continue\r\n\r\n"
    async with connected(port_of(http_server)) as connection:
        connection.writer.write(head)
        go_on = await connection.reader.readuntil(b"\r\n\r\n")
        assert go_on.startswith(b"HTTP/1.1 100 "), "it has read the head"
        assert await reply_to(connection, body) == status
        await is_kept(connection)


async def test_a_429_over_a_kept_connection_loses_no_request(
    http_server: HTTPServer, api: Api
) -> None:
    """Of 20 requests 10 got no reply: each 429 closed the connection, and the next was lost."""
    token = (await signed_in(api))["access_token"]
    call = request(
        "POST", "/api/v1/offers/nothing/claim", f"Authorization: Bearer {token}", body=b"{}"
    )
    async with connected(port_of(http_server)) as connection:
        told = [await connection.ask(call) for _ in range(30)]
        refused = [answer for answer in told if answer.status == 429]
        assert len(refused) >= 15
        for answer in refused:
            assert_problem(answer, 429, "too_often")
            assert int(answer.headers["Retry-After"]) > 0
        await is_kept(connection)


async def test_twenty_429_written_at_once_are_all_answered(
    http_server: HTTPServer, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_too_many(*_: Any) -> None:
        raise TooOften("too_often", Text("稍后再试", "try again later"), 3)

    monkeypatch.setattr(type(services.limits), "check", one_too_many)
    call = request("POST", "/api/v1/session", body=b'{"code": "sandbox:x"}')
    async with connected(port_of(http_server)) as connection:
        connection.writer.write(call * 20)
        for _ in range(20):
            assert_problem(await connection.reply(), 429, "too_often")
        await is_kept(connection)


async def test_a_fault_of_ours_before_the_body_keeps_the_connection(
    http_server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: ApiHandler) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ApiHandler, "_check", fails)
    call = request("POST", "/api/v1/session", body=b'{"code": "sandbox:x"}')
    async with connected(port_of(http_server)) as connection:
        assert_problem(await connection.ask(call), 500, "internal_error")
        assert_problem(await connection.ask(call), 500, "internal_error")


@pytest.mark.parametrize(
    ("written", "status"),
    [
        (request("BREW", "/api/v1/spots", body=b"{}"), 405),
        (request("GET", "/api/v1/spots/%FF"), 400),
    ],
)
async def test_a_reply_before_which_nothing_was_read_says_that_it_is_the_last(
    http_server: HTTPServer, written: bytes, status: int
) -> None:
    """These Tornado refuses before it asks us, and closes the connection."""
    async with connected(port_of(http_server)) as connection:
        answer = await connection.ask(written)
        assert answer.status == status
        assert answer.headers["Connection"] == "close"
        await connection.ended()
