"""Health: is the process alive, and should it be sent requests."""

from http import HTTPStatus
from typing import Literal

from handlers.web.api import ApiHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import Out
from handlers.web.problems import Problem
from handlers.web.routing import Route
from passes.base.text import Text


class HealthOut(Out):
    """A process that answers."""

    status: Literal["ok"] = "ok"
    sandbox: bool
    """Whether visitors sign in through the sandbox, so that none of them is real."""


class HealthEndpoint(ApiHandler):
    """`/healthz`"""

    @endpoint(scope=None, reply=HealthOut)
    async def get(self) -> HealthOut:
        """Answer, which is all that there is to prove."""
        return HealthOut(sandbox=self.services.sandbox)


class ReadinessEndpoint(ApiHandler):
    """`/readyz`"""

    @endpoint(scope=None, reply=HealthOut)
    async def get(self) -> HealthOut:
        """200 if requests can be served: it is not stopping, and the database reads and writes."""
        if self.services.in_flight.draining:
            text = Text("服务正在停止", "this process is stopping")
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "stopping", text)
        await self.services.ping()
        return HealthOut(sandbox=self.services.sandbox)


routes = [
    Route("/healthz", HealthEndpoint, "health"),
    Route("/readyz", ReadinessEndpoint, "readiness"),
]
