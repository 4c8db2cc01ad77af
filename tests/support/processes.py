"""Processes under test: `run.py` and the commands of operators, as a user starts them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.waiting import until, wait_until

PROJECT = Path(__file__).parents[2]
SECONDS = 60


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child: ours, without settings of this system, in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BASHU_")}
    strict = {"PYTHONWARNINGS": "error::DeprecationWarning:server", "PYTHONUTF8": "1"}
    return kept | strict | changes


@dataclass
class Server:
    """A running `run.py`."""

    process: "subprocess.Popen[str]"
    lines: list[str]

    @property
    def port(self) -> int:
        return int(self.lines[-1].rpartition(":")[2])

    @property
    def base(self) -> str:
        return self.lines[-1].removeprefix("listening on ")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


Start = Callable[..., Server]


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


def finished(arguments: Sequence[str], env: Mapping[str, str]) -> Done:
    """What Python did with these arguments, run to its end in the folder of the project."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment(**env),
    )
    return Done(done.returncode, done.stdout, done.stderr)


def children(pid: int) -> list[int]:
    """The processes that descend from `pid`."""
    direct = [child for child, parent in _processes() if parent == pid]
    return direct + [grandchild for child in direct for grandchild in children(child)]


def _processes() -> list[tuple[int, int]]:
    """Every process and its parent: from /proc, or from `ps` where there is none."""
    if Path("/proc/self/stat").exists():
        pairs = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended since
                _, _, fields = stat.read_text().rpartition(")")
                parent = fields.split()[1]
                pairs.append((int(stat.parent.name), int(parent)))
        return pairs
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    return [(int(child), int(parent)) for child, parent in map(str.split, listed.splitlines())]


def workers_of(server: Server) -> list[int]:
    """The processes of a server that serve, where it has several."""
    return [pid for pid in children(server.process.pid) if b"server.workers" in _command(pid)]


def _command(pid: int) -> bytes:
    """The command line of a process; empty if it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def held(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes for a while, so that others have to do what comes."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            wait_until(partial(_is_stopped, pid), f"process {pid} is held")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    _, _, fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return fields.split()[0] == "T"


async def until_each_worker(
    server: Server, holds: Callable[[], Awaitable[bool]], what: str
) -> None:
    """Wait until something holds at each worker, asked while the others are held."""
    workers = workers_of(server)
    assert len(workers) > 1
    for worker in workers:
        with held([other for other in workers if other != worker]):
            await until(holds, f"{what}, at worker {worker}")


def assert_gone(pids: Iterable[int]) -> None:
    """The processes have ended, or end soon."""
    for pid in pids:
        wait_until(partial(_has_ended, pid), f"process {pid} has ended")


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
