"""`@endpoint` declares what a handler method takes and gives; the declaration is checked at start-up and obeyed here.

    @endpoint(scope="gate:scan", body=ScanIn, reply=VerdictOut)
    async def post(self, body: ScanIn) -> VerdictOut: ...

`scope=None` means that everybody may call, and must be written; of several scopes, divided by blanks, one is enough.
"""

import functools
import gzip
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from handlers.web.problems import Problem
from passes.base.errors import Fault
from passes.base.faults import faults_of
from passes.base.text import Text

BODY_LIMIT = 64 * 1024
_WORTH_GZIP = 1024  # bytes
_GZIP_LEVEL = 4
_LENGTH = re.compile(r"[0-9]{1,18}")
LONGEST_KEY = 128
_MARK = "endpoint"

Model = TypeVar("Model", bound=BaseModel)
Method = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one method of one route declares. `reply` is a pydantic model, or the media type of what is not JSON."""

    scope: str | None
    reply: type[BaseModel] | str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    body_limit: int = BODY_LIMIT
    limit: str | None = None
    """Under which name calls are limited in number."""
    idempotent: bool = False
    """Whether a header `Idempotency-Key` makes calls one call."""


@dataclass(frozen=True)
class Ready:
    """A reply that is already bytes. With an `etag` it may be kept and asked for again."""

    content: bytes
    media_type: str = "application/json; charset=utf-8"
    etag: str | None = None
    cache: str = "public, max-age=60"

    @cached_property
    def gzipped(self) -> bytes:
        """The content for those who take it gzipped; made once."""
        return gzip.compress(self.content, compresslevel=_GZIP_LEVEL, mtime=0)

    @property
    def worth_gzip(self) -> bool:
        """Whether it is text long enough, and may be asked for again."""
        return self.etag is not None and len(self.content) >= _WORTH_GZIP


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip, and not only to refuse it."""
    for coding in accept_encoding.split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return weight.strip() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def endpoint(  # noqa: PLR0913 - each is named
    *,
    scope: str | None,
    reply: type[BaseModel] | str,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    body_limit: int = BODY_LIMIT,
    limit: str | None = None,
    idempotent: bool = False,
) -> Callable[[Method], Method]:
    """Declare a handler method. It is called with the path arguments, then the checked query, then the checked body."""
    declared = Declaration(scope, reply, query, body, status, body_limit, limit, idempotent)

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        async def handle(handler: Any, *path: str) -> None:
            handler.arrived = True
            if handler.refusal is not None:
                raise handler.refusal
            arguments: list[object] = list(path)
            arguments += (
                [read_query(handler, declared.query)] if declared.query else _no_query(handler)
            )
            arguments += [read_body(handler.body, declared.body)] if declared.body else []
            await handler.answer(await method(handler, *arguments))

        setattr(handle, _MARK, declared)
        return handle

    return decorate


def declared_on(handler: type[RequestHandler], verb: str) -> Declaration | None:
    """What the method of a handler class for an HTTP verb declares, if it has one that does; HEAD is as GET."""
    method = "get" if verb == "HEAD" else verb.lower()
    found: Declaration | None = getattr(getattr(handler, method, None), _MARK, None)
    return found


def check_length(headers: HTTPHeaders, limit: int) -> None:
    """Raise the problem for a body that does not say how long it is, or that is longer than the limit."""
    if "Transfer-Encoding" in headers:
        raise Problem(
            HTTPStatus.LENGTH_REQUIRED,
            "length_required",
            Text("请注明长度", "a Content-Length is needed"),
        )
    length = headers.get("Content-Length", "0")
    if not _LENGTH.fullmatch(length):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "length_invalid",
            Text("长度有误", "Content-Length is no number"),
        )
    if int(length) > limit:
        text = Text("请求过大", f"the body may have {limit} bytes")
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", text)


def read_query(handler: RequestHandler, model: type[Model]) -> Model:
    """The checked query parameters. Raises the 422 problem naming each that is wrong."""
    given = {name: handler.get_query_arguments(name) for name in handler.request.query_arguments}
    twice = [
        Fault(f"query.{name}", "is given twice; separate values by commas")
        for name, values in given.items()
        if len(values) > 1
    ]
    if twice:
        raise invalid_query(twice)
    try:
        return model.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        raise invalid_query(_faults("query", error)) from None


def read_body(raw: bytes, model: type[Model]) -> Model:
    """The checked JSON body. Raises the 400 problem if it is no JSON, the 422 problem naming each wrong field."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors()):
            text = Text("请求内容不是 JSON", "the body is not JSON")
            raise Problem(
                HTTPStatus.BAD_REQUEST, "body_malformed", text, _faults("body", error)
            ) from None
        raise _invalid("body_invalid", _faults("body", error)) from None


def idempotency_key(headers: HTTPHeaders) -> str | None:
    """What names a call, so that the same call again is not another one. Raises the 400 problem."""
    key: str | None = headers.get("Idempotency-Key")
    if key is not None and not (
        key.isascii() and key.isprintable() and 1 <= len(key) <= LONGEST_KEY
    ):
        text = Text(
            "Idempotency-Key 有误", f"Idempotency-Key may have {LONGEST_KEY} printable ASCII signs"
        )
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", text)
    return key


def invalid_query(faults: Iterable[Fault]) -> Problem:
    """The 422 problem that names each query parameter that is wrong."""
    return _invalid("query_invalid", faults)


def _no_query(handler: RequestHandler) -> list[object]:
    """No arguments; raises the 422 problem if the caller gives a parameter to a route that has none."""
    if handler.request.query_arguments:
        raise invalid_query(
            Fault(f"query.{name}", "is not known here") for name in handler.request.query_arguments
        )
    return []


def _faults(root: str, error: ValidationError) -> list[Fault]:
    return [Fault(where, what) for where, what in faults_of(error, root)]


def _invalid(code: str, faults: Iterable[Fault]) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code,
        Text("请求参数有误", "the request names something wrong"),
        faults,
    )
