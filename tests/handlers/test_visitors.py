"""Visitors over HTTP: sign-in through the sandbox, sessions, real name, rights, and their own passes."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from passes.holding.lifecycle import Step
from passes.people.identity import check_digit
from passes.people.sessions import SESSION_LIFE
from passes.terms.terms import Term
from server.auth import ACCESS_LIFE
from server.limits import RATES
from tests.support import build
from tests.support.api import Answer, Api
from tests.support.build import HOLDER
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import Clock, World

RESIDENT = {"name": HOLDER.name, "id_number": HOLDER.number, "consent_version": "2026-11"}


async def signed_in(api: Api, name: str = "甲") -> Any:
    answer = await api.post("/api/v1/session", {"code": f"sandbox:{name}"})
    assert answer.status == 200, answer.body
    return answer.json


async def token_of(api: Api, name: str = "甲") -> str:
    return str((await signed_in(api, name))["access_token"])


async def put_identity(api: Api, token: str, **changes: Any) -> Answer:
    body = {name: value for name, value in (RESIDENT | changes).items() if value is not None}
    return await api.send(
        "PUT", "/api/v1/me/identity", json.dumps(body).encode(), token, {"Accept_Language": "en"}
    )


async def delete(api: Api, path: str, token: str) -> Answer:
    return await api.send("DELETE", path, None, token, {})


async def test_a_visitor_signs_in_stays_signed_in_and_signs_out(api: Api, clock: Clock) -> None:
    session = await signed_in(api)
    assert_fields(
        session,
        expires_in=1800,
        real_name=False,
        privacy_version="2026-11",
    )
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert_fields(
        claims,
        aud="visitor",
        scope="visitor:self",
        sub=session["visitor_id"],
    )
    assert (await signed_in(api))["visitor_id"] == session["visitor_id"]
    assert (await signed_in(api, "乙"))["visitor_id"] != session["visitor_id"]
    clock.time += ACCESS_LIFE
    assert (await api.get("/api/v1/me", session["access_token"])).json["code"] == "token_expired"
    renewed = (await api.post("/api/v1/session/refresh", token=session["refresh_token"])).json
    assert (await api.get("/api/v1/me", renewed["access_token"])).status == 200
    assert (await delete(api, "/api/v1/session", renewed["access_token"])).json == {
        "signed_out": "here"
    }
    answer = await api.post("/api/v1/session/refresh", token=renewed["refresh_token"])
    assert_problem(answer, 401, "session_ended")
    clock.time += SESSION_LIFE
    assert (await api.post("/api/v1/session/refresh", token=renewed["refresh_token"])).json[
        "code"
    ] == "token_expired"


async def test_signing_out_everywhere_works_at_once_on_every_device(api: Api) -> None:
    here, there, other = await signed_in(api), await signed_in(api), await signed_in(api, "乙")
    answer = await delete(api, "/api/v1/session?everywhere=true", here["access_token"])
    assert answer.json == {"signed_out": "everywhere"}
    for session in (here, there):
        assert (await api.get("/api/v1/me", session["access_token"])).json[
            "code"
        ] == "token_withdrawn"
        refresh = await api.post("/api/v1/session/refresh", token=session["refresh_token"])
        assert refresh.json["code"] == "token_withdrawn"
    assert (await api.get("/api/v1/me", other["access_token"])).status == 200
    assert (await signed_in(api))["visitor_id"] == here["visitor_id"]


async def test_a_stolen_refresh_token_ends_the_session(api: Api, clock: Clock) -> None:
    session = await signed_in(api)
    renewed = (await api.post("/api/v1/session/refresh", token=session["refresh_token"])).json
    clock.time += timedelta(minutes=2)
    for token in (session["refresh_token"], renewed["refresh_token"]):
        answer = await api.post("/api/v1/session/refresh", token=token)
        assert_problem(answer, 401, "session_ended")


@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("sandbox:errcode:40029", 422, "login_code_invalid"),
        ("nonsense", 422, "login_code_invalid"),
        ("\x00", 422, "login_code_invalid"),
        ("sandbox:errcode:40163", 409, "login_code_used"),
        ("sandbox:errcode:45011", 429, "wechat_too_often"),
        ("sandbox:errcode:40226", 403, "visitor_blocked"),
        ("sandbox:errcode:-1", 503, "wechat_busy"),
        ("sandbox:errcode:99999", 503, "wechat_unavailable"),
    ],
)
async def test_what_wechat_objects_to_is_told_apart(
    api: Api, code: str, status: int, problem: str
) -> None:
    answer = await api.post("/api/v1/session", {"code": code})
    assert_problem(answer, status, problem)
    assert ("Retry-After" in answer.headers) == (status in {429, 503})


async def test_a_login_code_with_a_suffix_is_good_once(api: Api) -> None:
    assert (await api.post("/api/v1/session", {"code": "sandbox:甲:1"})).status == 200
    answer = await api.post("/api/v1/session", {"code": "sandbox:甲:1"})
    assert_problem(answer, 409, "login_code_used")


async def test_a_visitor_says_who_they_are_and_sees_all_that_is_held(
    api: Api, world: World
) -> None:
    token = await token_of(api)
    known = await put_identity(api, token)
    assert known.json == {"name_mask": "测**", "id_number_mask": "110***********002X"}
    phone = await api.post("/api/v1/me/phone", {"code": "sandbox:甲:p"}, token)
    assert phone.json["phone_mask"].startswith("100******")
    held = await world.issue(person=HOLDER)
    _, gate_token = await world.gate()
    await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), gate_token)
    me = (await api.get("/api/v1/me", token)).json
    assert me["identity"] == {
        "kind": "resident",
        "name": HOLDER.name,
        "id_number": HOLDER.number,
        "country": None,
        "born": "1990-03-07",
    }
    assert len(me["openid"]) == 28
    assert len(me["phone"]) == 11
    assert len(me["sign_ins"]) == 1
    assert me["consent"] == {"version": "2026-11", "at": "2026-07-01T02:00:00Z", "guardian": None}
    assert [event["what"] for event in me["passes"][0]["story"]] == ["issue", "admitted"]
    assert {event["by"] for event in me["passes"][0]["story"]} == {"operator", "gate"}
    assert (await signed_in(api))["real_name"]


async def test_a_child_is_known_with_a_guardians_consent(api: Api) -> None:
    token = await token_of(api)
    number = "11010120160307002" + check_digit("11010120160307002")
    refused = await put_identity(api, token, id_number=number)
    assert_problem(refused, 422, "guardian_needed")
    guardian = {"name": HOLDER.name, "id_number": HOLDER.number}
    assert (await put_identity(api, token, id_number=number, guardian=guardian)).status == 200
    me = (await api.get("/api/v1/me", token)).json
    assert me["consent"]["guardian"]["id_number"] == HOLDER.number


@pytest.mark.parametrize(
    ("changes", "status", "where"),
    [
        ({"id_number": "110101199003070020"}, 422, "id_number"),
        ({"name": "甲"}, 422, "name"),
        ({"consent_version": "1"}, 422, "consent_version"),
        ({"consent_version": None}, 422, "body.consent_version"),
        ({"kind": "driving_licence"}, 422, "body.kind"),
        ({"kind": "passport", "id_number": "12AB34567"}, 422, "country"),
        ({"born": "1990-03-07"}, 422, "born"),
        ({"id_number": 110101199003070020}, 422, "body.id_number"),
        ({"surprise": 1}, 422, "body.surprise"),
    ],
)
async def test_a_wrong_identity_is_named_without_being_repeated(
    api: Api, changes: dict[str, Any], status: int, where: str
) -> None:
    answer = await put_identity(api, await token_of(api), **changes)
    assert answer.status == status
    assert answer.json["errors"][0]["where"] == where
    assert "1990030700" not in answer.body.decode()


async def test_a_person_is_known_to_one_account_which_may_be_erased(api: Api, world: World) -> None:
    mine, other = await token_of(api), await token_of(api, "乙")
    assert (await put_identity(api, mine)).status == 200
    refused = await put_identity(api, other)
    assert_problem(refused, 409, "identity_bound")
    held = await world.issue(person=HOLDER)
    forbidden = await delete(api, "/api/v1/me", mine)
    assert_problem(forbidden, 409, "passes_in_force")
    assert forbidden.json["errors"][0]["where"] == f"passes.{held.id}"
    erased = await delete(api, "/api/v1/me?give_up_passes=true", mine)
    assert erased.json == {"passes_given_up": [held.id]}
    assert (await api.get("/api/v1/me", mine)).json["code"] == "token_withdrawn"
    assert (await put_identity(api, other)).status == 200
    assert (await api.get("/api/v1/passes", other)).json == {"total": 0, "items": []}
    _, gate_token = await world.gate()
    scan = (await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), gate_token)).json
    assert scan["reason"] == "revoked"
    assert scan["pass"]["holder_mask"] == ""


async def test_a_holder_finds_shows_freezes_and_unfreezes_the_pass(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    token = await token_of(api)
    assert (await api.get("/api/v1/passes", token)).json["total"] == 0
    await put_identity(api, token)
    (mine,) = (await api.get("/api/v1/passes", token)).json["items"]
    assert_fields(
        mine,
        id=held.id,
        title={"zh": "年票", "en": "annual pass"},
        state="active",
        can=["freeze"],
    )
    assert (await api.get(f"/api/v1/passes/{held.id}", token)).json == mine
    assert (await api.get(f"/api/v1/passes/{held.id}/code", token)).json["text"] == world.live(held)
    frozen = (await api.post(f"/api/v1/passes/{held.id}/freeze", token=token)).json
    assert frozen["state"] == "frozen"
    assert frozen["can"] == ["unfreeze"]
    assert (await api.post(f"/api/v1/passes/{held.id}/freeze", token=token)).json == frozen
    _, gate_token = await world.gate()
    scan = await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), gate_token)
    assert scan.json["reason"] == "frozen"
    assert (await api.post(f"/api/v1/passes/{held.id}/unfreeze", token=token)).json == mine
    scan = await api.post("/api/v1/gate/scans", world.scan_body(held, "b"), gate_token)
    assert scan.json["reason"] == "ok"
    assert (await api.get(f"/api/v1/passes/{held.id}/admissions", token)).json["total"] == 1


async def test_what_staff_have_frozen_staff_unfreeze(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    token = await token_of(api)
    await put_identity(api, token)
    await api.post(f"/api/v1/passes/{held.id}/freeze", token=token)
    await world.system.holding.lifecycle.take(
        held.id, Step.FREEZE, "operator:test", world.clock(), "fraud"
    )
    answer = await api.post(f"/api/v1/passes/{held.id}/unfreeze", token=token)
    assert_problem(answer, 409, "frozen_by_staff")
    assert (await api.get(f"/api/v1/passes/{held.id}", token)).json["can"] == []
    await world.system.holding.lifecycle.take(
        held.id, Step.UNFREEZE, "operator:test", world.clock()
    )
    assert (await api.get(f"/api/v1/passes/{held.id}", token)).json["state"] == "active"


async def test_a_holder_activates_the_pass(api: Api, world: World, clock: Clock) -> None:
    await world.publish(term=Term(days=10, activate_within=30))
    held = await world.issue("other", person=HOLDER)
    token = await token_of(api)
    await put_identity(api, token)
    clock.time += timedelta(days=3)
    token = await token_of(api)
    before = (await api.get(f"/api/v1/passes/{held.id}", token)).json
    assert_fields(
        before,
        state="issued",
        can=["activate", "freeze"],
        activate_by="2026-07-31",
    )
    after = (await api.post(f"/api/v1/passes/{held.id}/activate", token=token)).json
    assert_fields(
        after,
        state="active",
        valid_from="2026-07-04",
        valid_until="2026-07-13",
    )
    assert (await api.post(f"/api/v1/passes/{held.id}/activate", token=token)).json == after


OWN = ["", "/code", "/qr.png", "/qr.svg", "/admissions"]


async def test_the_pass_of_another_visitor_is_not_there(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    token, other = await token_of(api), await token_of(api, "乙")
    await put_identity(api, token)
    await put_identity(api, other, id_number=build.person(7).number)
    for view in OWN:
        assert (await api.get(f"/api/v1/passes/{held.id}{view}", token)).status == 200
        answer = await api.get(f"/api/v1/passes/{held.id}{view}", other)
        assert_problem(answer, 404, "pass_unknown")
    for step in ("activate", "freeze", "unfreeze"):
        assert (await api.post(f"/api/v1/passes/{held.id}/{step}", token=other)).status == 404
        assert (await api.post(f"/api/v1/passes/{'0' * 16}/{step}", token=other)).status == 404


async def test_too_many_calls_are_told_when_to_try_again(api: Api, clock: Clock) -> None:
    token, other = await token_of(api), await token_of(api, "乙")
    of_visitor, _ = RATES["identity"]
    assert of_visitor is not None
    for _ in range(of_visitor.burst):
        assert (await put_identity(api, token, name="甲")).status == 422
    answer = await put_identity(api, token)
    assert_problem(answer, 429, "too_often")
    wait = int(answer.headers["Retry-After"])
    assert wait == of_visitor.seconds
    assert (await put_identity(api, other)).status == 200, "another visitor is not held up"
    clock.time += timedelta(seconds=wait)
    assert (await put_identity(api, token, name="甲")).status == 422
    assert (await put_identity(api, token, name="甲")).status == 429
