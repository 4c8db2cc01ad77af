"""Batches over HTTP: what a gate decided without a line, item by item, whatever it may send."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from handlers.admission.batch import BATCH_LIMIT
from passes.admission.gates import GateKind, Reader
from passes.ledger.verdicts import Reason
from tests.support import build
from tests.support.api import Answer, Api
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused
from tests.support.world import Clock, World

BATCH = "/api/v1/gate/scans/batch"
SCANS = "/api/v1/gate/scans"
OK = {"reason": "ok", "admits": 1, "pays": 0}


def scanned(world: World, held: Any, nonce: str, **more: Any) -> dict[str, Any]:
    """What a gate admitted alone."""
    return {"kind": "scan", "decided": OK, **world.scan_body(held, nonce), **more}


def batch(sent_at: datetime, *items: Any, **more: Any) -> dict[str, Any]:
    return {
        "sent_at": sent_at.isoformat(),
        "bundle": {"epoch": 0, "number": 1},
        "version": "test 1",
        "items": list(items),
        **more,
    }


def results(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body.decode()
    return [item["result"] for item in answer.json["items"]]


async def test_what_a_gate_let_in_is_recorded_when_it_was_and_once(
    api: Api, world: World, clock: Clock
) -> None:
    token = await world.any_gate()
    held, other = await world.issue(), await world.issue()
    told = [
        scanned(world, held, "in"),
        scanned(world, other, "no", decided={"reason": "blackout"}),
        scanned(world, held, "out", purpose="leave"),
    ]
    clock.time += timedelta(hours=2)
    # The clock of the gate is ten minutes behind.
    sent_at = clock.time - timedelta(minutes=10)
    for each in told:
        each["scanned_at"] = (build.NOW - timedelta(minutes=10)).isoformat()
    first = await api.post(BATCH, batch(sent_at, *told), token)
    assert results(first) == ["recorded", "refused", "recorded"]
    assert_fields(first.json, skew_ms=-600_000, received_at="2026-07-01T04:00:00Z")
    admitted, refused, _ = first.json["items"]
    assert_admitted(admitted["verdict"], admits=1, decided_at=build.NOW, nonce="in")
    assert_refused(refused["verdict"], Reason.BLACKOUT)
    clock.time += timedelta(minutes=1)
    again = await api.post(BATCH, batch(sent_at, *told), token)
    assert results(again) == ["known", "known", "known"]
    assert again.json["items"][0]["verdict"] == admitted["verdict"]
    ledger = await world.system.ledger.records.whole(held.id)
    assert [record.nonce for record in ledger] == ["in", "out"]
    assert_fields(ledger[0], at=build.NOW, online=False, bundle="0:1", doubt=None)


async def test_a_lost_answer_and_what_was_decided_alone_are_one_record(
    api: Api, world: World, clock: Clock
) -> None:
    token = await world.any_gate()
    held = await world.issue()
    body = world.scan_body(held, "lost")
    live = await api.post(SCANS, body, token)
    clock.time += timedelta(minutes=3)
    told = scanned(world, held, "lost") | body
    answer = await api.post(BATCH, batch(clock.time, told), token)
    assert results(answer) == ["known"]
    assert answer.json["items"][0]["verdict"] == live.json
    assert len(await world.system.ledger.records.whole(held.id)) == 1

    # The other way round: it was uploaded, and then the gate asks live.
    other = await world.issue()
    told = scanned(world, other, "first")
    uploaded = await api.post(BATCH, batch(clock.time, told), token)
    asked = await api.post(SCANS, {**told, "kind": None}, token)
    assert_problem(asked, 422, "body_invalid")
    body = {name: told[name] for name in ("code", "nonce", "scanned_at")}
    asked = await api.post(SCANS, body, token)
    assert asked.json == uploaded.json["items"][0]["verdict"]


async def test_a_gate_refused_what_the_server_had_admitted_and_nobody_came_in(
    api: Api, world: World
) -> None:
    token = await world.any_gate()
    held = await world.issue()
    body = world.scan_body(held, "lost")
    assert_admitted(await api.post(SCANS, body, token))
    told = {"kind": "scan", **body, "decided": {"reason": "already_today"}}
    for _ in range(2):
        answer = await api.post(BATCH, batch(world.clock(), told), token)
        assert_refused(answer.json["items"][0]["verdict"], Reason.ALREADY_TODAY)
    (_, annulled) = await world.system.ledger.records.whole(held.id)
    assert annulled.tally.total == 0


async def test_a_group_is_decided_now(api: Api, world: World) -> None:
    token = await world.any_gate()
    held = [await world.issue() for _ in range(40)]
    asked = [scanned(world, each, f"g{n}", decided=None) for n, each in enumerate(held)]
    asked.append(scanned(world, held[0], "again", party=1, decided=None))
    answer = await api.post(BATCH, batch(world.clock(), *asked), token)
    assert results(answer) == ["recorded"] * 40 + ["refused"]
    assert_refused(answer.json["items"][-1]["verdict"], Reason.ALREADY_TODAY)
    again = await api.post(BATCH, batch(world.clock(), *asked), token)
    assert results(again)[:40] == ["known"] * 40


POISON: list[Any] = [
    None,
    7,
    "scan",
    [],
    [[]],
    {},
    {"kind": None},
    {"kind": ["scan"]},
    {"kind": "scan"},
    {"kind": "annul", "nonce": "never", "at": "2026-07-01T10:00:00+08:00"},
    {"kind": "annul", "nonce": "n", "at": "0001-01-01T00:00:00+08:00"},
    {"kind": "hand", "nonce": "h", "people": 1, "reason": "goodwill", "at": "2026-07-01T10:00:00Z"},
    {"kind": "hand", "nonce": {}, "people": -1, "reason": 7, "at": []},
]


@pytest.mark.parametrize("poison", POISON, ids=str)
async def test_a_poison_item_is_wrong_and_keeps_nobody_back(
    api: Api, world: World, poison: Any
) -> None:
    token = await world.any_gate()
    held = await world.issue()
    answer = await api.post(BATCH, batch(world.clock(), poison, scanned(world, held, "a")), token)
    assert results(answer) == ["wrong", "recorded"]
    wrong = answer.json["items"][0]
    assert wrong["error"]["what"]["zh"]
    assert wrong["verdict"] is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
_field = st.sampled_from(
    ["kind", "nonce", "code", "scanned_at", "party", "purpose", "decided", "free", "lane", "gate"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_field, _json)
def test_whatever_stands_in_a_field_of_an_item_keeps_nobody_back(
    io_loop: IOLoop, api: Api, world: World, field: str, value: Any
) -> None:
    async def send() -> None:
        token, held = await world.any_gate(), build.held()
        good = scanned(world, held, "good", decided={"reason": "blackout"})
        answer = await api.post(BATCH, batch(world.clock(), good | {field: value}, good), token)
        assert results(answer)[1] in {"refused", "known"}

    io_loop.run_sync(send)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"items": None}, 422, "body_invalid"),
        ({"items": [None] * 501}, 422, "body_invalid"),
        ({"sent_at": 7}, 422, "body_invalid"),
        ({"bundle": 7}, 422, "body_invalid"),
        ({"more": 1}, 422, "body_invalid"),
    ],
)
async def test_the_body_as_a_whole(
    api: Api, world: World, change: dict[str, Any], status: int, code: str
) -> None:
    body = batch(world.clock()) | change
    assert_problem(await api.post(BATCH, body, await world.any_gate()), status, code)


async def test_a_batch_may_be_long_and_nothing_else(api: Api, world: World) -> None:
    token = await world.any_gate()
    body = batch(world.clock(), *["x" * 1000] * 100)
    assert results(await api.post(BATCH, body, token)) == ["wrong"] * 100
    assert_problem(await api.post(SCANS, body, token), 413, "body_too_large")
    assert_problem(await api.post(BATCH, b" " * (BATCH_LIMIT + 1), token), 413, "body_too_large")


async def test_by_hand_and_taken_back(api: Api, world: World, clock: Clock) -> None:
    gate, token = await world.gate(kind=GateKind.HANDHELD)
    held = await world.issue()
    at = clock().isoformat()
    hand = {"kind": "hand", "people": 2, "reason": "network_down", "at": at}
    told = [
        {**hand, "nonce": "h1", "pass_id": held.id},
        {**hand, "nonce": "h2", "code": "no code of ours"},
        {"kind": "annul", "nonce": "h1", "at": (clock() + timedelta(minutes=1)).isoformat()},
        {"kind": "annul", "nonce": "h2", "at": at},
    ]
    clock.time += timedelta(hours=1)
    answer = await api.post(BATCH, batch(clock.time, *told), token)
    assert results(answer) == ["recorded"] * 4
    assert results(await api.post(BATCH, batch(clock.time, *told), token))[:2] == ["known"] * 2
    record, annulment = await world.system.ledger.records.whole(held.id)
    assert_fields(record, at=build.NOW, online=False, staff=None)
    assert annulment.tally.total == 0
    cases = await world.system.admission.case_work.all(open_only=True)
    assert [case.opened_at for case in cases] == [build.NOW, build.NOW]
    assert all(case.annulled_at for case in cases)
    assert gate.id == cases[0].gate_id


async def test_a_card_that_was_let_in(api: Api, world: World, clock: Clock) -> None:
    _, token = await world.gate(readers=frozenset({Reader.ID_CARD}))
    held = await world.issue(person=build.person(3))
    card = {"kind": "resident", "number": build.person(3).number}
    shown = {"kind": "scan", "document": card, "scanned_at": clock().isoformat(), "decided": OK}
    nobody = {**card, "number": build.person(9).number}
    told = [{**shown, "nonce": "c1"}, {**shown, "nonce": "c2", "document": nobody}]
    answer = await api.post(BATCH, batch(clock.time, *told), token)
    assert results(answer) == ["recorded", "conflict"]
    assert answer.json["items"][0]["verdict"]["pass"]["id"] == held.id
    blind = await api.post(BATCH, batch(clock.time, *told), await world.any_gate())
    assert results(blind) == ["wrong", "wrong"]
    assert blind.json["items"][0]["error"]["code"] == "scope_missing"


async def test_only_a_hub_speaks_for_another_gate(api: Api, world: World) -> None:
    _, token = await world.gate()
    other, _ = await world.gate()
    told = scanned(world, await world.issue(), "a", gate=other.id)
    answer = await api.post(BATCH, batch(world.clock(), told), token)
    assert results(answer) == ["wrong"]
    assert answer.json["items"][0]["error"]["code"] == "gate_not_behind"
