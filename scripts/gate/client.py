"""Speaks HTTP to the server, or to the hub in front of it.

Of several addresses one is used at a time; a probe finds out which. Knows no scans and no journal.
"""

import asyncio
import errno
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import HTTPTimeoutError

API = "/api/v1"

TRIES = 4

SECONDS_TO_ANSWER = 8.0
"""How long the protocol lets the server take."""

_LONGEST_PAUSE = 30
_SERVER_FAULTS = 500
_UNAUTHENTICATED = 401
_NO_REPLY = 599
"""Tornado's own status: there was no reply."""


class NoAnswer(Exception):
    """The server did not answer, or not with an answer.

    `retry_after` says for how many seconds it wants to be left alone.
    """

    def __init__(
        self, why: str, retry_after: float = 0, *, cut: bool = False, sent: bool = True
    ) -> None:
        """`why` is for people. `cut`: there is no connection, or it broke; else it is only slow or
        ill. `sent`: the request may have arrived all the same."""
        super().__init__(why)
        self.retry_after = retry_after
        self.cut = cut
        self.sent = sent


class Refused(Exception):
    """The server says what is wrong with the request; sending it again would not help."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        """`problem` is as RFC 9457 has it."""
        self.status = status
        self.problem = problem
        faults = problem.get("errors") or []
        lines = [str(problem.get("detail", ""))]
        lines += [f"  {fault['where']}: {fault['what']}" for fault in faults]
        super().__init__("\n".join(lines))

    @property
    def code(self) -> str:
        """Which problem it is; stable."""
        return str(self.problem.get("code", self.status))

    @property
    def ends_gate(self) -> bool:
        """Whether the token is good no more, so that nobody may be let in by it."""
        return self.status == _UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked; `body` is sent as it stands if it is bytes, else as JSON."""

    method: str
    path: str
    body: bytes | Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    seconds: float = SECONDS_TO_ANSWER


class Client:
    """Calls one server, by whichever of its addresses answers."""

    def __init__(self, addresses: Sequence[str], token: str = "") -> None:
        """`addresses` have no path; the first is the one to prefer."""
        self.addresses = [each.rstrip("/") for each in addresses]
        self.address = self.addresses[0]
        self.token = token

    async def post(
        self, path: str, body: Mapping[str, Any], seconds: float = SECONDS_TO_ANSWER
    ) -> dict[str, Any]:
        """The document in the reply. Raises `NoAnswer`, `Refused`."""
        return document_of(await self.send(Call("POST", path, body, seconds=seconds)))

    async def get(self, path: str, seconds: float = SECONDS_TO_ANSWER) -> dict[str, Any]:
        """The document in the reply. Raises `NoAnswer`, `Refused`."""
        return document_of(await self.send(Call("GET", path, seconds=seconds)))

    async def send(self, call: Call, address: str | None = None) -> HTTPResponse:
        """A reply of whatever status. Raises `NoAnswer` if there is none."""
        headers = {"Accept-Language": "en", **(call.headers or {})}
        headers.setdefault("Authorization", f"Bearer {self.token}")
        body = call.body if isinstance(call.body, bytes | None) else json.dumps(call.body).encode()
        request = HTTPRequest(
            f"{address or self.address}{API}{call.path}",
            call.method,
            headers=headers,
            body=body,
            connect_timeout=call.seconds,
            request_timeout=call.seconds,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        try:
            reply = await AsyncHTTPClient().fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as error:
            raise _lost(error) from None
        if reply.code == _NO_REPLY:
            raise _lost(reply.error)
        return reply

    async def find(self, call: Call) -> HTTPResponse:
        """The reply of the first address that has one below 500, which is the one to use from then
        on. Raises `NoAnswer`."""
        last = NoAnswer("there is no address")
        for address in self.addresses:
            try:
                reply = await self.send(call, address)
                if reply.code >= _SERVER_FAULTS:
                    raise _no_answer(reply)
            except NoAnswer as error:
                last = error
            else:
                self.address = address
                return reply
        raise last


async def until_answered(client: Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to what can be sent again. Raises `NoAnswer` after a few tries, `Refused`."""
    for pause in range(TRIES - 1):  # in seconds: 0, 1 and 2, or as the server says
        try:
            return await client.post(path, body)
        except NoAnswer as error:
            print(f"no answer from {client.address}, trying again", file=sys.stderr, flush=True)
            await asyncio.sleep(max(pause, error.retry_after))
    return await client.post(path, body)


def document_of(reply: HTTPResponse) -> dict[str, Any]:
    """The document in a reply.

    Raises `NoAnswer` if trying again may help, `Refused` if it cannot.
    """
    if reply.code >= _SERVER_FAULTS or not reply.body:
        raise _no_answer(reply)
    try:
        document = json.loads(reply.body)
    except ValueError:  # such as the page of a hotspot that wants somebody to sign in
        raise NoAnswer("what answers is no server of ours") from None
    if not isinstance(document, dict):
        raise NoAnswer("what answers is no server of ours")
    if reply.error is not None:
        raise Refused(reply.code, document)
    return document


def _no_answer(reply: HTTPResponse) -> NoAnswer:
    return NoAnswer(str(reply.error), _retry_after(reply))


def _retry_after(reply: HTTPResponse) -> float:
    """The seconds that a reply asks to wait, within reason; 0 if it does not say."""
    written = reply.headers.get("Retry-After", "")
    if not written.isascii() or not written.isdigit():
        return 0
    return min(int(written[:9]), _LONGEST_PAUSE)


_NOT_THERE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN}


def _lost(error: BaseException | None) -> NoAnswer:
    """No reply at all: nobody is there, the connection broke, or it took too long."""
    why = str(error) or type(error).__name__
    if isinstance(error, HTTPTimeoutError):
        return NoAnswer(why)
    nobody = isinstance(error, socket.gaierror) or getattr(error, "errno", None) in _NOT_THERE
    return NoAnswer(why, cut=True, sent=not nobody)
