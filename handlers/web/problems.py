"""Problems: every error as `application/problem+json` (RFC 9457).

Problem               a status, a stable code, words in two languages
DomainError           becomes a problem by the nearest class of its line that `_STATUS` knows
anything else         is 500 `internal_error`, logged, and tells the caller nothing
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus

from pydantic import Field
from tornado.web import HTTPError, MissingArgumentError

from handlers.web.models import Out
from passes.base.errors import (
    Conflict,
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
_MOST_FAULTS = 20

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
    """One thing to mend."""

    where: str = Field(examples=["query.limit"])
    what: str = Field(examples=["Input should be less than or equal to 100"])


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
        """`code` is stable; `faults` name the fields to mend."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.claimable_from = claimable_from

    def document(self, request_id: str, language: str) -> dict[str, object]:
        """The JSON of the problem; `language` is `zh` or `en`."""
        document: dict[str, object] = {
            "type": f"urn:bashu-pass:problem:{self.code}",
            "title": self.status.phrase,
            "status": self.status.value,
            "code": self.code,
            "detail": self.text.en if language == "en" else self.text.zh,
            "request_id": request_id,
        }
        if self.claimable_from is not None:
            document["claimable_from"] = self.claimable_from.isoformat()
        if self.faults:
            document["errors"] = [
                {"where": fault.where, "what": fault.what} for fault in self.faults[:_MOST_FAULTS]
            ]
        return document


def problem_of(error: BaseException | None, status: int) -> Problem:
    """The problem that tells of an error; `status` is what Tornado would answer."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DomainError):
        return _of_domain(error)
    if isinstance(error, MissingArgumentError | HTTPError) or error is None:
        known = HTTPStatus(status)
        if known < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Problem(known, *_BY_STATUS.get(known, _BY_STATUS[HTTPStatus.BAD_REQUEST]))
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        Text("系统内部错误", "something went wrong on our side"),
    )


def _of_domain(error: DomainError) -> Problem:
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    after = error.retry_after if isinstance(error, TooOften) else RETRY_AFTER_SECONDS
    may_try_again = status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
    headers = {"Retry-After": str(after)} if may_try_again else {}
    claimable_from = error.claimable_from if isinstance(error, NotClaimable) else None
    return Problem(status, error.code, error.text, error.faults, headers, claimable_from)
