"""The life of the server process: logs, data directory, database, one or several who serve."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from passes.base.errors import DomainError, Unavailable
from passes.base.unreadable import system_words
from scenic_data.files import DataError
from server import clock
from server.database import own_database
from server.datadir import make_data_dir
from server.descriptors import raise_limit
from server.ending import Ending, ending_by_signal
from server.errors import DatabaseEnded, StartError
from server.logs import configure_logs
from server.mongo import Mongo
from server.sandbox import sandbox
from server.serving import bound_sockets, serve
from server.settings import Settings
from server.system import open_system
from server.workers import supervise


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises `StartError` if the process cannot start or its workers cannot, `DatabaseEnded` if the
    embedded database ends before it.
    """
    configure_logs(settings.log_level)
    raise_limit()
    _refuse_open_sandbox(settings)
    try:
        make_data_dir(settings.data_dir)
        asyncio.run(_run(settings))
    except OSError as error:
        raise StartError(system_words(error)) from None
    except (DataError, DomainError, UnicodeError) as error:
        raise StartError(str(error)) from None


def _refuse_open_sandbox(settings: Settings) -> None:
    """Raises `StartError` if anybody on a network could sign in as any visitor, unasked."""
    if settings.uses_sandbox and settings.sandbox is None and not _is_loopback(settings.host):
        raise StartError(
            f"on {settings.host} anybody could sign in as any visitor, for without credentials "
            "a sandbox stands in for WeChat; set BASHU_WECHAT_APPID and BASHU_WECHAT_SECRET, "
            "or BASHU_SANDBOX=true if that is meant"
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _run(settings: Settings) -> None:
    ending = ending_by_signal()
    try:
        await _serve(settings, ending)
    except (Unavailable, StartError):
        if not ending.why_gone:
            raise
    if ending.why_gone:
        raise DatabaseEnded(f"{ending.why_gone}; nothing that was answered is lost, so start again")


async def _serve(settings: Settings, ending: Ending) -> None:
    sockets: list[socket.socket] = []

    def listen() -> list[socket.socket]:
        sockets.extend(bound_sockets(settings))
        return sockets

    def announce() -> None:
        _announce(sockets, settings)

    async with (
        own_database(settings, ending.database_gone) as uri,
        _with_sandbox(settings) as ready,
    ):
        if settings.workers == 1:
            await serve(uri, ready, listen, announce, ending)
        else:
            await _prepare(uri, settings, ending)
            await supervise(uri, ready, listen(), announce, ending)


async def _prepare(uri: str, settings: Settings, ending: Ending) -> None:
    """Make everything that the workers are to find made."""
    async with Mongo(uri, settings.mongo_database, settings.mongo_driver) as mongo:
        ending.when_gone(mongo.give_up)
        await open_system(settings, mongo, clock.now(), serves=False)


@asynccontextmanager
async def _with_sandbox(settings: Settings) -> AsyncIterator[Settings]:
    """The settings; without credentials, of a sandbox that runs inside this context."""
    if not settings.uses_sandbox:
        yield settings
        return
    async with sandbox() as url:
        carriers_url = settings.carriers_url or url
        yield settings.model_copy(update={"wechat_url": url, "carriers_url": carriers_url})


def _announce(sockets: list[socket.socket], settings: Settings) -> None:
    """Say on standard output what is used and where the server listens, once it accepts."""
    if settings.mongo_uri is None:
        print(
            f"embedded database (SecantusDB) in {settings.data_dir / 'mongodb'}: "
            "for one machine, not for production"
        )
    if settings.uses_sandbox:
        print(
            "sandbox instead of WeChat: visitors sign in with the code sandbox:NAME, "
            "and none of them is real"
        )
    host, port = sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", flush=True)
