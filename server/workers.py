"""Workers: several serving processes behind one address, for machines with several cores.

The parent binds the sockets and starts the workers, which inherit them; it starts a worker anew that dies. Workers are
fresh interpreters, not forks, for a database client must not be carried over a fork. A worker ends with its parent:
its standard input is a pipe from it. `python -m server.workers FD…` is a worker; its settings are in its environment.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from server.errors import StartError
from server.logs import configure_logs
from server.serving import serve, stop_signal
from server.settings import Settings, load_settings

log = logging.getLogger(__name__)

_READY = b"ready\n"
_PAUSE_SECONDS = 1.0


async def supervise(
    uri: str,
    settings: Settings,
    sockets: Sequence[socket.socket],
    ready: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Run the workers of the settings over the database at `uri` until `stopping` is set.

    `ready` is called once all accept. Raises `StartError` if one of them cannot start.
    """
    keepers = [_Keeper(uri, settings, sockets) for _ in range(settings.workers)]
    try:
        await asyncio.gather(*(keeper.start() for keeper in keepers))
        ready()
        watching = [asyncio.create_task(keeper.keep()) for keeper in keepers]
        await stopping.wait()
        for task in watching:
            task.cancel()
    finally:
        for listening in sockets:
            listening.close()
        await asyncio.gather(*(keeper.stop() for keeper in keepers))


class _Keeper:
    """Keeps one worker alive."""

    def __init__(self, uri: str, settings: Settings, sockets: Sequence[socket.socket]) -> None:
        self._environment = (
            os.environ | settings.model_copy(update={"mongo_uri": uri}).environment()
        )
        self._fds = [listening.fileno() for listening in sockets]
        self._worker: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the worker, and return once it accepts. Raises `StartError`."""
        self._worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.workers", *map(str, self._fds)),
            cwd=Path(__file__).parent.parent,
            pass_fds=self._fds,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        if self._worker.stdout is None or await self._worker.stdout.readline() != _READY:
            raise StartError("a worker could not start; the log says why")

    async def keep(self) -> None:
        """Start the worker anew whenever it dies."""
        while self._worker is not None:
            status = await self._worker.wait()
            log.error("worker %d died with status %d", self._worker.pid, status)
            await asyncio.sleep(_PAUSE_SECONDS)
            with suppress(StartError, OSError):
                await self.start()

    async def stop(self) -> None:
        """Tell the worker to finish, and wait for it."""
        if self._worker is not None:
            with suppress(ProcessLookupError):
                self._worker.send_signal(signal.SIGTERM)
            await self._worker.wait()


async def _work(settings: Settings, fds: Sequence[int]) -> None:
    """Serve on inherited sockets, also until the parent is gone."""

    def parent_gone() -> None:
        if not os.read(sys.stdin.fileno(), 1):
            os.kill(os.getpid(), signal.SIGTERM)
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), parent_gone)
    await serve(
        settings.mongo_uri or "",
        settings,
        lambda: [socket.socket(fileno=fd) for fd in fds],
        lambda: print("ready", flush=True),
        stop_signal(),
    )


if __name__ == "__main__":
    settings = load_settings()
    configure_logs(settings.log_level)
    asyncio.run(_work(settings, [int(fd) for fd in sys.argv[1:]]))
