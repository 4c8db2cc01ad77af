"""Fixtures.

server   test   starts `run.py` as a user does, on a free port, and stops what a test leaves running
scripts  test   runs `python -m scripts …` over the same data
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent.parent.parent
SECONDS = 60


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child: ours, without settings of this system, in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BASHU_")}
    return kept | {"PYTHONWARNINGS": "error::DeprecationWarning:server", "PYTHONUTF8": "1"} | changes


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    started: list[Server] = []

    def start(*flags: str, **env: str) -> Server:
        with (tmp_path / "server.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "run.py", "--port", "0", "--data-dir", str(tmp_path / "var"), *flags],
                cwd=PROJECT, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(**env),
            )  # fmt: skip
        running = Server(process, [])
        started.append(running)
        assert process.stdout is not None
        for line in process.stdout:
            running.lines.append(line.strip())
            if line.startswith("listening on "):
                return running
        raise AssertionError((tmp_path / "server.log").read_text())

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        if running.process.stdout is not None:
            running.process.stdout.close()


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


@pytest.fixture
def scripts(tmp_path: Path) -> Run:
    def run(*arguments: str, **env: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "scripts", *arguments, "--data-dir", str(tmp_path / "var")],
            cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment(**env),
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def children(pid: int) -> list[int]:
    """The processes that descend from `pid`."""
    direct = [child for child, parent in _processes() if parent == pid]
    return direct + [grandchild for child in direct for grandchild in children(child)]


def _processes() -> list[tuple[int, int]]:
    """Every process and its parent: from /proc, or from `ps` where there is none."""
    if Path("/proc/self/stat").exists():
        pairs = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                pairs.append((int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])))
        return pairs
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [(int(child), int(parent)) for child, parent in map(str.split, listed.splitlines())]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
