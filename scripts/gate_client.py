"""A gate for the keyboard: reads one code, or the number of one resident ID card, a line, asks the
server, prints the verdict.

    python scripts/gate_client.py --server http://127.0.0.1:8000 --setup-code K3F9-7QX2-M8PD
    python scripts/gate_client.py --server http://127.0.0.1:8000 --token TOKEN

A keyboard-wedge scanner types codes in just as a person pastes them, and a reader of ID cards their
numbers. A scan that gets no answer is sent again under the same nonce, so it is never counted
twice. Needs nothing of the project but what it asks over HTTP.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse

TRIES = 4
_SECONDS_TO_ANSWER = 8
_LONGEST_PAUSE = 30
_SERVER_FAULTS = 500


class NoAnswer(Exception):
    """The server did not answer, or not with an answer.

    `retry_after` says for how many seconds it wants to be left alone.
    """

    def __init__(self, why: str, retry_after: float = 0) -> None:
        """`why` is for people."""
        super().__init__(why)
        self.retry_after = retry_after


class Refused(Exception):
    """The server says what is wrong with the request; sending it again would not help."""


class GateClient:
    """One enrolled gate."""

    def __init__(self, server: str, token: str = "") -> None:
        """`server` is the address without a path; without a token, `enrol` gets one."""
        self._server = server.rstrip("/")
        self._token = token

    async def enrol(self, setup_code: str) -> dict[str, Any]:
        """Become the gate that waits for this setup code; asked again under the same name while
        nothing comes back."""
        body = {"setup_code": setup_code, "device": uuid.uuid4().hex}
        gate = await self._until_answered("/gate/enrol", body)
        self._token = gate["token"]
        return gate

    async def scan(self, code: str, party: int | None = None) -> dict[str, Any]:
        """The verdict on a code or a card; sent again under the same nonce while nothing comes
        back."""
        body = {
            **_shown(code),
            "nonce": uuid.uuid4().hex,
            "scanned_at": datetime.now(UTC).isoformat(),
            "party": party,
        }
        return await self._until_answered("/gate/scans", body)

    async def _until_answered(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to what can be sent again. Raises `NoAnswer` after a few tries."""
        for pause in range(TRIES - 1):  # in seconds: 0, 1 and 2, or as the server says
            try:
                return await self._post(path, body)
            except NoAnswer as error:
                print(f"no answer from {self._server}, trying again", file=sys.stderr)
                await asyncio.sleep(max(pause, error.retry_after))
        return await self._post(path, body)

    async def annul(self, nonce: str) -> dict[str, Any]:
        """Take an admission back, because the turnstile did not turn."""
        return await self._post(f"/gate/scans/{nonce}/annul", {})

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            response = await AsyncHTTPClient().fetch(
                f"{self._server}/api/v1{path}",
                method="POST",
                body=json.dumps(body),
                headers={"Authorization": f"Bearer {self._token}", "Accept-Language": "en"},
                request_timeout=_SECONDS_TO_ANSWER,
                raise_error=False,
            )
        except (OSError, HTTPClientError) as error:
            raise NoAnswer(str(error)) from None
        return _read(response)


def _shown(line: str) -> dict[str, Any]:
    """What a scan sends of a line: no code looks like the number of a resident ID card."""
    if not re.fullmatch(r"[0-9]{17}[0-9Xx]", line):
        return {"code": line}
    return {"document": {"kind": "resident", "number": line}, "read": "chip"}


def _read(response: HTTPResponse) -> dict[str, Any]:
    """The document in a reply.

    Raises `NoAnswer` if trying again may help, `Refused` if it cannot.
    """
    if response.error is None:
        document: dict[str, Any] = json.loads(response.body)
        return document
    of_server = response.code >= _SERVER_FAULTS
    if of_server or not response.body:
        raise NoAnswer(str(response.error), _retry_after(response))
    problem = json.loads(response.body)
    lines = [f"{problem['code']}: {problem['detail']}"]
    lines += [f"  {fault['where']}: {fault['what']}" for fault in problem.get("errors", [])]
    raise Refused("\n".join(lines))


def _retry_after(response: HTTPResponse) -> float:
    """The seconds that a reply asks to wait, within reason; 0 if it does not say."""
    written = response.headers.get("Retry-After", "")
    if not written.isascii() or not written.isdigit():
        return 0
    return min(int(written[:9]), _LONGEST_PAUSE)


def _line(verdict: Mapping[str, Any]) -> str:
    """A verdict as gate staff read it."""
    decided = f"REFUSED {verdict['reason']}"
    if verdict["verdict"] == "admitted":
        decided = f"ADMITTED {verdict['admits']}"
        if verdict["check_identity"]:
            decided += ", check the card"
    message = verdict["message"]
    line = f"{decided}: {message['zh']} / {message['en']}"
    if verdict["pass"]:
        line += f" [{verdict['pass']['holder_mask']}]"
    return line


def _address(written: str) -> str:
    if not written.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("an address begins with http:// or https://")
    return written


async def _verdict(gate: GateClient, code: str) -> str:
    """What to show for a line that was read. A gate goes on, whatever comes of one scan."""
    try:
        return _line(await gate.scan(code))
    except NoAnswer as error:
        return f"NO ANSWER: {error}"
    except Refused as error:
        return f"NOT SCANNED {error}"


async def main() -> None:
    """Enrol if asked to, then one verdict for each line until the input ends."""
    parser = argparse.ArgumentParser(description="A gate for the keyboard.")
    parser.add_argument(
        "--server", type=_address, default="http://127.0.0.1:8000", help="address of the server"
    )
    access = parser.add_mutually_exclusive_group(required=True)
    access.add_argument("--setup-code", help="enrol first, with the code from `gates add`")
    access.add_argument("--token", help="the token that an earlier enrolment printed")
    flags = parser.parse_args()

    gate = GateClient(flags.server, flags.token or "")
    if flags.setup_code:
        try:
            enrolled = await gate.enrol(flags.setup_code)
        except NoAnswer as error:
            sys.exit(f"{flags.server} does not answer: {error}")
        except Refused as error:
            sys.exit(str(error))
        spot = enrolled["spot"]["name"]["zh"]
        print(f"{enrolled['gate_id']} at {spot}, token {enrolled['token']}", flush=True)
    for line in sys.stdin:
        if line.strip():
            print(await _verdict(gate, line.strip(" \r\n")), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it, also while it waits for a line
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr] # a scanner may send any bytes
    asyncio.run(main())
