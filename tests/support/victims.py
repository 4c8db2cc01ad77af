"""What of a running server can be killed: processes of its own, told apart by their command line.

The embedded database runs below a guard in a session of its own, so one signal to a process group
would miss it: `kill_everything` goes by the parents of processes.
"""

import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import Server, children, workers_of


@dataclass(frozen=True)
class Victim:
    """What is killed, and how the server ends by it; None if it goes on serving."""

    name: str
    kill: Callable[[Server], None]
    status: int | None
    workers: tuple[int, ...] = (1, 2)
    """How many workers a server can have that has such a victim."""


def kill_server(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGKILL)


def kill_everything(server: Server) -> None:
    """The server, its workers, the guard and the database, all without a word."""
    for pid in [server.process.pid, *children(server.process.pid)]:
        with suppress(ProcessLookupError):  # it has ended with its parent
            os.kill(pid, signal.SIGKILL)


def kill_database(server: Server) -> None:
    os.kill(database_of(server.process.pid), signal.SIGKILL)


def kill_guard(server: Server) -> None:
    (guard,) = [pid for pid in children(server.process.pid) if runs(pid, b"server.guard")]
    os.kill(guard, signal.SIGKILL)


def kill_worker(server: Server) -> None:
    os.kill(workers_of(server)[0], signal.SIGKILL)


def ask_to_stop(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGTERM)


VICTIMS = (
    Victim("server", kill_server, -signal.SIGKILL),
    Victim("everything", kill_everything, -signal.SIGKILL),
    Victim("database", kill_database, 1),
    Victim("worker", kill_worker, None, workers=(2,)),
    Victim("SIGTERM", ask_to_stop, 0),
)


def database_of(pid: int) -> int:
    """The embedded database among the children of a process."""
    (found,) = [
        child
        for child in children(pid)
        if runs(child, b"secantusd-py") and not runs(child, b"server.guard")
    ]
    return found


def runs(pid: int, word: bytes) -> bool:
    """Whether a word stands in the command line of a process."""
    return word in Path(f"/proc/{pid}/cmdline").read_bytes()


def forbid_to_grow(database: int) -> None:
    """Let every write to a file fail, as on a full disk: the storage engine panics at the next."""
    resource.prlimit(database, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
