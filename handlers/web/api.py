"""The base of all handlers: request id, caller, body limit, replies and problems.

It is kept small: what only some handlers share is in a class of theirs, or a function.
"""

import logging
import re
import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from pydantic import BaseModel
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, stream_request_body

from handlers.catalogue.day_view import DayView
from handlers.services import Services
from handlers.web.access import ANYBODY, audiences_of, bearer_token, forbidden, origin_of
from handlers.web.arguments import check_length
from handlers.web.endpoint import declared_on
from handlers.web.in_flight import CountedHandler
from handlers.web.problems import language_of, problem_of
from handlers.web.replies import PreparedReply, send, send_problem
from passes.base.calendar import business_day
from passes.rooms import Rooms

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@stream_request_body
class ApiHandler(CountedHandler):
    """Declared methods only. A body arrives in pieces, so one that is refused is never held."""

    caller = ANYBODY
    services: Services

    @property
    def rooms(self) -> Rooms:
        """The rooms of the domain."""
        return self.services.rooms

    def now(self) -> datetime:
        """This instant, in UTC."""
        return self.services.now()

    def day_view(self) -> DayView:
        """Catalogue, products and offers as the public sees them today."""
        return self.services.day_views.on(business_day(self.now()))

    def initialize(self) -> None:
        """Per request: the services, the body so far, and an id for the reply and the log."""
        super().initialize()
        self.services = self.application.settings["services"]
        self.body = bytearray()
        self.refusal: Exception | None = None
        """Why the request is refused; raised by the endpoint, once the body is read."""
        self.request_id = _request_id(self.request.headers)

    def set_default_headers(self) -> None:
        """Headers of every reply; replies that may be kept say so themselves."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    async def prepare(self) -> None:
        """Find out whether the request is refused. The endpoint says so, once the body is read.

        A caller that is still sending its body would not see a reply, and Tornado closes a
        connection on which it answers before the request has ended: the next request is lost.
        """
        self.enter()
        try:
            await self._check()
        except Exception as refusal:  # of whatever kind: the endpoint raises it again
            self.refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        """Add a piece to the body; that of a request which is refused is thrown away."""
        if self.refusal is None:
            self.body += chunk

    async def head(self, *path: str) -> None:
        """What GET answers, without the content."""
        await cast(Any, self.get)(*path)

    async def answer(self, reply: BaseModel | PreparedReply, status: HTTPStatus) -> None:
        """Send the reply of an endpoint, and return when it is sent or the caller is gone."""
        self.set_header("X-Request-Id", self.request_id)
        await send(self, reply, status)

    def compute_etag(self) -> str | None:
        """None: an ETag is set where it is known beforehand, never made from a reply."""
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the problem for an error."""
        error = kwargs.get("exc_info", (None, None))[1]
        problem = problem_of(error, status_code)
        language = language_of(self.request.headers)
        self.set_header("X-Request-Id", self.request_id)
        if problem.status is HTTPStatus.METHOD_NOT_ALLOWED:
            verbs = [verb for verb in self.SUPPORTED_METHODS if declared_on(type(self), verb)]
            self.set_header("Allow", ", ".join(verbs))
        send_problem(self, problem, problem.document(self.request_id, language))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is our fault; a problem that the caller is told of is in the access log."""
        problem = problem_of(value, getattr(value, "status_code", 500))
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            # Without the query, which may hold anything; Tornado's own line cites it.
            told = {"path": self.request.path, "request_id": self.request_id}
            log.error("a fault in %s", self.request.method, exc_info=(typ, value, tb), extra=told)

    async def _check(self) -> None:
        """What the route declares: method, scope, length of the body, and how often, in order."""
        declared = declared_on(type(self), self.request.method or "")
        if declared is None:
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        if declared.scope is not None:
            await self._authorise(declared.scope)
        check_length(self.request.headers, declared.body_limit)
        if declared.limit is not None:
            origin = origin_of(self.request)
            self.services.limits.check(declared.limit, self.caller, origin, self.now())

    async def _authorise(self, scope: str) -> None:
        token = bearer_token(self.request.headers.get("Authorization"))
        self.caller = self.services.tokens.read(token, audiences_of(scope), self.now())
        if self.caller.scopes.isdisjoint(scope.split()):
            raise forbidden(scope)


def _request_id(headers: HTTPHeaders) -> str:
    """The id that a caller gave its request, if it may be one, or a new one."""
    asked: str = headers.get("X-Request-Id", "")
    if _REQUEST_ID.fullmatch(asked):
        return asked
    return secrets.token_hex(8)


class NotFound(ApiHandler):
    """Whatever no route matches."""

    async def _check(self) -> None:
        """Refuse, whatever the method. Raises the 404."""
        raise HTTPError(HTTPStatus.NOT_FOUND)

    async def _refuse(self, *_: str) -> None:
        """Say so, once the body is read."""
        self.arrived = True
        if self.refusal is not None:
            raise self.refusal

    get = head = post = put = patch = delete = options = _refuse
