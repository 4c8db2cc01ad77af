"""Heartbeats, who a gate is, and its next token, over HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import FORMER_TOKEN_LIFE, TOKEN_LIFE, GateKind
from passes.admission.heartbeats import BundleHeld, Counters, Heartbeat
from tests.support.api import Answer, Api
from tests.support.build import EMEISHAN, NOW, OPERATOR
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted
from tests.support.world import Clock, World

BEAT, ME, RENEW = (f"/api/v1/gate/{name}" for name in ("heartbeat", "me", "renew"))
DEVICE = {"device": "b1f0c2d46f9a4be8"}
OTHER = {"device": "another-device-here"}


async def test_a_heartbeat_is_kept_and_answered_with_commands(
    api: Api, world: World, clock: Clock
) -> None:
    gate, token = await world.gate()
    body = {
        "version": "bashu-gate 1.0",
        "queued": 3,
        "skew_ms": -120,
        "bundle": {"epoch": 0, "number": 1782871200000, "made_at": NOW.isoformat()},
        "last_scan_at": NOW.isoformat(),
        "counters": {"in": 5, "out": 2, "inside": 3},
        "lanes": ["1", "2"],
    }
    answer = await api.post(BEAT, body, token)
    assert answer.status == 200
    assert answer.json == {
        "server_time": "2026-07-01T02:00:00Z",
        "commands": {"disabled": False, "renew_token": False, "stop": None},
    }
    kept = await world.system.admission.heartbeats.get(gate.id)
    assert kept == Heartbeat(
        gate.id,
        NOW,
        "bashu-gate 1.0",
        3,
        -120,
        BundleHeld(0, 1782871200000, NOW),
        NOW,
        Counters(5, 2, 3),
        ("1", "2"),
    )
    clock.time += timedelta(minutes=1)
    await api.post(BEAT, {"queued": 0}, token)
    (newest,) = await world.system.admission.heartbeats.all()
    assert newest == Heartbeat(gate.id, clock.time)


async def test_a_heartbeat_tells_what_a_gate_has_to_do(
    api: Api, world: World, clock: Clock
) -> None:
    admission = world.system.admission
    gate, token = await world.gate()
    window, _ = await world.gate(kind=GateKind.WINDOW)
    stop = {"nonce": "s1", "until": (NOW + TOKEN_LIFE).isoformat(), "reason": "full"}
    clock.time = NOW + TOKEN_LIFE - timedelta(days=29)
    stop["until"] = (clock.time + timedelta(hours=1)).isoformat()
    stopped = await api.post(
        "/api/v1/gate/stop-entry", stop, world.services.tokens.for_gate(window, NOW)
    )
    assert stopped.status == 200
    await admission.gate_keeping.disable(gate.id, OPERATOR, clock.time)
    await world.services.refresh()
    commands = (await api.post(BEAT, {"queued": 0}, token)).json["commands"]
    assert commands.pop("stop")["reason"] == "full"
    assert commands == {"disabled": True, "renew_token": True}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"queued": -1},
        {"queued": True},
        {"queued": 0, "bundle": {"epoch": 0}},
        {"queued": 0, "lanes": [""]},
        {"queued": 0, "counters": {"in_": 1}},
        {"queued": 0, "last_scan_at": "yesterday"},
    ],
)
async def test_a_heartbeat_that_cannot_be_read_is_not_kept(
    api: Api, world: World, body: dict[str, Any]
) -> None:
    _, token = await world.gate()
    assert_problem(await api.post(BEAT, body, token), 422, "body_invalid")
    assert await world.system.admission.heartbeats.all() == []


async def test_a_gate_asks_who_it_is(api: Api, world: World) -> None:
    gate, token = await world.gate(hub=True)
    answer = await api.get(ME, token)
    assert_fields(
        answer.json,
        gate_id=gate.id,
        kind="turnstile",
        state="enrolled",
        hub=True,
        readers=[],
        token_expires_at="2027-07-02T02:00:00Z",
        server_time="2026-07-01T02:00:00Z",
    )
    assert answer.json["spot"]["id"] == EMEISHAN


async def renewed(api: Api, token: str, body: dict[str, str] | None = None) -> str:
    """The next token."""
    answer = await api.post(RENEW, body or DEVICE, token)
    assert answer.status == 200, answer.json
    return str(answer.json["token"])


async def asked(api: Api, token: str) -> Answer:
    return await api.get(ME, token)


async def test_the_next_token_is_good_for_a_year_and_admits(
    api: Api, world: World, clock: Clock
) -> None:
    _, token = await world.gate()
    clock.time += timedelta(days=340)
    answer = await api.post(RENEW, DEVICE, token)
    assert answer.json["token_expires_at"] == "2028-06-06T02:00:00Z"
    held = await world.issue()
    assert_admitted(
        await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), str(answer.json["token"]))
    )


async def test_the_old_token_is_good_until_the_new_one_is_used(api: Api, world: World) -> None:
    _, old = await world.gate()
    new = await renewed(api, old)
    assert (await asked(api, old)).status == 200
    assert (await asked(api, new)).status == 200
    assert_problem(await asked(api, old), 401, "token_withdrawn")
    assert_problem(await api.post(RENEW, DEVICE, old), 401, "token_withdrawn")


async def test_the_old_token_ends_a_quarter_of_an_hour_later_and_still_gets_its_device_the_new_one(
    api: Api, world: World, clock: Clock
) -> None:
    _, old = await world.gate()
    first = await renewed(api, old)
    clock.time += FORMER_TOKEN_LIFE
    assert_problem(await asked(api, old), 401, "token_withdrawn")
    assert_problem(await api.post(RENEW, OTHER, old), 409, "token_renewed_by_another")
    clock.time += timedelta(days=3)  # the line was cut
    again = await renewed(api, old)
    assert again == first, "the very same token"
    assert (await asked(api, again)).status == 200


async def test_of_8_renewals_at_once_all_give_one_token(api: Api, world: World) -> None:
    gate, old = await world.gate()
    tokens = await asyncio.gather(*(renewed(api, old) for _ in range(8)))
    assert len(set(tokens)) == 1
    stored = await world.system.admission.gate_keeping.all()
    assert stored[0].gate.token_version == gate.token_version + 1


async def test_a_gate_out_of_service_gets_no_token(api: Api, world: World) -> None:
    gate, token = await world.gate()
    await world.system.admission.gate_keeping.disable(gate.id, OPERATOR, NOW)
    assert_problem(await api.post(RENEW, DEVICE, token), 409, "gate_disabled")


async def test_a_new_setup_code_withdraws_both_tokens(api: Api, world: World) -> None:
    gate, old = await world.gate()
    new = await renewed(api, old)
    await world.system.admission.gate_keeping.renew(gate.id, OPERATOR, NOW)
    await world.services.refresh()
    for token in (old, new):
        assert_problem(await asked(api, token), 401, "token_withdrawn")
        assert_problem(await api.post(RENEW, DEVICE, token), 401, "token_withdrawn")


async def test_a_ticket_system_tells_the_lane(api: Api, world: World) -> None:
    _, token = await world.gate(kind=GateKind.SYSTEM)
    held = await world.issue()
    body = world.scan_body(held, "a")
    assert_problem(await api.post("/api/v1/gate/scans", body, token), 422, "lane_missing")
    assert_admitted(await api.post("/api/v1/gate/scans", body | {"lane": "3"}, token))
    (record,) = await world.system.ledger.records.whole(held.id)
    assert record.lane == "3"
