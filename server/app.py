"""The composition root: a system becomes the services of the handlers, and these become a server."""

from collections.abc import Awaitable, Callable

from tornado.httpserver import HTTPServer
from tornado.web import Application

from handlers.api import NotFound
from handlers.description import Description
from handlers.routes import ROUTES, check_declared
from handlers.services import Services
from handlers.shelf import Shelves
from server.auth import Tokens
from server.clock import Clock
from server.logs import log_request
from server.refresh import Refresh
from server.system import System

IDLE_SECONDS = 75
BODY_SECONDS = 15
_DISCARD_BYTES = 16 * 1024 * 1024
"""How much of a body that was refused is still read, so that the caller sees why."""


def make_services(system: System, refresh: Refresh, now: Clock, ping: Callable[[], Awaitable[None]]) -> Services:
    """What the handlers may call."""
    return Services(
        catalogue=system.catalogue,
        products=system.products,
        gates=system.gates,
        passes=system.passes,
        ledger=system.ledger,
        admission=system.admission,
        lookup=system.lookup,
        gate_keeping=system.gate_keeping,
        keys=system.keys.codes,
        tokens=Tokens(system.keys.tokens),
        now=now,
        refresh=refresh.once,
        ping=ping,
        shelves=Shelves(system.catalogue, system.products, system.offers),
    )


def make_application(services: Services) -> Application:
    """The application. Raises `UndeclaredRoute` if a route does not declare who may call it."""
    check_declared(ROUTES)
    return Application(
        list(ROUTES),
        default_handler_class=NotFound,
        log_function=log_request,
        services=services,
        description=Description.of(ROUTES),
    )


def make_server(application: Application) -> HTTPServer:
    """The HTTP server, with limits of time and size. Handlers refuse bodies much smaller than it does."""
    return HTTPServer(
        application,
        idle_connection_timeout=IDLE_SECONDS,
        body_timeout=BODY_SECONDS,
        max_header_size=16 * 1024,
        max_body_size=_DISCARD_BYTES,
        chunk_size=64 * 1024,
    )
