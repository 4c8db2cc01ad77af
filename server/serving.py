"""Serving: one process that answers requests, from its first to its last."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from handlers.web.in_flight import InFlight
from passes.base.errors import Unavailable
from server import clock
from server.app import make_application, make_server, make_services
from server.errors import StartError
from server.mongo import Mongo
from server.refresh import Refresh
from server.settings import Settings
from server.system import open_system

_SETTLE_SECONDS = 0.25
"""How long accepted connections are still read after a stop signal, for requests that had been sent before it."""


async def serve(
    uri: str,
    settings: Settings,
    listen: Callable[[], list[socket.socket]],
    ready: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Serve over the database at `uri` until `stopping` is set, then finish what has arrived.

    `listen` gives the sockets once everything is loaded; `ready` is called once they are accepted from.
    """
    async with Mongo(uri, settings.mongo_database, settings.mongo_driver) as mongo:
        system = await open_system(settings, mongo, clock.now())
        refresh = Refresh(system, clock.now)
        services = make_services(system, settings, refresh, clock.now, mongo.ping)
        server = make_server(make_application(services))
        server.add_sockets(listen())
        refreshing = asyncio.create_task(refresh.forever(settings.reload_seconds))
        ready()
        await stopping.wait()
        await _drain(server, services.in_flight, settings.drain_seconds)
        refreshing.cancel()
        with suppress(asyncio.CancelledError):
            await refreshing
        with suppress(Unavailable):
            await system.ledger.records.write_marks()


def bound_sockets(settings: Settings) -> list[socket.socket]:
    """Sockets that listen where the settings say. Raises `StartError`."""
    try:
        return bind_sockets(settings.port, settings.host)
    except OSError as error:
        raise StartError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None


def stop_signal() -> asyncio.Event:
    """An event that is set by SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    return stopping


async def _drain(server: HTTPServer, in_flight: InFlight, seconds: float) -> None:
    """Accept no more, let what has arrived be read and finished, then close every connection.

    Callers that keep a connection open are told with their next reply that it was the last.
    """
    in_flight.draining = True
    server.stop()
    server.conn_params.no_keep_alive = True
    await asyncio.sleep(min(_SETTLE_SECONDS, seconds))
    with suppress(TimeoutError):
        await asyncio.wait_for(in_flight.finished(), seconds)
    await server.close_all_connections()
