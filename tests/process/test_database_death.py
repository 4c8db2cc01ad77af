"""Death of the embedded database under scans: the process ends soon and says why.

Nothing that was acknowledged is lost. Three rounds with each driver; 30 with `--long`.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server.probe import PATIENCE_SECONDS
from tests.support.api import Api
from tests.support.operators import enrolled_gate, issue
from tests.support.processes import Run, Server, Start
from tests.support.trials import Rounds
from tests.support.victims import database_of, forbid_to_grow, kill_database, kill_guard
from tests.support.waiting import until

CEILING = 5.0
"""Seconds from the death of the database to the end of the process, at the most."""
GATES = 4
PASSES = 3
AT_ONCE = 8

PRODUCT = """
id: endless
title: {zh: 不限次, en: Endless}
term: {days: 30}
coverage: {spots: [emeishan]}
limits: {per_spot_day: null}
"""


def let_panic(server: Server) -> None:
    forbid_to_grow(database_of(server.process.pid))


DEATHS: list[tuple[Callable[[Server], None], str]] = [
    (kill_database, "the embedded database has ended with status 137"),
    (let_panic, "the embedded database has panicked"),
    (kill_guard, "the embedded database has ended with status -9"),
]


@dataclass
class Scanning:
    """Gates that scan as fast as they are answered, and all that they were told."""

    tokens: list[str]
    codes: list[str]
    told: dict[str, tuple[dict[str, Any], str, Any]] = field(default_factory=dict)
    """By nonce: the scan, the gate's token, the verdict."""
    refused: list[int] = field(default_factory=list)
    """Status codes other than 200."""
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    async def go_on(self, api: Api) -> None:
        """Scan until the connection fails."""
        while True:
            number = next(self._numbers)
            token, nonce = self.tokens[number % GATES], f"n{number}"
            code = self.codes[number % PASSES]
            body = {"code": code, "nonce": nonce, "scanned_at": "2026-07-01T00:00:00Z"}
            try:
                answer = await api.post("/api/v1/gate/scans", body, token)
            except (ConnectionError, OSError):
                return
            if answer.status == 200:
                self.told[nonce] = (body, token, answer.json)
            else:
                self.refused.append(answer.status)

    async def ask_again(self, api: Api) -> None:
        """Send every scan again that was answered: each has to get the same answer."""
        told = list(self.told.values())
        for start in range(0, len(told), AT_ONCE):
            part = told[start : start + AT_ONCE]
            again = await asyncio.gather(
                *(api.post("/api/v1/gate/scans", body, token) for body, token, _ in part)
            )
            assert [answer.json for answer in again] == [verdict for _, _, verdict in part]


async def prepared(api: Api, scripts: Run, folder: Path) -> Scanning:
    """Gates that are enrolled, and passes without limits."""
    (folder / "endless.yaml").write_text(PRODUCT, "utf-8")
    assert scripts("products", "publish", str(folder / "endless.yaml")).status == 0
    issued = [issue(scripts, product="endless").json]
    for n in range(1, PASSES):
        other = ("--kind", "passport", "--country", "FRA", "--born", "1990-01-01")
        person = ("--name", "TEST PERSON", "--id-number", f"TEST{n:05}", *other, "--json")
        issued.append(scripts("passes", "issue", "--product", "endless", *person).json)
    tokens = [await enrolled_gate(api, scripts, kind="handheld") for _ in range(GATES)]
    return Scanning(tokens, [each["code"] for each in issued])


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
@pytest.mark.timeout(seconds=1200)
async def test_the_process_ends_soon_after_its_database_and_nothing_is_lost(
    server: Start, scripts: Run, tmp_path: Path, driver: str, rounds: Rounds
) -> None:
    """Of 18 deaths 5 left a process that neither served nor ended; the others took up to 20 s."""
    chance = random.Random(7)
    running = server(BASHU_MONGO_DRIVER=driver)
    api = Api(running.port)
    scanning = await prepared(api, scripts, tmp_path)
    api.close()
    assert running.stop() == 0
    took = []
    for number in rounds(3, many=30):
        die, why = DEATHS[number % len(DEATHS)]
        running = server("--workers", str(1 + number % 2), BASHU_MONGO_DRIVER=driver)
        took.append(await die_in_the_middle(running, scanning, die, chance.randrange(20, 60)))
        last = (tmp_path / "server.log").read_text("utf-8").strip().splitlines()[-1]
        assert last.startswith(f"stopped: {why}")
    assert set(scanning.refused) <= {503}

    running = server(BASHU_MONGO_DRIVER=driver)
    api = Api(running.port)
    await scanning.ask_again(api)
    api.close()
    assert running.stop() == 0
    print(f"{driver}: {len(scanning.told)} scans, ends after {[round(t, 1) for t in took]} s")


async def die_in_the_middle(
    running: Server, scanning: Scanning, die: Callable[[Server], None], scans: int
) -> float:
    """Let the database die after so many scans, under more. The seconds until the process ends."""
    api = Api(running.port)
    await scanning.ask_again(api)
    enough = len(scanning.told) + scans
    gates = [asyncio.create_task(scanning.go_on(api)) for _ in range(AT_ONCE)]
    await until(lambda: len(scanning.told) >= enough, f"{scans} scans are answered")
    died = time.monotonic()
    die(running)
    assert await asyncio.to_thread(running.process.wait, CEILING) == 1
    took = time.monotonic() - died
    await asyncio.gather(*gates)
    api.close()
    return took


async def test_not_ready_from_the_moment_the_database_is_dead(
    server: Start, tmp_path: Path
) -> None:
    running = server()
    api = Api(running.port)
    before = await api.get("/readyz")
    assert before.status == 200
    kill_database(running)
    log = tmp_path / "server.log"
    await until(lambda: "has ended with" in log.read_text("utf-8"), "the log tells of the death")
    told = set()
    with suppress(ConnectionError):
        while True:
            told.add((await api.get("/readyz")).status)
    assert told <= {503}
    api.close()
    assert running.process.wait(CEILING) == 1


@contextmanager
def database_beside(folder: Path) -> Iterator[tuple[str, int]]:
    """A database that no guard watches, as if it ran elsewhere: its URI and its process."""
    (folder / "beside.toml").write_text("", "utf-8")
    program = str(Path(sys.executable).parent / "secantusd-py")
    files = ("--config", str(folder / "beside.toml"), "--storage-path", str(folder / "db"))
    listening = ("--host", "127.0.0.1", "--port", "0")
    process = subprocess.Popen(
        [program, *files, *listening, "--standalone", "--log-level", "INFO"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        address = next(
            line.partition(b"listening on ")[2].split()[0].decode()
            for line in process.stderr
            if b"listening on 127" in line
        )
        yield f"mongodb://{address}/?directConnection=true", process.pid
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_readiness_tells_a_database_that_accepts_but_does_not_work(
    server: Start, tmp_path: Path, driver: str
) -> None:
    """A panicked database answers `ping`, and left /readyz at 200 for ever."""
    with database_beside(tmp_path) as (uri, database):
        running = server(BASHU_MONGO_URI=uri, BASHU_MONGO_DRIVER=driver)
        api = Api(running.port)

        async def ready() -> int:
            asked = time.monotonic()
            status = (await api.get("/readyz")).status
            assert time.monotonic() - asked < PATIENCE_SECONDS + 1
            return status

        async def becomes(status: int) -> None:
            async def is_so() -> bool:
                return await ready() == status

            await until(is_so, f"/readyz answers {status}", 15)

        assert await ready() == 200
        os.kill(database, signal.SIGSTOP)
        await becomes(503)
        os.kill(database, signal.SIGCONT)
        await becomes(200)
        forbid_to_grow(database)
        await becomes(503)
        health, spots = await api.get("/healthz"), await api.get("/api/v1/spots")
        assert health.status == 200
        assert spots.status == 200, "what is in memory goes on serving"
        api.close()
        assert running.stop() == 0
