"""The composition root: a system becomes the services of the handlers, and these become a
server."""

from collections.abc import Awaitable, Callable

from tornado.httpserver import HTTPServer
from tornado.web import Application

from handlers.api_docs.description import Description
from handlers.catalogue.day_view import DayViews
from handlers.routes import ROUTES, check_declared
from handlers.services import Services
from handlers.web.api import NotFound
from server.auth import Tokens
from server.build import build
from server.clock import Clock
from server.limits import RateLimiter
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
    editions, offers = system.terms.editions, system.offers.offers
    return Services(
        rooms=system,
        catalogue=system.catalogue,
        day_views=DayViews(system.catalogue, editions, offers, build()),
        quota_counts=refresh,
        tokens=Tokens(system.keys.tokens, system.keys.epoch),
        limits=RateLimiter(settings.trusted_proxies),
        wechat=_wechat(system, settings, now),
        sandbox=settings.uses_sandbox,
        privacy_version=settings.privacy_version,
        now=now,
        refresh=refresh.once,
        ping=ping,
    )


def _wechat(system: System, settings: Settings, now: Clock) -> WeChat:
    """The client of WeChat, or of the sandbox, which speaks the same."""
    if settings.wechat_appid is None or settings.wechat_secret is None:
        appid, secret = SANDBOX_APPID, SANDBOX_SECRET
    else:
        appid, secret = settings.wechat_appid, settings.wechat_secret.get_secret_value()
    return WeChat(
        settings.wechat_url, appid, secret, system.people.app_tokens, system.keys.vault, now
    )


def make_application(services: Services) -> Application:
    """The application. Raises `UndeclaredRoute` if a route does not declare who may call it."""
    check_declared(ROUTES)
    return Application(
        list(ROUTES),
        default_handler_class=NotFound,
        log_function=log_request,
        services=services,
        in_flight=services.in_flight,
        description=Description.of(ROUTES),
    )


def make_server(application: Application) -> HTTPServer:
    """The HTTP server, with limits of time and size. Handlers refuse bodies much smaller than it
    does."""
    return HTTPServer(
        application,
        idle_connection_timeout=IDLE_SECONDS,
        body_timeout=BODY_SECONDS,
        max_header_size=16 * 1024,
        max_body_size=_DISCARD_BYTES,
        chunk_size=64 * 1024,
    )
