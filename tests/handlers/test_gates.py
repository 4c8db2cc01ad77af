"""Gates over HTTP: enrolment, scans, annulments, and whatever a broken or hostile gate may send."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.gate_keeping import NewGate
from passes.admission.gates import Gate, GateKind
from passes.base.calendar import start_of
from passes.ledger.verdicts import Reason
from passes.people.identity import DocumentKind, IdentityDocument, identify
from passes.store.admission import GateStore
from passes.terms.prices import Party, Payment
from scenic_data.kinds import FreeEntry, FreeFor
from server.mongo import Mongo
from tests.support.api import Api
from tests.support.build import EMEISHAN, HOLDER, NOW, OPERATOR, TODAY, XIANNVSHAN
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused, reason_of
from tests.support.world import Clock, World

SCANS = "/api/v1/gate/scans"


async def enrolled(api: Api, world: World, spot_id: str, kind: GateKind) -> str:
    """The token of a device that enrols itself over HTTP."""
    new = await world.system.admission.gate_keeping.add(spot_id, kind, "北门", OPERATOR, NOW)
    answer = await api.post("/api/v1/gate/enrol", {"setup_code": new.setup_code})
    assert answer.status == 200
    assert answer.json["gate_id"] == new.gate.id
    assert answer.json["spot"]["id"] == spot_id
    return str(answer.json["token"])


async def test_the_whole_way(api: Api, world: World, clock: Clock) -> None:
    """A device enrols at each end of the land; a pass is admitted at both, once a day."""
    turnstile = await enrolled(api, world, EMEISHAN, GateKind.TURNSTILE)
    handheld = await enrolled(api, world, XIANNVSHAN, GateKind.HANDHELD)
    held = await world.issue()

    first = await api.post(SCANS, world.scan_body(held, "a"), turnstile)
    assert first.status == 200
    assert first.json == {
        "verdict": "admitted",
        "reason": "ok",
        "message": {"zh": "欢迎入园", "en": "Welcome"},
        "speak": "欢迎光临",
        "admits": 1,
        "category": None,
        "free": {},
        "pays": 0,
        "amount_fen": None,
        "pass": {
            "id": held.id,
            "product": "annual",
            "title": {"zh": "年票", "en": "annual pass"},
            "category": {"zh": "成人票", "en": "adult"},
            "holder_mask": "测** 110***********002X",
        },
        "visits_left": None,
        "admitted_from": None,
        "check_identity": False,
        "nonce": "a",
        "decided_at": "2026-07-01T02:00:00Z",
        "skew_ms": 0,
    }
    clock.time += timedelta(minutes=1)
    second = await api.post(SCANS, world.scan_body(held, "b"), turnstile)
    tomorrow = start_of(TODAY + timedelta(days=1))
    assert_refused(second, Reason.ALREADY_TODAY, admitted_from=tomorrow)
    assert second.json["message"]["zh"] == "今日已入园，可于2026年7月2日再来"
    assert second.json["admitted_from"] == "2026-07-01T16:00:00Z"
    printed = world.scan_body(held, "c", world.printed(held))
    there = await api.post(SCANS, printed, handheld)
    assert_admitted(there, check_identity=True, speak="请核对证件")


async def test_32_scans_at_once_admit_exactly_once(api: Api, world: World) -> None:
    """At two gates: at that which admits they are one showing, at the other a second visit."""
    held = await world.issue()
    _, here = await world.gate()
    _, there = await world.gate()
    answers = await asyncio.gather(
        *(api.post(SCANS, world.scan_body(held, f"{n}"), here) for n in range(16)),
        *(api.post(SCANS, world.scan_body(held, f"{n}"), there) for n in range(16)),
    )
    assert {answer.status for answer in answers} == {200}
    reasons = Counter(reason_of(answer) for answer in answers)
    assert reasons == {Reason.OK: 1, Reason.REPEAT: 15, Reason.ALREADY_TODAY: 16}


async def test_a_lost_reply_is_asked_for_again(api: Api, world: World) -> None:
    held = await world.issue()
    _, token = await world.gate()
    body = world.scan_body(held, "a")
    first, again = await api.post(SCANS, body, token), await api.post(SCANS, body, token)
    assert_admitted(first)
    assert again.json == first.json


async def test_children_who_are_free_by_law_come_in_beside_the_holder(
    api: Api, world: World
) -> None:
    children = FreeEntry(who=FreeFor.CHILDREN, to_age=6)
    sources = {"free_entry": ("a notice",)}
    await world.change_spot(EMEISHAN, free_entry=(children,), sources=sources)
    held = await world.issue()
    _, handheld = await world.gate(kind=GateKind.HANDHELD)
    _, turnstile = await world.gate()
    family = world.scan_body(held, "a") | {"free": {"child": 2}}
    assert_problem(await api.post(SCANS, family, turnstile), 403, "free_needs_staff")
    soldiers = family | {"nonce": "b", "free": {"soldier": 1}}
    problem = await api.post(SCANS, soldiers, handheld)
    assert_problem(problem, 422, "not_free_by_law")
    assert problem.json["errors"] == [
        {"where": "free.soldier", "what": "not free by law here today; free are: child"}
    ]
    answer = await api.post(SCANS, family, handheld)
    assert_admitted(answer, admits=3, pays=0, category=None, check_identity=True)
    assert answer.json["free"] == {"child": 2}
    other = await api.post(SCANS, family | {"free": {"child": 1}}, handheld)
    assert_problem(other, 409, "nonce_reused")


@pytest.mark.parametrize(
    "what",
    [
        {"free": {"child": 0}},
        {"free": {"child": 21}},
        {"free": {"any": 1}},
        {"free": 2},
        {"free": {"child": 1}, "leaving": True},
        {"free": {"child": 1}, "purpose": "pay"},
    ],
)
async def test_free_names_people_who_come_in(api: Api, world: World, what: dict[str, Any]) -> None:
    _, token = await world.gate(kind=GateKind.WINDOW)
    body = world.scan_body(await world.issue(), "a") | what
    assert_problem(await api.post(SCANS, body, token), 422, "body_invalid")


async def test_an_admission_is_annulled(api: Api, world: World, clock: Clock) -> None:
    held = await world.issue()
    _, token = await world.gate()
    _, elsewhere = await world.gate()
    await api.post(SCANS, world.scan_body(held, "a"), token)
    by_another_gate = await api.post(f"{SCANS}/a/annul", token=elsewhere)
    assert_problem(by_another_gate, 404, "scan_unknown")
    undone = await api.post(f"{SCANS}/a/annul", token=token)
    assert undone.status == 200
    assert undone.json == {
        "nonce": "a",
        "pass_id": held.id,
        "annulled_at": "2026-07-01T02:00:00Z",
        "gives_back": 0,
        "gives_back_fen": 0,
    }
    again = await api.post(f"{SCANS}/a/annul", token=token)
    assert again.json == undone.json
    assert_admitted(await api.post(SCANS, world.scan_body(held, "b"), token))
    clock.time += timedelta(minutes=16)
    late = await api.post(f"{SCANS}/b/annul", token=token)
    assert_problem(late, 409, "annul_too_late")


async def test_a_window_takes_the_money_and_a_turnstile_sends_there(api: Api, world: World) -> None:
    await world.publish(party=Party(2, 1), payment=Payment.AT_WINDOW)
    held = await world.issue("other")
    _, turnstile = await world.gate()
    _, window = await world.gate(kind=GateKind.WINDOW)
    refused = await api.post(SCANS, world.scan_body(held, "a"), turnstile)
    assert_refused(refused, Reason.PAY_AT_WINDOW, speak="请到窗口付款")
    admitted = await api.post(SCANS, world.scan_body(held, "b"), window)
    assert_admitted(admitted, admits=2, pays=1, speak="请收1人票款")


async def test_a_setup_code_works_once_and_for_a_week(api: Api, world: World, clock: Clock) -> None:
    keeping = world.system.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.HANDHELD, "", OPERATOR, NOW)
    typed = new.setup_code.replace("-", " ").lower()
    answers = await asyncio.gather(
        *(
            api.post("/api/v1/gate/enrol", {"setup_code": typed, "device": f"device-number-{n:06}"})
            for n in range(5)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 404, 404, 404, 404]
    late = await keeping.add(EMEISHAN, GateKind.HANDHELD, "", OPERATOR, NOW)
    clock.time += timedelta(days=7)
    expired = await api.post("/api/v1/gate/enrol", {"setup_code": late.setup_code})
    assert_problem(expired, 409, "setup_code_expired")
    guessed = await api.post("/api/v1/gate/enrol", {"setup_code": "AAAA-AAAA-AAAA"})
    assert_problem(guessed, 404, "setup_code_unknown")


async def test_a_renewed_gate_loses_its_token_and_a_disabled_one_refuses(
    api: Api, world: World
) -> None:
    held = await world.issue()
    gate, token = await world.gate()
    keeping = world.system.admission.gate_keeping
    await keeping.disable(gate.id, OPERATOR, NOW)
    await world.services.refresh()
    disabled = await api.post(SCANS, world.scan_body(held, "a"), token)
    assert_refused(disabled, Reason.GATE_DISABLED)
    renewed = await keeping.renew(gate.id, OPERATOR, NOW)
    await world.services.refresh()
    with_old_token = await api.post(SCANS, world.scan_body(held, "b"), token)
    assert_problem(with_old_token, 401, "token_withdrawn")
    fresh = await api.post("/api/v1/gate/enrol", {"setup_code": renewed.setup_code})
    assert_admitted(await api.post(SCANS, world.scan_body(held, "c"), fresh.json["token"]))


async def test_a_gate_that_enrolled_at_another_process_is_known_at_once(
    api: Api, world: World
) -> None:
    held, keeping = await world.issue(), world.system.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.TURNSTILE, "", OPERATOR, NOW)
    gate = await keeping.enrol(new.setup_code, NOW)
    token = world.services.tokens.for_gate(gate, NOW)
    assert_admitted(await api.post(SCANS, world.scan_body(held, "a"), token))


async def test_a_gate_learns_that_its_token_ends(api: Api, world: World, clock: Clock) -> None:
    """For 366 days it worked; then nobody had known."""
    held, (gate, token) = await world.issue(), await world.gate()
    fresh = await api.post(SCANS, world.scan_body(held, "a"), token)
    assert "Bashu-Token-Expires" not in fresh.headers
    clock.time += timedelta(days=336, seconds=1)
    near = await api.post(SCANS, world.scan_body(held, "b"), token)
    assert near.headers["Bashu-Token-Expires"] == "2027-07-02T02:00:00Z"
    assert gate.token_ends_at == NOW + timedelta(days=366)
    clock.time += timedelta(days=30)
    over = await api.post(SCANS, world.scan_body(held, "c"), token)
    assert_problem(over, 401, "token_expired")


async def test_an_enrolment_sent_again_gets_the_same_token(api: Api, world: World) -> None:
    keeping = world.system.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.HANDHELD, "", OPERATOR, NOW)
    body = {"setup_code": new.setup_code, "device": "b1f0c2d46f9a4be8"}
    answers = [await api.post("/api/v1/gate/enrol", body) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[0].json["token_expires_at"] == "2027-07-02T02:00:00Z"


GOOD = {"code": "BP1:X", "nonce": "n1", "scanned_at": "2026-07-01T10:00:00+08:00"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"code": None}, "body"),
        ({"code": 7}, "body.code"),
        ({"code": "x" * 1025}, "body.code"),
        ({"nonce": ""}, "body.nonce"),
        ({"nonce": "a b"}, "body.nonce"),
        ({"nonce": "a:b"}, "body.nonce"),
        ({"nonce": "n" * 65}, "body.nonce"),
        ({"nonce": "n\n"}, "body.nonce"),
        ({"nonce": {"$gt": ""}}, "body.nonce"),
        ({"scanned_at": "yesterday"}, "body.scanned_at"),
        ({"scanned_at": "2026-07-01T10:00:00"}, "body.scanned_at"),
        ({"scanned_at": "0001-01-01T00:00:00+14:00"}, "body.scanned_at"),
        ({"scanned_at": "9999-12-31T23:59:59-14:00"}, "body.scanned_at"),
        ({"scanned_at": 1782871200}, "body.scanned_at"),
        ({"party": 0}, "body.party"),
        ({"party": 10**30}, "body.party"),
        ({"party": True}, "body.party"),
        ({"party": "1"}, "body.party"),
        ({"gate": "another"}, "body.gate"),
    ],
)
async def test_a_wrong_field_is_named_and_leaves_nothing(
    api: Api, world: World, mongo: Mongo, change: dict[str, Any], where: str
) -> None:
    _, token = await world.gate()
    answer = await api.post(SCANS, GOOD | change, token, Accept_Language="en")
    assert_problem(answer, 422, "body_invalid")
    assert [error["where"] for error in answer.json["errors"]] == [where]
    assert await mongo.collection("refusals").find({}) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'{"code": "\\ud800"}',
        b"null",
        b"[]",
        b"7",
        b'"code"',
    ],
)
async def test_what_is_no_json_object_is_refused(api: Api, world: World, body: bytes) -> None:
    _, token = await world.gate()
    answer = await api.post(SCANS, body, token)
    assert answer.status in {400, 422}
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024, 9 * 1024 * 1024])
async def test_a_large_body_is_refused_before_it_is_read(api: Api, world: World, size: int) -> None:
    _, token = await world.gate()
    answer = await api.post(SCANS, b" " * size, token)
    assert_problem(answer, 413, "body_too_large")


async def test_a_body_without_its_length_is_refused(api: Api, world: World) -> None:
    _, token = await world.gate()
    head = (
        f"POST {SCANS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    reply = await api.raw(head.encode() + b"2\r\n{}\r\n0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 411 ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["code", "nonce", "scanned_at", "party"])


def as_code_and_nonce(texts: tuple[str, str]) -> bytes:
    code, nonce = texts
    return json.dumps(GOOD | {"code": code, "nonce": nonce}).encode()


def as_one_field(change: tuple[str, Any]) -> bytes:
    name, value = change
    return json.dumps(GOOD | {name: value}).encode()


BODIES = (
    st.binary(max_size=300)
    | st.tuples(FIELDS, JSON).map(as_one_field)
    | st.tuples(st.text(max_size=200), st.text(max_size=70)).map(as_code_and_nonce)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(BODIES)
def test_whatever_is_sent_gives_a_problem_or_a_verdict(
    io_loop: IOLoop, api: Api, world: World, mongo: Mongo, body: bytes
) -> None:
    async def send() -> None:
        answer = await api.post(SCANS, body, await world.any_gate())
        assert answer.status in {200, 400, 409, 422}, answer.body
        if answer.status == 200:
            assert answer.json["verdict"] == "refused"
        assert await mongo.collection("admissions").find({}) == []

    io_loop.run_sync(send)


async def test_a_gate_renewed_while_its_device_enrols_is_lost_to_one_of_them(world: World) -> None:
    """Whoever comes first, a token from before the renewal is worthless after it."""
    keeping = world.system.admission.gate_keeping
    for _ in range(12):
        new = await keeping.add(EMEISHAN, GateKind.HANDHELD, "", OPERATOR, NOW)
        enrolled, renewed = await asyncio.gather(
            keeping.enrol(new.setup_code, NOW),
            keeping.renew(new.gate.id, OPERATOR, NOW),
            return_exceptions=True,
        )
        assert isinstance(renewed, NewGate)
        gates = {gate.id: gate for gate in await GateStore(world.mongo).all()}
        stored = gates[new.gate.id]
        assert stored == renewed.gate
        if isinstance(enrolled, Gate):
            assert enrolled.token_version < stored.token_version


@pytest.mark.parametrize(
    "instant",
    [
        "1782871200",
        "2026-07-01",
        "2026-07-01 10:00:00Z",
        "2026-07-01T10:00Z",
        "2026-07-01T10:00:00",
        "2026-07-01T10:00:00,5Z",
        "2026-07-01T10:00:00+0800",
        "2026-07-01T10:00:00." + "1" * 5000 + "Z",
        "2026-07-01T24:00:00Z",
        "2026-07-01T10:00:60Z",
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00Z",
    ],
)
async def test_only_rfc_3339_is_an_instant(api: Api, world: World, instant: str) -> None:
    _, token = await world.gate()
    answer = await api.post(SCANS, {"code": "x", "nonce": "n", "scanned_at": instant}, token)
    assert answer.status == 422
    assert [fault["where"] for fault in answer.json["errors"]] == ["body.scanned_at"]


async def test_many_faults_are_told_in_part(api: Api) -> None:
    answer = await api.post("/api/v1/gate/enrol", {f"field{n}": n for n in range(3000)})
    assert answer.status == 422
    assert len(answer.json["errors"]) == 20


async def test_staff_find_the_pass_of_a_visitor_without_a_phone(api: Api, world: World) -> None:
    held = await world.issue()
    _, handheld = await world.gate(kind=GateKind.HANDHELD)
    number = {"id_number": f" {HOLDER.number.lower()} "}
    found = (await api.post("/api/v1/gate/lookup", number, handheld)).json
    assert found["total"] == 1
    (item,) = found["items"]
    assert item["pass"] == {
        "id": held.id,
        "product": "annual",
        "title": {"zh": "年票", "en": "annual pass"},
        "category": {"zh": "成人票", "en": "adult"},
        "holder_mask": "测** 110***********002X",
    }
    assert_fields(item, state="active", valid_from="2026-07-01", valid_until="2027-06-30")
    body = {"code": item["code"], "nonce": "a", "scanned_at": NOW.isoformat()}
    assert_admitted(await api.post(SCANS, body, handheld), check_identity=True)
    lines = await world.mongo.collection("audit_log").find({"action": "lookup"})
    assert {line["subject"].partition(":")[0] for line in lines} == {"gate", "pass"}
    assert HOLDER.number not in str(lines)


async def test_a_renewed_travel_permit_finds_the_pass_of_the_old_one(
    api: Api, world: World
) -> None:
    said = IdentityDocument(DocumentKind.HM_PERMIT, "测试甲", "H1234567801", born=HOLDER.born)
    held = await world.issue(person=identify(said, TODAY))
    _, window = await world.gate(kind=GateKind.WINDOW)
    renewed = {"id_number": "h 1234 5678", "kind": "hm_permit"}
    found = await api.post("/api/v1/gate/lookup", renewed, window)
    assert [each["pass"]["id"] for each in found.json["items"]] == [held.id]
    without_kind = await api.post("/api/v1/gate/lookup", {"id_number": "H12345678"}, window)
    assert_problem(without_kind, 422, "identity_invalid")
    assert "whose kind is hm_permit" in without_kind.body.decode()


async def test_a_look_up_is_for_staff_and_for_real_numbers(api: Api, world: World) -> None:
    _, turnstile = await world.gate()
    refused = await api.post("/api/v1/gate/lookup", {"id_number": HOLDER.number}, turnstile)
    assert_problem(refused, 403, "scope_missing")
    gate, window = await world.gate(kind=GateKind.WINDOW)
    wrong = await api.post("/api/v1/gate/lookup", {"id_number": "110101199003070021"}, window)
    assert_problem(wrong, 422, "identity_invalid")
    assert "110101199003070021" not in wrong.body.decode()
    nobody = await api.post("/api/v1/gate/lookup", {"id_number": "11010119900307002X"}, window)
    assert nobody.json == {"total": 0, "items": []}
    await world.system.admission.gate_keeping.disable(gate.id, OPERATOR, NOW)
    await world.services.refresh()
    out = await api.post("/api/v1/gate/lookup", {"id_number": HOLDER.number}, window)
    assert_problem(out, 409, "gate_disabled")


@pytest.mark.parametrize("year", ["0001", "1970", "2000", "2019", "2027", "9998"])
async def test_a_gate_whose_clock_is_wrong_by_years_admits(
    api: Api, world: World, year: str
) -> None:
    held = await world.issue()
    _, token = await world.gate()
    body = world.scan_body(held, "a") | {"scanned_at": f"{year}-06-01T00:00:00Z"}
    answer = await api.post(SCANS, body, token)
    assert_admitted(answer, decided_at=NOW)
    said = datetime.fromisoformat(body["scanned_at"])
    assert answer.json["skew_ms"] == round((said - NOW).total_seconds() * 1000)


@pytest.mark.parametrize("frame", ["]Q1{}", "\x02{}\x03", "\ufeff{}\x1d", "{}\r\r\n"])
async def test_what_a_scanner_puts_around_a_code_is_no_fault_of_the_visitor(
    api: Api, world: World, frame: str
) -> None:
    held = await world.issue()
    _, token = await world.gate()
    text = frame.format(world.live(held).lower())
    assert_admitted(await api.post(SCANS, world.scan_body(held, "a", text), token))


async def test_a_gate_looks_up_sixty_cards_a_minute_and_no_more(
    api: Api, world: World, clock: Clock
) -> None:
    """With the token of any staffed gate 300 numbers a second could be tried."""
    path, number = "/api/v1/gate/lookup", {"id_number": HOLDER.number}
    _, window = await world.gate(kind=GateKind.WINDOW)
    at_once = [(await api.post(path, number, window)).status for _ in range(20)]
    assert set(at_once) == {200}
    refused = await api.post(path, number, window)
    assert_problem(refused, 429, "too_often")
    assert refused.headers["Retry-After"] == "1"
    within_a_minute = []
    for _ in range(60):
        clock.time += timedelta(seconds=1)
        within_a_minute.append((await api.post(path, number, window)).status)
    assert set(within_a_minute) == {200}
    _, other = await world.gate(kind=GateKind.HANDHELD)
    assert (await api.post(path, number, other)).status == 200
