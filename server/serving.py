"""Serving: one process that answers requests, from its first to its last."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from handlers.web.in_flight import InFlight
from passes.base.errors import Unavailable
from server import clock
from server.app import make_application, make_server, make_services
from server.ending import Ending
from server.errors import StartError
from server.filters import make_filters
from server.mongo import Mongo
from server.probe import Probe
from server.refresh import Refresh
from server.settings import Settings
from server.system import open_system

_SETTLE_SECONDS = 0.25
"""How long connections are still read after a stop signal, for requests sent before it."""
_GONE_SECONDS = 1.5
"""How long running requests may take to be refused once the database is gone."""


async def serve(
    uri: str,
    settings: Settings,
    listen: Callable[[], list[socket.socket]],
    ready: Callable[[], None],
    ending: Ending,
) -> None:
    """Serve over the database at `uri` until `ending` begins, then finish what has arrived.

    `listen` gives the sockets once everything is loaded; `ready` is called once they are accepted
    from. Raises what `open_system` raises.
    """
    async with Mongo(uri, settings.mongo_database, settings.mongo_driver) as mongo:
        ending.when_gone(mongo.give_up)
        system = await open_system(settings, mongo, clock.now())
        refresh = Refresh(system, clock.now)
        services = make_services(system, settings, refresh, clock.now, Probe(mongo).check)
        server = make_server(make_application(services), settings)
        server.add_sockets(listen())
        stop_refreshing = asyncio.Event()
        refreshing = asyncio.create_task(refresh.forever(settings.reload_seconds, stop_refreshing))
        filtering = asyncio.create_task(
            make_filters(system, clock.now, settings.reload_seconds, stop_refreshing)
        )
        ready()
        await ending.begun()
        await _drain(server, services.in_flight, settings.drain_seconds, ending)
        stop_refreshing.set()
        await refreshing
        # What it has begun another process finishes.
        filtering.cancel()
        await asyncio.wait({filtering}, timeout=_SETTLE_SECONDS)
        if not ending.why_gone:
            with suppress(Unavailable):
                await system.ledger.records.write_marks()
                await refresh.end()


def bound_sockets(settings: Settings) -> list[socket.socket]:
    """Sockets that listen where the settings say. Raises `StartError`."""
    try:
        return bind_sockets(settings.port, settings.host)
    except OSError as error:
        raise StartError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None


async def _drain(server: HTTPServer, in_flight: InFlight, seconds: float, ending: Ending) -> None:
    """Accept no more, let what has arrived be read and finished, then close every connection.

    Callers that keep a connection open are told with their next reply that it was the last. Once
    the database is gone, what waits for it is refused within about a second; what waits for
    anything else is not waited for.
    """
    in_flight.draining = True
    server.stop()
    server.conn_params.no_keep_alive = True
    await asyncio.sleep(min(_SETTLE_SECONDS, seconds))
    finished = asyncio.create_task(in_flight.finished())
    gone = asyncio.create_task(ending.gone())
    await asyncio.wait({finished, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if gone.done():
        await asyncio.wait({finished}, timeout=min(_GONE_SECONDS, seconds))
    finished.cancel()
    gone.cancel()
    await server.close_all_connections()
