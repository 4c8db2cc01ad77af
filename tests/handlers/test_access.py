"""Who may call what: every route declares it, and no bent token gets in."""

import base64
import json
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import jwt
import pytest
from pydantic import BaseModel
from tornado.web import RequestHandler

from handlers.routes import ROUTES, UndeclaredRoute, check_declared
from handlers.web.access import audiences_of
from handlers.web.api import ApiHandler
from handlers.web.endpoint import declared_on, endpoint
from handlers.web.problems import Problem
from handlers.web.routing import Route
from passes.admission.gates import TOKEN_LIFE, GateKind, Reader
from server.auth import ISSUER, Tokens
from tests.support import build
from tests.support.api import Api
from tests.support.build import NOW
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import World

SECRET = bytes(32)
GATE = frozenset({"gate"})
TOKENS = Tokens({1: SECRET})


class _Out(BaseModel):
    pass


class Undeclared(ApiHandler):
    async def get(self) -> None:
        self.finish()


class HalfDeclared(ApiHandler):
    @endpoint(scope=None, reply=_Out)
    async def get(self) -> _Out:
        return _Out()

    async def post(self) -> None:
        self.finish()


class Foreign(RequestHandler):
    def get(self) -> None:
        self.finish()


class Empty(ApiHandler):
    pass


@pytest.mark.parametrize("handler", [Undeclared, HalfDeclared, Foreign, Empty])
def test_start_up_refuses_a_route_that_does_not_declare_itself(
    handler: type[RequestHandler],
) -> None:
    with pytest.raises(UndeclaredRoute, match="/secret"):
        check_declared([*ROUTES, Route("/secret", handler, "secret")])


def test_all_our_routes_declare_themselves() -> None:
    check_declared(ROUTES)


CLOSED = [
    (verb, re.sub(r"\{\w+\}", "x", route.template), declared.scope)
    for route in ROUTES
    for verb in ("GET", "POST", "PUT", "DELETE")
    if (declared := declared_on(route.handler_class, verb)) and declared.scope
]


async def roles(world: World) -> dict[str, tuple[str, set[str]]]:
    """Everybody who holds a token, with the token and its scopes."""
    visitor, access = await world.visitor()
    session = await world.system.people.signing_in.begin(visitor, NOW)
    _, turnstile = await world.gate()
    _, window = await world.gate(kind=GateKind.WINDOW)
    _, reader = await world.gate(readers=frozenset(Reader))
    _, hub = await world.gate(hub=True)
    _, ticket_system = await world.gate(kind=GateKind.SYSTEM)
    return {
        "visitor": (access, {"visitor:self"}),
        "who refreshes": (TOKENS.for_session(session, visitor, NOW).refresh, {"refresh:session"}),
        "helper": (TOKENS.for_pass("x", NOW), {"pass:read"}),
        "turnstile": (turnstile, {"gate:scan"}),
        "turnstile with readers": (reader, {"gate:scan", "gate:id_card", "gate:carrier"}),
        "hub": (hub, {"gate:scan", "gate:hub"}),
        "ticket system": (ticket_system, {"gate:scan"}),
        "window": (window, {"gate:scan", "gate:lookup"}),
    }


REFUSED = {"token_invalid", "scope_missing"}
"""What somebody is told whose token does not open a route."""


@pytest.mark.parametrize(("verb", "path", "scope"), CLOSED)
async def test_every_route_is_open_to_its_roles_alone(
    api: Api, world: World, verb: str, path: str, scope: str
) -> None:
    wanted = set(scope.split())
    body = b"{}" if verb in {"POST", "PUT"} else None
    for given, code in ((None, "token_missing"), ("nonsense", "token_invalid")):
        answer = await api.send(verb, path, body, given, {})
        assert_problem(answer, 401, code)
    for role, (token, scopes) in (await roles(world)).items():
        answer = await api.send(verb, path, body, token, {})
        may_call = not wanted.isdisjoint(scopes)
        same_audience = audiences_of(scope) & audiences_of(" ".join(scopes))
        if may_call:
            refusal = answer.json["code"] if answer.status in {401, 403} else None
            assert refusal not in REFUSED, role
        elif same_audience:
            assert_problem(answer, 403, "scope_missing")
        else:
            assert_problem(answer, 401, "token_invalid")


def claims(**changes: Any) -> dict[str, Any]:
    issued = int(NOW.timestamp())
    usual = {
        "iss": ISSUER,
        "aud": "gate",
        "sub": "g",
        "scope": "gate:scan",
        "iat": issued,
        "exp": issued + 60,
        "ver": 1,
    }
    return {name: value for name, value in (usual | changes).items() if value != "absent"}


def signed(key: bytes = SECRET, kid: str = "1", algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid})


def unsigned() -> str:
    def written(part: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    head = written({"alg": "none", "kid": "1", "typ": "JWT"})
    return f"{head}.{written(claims())}."


BENT = {
    "of another audience": signed(aud="pass"),
    "of two audiences": signed(aud=["gate", "pass"]),
    "of another issuer": signed(iss="somebody"),
    "without expiry": signed(exp="absent"),
    "without a subject": signed(sub="absent"),
    "without a scope": signed(scope="absent"),
    "with a scope that is a list": signed(scope=["gate:scan"]),
    "signed with another key": signed(bytes([1]) * 32),
    "with an unknown key id": signed(kid="9"),
    "with a key id that is no number": signed(kid="../1"),
    "of another algorithm": signed(bytes(64), algorithm="HS512"),
    "unsigned": unsigned(),
    "cut": signed()[:-2],
    "empty": "",
    "of three dots": "...",
}


@pytest.mark.parametrize("token", BENT.values(), ids=BENT.keys())
def test_a_bent_token_is_refused(token: str) -> None:
    with pytest.raises(Problem) as refused:
        TOKENS.read(token, GATE, NOW)
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    assert refused.value.code == "token_invalid"


def test_a_token_is_read_until_it_expires_and_the_newest_key_signs() -> None:
    gate = build.gate()
    token = Tokens({1: SECRET, 2: bytes([2]) * 32}).for_gate(gate, NOW)
    assert jwt.get_unverified_header(token)["kid"] == "2"
    both = Tokens({1: SECRET, 2: bytes([2]) * 32})
    caller = both.read(token, GATE, NOW + TOKEN_LIFE - timedelta(seconds=1))
    assert_fields(caller, id=gate.id, scopes=frozenset({"gate:scan"}), version=1)
    with pytest.raises(Problem, match="token_expired"):
        both.read(token, GATE, NOW + TOKEN_LIFE)


async def test_a_caller_without_the_scope_is_forbidden(api: Api) -> None:
    answer = await api.post(
        "/api/v1/gate/scans", {}, signed(scope="gate:other"), Accept_Language="en"
    )
    assert_problem(answer, 403, "scope_missing")
    assert "gate:scan" in answer.json["detail"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "bearer"])
async def test_a_header_without_a_token_is_a_missing_token(api: Api, header: str) -> None:
    answer = await api.post("/api/v1/gate/scans", {}, Authorization=header)
    assert_problem(answer, 401, "token_missing")
