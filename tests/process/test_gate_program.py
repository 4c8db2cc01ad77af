"""The gate program as it is installed: a process, killed and started again, whose disk fills up."""

import asyncio
import json
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.build import person
from tests.support.line import line_to
from tests.support.operators import issue, setup_code
from tests.support.processes import PROJECT, Run, Start, environment
from tests.support.waiting import PATIENCE

UNLIMITED = resource.RLIM_INFINITY


class GateProcess:
    """`python -m scripts.gate --json` under test."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def tells_of(self, *events: str) -> None:
        """Wait until all of these have been told, in whatever order."""
        missing = set(events)
        while missing:
            missing.discard((await self.tells(*missing))["event"])

    async def tells(self, *events: str) -> dict[str, Any]:
        """The next document of one of these events; others are passed over."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                told: dict[str, Any] = json.loads(line)
                if told["event"] in events:
                    return told
        raise AssertionError(f"it ended before it told {events}")

    async def reason(self, line: str) -> str:
        """The reason of the verdict on a line, with `offline` if the program decided alone."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\r".encode())
        told = await self.tells("scan")
        return f"{told['reason']}{'' if told.get('online', True) else ' offline'}"

    def limit_disk(self, size: int) -> None:
        """Let no file of it grow over a size."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


@asynccontextmanager
async def gate_process(*flags: str) -> AsyncIterator[GateProcess]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.gate", "--json", *flags),
        cwd=PROJECT,
        stdin=PIPE,
        stdout=PIPE,
        env=environment(),
    )
    try:
        yield GateProcess(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_gate_goes_on_through_its_death_and_opens_nothing_that_it_cannot_keep(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server()
    code = issue(scripts).json["code"]
    flags = (
        *("--server", running.base, "--setup-code", setup_code(scripts, kind="handheld")),
        *("--journal", str(tmp_path / "gate.db")),
    )
    async with gate_process(*flags) as gate:
        first = await gate.tells("enrolled")
        gate.limit_disk(1)
        assert await gate.reason(code) == "not_kept"
        gate.limit_disk(UNLIMITED)
        assert await gate.reason(code) == "ok"
        gate.process.send_signal(signal.SIGKILL)
        await gate.process.wait()
    async with gate_process(*flags) as gate:
        assert await gate.tells("enrolled") == first, "the same gate, by the same command"
        assert await gate.reason(code) in {"repeat", "already_today"}
        gate.process.send_signal(signal.SIGTERM)
        assert await gate.process.wait() == 0
    (listed,) = scripts("gates", "list", "--json").json
    assert (listed["gate_id"], listed["state"]) == (first["gate_id"], "enrolled")
    assert running.stop() == 0


async def test_a_gate_goes_on_alone_through_a_cut_line_and_comes_back(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server()
    codes = [issue(scripts, number=person(n).number).json["code"] for n in range(3)]
    async with line_to(running.port) as line:
        flags = (
            *("--server", line.base, "--setup-code", setup_code(scripts, kind="handheld")),
            *("--journal", str(tmp_path / "gate.db")),
        )
        async with gate_process(*flags) as gate:
            await gate.tells("bundle")
            assert await gate.reason(codes[0]) == "ok"
            line.cut()
            assert await gate.reason(f"{codes[0]}") in {"repeat offline", "already_today offline"}
            assert await gate.reason(codes[1]) == "ok offline"
            assert await gate.reason(f'{{"code": "{codes[1]}", "party": 1}}') == (
                "already_today offline"
            )
            line.heal()
            await gate.tells_of("online", "uploaded")
            assert await gate.reason(codes[2]) == "ok"
            gate.process.send_signal(signal.SIGTERM)
            assert await gate.process.wait() == 0
    assert running.stop() == 0
