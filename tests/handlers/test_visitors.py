"""Visitors over HTTP: sign-in through the sandbox, sessions, real name, rights, own passes."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from passes.admission.gates import GateKind
from passes.holding.lifecycle import Step
from passes.ledger.verdicts import Reason
from passes.people.sessions import SESSION_LIFE
from passes.terms.validity import Term
from server.auth import ACCESS_LIFE
from server.limits import RATES
from tests.support import build
from tests.support.api import Api
from tests.support.build import HOLDER, OPERATOR
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused
from tests.support.visitors import put_identity, signed_in, token_of
from tests.support.world import Clock, World

SCANS = "/api/v1/gate/scans"
REFRESH = "/api/v1/session/refresh"


async def test_a_visitor_signs_in_stays_signed_in_and_signs_out(api: Api, clock: Clock) -> None:
    session = await signed_in(api)
    visitor_id = session["visitor_id"]
    assert_fields(session, expires_in=1800, real_name=False, privacy_version="2026-11")
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    assert_fields(claims, aud="visitor", scope="visitor:self", sub=visitor_id)
    again, other = await signed_in(api), await signed_in(api, "乙")
    assert again["visitor_id"] == visitor_id
    assert other["visitor_id"] != visitor_id
    clock.time += ACCESS_LIFE
    too_late = await api.get("/api/v1/me", session["access_token"])
    assert_problem(too_late, 401, "token_expired")
    renewed = (await api.post(REFRESH, token=session["refresh_token"])).json
    me = await api.get("/api/v1/me", renewed["access_token"])
    assert me.status == 200
    signed_out = await api.delete("/api/v1/session", renewed["access_token"])
    assert signed_out.json == {"signed_out": "here"}
    ended = await api.post(REFRESH, token=renewed["refresh_token"])
    assert_problem(ended, 401, "session_ended")
    clock.time += SESSION_LIFE
    much_later = await api.post(REFRESH, token=renewed["refresh_token"])
    assert_problem(much_later, 401, "token_expired")


async def test_signing_out_everywhere_works_at_once_on_every_device(api: Api) -> None:
    here, there, other = await signed_in(api), await signed_in(api), await signed_in(api, "乙")
    answer = await api.delete("/api/v1/session?everywhere=true", here["access_token"])
    assert answer.json == {"signed_out": "everywhere"}
    for session in (here, there):
        me = await api.get("/api/v1/me", session["access_token"])
        assert_problem(me, 401, "token_withdrawn")
        refresh = await api.post(REFRESH, token=session["refresh_token"])
        assert_problem(refresh, 401, "token_withdrawn")
    of_other = await api.get("/api/v1/me", other["access_token"])
    assert of_other.status == 200
    again = await signed_in(api)
    assert again["visitor_id"] == here["visitor_id"]


async def test_a_stolen_refresh_token_ends_the_session(api: Api, clock: Clock) -> None:
    session = await signed_in(api)
    renewed = (await api.post(REFRESH, token=session["refresh_token"])).json
    clock.time += timedelta(minutes=2)
    for token in (session["refresh_token"], renewed["refresh_token"]):
        answer = await api.post(REFRESH, token=token)
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
    worth_another_try = status in {429, 503}
    assert ("Retry-After" in answer.headers) is worth_another_try


async def test_a_login_code_with_a_suffix_is_good_once(api: Api) -> None:
    await signed_in(api, "甲:1")
    answer = await api.post("/api/v1/session", {"code": "sandbox:甲:1"})
    assert_problem(answer, 409, "login_code_used")


async def test_a_visitor_says_who_they_are_and_sees_all_that_is_held(
    api: Api, world: World
) -> None:
    token = await token_of(api)
    known = await put_identity(api, token)
    assert known.json == {"name_mask": "测**", "id_number_mask": "110***********002X"}
    phone = await api.post("/api/v1/me/phone", {"code": "sandbox:甲:p"}, token)
    assert phone.json["phone_mask"].startswith("+8610*******")
    held = await world.issue(person=HOLDER)
    _, gate_token = await world.gate(kind=GateKind.HANDHELD)
    await api.post(SCANS, world.scan_body(held, "a"), gate_token)
    me = (await api.get("/api/v1/me", token)).json
    assert me["identity"] == {
        "kind": "resident",
        "name": HOLDER.name,
        "id_number": HOLDER.number,
        "country": None,
        "born": "1990-03-07",
    }
    assert len(me["openid"]) == 28
    assert me["phone"].startswith("+86100")
    assert len(me["sign_ins"]) == 1
    assert me["consent"] == {"version": "2026-11", "at": "2026-07-01T02:00:00Z", "guardian": None}
    assert [event["what"] for event in me["passes"][0]["story"]] == ["issue", "admitted"]
    assert {event["by"] for event in me["passes"][0]["story"]} == {"operator", "gate"}
    session = await signed_in(api)
    assert session["real_name"]


async def test_a_child_is_known_with_a_guardians_consent(api: Api) -> None:
    token = await token_of(api)
    number = build.id_number("11010120160307002")
    refused = await put_identity(api, token, id_number=number)
    assert_problem(refused, 422, "guardian_needed")
    guardian = {"name": HOLDER.name, "id_number": HOLDER.number}
    known = await put_identity(api, token, id_number=number, guardian=guardian)
    assert known.status == 200
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
    first, *_ = answer.json["errors"]
    assert first["where"] == where
    assert "1990030700" not in answer.body.decode()


async def test_a_person_is_known_to_one_account_which_may_be_erased(api: Api, world: World) -> None:
    mine, other = await token_of(api), await token_of(api, "乙")
    known = await put_identity(api, mine)
    assert known.status == 200
    refused = await put_identity(api, other)
    assert_problem(refused, 409, "identity_bound")
    held = await world.issue(person=HOLDER)
    forbidden = await api.delete("/api/v1/me", mine)
    assert_problem(forbidden, 409, "passes_in_force")
    assert forbidden.json["errors"][0]["where"] == f"passes.{held.id}"
    erased = await api.delete("/api/v1/me?give_up_passes=true", mine)
    assert erased.json == {"passes_given_up": [held.id]}
    gone = await api.get("/api/v1/me", mine)
    assert_problem(gone, 401, "token_withdrawn")
    free_again = await put_identity(api, other)
    assert free_again.status == 200
    passes = await api.get("/api/v1/passes", other)
    assert passes.json == {"total": 0, "items": []}
    _, gate_token = await world.gate()
    scan = await api.post(SCANS, world.scan_body(held, "a"), gate_token)
    assert_refused(scan, Reason.REVOKED)
    assert scan.json["pass"]["holder_mask"] == ""


async def test_a_holder_finds_shows_freezes_and_unfreezes_the_pass(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    path, token = f"/api/v1/passes/{held.id}", await token_of(api)
    before = await api.get("/api/v1/passes", token)
    assert before.json["total"] == 0
    await put_identity(api, token)
    (mine,) = (await api.get("/api/v1/passes", token)).json["items"]
    assert_fields(
        mine, id=held.id, title={"zh": "年票", "en": "annual pass"}, state="active", can=["freeze"]
    )
    one = (await api.get(path, token)).json
    assert one == mine | {"rules": one["rules"]}
    code = await api.get(f"{path}/code", token)
    assert code.json["text"] == world.live(held)
    frozen = await api.post(f"{path}/freeze", token=token)
    assert_fields(frozen.json, state="frozen", can=["unfreeze"])
    again = await api.post(f"{path}/freeze", token=token)
    assert again.json == frozen.json
    _, gate_token = await world.gate(kind=GateKind.HANDHELD)
    assert_refused(await api.post(SCANS, world.scan_body(held, "a"), gate_token), Reason.FROZEN)
    unfrozen = await api.post(f"{path}/unfreeze", token=token)
    assert unfrozen.json == mine
    seen = await api.post(SCANS, world.scan_body(held, "b"), gate_token)
    assert_admitted(seen, check_identity=True)
    visits = await api.get(f"{path}/admissions", token)
    assert visits.json["total"] == 1


async def test_what_staff_have_frozen_staff_unfreeze(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    path, token = f"/api/v1/passes/{held.id}", await token_of(api)
    await put_identity(api, token)
    await api.post(f"{path}/freeze", token=token)
    take = world.system.holding.lifecycle.take
    await take(held.id, Step.FREEZE, OPERATOR, world.clock(), "fraud")
    answer = await api.post(f"{path}/unfreeze", token=token)
    assert_problem(answer, 409, "frozen_by_staff")
    frozen = await api.get(path, token)
    assert frozen.json["can"] == []
    await take(held.id, Step.UNFREEZE, OPERATOR, world.clock())
    unfrozen = await api.get(path, token)
    assert unfrozen.json["state"] == "active"


async def test_a_holder_activates_the_pass(api: Api, world: World, clock: Clock) -> None:
    await world.publish(term=Term(days=10, activate_within=30))
    held = await world.issue("other", person=HOLDER)
    path = f"/api/v1/passes/{held.id}"
    await put_identity(api, await token_of(api))
    clock.time += timedelta(days=3)
    token = await token_of(api)
    before = await api.get(path, token)
    assert_fields(before.json, state="issued", can=["activate", "freeze"], activate_by="2026-07-31")
    after = await api.post(f"{path}/activate", token=token)
    assert_fields(after.json, state="active", valid_from="2026-07-04", valid_until="2026-07-13")
    again = await api.post(f"{path}/activate", token=token)
    assert again.json == after.json


OWN = ["", "/code", "/qr.png", "/qr.svg", "/admissions"]


async def test_the_pass_of_another_visitor_is_not_there(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    token, other = await token_of(api), await token_of(api, "乙")
    await put_identity(api, token)
    await put_identity(api, other, id_number=build.person(7).number)
    for view in OWN:
        own = await api.get(f"/api/v1/passes/{held.id}{view}", token)
        assert own.status == 200
        answer = await api.get(f"/api/v1/passes/{held.id}{view}", other)
        assert_problem(answer, 404, "pass_unknown")
    for step in ("activate", "freeze", "unfreeze"):
        for pass_id in (held.id, "0" * 16):
            answer = await api.post(f"/api/v1/passes/{pass_id}/{step}", token=other)
            assert_problem(answer, 404, "pass_unknown")


async def test_too_many_calls_are_told_when_to_try_again(api: Api, clock: Clock) -> None:
    token, other = await token_of(api), await token_of(api, "乙")
    of_visitor, _ = RATES["identity"]
    assert of_visitor is not None
    for _ in range(of_visitor.burst):
        wrong = await put_identity(api, token, name="甲")
        assert_problem(wrong, 422, "identity_invalid")
    answer = await put_identity(api, token)
    assert_problem(answer, 429, "too_often")
    wait = int(answer.headers["Retry-After"])
    assert wait == of_visitor.seconds
    of_other = await put_identity(api, other)
    assert of_other.status == 200, "another visitor is not held up"
    clock.time += timedelta(seconds=wait)
    once = await put_identity(api, token, name="甲")
    assert_problem(once, 422, "identity_invalid")
    twice = await put_identity(api, token, name="甲")
    assert_problem(twice, 429, "too_often")


async def test_a_look_at_the_card_is_told_to_the_phone(api: Api, world: World) -> None:
    """Before the visitor queues at a turnstile; after a look no pass of theirs waits for one."""
    shown = await world.issue(person=HOLDER)
    await world.publish()
    other = await world.issue("other", person=HOLDER)
    token = await token_of(api)
    await put_identity(api, token)
    due = {item["id"]: item["card_due"] for item in await items_of(api, token)}
    assert due == {shown.id: True, other.id: True}
    _, turnstile = await world.gate()
    refused = await api.post(SCANS, world.scan_body(other, "a"), turnstile)
    assert_refused(refused, Reason.CHECK_IDENTITY, speak="请走人工通道")
    _, handheld = await world.gate(kind=GateKind.HANDHELD)
    assert_admitted(await api.post(SCANS, world.scan_body(shown, "b"), handheld))
    code = await api.get(f"/api/v1/passes/{other.id}/code", token)
    assert code.status == 200
    assert_admitted(await api.post(SCANS, world.scan_body(other, "c"), turnstile))
    due = {item["id"]: item["card_due"] for item in await items_of(api, token)}
    assert due == {shown.id: False, other.id: False}


async def test_who_was_unbound_by_staff_is_told_so(api: Api, world: World, clock: Clock) -> None:
    """A pass went from one account to another, and the first never learned of it."""
    token = await token_of(api)
    await put_identity(api, token)
    assert (await api.get("/api/v1/me", token)).json["notice"] is None
    unbind = world.system.people.identification.unbind
    await unbind(HOLDER, OPERATOR, clock.time, "lost phone")
    notice = (await api.get("/api/v1/me", token)).json["notice"]
    assert_fields(notice, code="identity_unbound", at="2026-07-01T02:00:00Z")


async def items_of(api: Api, token: str) -> list[dict[str, Any]]:
    """The passes of a visitor."""
    return list((await api.get("/api/v1/passes", token)).json["items"])
