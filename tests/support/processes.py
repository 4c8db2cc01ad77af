"""Processes under test: `run.py` and the commands of operators, as a user starts them."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
SECONDS = 60


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child: ours, without settings of this system, in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BASHU_")}
    return (
        kept | {"PYTHONWARNINGS": "error::DeprecationWarning:server", "PYTHONUTF8": "1"} | changes
    )


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
                pairs.append(
                    (int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1]))
                )
        return pairs
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    return [(int(child), int(parent)) for child, parent in map(str.split, listed.splitlines())]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
