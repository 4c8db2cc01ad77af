"""Access: who calls, by a bearer token (RFC 6750), and whether a route is for them."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from tornado.httputil import HTTPServerRequest

from handlers.web.problems import Problem
from passes.base.text import Text

_TEXTS = {
    "token_missing": Text("请先登录", "a bearer token is needed"),
    "token_invalid": Text(
        "登录信息无效，请重新登录", "the bearer token is not valid here; get a new one"
    ),
    "token_expired": Text("登录已过期，请重新登录", "the bearer token has expired; get a new one"),
    "token_withdrawn": Text(
        "登录信息已作废，请重新登录", "the bearer token was withdrawn; get a new one"
    ),
    "session_ended": Text("登录已失效，请重新登录", "this session has ended; sign in again"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a token: a gate, a visitor or a pass, by its id.

    `scopes`, `version` and `ends_at` are those of the token, `session` and `generation` those of
    the session of a visitor.
    """

    id: str
    scopes: frozenset[str]
    version: int = 0
    session: str = ""
    generation: int = 0
    ends_at: datetime | None = None


ANYBODY = Caller("", frozenset())
"""Who calls a route that is open to everybody."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: the address of the peer, and the header `X-Forwarded-For`."""

    peer: str
    forwarded_for: str = ""


def origin_of(request: HTTPServerRequest) -> Origin:
    """Where a request comes from."""
    return Origin(request.remote_ip or "::", request.headers.get("X-Forwarded-For", ""))


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a session: an access token for so many seconds, and a refresh token."""

    access: str
    refresh: str
    seconds: int


def unauthenticated(code: str) -> Problem:
    """The 401 problem: the caller is not known."""
    challenge = {"WWW-Authenticate": 'Bearer realm="bashu-pass"'}
    return Problem(HTTPStatus.UNAUTHORIZED, code, _TEXTS[code], headers=challenge)


def forbidden(scope: str) -> Problem:
    """The 403 problem: the caller is known and lacks a scope."""
    text = Text("没有权限", f"this needs the scope {scope}")
    return Problem(HTTPStatus.FORBIDDEN, "scope_missing", text)


def bearer_token(authorization: str | None) -> str:
    """The token in an `Authorization` header. Raises the 401 problem if there is none."""
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise unauthenticated("token_missing")
    return token.strip()


def audiences_of(scope: str) -> frozenset[str]:
    """The audiences that scopes, divided by blanks, belong to: `gate:scan` is for gates."""
    return frozenset(each.partition(":")[0] for each in scope.split())
