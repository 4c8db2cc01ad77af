"""The life of the server process: logs, data directory, database, then serving by one process or by several."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from passes.base.errors import DomainError
from scenic_data.files import DataError
from server import clock
from server.database import own_database
from server.datadir import make_data_dir
from server.errors import DatabaseEnded, StartError
from server.logs import configure_logs
from server.mongo import Mongo
from server.sandbox import sandbox
from server.serving import bound_sockets, serve, stop_signal
from server.settings import Settings
from server.system import open_system
from server.workers import supervise


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `StartError` if the process cannot start, `DatabaseEnded` if the embedded database ends before it.
    """
    configure_logs(settings.log_level)
    try:
        make_data_dir(settings.data_dir)
        asyncio.run(_run(settings))
    except (DataError, DomainError, OSError, UnicodeError) as error:
        raise StartError(str(error)) from None


async def _run(settings: Settings) -> None:
    stopping, failed = stop_signal(), asyncio.Event()
    sockets: list[socket.socket] = []

    def listen() -> list[socket.socket]:
        sockets.extend(bound_sockets(settings))
        return sockets

    def announce() -> None:
        _announce(sockets, settings)

    async with (
        own_database(settings, lambda: _end(failed, stopping)) as uri,
        _with_wechat(settings) as ready,
    ):
        if settings.workers == 1:
            await serve(uri, ready, listen, announce, stopping)
        else:
            async with Mongo(uri, settings.mongo_database, settings.mongo_driver) as mongo:
                await open_system(
                    settings, mongo, clock.now(), serves=False
                )  # so that the workers find everything made
            await supervise(uri, ready, listen(), announce, stopping)
    if failed.is_set():
        raise DatabaseEnded(
            "the embedded database has ended; nothing that was answered is lost, so start again"
        )


@asynccontextmanager
async def _with_wechat(settings: Settings) -> AsyncIterator[Settings]:
    """The settings, with the address of a sandbox that runs inside this context if there are no credentials."""
    if not settings.uses_sandbox:
        yield settings
        return
    async with sandbox() as url:
        yield settings.model_copy(update={"wechat_url": url})


def _end(failed: asyncio.Event, stopping: asyncio.Event) -> None:
    """Without its database the process is of no use: let it end, so that what supervises it starts it anew."""
    failed.set()
    stopping.set()


def _announce(sockets: list[socket.socket], settings: Settings) -> None:
    """Say on standard output what is used and where the server listens; the last line comes once it really accepts."""
    if settings.mongo_uri is None:
        print(
            f"embedded database (SecantusDB) in {settings.data_dir / 'mongodb'}: for one machine, not for production"
        )
    if settings.uses_sandbox:
        print(
            "sandbox instead of WeChat: visitors sign in with the code sandbox:NAME, and none of them is real"
        )
    host, port = sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", flush=True)
