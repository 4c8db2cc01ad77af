"""`@endpoint` declares what a handler method takes and gives.

    @endpoint(scope="gate:scan", body=ScanIn, reply=VerdictOut)
    async def post(self, body: ScanIn) -> VerdictOut: ...

The declaration is obeyed here and in `handlers.web.api`, described by `handlers.api_docs`, and
checked at start-up: a route without one keeps the process from starting. `scope=None` means that
everybody may call, and must be written; of several scopes, divided by blanks, one is enough.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from tornado.web import RequestHandler

from handlers.web.arguments import read_body, read_query, refuse_query

BODY_LIMIT = 64 * 1024
"""In bytes."""

_ATTRIBUTE = "declaration"
"""Under which a decorated method carries its declaration."""

Method = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one method of one route declares.

    `reply` is a pydantic model, or the media type of what is not JSON. `body_limit` is in bytes.
    """

    scope: str | None
    reply: type[BaseModel] | str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    body_limit: int = BODY_LIMIT
    limit: str | None = None
    """The name of the rate limit that calls are counted against; None is without limit."""
    counts_some: bool = False
    """Whether the method itself counts some calls against a limit."""
    idempotent: bool = False
    """Whether calls under the same header `Idempotency-Key` are one call."""


def endpoint(  # noqa: PLR0913 - each is named
    *,
    scope: str | None,
    reply: type[BaseModel] | str,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    body_limit: int = BODY_LIMIT,
    limit: str | None = None,
    counts_some: bool = False,
    idempotent: bool = False,
) -> Callable[[Method], Method]:
    """Declare a handler method.

    It is called with the path arguments, then the checked query, then the checked body, and what
    it returns is sent.
    """
    declared = Declaration(
        scope, reply, query, body, status, body_limit, limit, counts_some, idempotent
    )

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        async def handle(handler: Any, *path: str) -> None:
            # Tornado calls this once the whole request has been read.
            handler.arrived = True
            if handler.refusal is not None:
                raise handler.refusal
            arguments = [*path, *_arguments(handler, declared)]
            reply = await method(handler, *arguments)
            await handler.answer(reply, declared.status)

        setattr(handle, _ATTRIBUTE, declared)
        return handle

    return decorate


def declared_on(handler: type[RequestHandler], verb: str) -> Declaration | None:
    """What the method of a handler class for an HTTP verb declares, if it does; HEAD is as GET."""
    name = verb.lower()
    if verb == "HEAD":
        name = "get"
    method = getattr(handler, name, None)
    found: Declaration | None = getattr(method, _ATTRIBUTE, None)
    return found


def _arguments(handler: Any, declared: Declaration) -> list[BaseModel]:
    """The checked query and body, of those that are declared. Raises a problem."""
    arguments: list[BaseModel] = []
    if declared.query is None:
        refuse_query(handler)
    else:
        arguments.append(read_query(handler, declared.query))
    if declared.body is not None:
        arguments.append(read_body(handler.body, declared.body))
    return arguments
