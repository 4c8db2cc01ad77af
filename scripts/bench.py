"""The bench: our requests beside bare ones, in one run, so that the ratios mean something on any machine.

    python -m scripts.bench [--seconds 1.5] [--rounds 5] [--json]

A server process hosts the real application and two bare Tornado handlers: (a) one that answers a constant, (b) one that
makes one database insert and answers. This process asks for each kind in turn, round after round, over 8 connections
that stay open; the ratio of a round compares what was measured seconds apart. What is printed are medians over rounds.
Everything is bounded, and stays on loopback.
"""

import argparse
import asyncio
import itertools
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets
from tornado.web import RequestHandler

from passes.holding.model import Pass
from passes.holding.shown_code import live_text
from scripts.bench_scans import (
    CONNECTIONS,
    SPOT,
    Row,
    a_gate,
    a_pass,
    code_cost,
    crowd_cost,
    ledger_cost,
    opened,
)
from scripts.common import show_rows
from server.app import make_application, make_server, make_services
from server.auth import Tokens
from server.clock import now
from server.embedded import embedded_database
from server.refresh import Refresh
from server.settings import DriverName, load_settings
from server.system import System

PASSES = 400

Request = Callable[[], bytes]


class Bare(RequestHandler):
    """(a): the least that Tornado can do."""

    def get(self) -> None:
        """Answer a constant."""
        self.finish(b'{"ok":true}')


class BareInsert(RequestHandler):
    """(b): the least that can be acknowledged as stored."""

    async def post(self) -> None:
        """Make one insert, and answer a constant."""
        await self.settings["bench"].insert({"at": now(), "body": self.request.body})
        self.finish(b'{"ok":true}')


async def host(uri: str, driver: DriverName, data_dir: Path) -> None:
    """Be the server process: print the port, serve until standard input ends."""
    async with opened(uri, driver, data_dir) as (mongo, system):
        services = make_services(system, load_settings(), Refresh(system, now), now, mongo.ping)
        application = make_application(services)
        application.settings["bench"] = mongo.collection("bench")
        application.add_handlers(".*", [("/bench/bare", Bare), ("/bench/insert", BareInsert)])
        refreshing = asyncio.create_task(Refresh(system, now).forever(2.0))
        sockets = bind_sockets(0, "127.0.0.1")
        server = make_server(application)
        server.add_sockets(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        refreshing.cancel()
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def hosted(uri: str, driver: DriverName, data_dir: Path) -> AsyncIterator[int]:
    """A server process, by its port."""
    command = [sys.executable, "-m", "scripts.bench", "--host", uri, driver, str(data_dir)]
    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("no pipes")
    yield int(await server.stdout.readline())
    server.stdin.close()
    await server.wait()


def scans(system: System, held: list[Pass], token: str) -> Request:
    """Requests that scan every pass in turn, with the code of the moment."""
    numbers = itertools.count()

    def request() -> bytes:
        number = next(numbers)
        text = live_text(held[number % len(held)], system.keys.codes, now())
        body = json.dumps({"code": text, "nonce": f"n{number}", "scanned_at": now().isoformat()})
        return _request("POST", "/api/v1/gate/scans", body.encode(), token)

    return request


async def measure(port: int, request: Request, seconds: float) -> tuple[float, list[float]]:
    """Requests a second, and the milliseconds that each took. Raises `RuntimeError` if one is not what it should be."""
    took: list[float] = []
    begin = time.perf_counter()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < begin + seconds:
            asked = request()
            start = time.perf_counter()
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            content = await reader.readexactly(length)
            took.append((time.perf_counter() - start) * 1000)
            if not head.startswith(b"HTTP/1.1 200") or b'"refused"' in content:
                raise RuntimeError(content.decode())
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return len(took) / (time.perf_counter() - begin), took


async def http_cost(
    uri: str, driver: DriverName, data_dir: Path, seconds: float, rounds: int
) -> list[Row]:
    """Each kind of request beside a bare one."""
    async with opened(uri, driver, data_dir) as (_, system):
        gate, held = await a_gate(system), [await a_pass(system) for _ in range(PASSES)]
        token = Tokens(system.keys.tokens).for_gate(gate, now())
        kinds: dict[str, tuple[Request, str]] = {
            "bare (a)": (lambda: _request("GET", "/bench/bare"), "bare (a)"),
            "spots, a page of 20": (lambda: _request("GET", "/api/v1/spots?limit=20"), "bare (a)"),
            "search, asked before": (
                lambda: _request("GET", "/api/v1/spots?q=emeishan"),
                "bare (a)",
            ),
            "search, never asked": (
                _never_asked("/api/v1/spots?q=emei&limit=20&near=103.{},29.5"),
                "bare (a)",
            ),
            "near, never asked": (
                _never_asked("/api/v1/spots?limit=20&near=103.{},29.5"),
                "bare (a)",
            ),
            "one spot": (lambda: _request("GET", f"/api/v1/spots/{SPOT}"), "bare (a)"),
            "bare + one insert (b)": (
                lambda: _request("POST", "/bench/insert", b"x" * 300, token),
                "bare + one insert (b)",
            ),
            "scan, admitted": (scans(system, held, token), "bare + one insert (b)"),
        }
        rates: dict[str, list[float]] = {kind: [] for kind in kinds}
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        async with hosted(uri, driver, data_dir) as port:
            for warm in range(rounds + 1):
                for kind, (request, _) in kinds.items():
                    rate, took = await measure(port, request, seconds if warm else 0.3)
                    rates[kind] += [rate] if warm else []
                    times[kind] += took if warm else []
        return [
            {
                "driver": driver,
                "request": kind,
                "per second": round(statistics.median(rates[kind])),
                "median ms": round(statistics.median(times[kind]), 2),
                "p99 ms": round(statistics.quantiles(times[kind], n=100)[98], 2),
                "ratio": round(
                    statistics.median(
                        a / b for a, b in zip(rates[kind], rates[beside], strict=True)
                    ),
                    2,
                ),
                "beside": beside,
            }
            for kind, (_, beside) in kinds.items()
        ]


def _never_asked(path: str) -> Request:
    """Requests that no kept reply answers."""
    numbers = itertools.count()
    return lambda: _request("GET", path.format(f"{next(numbers):06}"))


def _request(method: str, path: str, body: bytes = b"", token: str = "") -> bytes:
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def main(flags: argparse.Namespace) -> None:
    """Run everything once, and print a table for each part."""
    drivers: tuple[DriverName, ...] = ("motor", "pymongo")
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        async with embedded_database(data_dir) as uri:
            parts: list[list[Row]] = [
                [
                    row
                    for d in drivers
                    for row in await http_cost(uri, d, data_dir, flags.seconds, flags.rounds)
                ],
                await ledger_cost(uri, data_dir),
                await crowd_cost(uri, data_dir, flags.many),
                await code_cost(uri, data_dir),
            ]
    if flags.json:
        print(json.dumps(parts, ensure_ascii=False))
    for part in [] if flags.json else parts:
        show_rows(part, as_json=False)


def _flags() -> Any:
    parser = argparse.ArgumentParser(description="Measure beside bare handlers, in one run.")
    parser.add_argument("--seconds", type=float, default=1.5, help="for each kind in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20_000, help="passes in the crowd")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--host", nargs=3, metavar=("URI", "DRIVER", "DATA_DIR"), help=argparse.SUPPRESS
    )
    return parser.parse_args()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    given = _flags()
    if given.host:
        uri, driver, folder = given.host
        asyncio.run(host(uri, driver, Path(folder)))
    else:
        asyncio.run(main(given))
