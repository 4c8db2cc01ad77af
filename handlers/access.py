"""Access: who calls, and whether a route is for them."""

from dataclasses import dataclass
from http import HTTPStatus

from handlers.problems import Problem
from passes.texts import Text

_TEXTS = {
    "token_missing": Text("请先登录", "a bearer token is needed"),
    "token_invalid": Text("登录信息无效", "the bearer token is not valid here"),
    "token_expired": Text("登录已过期", "the bearer token has expired"),
    "token_withdrawn": Text("登录信息已作废", "the bearer token has been withdrawn"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a token: a gate or a pass by its id, with the scopes and the version of the token."""

    id: str
    scopes: frozenset[str]
    version: int = 0


def unauthenticated(code: str) -> Problem:
    """The 401 problem: the caller is not known."""
    return Problem(
        HTTPStatus.UNAUTHORIZED, code, _TEXTS[code], headers={"WWW-Authenticate": 'Bearer realm="bashu-pass"'}
    )


def forbidden(scope: str) -> Problem:
    """The 403 problem: the caller is known and lacks a scope."""
    return Problem(HTTPStatus.FORBIDDEN, "scope_missing", Text("没有权限", f"this needs the scope {scope}"))


def bearer_token(authorization: str | None) -> str:
    """The token in an `Authorization` header. Raises the 401 problem if there is none."""
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise unauthenticated("token_missing")
    return token.strip()


def audience_of(scope: str) -> str:
    """The audience that a scope belongs to: `gate:scan` is for gates."""
    return scope.partition(":")[0]
