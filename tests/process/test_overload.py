"""Connections that want nothing keep nobody else from being served. Real processes and sockets."""

import asyncio
import itertools
import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from passes.ledger.verdicts import Reason
from tests.support.api import Answer, Api
from tests.support.connection import connected, request
from tests.support.operators import enrolled_gate
from tests.support.processes import Run, Start, workers_of
from tests.support.verdicts import assert_refused
from tests.support.waiting import PATIENCE

FEW = 256
"""Open files that a process may have: 128 connections, and 64 of one address."""
HEALTH = request("GET", "/healthz")


class Idle:
    """Connections over which nothing is ever asked, from some addresses in turn."""

    def __init__(self, port: int, sources: list[str]) -> None:
        self._port = port
        self._sources = itertools.cycle(sources)
        self._sockets: list[socket.socket] = []

    def open(self, number: int) -> None:
        """So many more. Those that find no room wait in the kernel."""
        for _ in range(number):
            each = socket.socket()
            self._sockets.append(each)
            each.settimeout(PATIENCE)
            each.bind((next(self._sources), 0))
            each.connect(("127.0.0.1", self._port))

    def close(self) -> None:
        for each in self._sockets:
            each.close()


async def scan(port: int, token: str, number: int) -> Answer:
    """One scan, over a connection of its own."""
    body = {"code": "x", "nonce": f"n{number}", "scanned_at": "2026-07-01T00:00:00Z"}
    written = request(
        *("POST", "/api/v1/gate/scans", f"Authorization: Bearer {token}"),
        body=json.dumps(body).encode(),
    )
    async with asyncio.timeout(5), connected(port) as connection:
        return await connection.ask(written)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("sources", [["127.0.0.1"], [f"127.0.1.{n}" for n in range(1, 51)]])
async def test_idle_connections_do_not_exhaust_the_descriptors(
    server: Start, scripts: Run, tmp_path: Path, workers: str, sources: list[str]
) -> None:
    """About 1,010 of them did: the loop spun, the log grew by megabytes a second, and scans timed
    out."""
    running = server("--workers", workers, files=(FEW, FEW))
    api = Api(running.port)
    token = await enrolled_gate(api, scripts)
    async with connected(running.port) as kept:
        assert (await kept.ask(HEALTH)).status == 200
        with closing(Idle(running.port, sources)) as idle:
            await asyncio.to_thread(idle.open, 600)
            for number in range(30):
                await asyncio.to_thread(idle.open, 10)
                assert_refused(await scan(running.port, token, number), Reason.CODE_MALFORMED)
                for path in ("/healthz", "/readyz"):
                    answer = await api.get(path)
                    assert answer.status == 200
            for pid in workers_of(running) or [running.process.pid]:
                assert len(list(Path(f"/proc/{pid}/fd").iterdir())) < FEW - 50
            log = (tmp_path / "server.log").read_text("utf-8")
            assert 1 <= log.count("too many connections: ") <= int(workers)
            assert "Traceback" not in log
            assert len(log) < 200_000
            if sources != ["127.0.0.1"]:
                assert (await kept.ask(HEALTH)).status == 200, "one that was used is spared last"
    api.close()
    assert running.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_limit_of_open_files_is_raised(server: Start, workers: str) -> None:
    running = server("--workers", workers, files=(200, 1000))
    for pid in workers_of(running) or [running.process.pid]:
        (line,) = [
            line
            for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
            if line.startswith("Max open files")
        ]
        assert line.split()[3:5] == ["1000", "1000"]
    assert running.stop() == 0
