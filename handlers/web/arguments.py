"""Arguments: what a request says, checked, before a handler method is called with it.

Each function raises a problem that names what to correct. Knows no route.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from handlers.web.problems import Problem
from passes.base import typed
from passes.base.errors import Fault
from passes.base.faults import faults_of
from passes.base.text import Text

LONGEST_IDEMPOTENCY_KEY = 128
"""In characters."""

_LENGTH = re.compile(r"[0-9]{1,18}")

Model = TypeVar("Model", bound=BaseModel)


def check_length(headers: HTTPHeaders, limit: int) -> None:
    """Raise a problem for a body that does not say how long it is, or is longer than `limit` bytes.

    411 without a `Content-Length`, 400 for one that is no number, 413 for one over the limit.
    """
    if "Transfer-Encoding" in headers:
        text = Text("请注明长度", "a Content-Length is needed")
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "length_required", text)
    length = headers.get("Content-Length", "0")
    if not _LENGTH.fullmatch(length):
        text = Text("长度有误", "Content-Length is no number")
        raise Problem(HTTPStatus.BAD_REQUEST, "length_invalid", text)
    if int(length) > limit:
        text = Text("请求过大", f"the body may have {limit} bytes")
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", text)


_MOST_PARAMETERS = 40
"""Of a query; each one that is not known costs work."""

_LONGEST_TYPED = 2_000
"""Characters of a parameter that people may type; a longer one is refused as it is."""


def read_query(handler: RequestHandler, model: type[Model]) -> Model:
    """The checked query parameters. Raises the 422 problem naming each that is wrong."""
    if len(handler.request.query_arguments) > _MOST_PARAMETERS:
        raise invalid_query([Fault("query", f"has more than {_MOST_PARAMETERS} parameters")])
    values: dict[str, str] = {}
    twice: list[Fault] = []
    for name in handler.request.query_arguments:
        value, *more = handler.get_query_arguments(name)
        values[name] = value
        if len(value) <= _LONGEST_TYPED:
            values[name] = typed.plain(value) or value
        if more:
            what = "is given twice; separate values by commas"
            twice.append(Fault(f"query.{name}", what))
    if twice:
        raise invalid_query(twice)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_query(_faults("query", error)) from None


def refuse_query(handler: RequestHandler) -> None:
    """Raise the 422 problem if there are query parameters, for a route that has none."""
    given = handler.request.query_arguments
    if given:
        raise invalid_query(Fault(f"query.{name}", "is not known here") for name in given)


def invalid_query(faults: Iterable[Fault]) -> Problem:
    """The 422 problem that names each query parameter that is wrong."""
    return _invalid("query_invalid", faults)


def read_body(raw: bytes, model: type[Model]) -> Model:
    """The checked JSON body.

    Raises the 400 problem if it is no JSON, the 422 problem naming each field that is wrong.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        faults = _faults("body", error)
        if any(fault["type"] == "json_invalid" for fault in error.errors()):
            text = Text("请求内容不是 JSON", "the body is not JSON")
            raise Problem(HTTPStatus.BAD_REQUEST, "body_malformed", text, faults) from None
        raise _invalid("body_invalid", faults) from None


def idempotency_key(headers: HTTPHeaders) -> str | None:
    """The key of a call: a call under the same key is the same call, sent again.

    None if the caller gives none. Raises the 400 problem for one that is too long or not printable
    ASCII. The header is that of draft-ietf-httpapi-idempotency-key-header.
    """
    key: str | None = headers.get("Idempotency-Key")
    if key is None:
        return None
    printable = key.isascii() and key.isprintable()
    if not printable or not 1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY:
        text = Text(
            "Idempotency-Key 有误",
            f"Idempotency-Key may have {LONGEST_IDEMPOTENCY_KEY} printable ASCII characters",
        )
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", text)
    return key


def _faults(root: str, error: ValidationError) -> list[Fault]:
    return [Fault(where, what) for where, what in faults_of(error, root)]


def _invalid(code: str, faults: Iterable[Fault]) -> Problem:
    text = Text("请求参数有误", "the request names something wrong")
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, text, faults)
