"""The composition root: a system becomes the services of the handlers, and these become a server."""

from collections.abc import Awaitable, Callable

from tornado.httpserver import HTTPServer
from tornado.web import Application

from handlers.api_docs.description import Description
from handlers.catalogue.day_view import Shelves
from handlers.routes import ROUTES, check_declared
from handlers.services import Services
from handlers.web.api import NotFound
from server.auth import Tokens
from server.clock import Clock
from server.limits import Limits
from server.logs import log_request
from server.refresh import Refresh
from server.sandbox import SANDBOX_APPID, SANDBOX_SECRET
from server.settings import Settings
from server.system import System
from server.wechat import WeChat

Ping = Callable[[], Awaitable[None]]

IDLE_SECONDS = 75
BODY_SECONDS = 15
_DISCARD_BYTES = 16 * 1024 * 1024
"""How much of a body that was refused is still read, so that the caller sees why."""


def make_services(
    system: System, settings: Settings, refresh: Refresh, now: Clock, ping: Ping
) -> Services:
    """What the handlers may call."""
    return Services(
        catalogue=system.catalogue,
        products=system.products,
        offers=system.offers,
        gates=system.gates,
        passes=system.passes,
        ledger=system.ledger,
        admission=system.admission,
        lookup=system.lookup,
        gate_keeping=system.gate_keeping,
        life=system.life,
        accounts=system.accounts,
        signing_in=system.signing_in,
        erasing=system.erasing,
        standings=system.standings,
        claiming=system.claiming,
        cancelling=system.cancelling,
        used=refresh,
        visitors=system.visitors,
        sessions=system.sessions,
        members=system.members,
        refusals=system.refusals,
        audit=system.audit,
        identities=system.keys.identities,
        keys=system.keys.codes,
        tokens=Tokens(system.keys.tokens),
        wechat=_wechat(system, settings, now),
        limits=Limits(settings.trusted_proxies),
        sandbox=settings.uses_sandbox,
        privacy_version=settings.privacy_version,
        now=now,
        refresh=refresh.once,
        ping=ping,
        shelves=Shelves(system.catalogue, system.products, system.offers),
    )


def _wechat(system: System, settings: Settings, now: Clock) -> WeChat:
    """The client of WeChat, or of the sandbox, which speaks the same."""
    if settings.wechat_appid is None or settings.wechat_secret is None:
        appid, secret = SANDBOX_APPID, SANDBOX_SECRET
    else:
        appid, secret = settings.wechat_appid, settings.wechat_secret.get_secret_value()
    return WeChat(settings.wechat_url, appid, secret, system.app_tokens, system.keys.vault, now)


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
