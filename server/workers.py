"""Workers: several serving processes behind one address, for machines with several cores.

The parent binds the sockets and starts the workers, which inherit them; it starts a worker anew
that dies, and gives up when one cannot be started again and again. Workers are fresh interpreters,
not forks, for a database client must not be carried over a fork.

A worker hears of its parent through its standard input: `GONE` says that the database is gone, and
the end of the pipe that the parent is. `python -m server.workers OWNER FD…` is a worker; its
settings are in its environment. OWNER is `parent` if the database ends with the parent, else
`other`.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from passes.base.errors import Damaged, DomainError, Unavailable
from server.ending import Ending, ending_by_signal
from server.errors import StartError
from server.logs import configure_logs
from server.serving import serve
from server.settings import Settings, load_settings

log = logging.getLogger(__name__)

GONE = b"the database is gone\n"

_READY = b"ready\n"
_AWAY = os.EX_TEMPFAIL
"""The exit status of a worker that could not start because the database did not answer."""
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before a worker is started anew, by how many times in a row it has failed."""
_STEADY_SECONDS = 30.0
"""A worker that has served so long has not failed to start, however it ends."""
_GONE_SECONDS = 2.0
"""How long workers may take to end once the database is gone, before they are killed."""


async def supervise(
    uri: str,
    settings: Settings,
    sockets: Sequence[socket.socket],
    ready: Callable[[], None],
    ending: Ending,
) -> None:
    """Run the workers of the settings over the database at `uri` until `ending` begins.

    `ready` is called once all accept. Raises `StartError` if one of them cannot start, at first or
    again and again.
    """
    keepers = [_Keeper(uri, settings, sockets) for _ in range(settings.workers)]
    try:
        await ending.cuts_short(_keep(keepers, ready))
    finally:
        for listening in sockets:
            listening.close()
        if ending.why_gone:
            await asyncio.gather(*(keeper.stop_without_database() for keeper in keepers))
        else:
            await asyncio.gather(*(keeper.stop() for keeper in keepers))


async def _keep(keepers: Sequence["_Keeper"], ready: Callable[[], None]) -> None:
    """Start the workers, and start anew those that die, until cancelled. Raises `StartError`."""
    await _each(keeper.start() for keeper in keepers)
    ready()
    await _each(keeper.keep() for keeper in keepers)


async def _each(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at once. Raises the error of the first that fails, once the others are cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


class _Keeper:
    """Keeps one worker alive."""

    def __init__(self, uri: str, settings: Settings, sockets: Sequence[socket.socket]) -> None:
        self._environment = (
            os.environ | settings.model_copy(update={"mongo_uri": uri}).environment()
        )
        self._owner = "parent" if settings.mongo_uri is None else "other"
        self._fds = [listening.fileno() for listening in sockets]
        self._worker: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the worker, and return once it accepts. Raises `StartError`."""
        self._worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.workers", self._owner, *map(str, self._fds)),
            cwd=Path(__file__).parent.parent,
            pass_fds=self._fds,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        if self._worker.stdout is None or await self._worker.stdout.readline() != _READY:
            raise StartError("a worker could not start; the log says why")

    async def keep(self) -> None:
        """Start the worker anew whenever it ends, more and more slowly if it ends again soon.

        Raises `StartError` if it has failed more often in a row than there are pauses. A database
        that does not answer is no reason to give up: the other workers go on serving what they have
        in memory.
        """
        failures = 0
        started = time.monotonic()
        while self._worker is not None:
            status = await self._worker.wait()
            if time.monotonic() - started > _STEADY_SECONDS:
                failures = 0
            pause = _PAUSES[-1]
            if status != _AWAY:
                failures += 1
                if failures > len(_PAUSES):
                    raise StartError(
                        f"a worker has failed {failures} times in a row; the log says why"
                    )
                pause = _PAUSES[failures - 1]
            log.error(
                "worker %d ended with status %d; started anew in %g s",
                self._worker.pid,
                status,
                pause,
            )
            await asyncio.sleep(pause)
            started = time.monotonic()
            with suppress(StartError, OSError):
                await self.start()

    async def stop(self) -> None:
        """Tell the worker to finish, and wait for it."""
        if self._worker is not None:
            with suppress(ProcessLookupError):
                self._worker.send_signal(signal.SIGTERM)
            await self._worker.wait()

    async def stop_without_database(self) -> None:
        """Tell the worker that the database is gone, wait a little, then kill it."""
        if self._worker is None:
            return
        if self._worker.stdin is not None:
            self._worker.stdin.write(GONE)
        ended = asyncio.create_task(self._worker.wait())
        await asyncio.wait({ended}, timeout=_GONE_SECONDS)
        if not ended.done():
            log.error("worker %d did not end without its database; it is killed", self._worker.pid)
            self._worker.kill()
        await ended


async def _work(settings: Settings, owner: str, fds: Sequence[int]) -> None:
    """Serve on inherited sockets, also until the parent is gone."""
    ending = ending_by_signal()

    def hear() -> None:
        said = os.read(sys.stdin.fileno(), len(GONE))
        if said == GONE:
            ending.database_gone("the parent says that the database is gone")
        elif not said and owner == "parent":
            ending.database_gone("the parent is gone, and the database with it")
        elif not said:
            ending.ask()
        if not said:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), hear)
    await serve(
        settings.mongo_uri or "",
        settings,
        lambda: [socket.socket(fileno=fd) for fd in fds],
        lambda: print("ready", flush=True),
        ending,
    )


def main(owner: str, fds: Sequence[int]) -> int:
    """Be a worker until the end; returns the exit status."""
    settings = load_settings()
    configure_logs(settings.log_level)
    try:
        asyncio.run(_work(settings, owner, fds))
    except (StartError, DomainError, OSError) as error:
        log.critical("this worker cannot start: %s", error)
        heals = isinstance(error, Unavailable) and not isinstance(error, Damaged)
        return _AWAY if heals else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], [int(fd) for fd in sys.argv[2:]]))
