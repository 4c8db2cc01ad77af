"""The base of all handlers: request id, caller, body limit, replies and problems. Kept small on purpose."""

import json
import re
import secrets
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

from pydantic import BaseModel
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from handlers.web.access import ANYBODY, audiences_of, bearer_token, forbidden
from handlers.web.endpoint import Ready, check_length, declared_on, takes_gzip
from handlers.web.in_flight import TrackedHandler
from handlers.web.problems import Problem, problem_of

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@stream_request_body
class ApiHandler(TrackedHandler):
    """Declared endpoints only. The body arrives as a stream, so that one too large is refused before it is read."""

    SUPPORTED_METHODS: Any = ("GET", "HEAD", "POST", "PUT", "DELETE")
    caller = ANYBODY

    def initialize(self) -> None:
        """Per request: the services, the body so far, and an id that stands in the reply and the log."""
        super().initialize()
        self.body = bytearray()
        self.refusal: Exception | None = None
        asked = self.request.headers.get("X-Request-Id", "")
        self.request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)

    def set_default_headers(self) -> None:
        """Headers of every reply; replies that may be kept say so themselves."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    async def prepare(self) -> None:
        """Refuse what the route does not allow. A body is read to its end first, so that the caller sees the answer."""
        self.enter()
        try:
            await self._check()
        except (Problem, HTTPError) as refusal:
            if self.request.headers.get("Content-Length", "0") == "0":
                raise
            self.refusal = refusal

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body; that of a request which is refused is thrown away."""
        if self.refusal is None:
            self.body += chunk

    async def head(self, *path: str) -> None:
        """What GET answers, without the content."""
        await cast(Any, self.get)(*path)

    async def answer(self, reply: BaseModel | Ready) -> None:
        """Send the reply of an endpoint, and return when it is sent or the caller is gone."""
        declared = declared_on(type(self), self.request.method or "")
        self.set_status(declared.status if declared else HTTPStatus.OK)
        ready = (
            reply
            if isinstance(reply, Ready)
            else Ready(reply.model_dump_json(by_alias=True).encode())
        )
        self.set_header("X-Request-Id", self.request_id)
        self.set_header("Content-Type", ready.media_type)
        gzipped = ready.worth_gzip and takes_gzip(self.request.headers.get("Accept-Encoding", ""))
        if ready.worth_gzip:
            self.set_header("Vary", "Accept-Encoding")
        if gzipped:
            self.set_header("Content-Encoding", "gzip")
        if ready.etag is not None:
            self.set_header("Etag", f'W/"{ready.etag}"')
            self.set_header("Cache-Control", ready.cache)
        unchanged = ready.etag is not None and self.check_etag_header()
        if unchanged:
            self.set_status(HTTPStatus.NOT_MODIFIED)
        with suppress(StreamClosedError):
            await self.finish(None if unchanged else ready.gzipped if gzipped else ready.content)

    def compute_etag(self) -> str | None:
        """None: an ETag is set where it is known beforehand, never worked out from the bytes of a reply."""
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the problem for an error."""
        problem = problem_of(kwargs.get("exc_info", (None, None))[1], status_code)
        language = (
            "en"
            if self.request.headers.get("Accept-Language", "").lower().startswith("en")
            else "zh"
        )
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/problem+json; charset=utf-8")
        self.set_header("X-Request-Id", self.request_id)
        if problem.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header(
                "Allow", ", ".join(v for v in self.SUPPORTED_METHODS if declared_on(type(self), v))
            )
        for name, value in problem.headers.items():
            self.set_header(name, value)
        self.finish(json.dumps(problem.document(self.request_id, language), ensure_ascii=False))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Log what is our fault; a problem that the caller is told of is in the access log."""
        if (
            problem_of(value, getattr(value, "status_code", 500)).status
            is HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            super().log_exception(typ, value, tb)

    async def _check(self) -> None:
        declared = declared_on(type(self), self.request.method or "")
        if declared is None:
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        if declared.scope is not None:
            await self._authorise(declared.scope)
        check_length(self.request.headers, declared.body_limit)
        if declared.limit is not None:
            self.services.limits.check(declared.limit, self.caller, self.origin(), self.now())

    async def _authorise(self, scope: str) -> None:
        token = bearer_token(self.request.headers.get("Authorization"))
        self.caller = self.services.tokens.read(token, audiences_of(scope), self.now())
        if self.caller.scopes.isdisjoint(scope.split()):
            raise forbidden(scope)


class NotFound(ApiHandler):
    """Whatever no route matches."""

    SUPPORTED_METHODS = RequestHandler.SUPPORTED_METHODS

    async def prepare(self) -> None:
        """Refuse, whatever the method. Raises the 404."""
        self.enter()
        raise HTTPError(HTTPStatus.NOT_FOUND)
