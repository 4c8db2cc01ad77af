"""All routes, in one list, and the check that each of them declares what it does."""

from collections.abc import Sequence

from tornado.web import RequestHandler

from handlers.admission import batch, bundle, fleet, gates, staff
from handlers.api_docs import description
from handlers.catalogue import spots
from handlers.holding import passes
from handlers.offers import claims, offers
from handlers.people import companions, devices, me, sessions
from handlers.terms import products
from handlers.web import health
from handlers.web.endpoint import declared_on
from handlers.web.routing import Route

ROUTES: Sequence[Route] = [
    *health.routes,
    *spots.routes,
    *products.routes,
    *offers.routes,
    *claims.routes,
    *sessions.routes,
    *me.routes,
    *devices.routes,
    *companions.routes,
    *passes.routes,
    *batch.routes,
    *gates.routes,
    *fleet.routes,
    *staff.routes,
    *bundle.routes,
    *description.routes,
]


class UndeclaredRoute(Exception):
    """A route answers a method without declaring who may call it. The process must not start."""


def check_declared(routes: Sequence[Route]) -> None:
    """Raise `UndeclaredRoute` unless every method that a route answers carries `@endpoint`."""
    for route in routes:
        verbs = [verb for verb in _VERBS if _answers(route.handler_class, verb)]
        if not verbs:
            raise UndeclaredRoute(f"{route.template} answers no method")
        for verb in verbs:
            if declared_on(route.handler_class, verb) is None:
                raise UndeclaredRoute(f"{verb} {route.template} declares no @endpoint")


_VERBS = sorted(set(RequestHandler.SUPPORTED_METHODS) - {"HEAD"})  # HEAD is answered as GET


def _answers(handler: type[RequestHandler], verb: str) -> bool:
    """Whether a handler class defines the method of a verb itself."""
    name = verb.lower()
    return getattr(handler, name) is not getattr(RequestHandler, name)
