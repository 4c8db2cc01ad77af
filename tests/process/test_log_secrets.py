"""No line of the log holds a secret, whatever is sent."""

import asyncio
import json
from pathlib import Path

from tests.support.api import Api
from tests.support.connection import request
from tests.support.processes import Start, finished

SECRET = "s3cr3t-that-nobody-may-read"
"""A token, a setup code, a login code, a number: wherever somebody may put one."""
BEARER = f"Authorization: Bearer {SECRET}"
GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = "POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"

MALFORMED = [
    f"{GET}{BEARER}\x01\r\n\r\n",
    f"{GET}{BEARER}\x00\r\n\r\n",
    f"{GET}{BEARER}\x7f\r\n\r\n",
    f"{GET}Authorization\x01: Bearer {SECRET}\r\n\r\n",
    f"{GET}{SECRET}\r\n\r\n",
    f"{GET}{SECRET}\x01: x\r\n\r\n",
    f"{GET} {SECRET}\r\n\r\n",
    f"GET /healthz?token={SECRET}\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /healthz?token={SECRET} {SECRET} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /healthz?token={SECRET}%FF HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /api/v1/spots?q={SECRET}%FF HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /healthz HTTP/{SECRET}\r\nHost: x\r\n\r\n",
    f"{SECRET}\r\nHost: x\r\n\r\n",
    f"{SECRET} /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET /healthz HTTP/1.1\r\nHost: {SECRET}/\x01\r\n\r\n",
    f"GET /healthz HTTP/1.1\r\nHost: {SECRET} {SECRET}\r\n\r\n",
    f"GET /healthz HTTP/1.1\r\nHost: {SECRET}\r\nHost: {SECRET}2\r\n\r\n",
    f"GET /healthz HTTP/1.1\r\n{BEARER}\r\n\r\n",
    f"GET https://x/?token={SECRET} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET //x?{SECRET}@[x HTTP/1.1\r\nHost: x\r\n\r\n",
    f"{POST}Content-Length: {SECRET}\r\n\r\n",
    f"{POST}Content-Length: 3, {SECRET}\r\n\r\nabc",
    f"{POST}Content-Length: 99999999999\r\n{BEARER}\r\n\r\n",
    f"{POST}Transfer-Encoding: {SECRET}\r\n\r\n",
    f"{POST}Transfer-Encoding: chunked\r\n\r\n{SECRET}\r\n",
    f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n{BEARER}\r\n\r\nabc",
    f'{POST}Content-Length: 60\r\n\r\n{{"code": "{SECRET}',
    f"{POST}Content-Type: multipart/form-data; boundary={SECRET}\r\nContent-Length: 3\r\n\r\nabc",
    f"{POST}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n%FF=%FFab",
    f"{GET}X-Request-Id: {SECRET} x\r\n\r\n",
    f"{GET}X-Forwarded-For: {SECRET}\r\n\r\n",
    f"{GET}Cookie: a={SECRET}\x01\r\n\r\n",
    f"{GET}Accept-Language: {SECRET}\r\n\r\n",
    f"{GET}{BEARER}\r\nX: {'x' * 20_000}\r\n\r\n",
    f"GET /{'x' * 20_000}?token={SECRET} HTTP/1.1\r\nHost: x\r\n\r\n",
    "\x16\x03\x01" + SECRET + "\r\n\r\n",
]


EYES = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJnIn0.c2lnbmF0dXJl"


def test_what_looks_like_a_token_is_masked_also_in_a_traceback() -> None:
    program = (
        "import logging; from server.logs import configure_logs; configure_logs('INFO')\n"
        f"logging.getLogger('a').error('said %s', 'Bearer {SECRET}')\n"
        f"try: raise ValueError(b'Illegal characters in header: {EYES}')\n"
        "except ValueError: logging.getLogger('b').exception('a fault')"
    )
    done = finished(["-c", program], {})
    first, second = (json.loads(line) for line in done.err.splitlines())
    assert first["event"] == "said [token]"
    assert "Traceback" in second["exception"]
    assert SECRET not in done.err
    assert EYES not in done.err.replace(program, "")


async def send(port: int, written: bytes) -> bytes:
    """All that is answered. What is refused at once may be answered with a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(written)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_malformed_request_leaves_no_secret_in_the_log(
    server: Start, tmp_path: Path
) -> None:
    """A token with a control character behind it stood there, as a part of why it was refused."""
    running = server(BASHU_LOG_LEVEL="DEBUG")
    for written in MALFORMED:
        await send(running.port, written.encode("latin-1"))
    api = Api(running.port)
    assert (await api.get("/healthz", SECRET)).status == 200
    assert (await api.get("/api/v1/me", SECRET)).status == 401
    for body in ({"code": SECRET}, {"code": [SECRET]}, {SECRET: SECRET}, SECRET.encode()):
        await api.post("/api/v1/session", body)
        await api.post("/api/v1/gate/enrol", {"setup_code": SECRET})
    await send(running.port, request("POST", "/api/v1/session", BEARER, body=b"{"))
    api.close()
    assert running.stop() == 0
    log = (tmp_path / "server.log").read_text("utf-8")
    assert SECRET not in log, [line for line in log.splitlines() if SECRET in line]
    assert "Traceback" not in log
    told = [json.loads(line) for line in log.splitlines()]
    malformed = [line for line in told if "malformed" in line["event"].lower()]
    assert len(malformed) > 10, "that there were some is told"
