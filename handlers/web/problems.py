"""Problems: every error as `application/problem+json` (RFC 9457).

Problem               a status, a stable code, words in two languages
DomainError           becomes a problem, by the first class of its MRO that has a status
anything else         is 500 `internal_error`, logged, and tells the caller nothing
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus

from pydantic import Field
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from handlers.web.models import Out
from passes.base.errors import (
    Conflict,
    Damaged,
    DomainError,
    Fault,
    Forbidden,
    Invalid,
    TooOften,
    Unavailable,
    Unknown,
)
from passes.base.text import Text
from passes.offers.eligibility import NotClaimable

RETRY_AFTER_SECONDS = 2
"""When to ask again, if the database does not answer."""

_MOST_FAULTS = 20
"""How many faults a problem tells of."""

_STATUS: dict[type[DomainError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unknown: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooOften: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

_BY_STATUS = {
    HTTPStatus.BAD_REQUEST: ("bad_request", Text("请求有误", "the request is malformed")),
    HTTPStatus.NOT_FOUND: ("not_found", Text("没有这个地址", "there is nothing at this address")),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        Text("不支持此方法", "this method is not allowed here"),
    ),
}


class FaultOut(Out):
    """One thing to correct."""

    where: str = Field(examples=["query.limit"])
    what: str = Field(examples=["may be at most 100"])


class ProblemOut(Out):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:bashu-pass:problem:query_invalid"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["query_invalid"])
    """What a program may rely on."""
    detail: str = Field(examples=["请求参数有误"])
    """For people: Chinese, or English for `Accept-Language: en`."""
    request_id: str = Field(examples=["763933f0ef4b30b4"])
    """Also in the header `X-Request-Id` and in the log."""
    errors: list[FaultOut] | None = None
    claimable_from: datetime | None = None
    """From when a voucher can be claimed, if time alone will do."""


class Problem(Exception):
    """An error that the caller is told about."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        text: Text,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
        claimable_from: datetime | None = None,
    ) -> None:
        """`code` is stable; `faults` name the fields to correct."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.claimable_from = claimable_from

    def document(self, request_id: str, language: str) -> dict[str, object]:
        """The JSON of the problem; `language` is `zh` or `en`."""
        detail = self.text.zh
        if language == "en":
            detail = self.text.en
        document: dict[str, object] = {
            "type": f"urn:bashu-pass:problem:{self.code}",
            "title": self.status.phrase,
            "status": self.status.value,
            "code": self.code,
            "detail": detail,
            "request_id": request_id,
        }
        if self.claimable_from is not None:
            document["claimable_from"] = self.claimable_from.isoformat()
        if self.faults:
            told = self.faults[:_MOST_FAULTS]
            document["errors"] = [{"where": fault.where, "what": fault.what} for fault in told]
        return document


def problem_of(error: BaseException | None, status: int) -> Problem:
    """The problem that tells of an error; `status` is what Tornado would answer.

    Without an error it is Tornado that refuses the request.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, DomainError):
        return _of_domain(error)
    of_tornado = error is None or isinstance(error, HTTPError)
    if of_tornado and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_status(HTTPStatus(status))
    text = Text("系统内部错误，请联系运营人员", "this is a fault of ours; tell the operator")
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", text)


def language_of(headers: HTTPHeaders) -> str:
    """`en` for a caller that prefers English, by `Accept-Language`; `zh` for all others."""
    preferred: str = headers.get("Accept-Language", "")
    if preferred.lower().startswith("en"):
        return "en"
    return "zh"


def _of_status(status: HTTPStatus) -> Problem:
    code, text = _BY_STATUS.get(status, _BY_STATUS[HTTPStatus.BAD_REQUEST])
    return Problem(status, code, text)


def _of_domain(error: DomainError) -> Problem:
    headers = {}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, Unavailable) and not isinstance(error, Damaged):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    claimable_from = None
    if isinstance(error, NotClaimable):
        claimable_from = error.claimable_from
    status = _status_of(type(error))
    return Problem(status, error.code, error.text, error.faults, headers, claimable_from)


def _status_of(kind: type[DomainError]) -> HTTPStatus:
    """The status of an error class, or of the nearest class it inherits from."""
    for each in kind.__mro__:
        if each in _STATUS:
            return _STATUS[each]
    return HTTPStatus.INTERNAL_SERVER_ERROR
