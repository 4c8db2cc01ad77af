"""The life of the server process: start, serve, drain, stop."""

import asyncio
import signal
from contextlib import AsyncExitStack, suppress

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from handlers.services import Traffic
from passes.errors import DomainError
from scenic_data.files import DataError
from server import clock
from server.app import make_application, make_server, make_services
from server.database import own_database
from server.datadir import make_data_dir
from server.errors import StartError
from server.logs import configure_logs
from server.mongo import Mongo
from server.refresh import Refresh
from server.settings import Settings
from server.system import open_system

_SETTLE_SECONDS = 0.25
"""How long accepted connections are still read after a stop signal, for requests that had been sent before it."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `StartError` if the process cannot start."""
    configure_logs(settings.log_level)
    make_data_dir(settings.data_dir)
    try:
        asyncio.run(_serve(settings))
    except (DataError, DomainError) as error:
        raise StartError(str(error)) from None


async def _serve(settings: Settings) -> None:
    stopping = _stop_signal()
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(own_database(settings))
        mongo = await stack.enter_async_context(Mongo(uri, settings.mongo_database, settings.mongo_driver))
        system = await open_system(settings, mongo, clock.now())
        refresh = Refresh(system)
        services = make_services(system, refresh, clock.now, mongo.ping)
        refreshing = asyncio.create_task(refresh.forever(settings.reload_seconds))
        server = make_server(make_application(services))
        _listen(server, settings)
        _announce(server, settings)
        await stopping.wait()
        await _drain(server, services.traffic, settings.drain_seconds)
        refreshing.cancel()
        with suppress(asyncio.CancelledError):
            await refreshing
        await system.ledger.write_marks()


def _stop_signal() -> asyncio.Event:
    """An event that is set by SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    return stopping


def _listen(server: HTTPServer, settings: Settings) -> None:
    try:
        server.add_sockets(bind_sockets(settings.port, settings.host))
    except OSError as error:
        raise StartError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


def _announce(server: HTTPServer, settings: Settings) -> None:
    """Say on standard output what is used and where the server listens; the last line comes once it really accepts."""
    if settings.mongo_uri is None:
        print(f"embedded database (SecantusDB) in {settings.data_dir / 'mongodb'}: for one machine, not for production")
    host, port = next(iter(server._sockets.values())).getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", flush=True)


async def _drain(server: HTTPServer, traffic: Traffic, seconds: float) -> None:
    """Accept no more, let what has arrived be read and finished, then close every connection."""
    traffic.draining = True
    server.stop()
    await asyncio.sleep(min(_SETTLE_SECONDS, seconds))
    with suppress(TimeoutError):
        await asyncio.wait_for(traffic.finished(), seconds)
    await server.close_all_connections()
