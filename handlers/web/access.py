"""Access: who calls, and whether a route is for them."""

from dataclasses import dataclass
from http import HTTPStatus

from tornado.httputil import HTTPServerRequest

from handlers.web.problems import Problem
from passes.base.text import Text

_TEXTS = {
    "token_missing": Text("请先登录", "a bearer token is needed"),
    "token_invalid": Text("登录信息无效", "the bearer token is not valid here"),
    "token_expired": Text("登录已过期", "the bearer token has expired"),
    "token_withdrawn": Text("登录信息已作废", "the bearer token has been withdrawn"),
    "session_ended": Text("登录已失效，请重新登录", "this session has ended; sign in again"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a token: a gate, a visitor or a pass by its id, with the scopes and the version of the token.

    `session` and `generation` are those of a visitor's session.
    """

    id: str
    scopes: frozenset[str]
    version: int = 0
    session: str = ""
    generation: int = 0


ANYBODY = Caller("", frozenset())
"""Who calls a route that is open to everybody."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: the address at the other end, and what stands in `X-Forwarded-For`."""

    peer: str
    forwarded_for: str = ""


def origin_of(request: HTTPServerRequest) -> Origin:
    """Where a request comes from."""
    return Origin(request.remote_ip or "::", request.headers.get("X-Forwarded-For", ""))


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a visitor signs requests with for so many seconds, and what gets the next pair."""

    access: str
    refresh: str
    seconds: int


def unauthenticated(code: str) -> Problem:
    """The 401 problem: the caller is not known."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        code,
        _TEXTS[code],
        headers={"WWW-Authenticate": 'Bearer realm="bashu-pass"'},
    )


def forbidden(scope: str) -> Problem:
    """The 403 problem: the caller is known and lacks a scope."""
    return Problem(
        HTTPStatus.FORBIDDEN, "scope_missing", Text("没有权限", f"this needs the scope {scope}")
    )


def bearer_token(authorization: str | None) -> str:
    """The token in an `Authorization` header. Raises the 401 problem if there is none."""
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise unauthenticated("token_missing")
    return token.strip()


def audiences_of(scope: str) -> frozenset[str]:
    """The audiences that scopes, divided by blanks, belong to: `gate:scan` is for gates."""
    return frozenset(each.partition(":")[0] for each in scope.split())
