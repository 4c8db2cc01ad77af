"""The load of the bench: requests over connections that stay open, and what processes spend on it.

Knows nothing of what is asked. Bounded in time, and only to loopback.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

Request = Callable[[], bytes]

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What some connections got done: requests a second, and milliseconds each request took.

    `server_ms` and `engine_ms` are CPU time a request, of the server process and of the database.
    """

    rate: float
    took: list[float]
    server_ms: float
    engine_ms: float

    @property
    def median(self) -> float:
        """Half of the requests took at most so many milliseconds."""
        return statistics.median(self.took)

    @property
    def p99(self) -> float:
        """99 of 100 requests took at most so many milliseconds."""
        return statistics.quantiles(self.took, n=100)[98]


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and the processes that answer them."""

    port: int
    server_pid: int
    engine_pids: tuple[int, ...]


async def load(
    target: Target,
    request: Request,
    seconds: float,
    connections: int,
    status: bytes = b"200",
) -> Load:
    """Ask over so many connections for so long, or until `request` raises `StopIteration`.

    Raises `RuntimeError` if a reply does not have that status, or refuses a scan.
    """
    took: list[float] = []
    server, engine = cpu_seconds(target.server_pid), _cpu_of_all(target.engine_pids)
    begin = time.perf_counter()
    until = begin + seconds
    await asyncio.gather(
        *(_ask(target.port, request, until, status, took) for _ in range(connections))
    )
    elapsed = time.perf_counter() - begin
    return Load(
        rate=len(took) / elapsed,
        took=took,
        server_ms=(cpu_seconds(target.server_pid) - server) * 1000 / len(took),
        engine_ms=(_cpu_of_all(target.engine_pids) - engine) * 1000 / len(took),
    )


def http_request(
    method: str, path: str, body: bytes = b"", token: str = "", *headers: str
) -> bytes:
    """A request as it is sent."""
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def _ask(port: int, request: Request, until: float, status: bytes, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        try:
            asked = request()
        except StopIteration:
            break
        start = time.perf_counter()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        content = await reader.readexactly(length)
        took.append((time.perf_counter() - start) * 1000)
        if not head.startswith(b"HTTP/1.1 " + status) or b'"refused"' in content:
            raise RuntimeError(content.decode())
    writer.close()


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has spent so far, from /proc; 0 where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cpu_of_all(pids: tuple[int, ...]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def descendants(pid: int) -> tuple[int, ...]:
    """The processes that a process has started, and those that they have started."""
    parents = dict(_parents())

    def comes_from(child: int) -> bool:
        parent = parents.get(child, 0)
        return parent == pid or (parent > 1 and comes_from(parent))

    return tuple(child for child in parents if comes_from(child))


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            text = stat.read_text(encoding="utf-8")
            yield int(stat.parent.name), int(text.rpartition(")")[2].split()[1])
