"""The bench: our requests beside bare ones, in one run, so that the ratios mean something anywhere.

    python -m scripts.bench [--seconds 1.5] [--rounds 5] [--json]
    python -m scripts.bench --claims            a rush for vouchers (scripts/bench_rush.py)
    python -m scripts.bench --upload            a gate comes back (scripts/bench_upload.py)
    python -m scripts.bench --against FOLDER    the same of two checkouts (scripts/bench_against.py)

A server process hosts the real application and two bare Tornado handlers: (a) answers a constant,
(b) makes one database insert and answers. This process asks for each kind in turn, round after
round; the ratio of a round compares what was measured seconds apart. What is printed are medians
over rounds, with the CPU time that server and database spend on a request: that says what a bigger
machine would do. Each scan is of another pass. Everything is bounded, and stays on loopback.
"""

import argparse
import asyncio
import itertools
import json
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets
from tornado.web import RequestHandler

from scripts.bench_against import ratios
from scripts.bench_load import Load, Request, Target, descendants, http_request, load
from scripts.bench_rush import an_offer, claimants, claiming, simulated
from scripts.bench_scans import (
    SPOT,
    Row,
    a_gate,
    code_cost,
    crowd_cost,
    fresh_codes,
    ledger_cost,
    opened,
)
from scripts.bench_search import named_by_place, near_some_spot
from scripts.bench_upload import uploads
from scripts.common import show_rows
from server.app import make_application, make_server, make_services
from server.auth import Tokens
from server.clock import now
from server.embedded import embedded_database
from server.refresh import Refresh
from server.settings import DriverName, load_settings
from server.system import System

_URI = "BENCH_MONGO_URI"
"""The environment variable in which the server process finds its database. No `BASHU_…`: those are
settings, and one that is not known is refused."""
CONNECTIONS = 8
MANY_CONNECTIONS = 32
WARM_SECONDS = 0.3
CLAIMED = 300
"""Vouchers of the rush that is measured."""
CODES_A_SECOND = 1_500
"""More codes are made for a round than the fastest machine we know can scan."""


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
        refresh = Refresh(system, now)
        settings = load_settings()
        services = make_services(system, settings, refresh, now, mongo.ping)
        application = make_application(services)
        application.settings["bench"] = mongo.collection("bench")
        application.add_handlers(".*", [("/bench/bare", Bare), ("/bench/insert", BareInsert)])
        stop_refreshing = asyncio.Event()
        refreshing = asyncio.create_task(refresh.forever(2.0, stop_refreshing))
        sockets = bind_sockets(0, "127.0.0.1")
        server = make_server(application, settings)
        server.add_sockets(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        stop_refreshing.set()
        await refreshing
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def hosted(uri: str, driver: DriverName, data_dir: Path) -> AsyncIterator[Target]:
    """A server process, and the database beside it."""
    engine = descendants(os.getpid())
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.bench", "--host", driver, str(data_dir)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Claims come from many addresses.
        env={
            **os.environ,
            "BASHU_TRUSTED_PROXIES": "127.0.0.1",
            _URI: uri,
        },  # others can read arguments, and it holds a password
    )
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("no pipes")
    yield Target(int(await server.stdout.readline()), server.pid, engine)
    server.stdin.close()
    await server.wait()


@dataclass(slots=True)
class Kind:
    """One kind of request: what makes it, over how many connections, and what it stands beside."""

    name: str
    request: Request
    beside: str
    connections: int = CONNECTIONS
    loads: list[Load] = field(default_factory=list)

    def row(self, driver: str, beside: "Kind") -> Row:
        """The medians over rounds, beside those of a bare request."""
        ratios = [own.rate / bare.rate for own, bare in zip(self.loads, beside.loads, strict=True)]
        return {
            "driver": driver,
            "request": self.name,
            "clients": self.connections,
            "per second": round(statistics.median(each.rate for each in self.loads)),
            "median ms": round(statistics.median(each.median for each in self.loads), 2),
            "p99 ms": round(statistics.median(each.p99 for each in self.loads), 2),
            "server CPU ms": round(statistics.median(each.server_ms for each in self.loads), 2),
            "engine CPU ms": round(statistics.median(each.engine_ms for each in self.loads), 2),
            "ratio": round(statistics.median(ratios), 2),
            "beside": beside.name,
        }


class Scans:
    """Requests that scan each pass once, with codes made before the clock runs."""

    def __init__(self, system: System, token: str) -> None:
        """`token` is that of a gate."""
        self._system = system
        self._token = token
        self._codes: list[str] = []
        self._numbers = itertools.count()

    async def prepare(self, seconds: float) -> None:
        """Issue passes, and make their codes of this moment."""
        self._codes = await fresh_codes(self._system, round(seconds * CODES_A_SECOND))

    def __call__(self) -> bytes:
        """The next scan."""
        body = {
            "code": self._codes.pop(),
            "nonce": f"n{next(self._numbers)}",
            "scanned_at": now().isoformat(),
        }
        return http_request("POST", "/api/v1/gate/scans", json.dumps(body).encode(), self._token)


def kinds_of(system: System, token: str, scans: Scans) -> list[Kind]:
    """Every kind of request that is measured."""
    bare = Kind("bare (a)", lambda: http_request("GET", "/bench/bare"), "bare (a)")
    search = "/api/v1/spots?q=emei&limit=20&near=103.{},29.5"
    reads = [
        ("spots, a page of 20", lambda: http_request("GET", "/api/v1/spots?limit=20")),
        ("search, asked before", lambda: http_request("GET", "/api/v1/spots?q=emeishan")),
        ("search, never asked", _never_asked(search)),
        ("words, never asked", _asking(named_by_place(system.catalogue))),
        ("near, never asked", _asking(near_some_spot(system.catalogue))),
        ("one spot", lambda: http_request("GET", f"/api/v1/spots/{SPOT}")),
    ]
    kinds = [bare, *(Kind(name, request, bare.name) for name, request in reads)]
    for connections in (CONNECTIONS, MANY_CONNECTIONS):
        insert = f"bare + one insert (b), {connections}"
        kinds += [
            Kind(insert, lambda: http_request("POST", "/bench/insert", b"x" * 300, token), insert),
            Kind(f"scan, admitted, {connections}", scans, insert),
        ]
        for kind in kinds[-2:]:
            kind.connections = connections
    return kinds


async def http_cost(
    uri: str, driver: DriverName, data_dir: Path, seconds: float, rounds: int
) -> list[Row]:
    """Each kind of request beside a bare one."""
    async with opened(uri, driver, data_dir) as (_, system):
        token = Tokens(system.keys.tokens, system.keys.epoch).for_gate(await a_gate(system), now())
        scans = Scans(system, token)
        kinds = kinds_of(system, token, scans)
        async with hosted(uri, driver, data_dir) as target:
            for kind in kinds:
                await scans.prepare(WARM_SECONDS)
                await load(target, kind.request, WARM_SECONDS, kind.connections)
            for _ in range(rounds):
                for kind in kinds:
                    if kind.request is scans:
                        await scans.prepare(seconds)
                    measured = await load(target, kind.request, seconds, kind.connections)
                    kind.loads.append(measured)
        by_name = {kind.name: kind for kind in kinds}
        return [kind.row(driver, by_name[kind.beside]) for kind in kinds]


def _never_asked(path: str) -> Request:
    """Requests that no kept reply answers."""
    numbers = itertools.count()
    return lambda: http_request("GET", path.format(f"{next(numbers):06}"))


def _asking(queries: Iterator[str]) -> Request:
    """Requests for the catalogue with these queries."""
    return lambda: http_request("GET", f"/api/v1/spots?{next(queries)}")


async def claims_cost(uri: str, data_dir: Path) -> AsyncIterator[list[Row]]:
    """Claims over HTTP that get a voucher, then claims that come too late; and what that means for
    a rush."""
    async with opened(uri, "pymongo", data_dir) as (_, system):
        tokens = await claimants(system, CLAIMED, load_settings().privacy_version)
        await an_offer(system, CLAIMED)
        async with hosted(uri, "pymongo", data_dir) as target:
            # Each of them asks once, so the time is long enough for all, and the tokens end it.
            granted = await load(target, claiming(tokens), 60, MANY_CONNECTIONS, b"201")
            late = itertools.cycle(tokens)
            refused = await load(target, claiming(late), 1.5, MANY_CONNECTIONS, b"409")
    yield [
        {
            "claim": name,
            "per second": round(each.rate),
            "median ms": round(each.median, 1),
            "p99 ms": round(each.p99, 1),
            "server CPU ms": round(each.server_ms, 2),
            "engine CPU ms": round(each.engine_ms, 2),
        }
        for name, each in (("granted", granted), ("too late", refused))
    ]
    yield simulated(granted.rate, refused.rate)


async def upload_cost(uri: str, data_dir: Path) -> list[Row]:
    """What a gate without a line has queued goes to the server."""
    async with opened(uri, "pymongo", data_dir) as (_, system):
        token = Tokens(system.keys.tokens, system.keys.epoch).for_gate(await a_gate(system), now())
        async with hosted(uri, "pymongo", data_dir) as target:
            return await uploads(system, target, token)


async def main(flags: argparse.Namespace) -> None:
    """Run everything once, and print a table for each part."""
    if flags.against is not None:
        show_rows(await ratios(flags.against, flags.seconds, flags.rounds), as_json=flags.json)
        return
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        async with embedded_database(data_dir) as uri:
            parts: list[list[Row]] = []
            rows: list[Row] = []
            if flags.claims:
                async for part in claims_cost(uri, data_dir):
                    show_rows(part, as_json=flags.json)
                return
            if flags.upload:
                show_rows(await upload_cost(uri, data_dir), as_json=flags.json)
                return
            for driver in flags.drivers:
                rows += await http_cost(uri, driver, data_dir, flags.seconds, flags.rounds)
            parts.append(rows)
            if not flags.http_only:
                parts.append(await ledger_cost(uri, data_dir))
                parts.append(await crowd_cost(uri, data_dir, flags.many))
                parts.append(await code_cost(uri, data_dir))
    if flags.json:
        print(json.dumps(parts, ensure_ascii=False))
        return
    for part in parts:
        show_rows(part, as_json=False)


def _flags() -> Any:
    parser = argparse.ArgumentParser(description="Measure beside bare handlers, in one run.")
    parser.add_argument("--seconds", type=float, default=1.5, help="for each kind in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20_000, help="passes in the crowd")
    parser.add_argument("--drivers", nargs="+", default=["pymongo"], choices=["pymongo", "motor"])
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--claims", action="store_true", help="a rush for vouchers, nothing else")
    parser.add_argument("--upload", action="store_true", help="a gate comes back, nothing else")
    parser.add_argument("--http-only", action="store_true", help="leave out what needs no HTTP")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--host", nargs=2, metavar=("DRIVER", "DATA_DIR"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    given = _flags()
    if given.host:
        driver, folder = given.host
        asyncio.run(host(os.environ[_URI], driver, Path(folder)))
    else:
        asyncio.run(main(given))
