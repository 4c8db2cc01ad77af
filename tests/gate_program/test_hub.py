"""The hub: two turnstiles side by side never admit one pass twice, with a line and without."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from passes.admission.offline.bundle import decode
from passes.ledger.verdicts import Reason
from scripts.gate.hub import serve
from scripts.gate.journal import NotKept
from tests.support.api import Api
from tests.support.build import NOW
from tests.support.bundles import TRUSTED
from tests.support.gate_programs import Program, gate_program
from tests.support.line import Line, line_to
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused
from tests.support.world import World

SCANS = "/api/v1/gate/scans"


@dataclass
class Spot:
    """A hub before the server, over a line; two gates, over lines to the hub."""

    hub: Program
    line: Line
    gates: list[Program]
    lines: list[Line]
    api: Api
    """Speaks to the hub."""
    token: str
    """Of the first gate."""


@asynccontextmanager
async def spot_with_hub(world: World, api: Api, folder: Path) -> AsyncIterator[Spot]:
    own = await world.gate(hub=True)
    first, second = [await world.gate() for _ in range(2)]
    async with (
        line_to(api.port) as line,
        gate_program(world, line, folder, enrolled=own) as hub,
    ):
        assert await hub.device.held.refresh(hub.device.client, hub.device.journal)
        server = await serve(hub.deciding, "127.0.0.1", 0)
        port = next(iter(server._sockets.values())).getsockname()[1]
        hub_api = Api(port)
        try:
            async with (
                line_to(port) as line_1,
                line_to(port) as line_2,
                gate_program(world, line_1, folder, enrolled=first) as gate_1,
                gate_program(world, line_2, folder, enrolled=second) as gate_2,
            ):
                gates = [gate_1, gate_2]
                for gate in gates:
                    assert await gate.device.held.refresh(gate.device.client, gate.device.journal)
                yield Spot(hub, line, gates, [line_1, line_2], hub_api, first[1])
        finally:
            server.stop()
            await server.close_all_connections()
            hub_api.close()


async def test_with_a_line_the_server_decides(api: Api, world: World, tmp_path: Path) -> None:
    held = await world.issue()
    async with spot_with_hub(world, api, tmp_path) as spot:
        first, second = spot.gates
        assert await first.verdict(world.live(held)) == "ok"
        assert await second.verdict(world.live(held)) == "already_today"
        (record, *_) = await world.mongo.collection("admissions").find({})
        assert record["gate_id"] == first.device.enrolment.gate_id, "in the name of the gate"
        assert await spot.hub.queue() == []
        spot.line.cut()
        assert await second.verdict(world.live(held)) == "already_today", "the hub remembers"


async def test_without_a_line_one_of_two_turnstiles_side_by_side_opens(
    api: Api, world: World, tmp_path: Path
) -> None:
    passes = [await world.issue() for _ in range(10)]
    async with spot_with_hub(world, api, tmp_path) as spot:
        spot.line.cut()
        for held in passes:
            code = world.live(held)
            verdicts = await asyncio.gather(*(gate.verdict(code) for gate in spot.gates))
            assert sorted(verdicts) == ["already_today", "ok"]
        items = await spot.hub.queue()
        assert len(items) == 20
        assert {item["gate"] for item in items} == {g.device.enrolment.gate_id for g in spot.gates}
        assert spot.gates[0].told == [], "for a gate, the hub is the server"


async def test_what_the_hub_could_not_keep_is_not_taken_back_from_a_gate_that_asks_again(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate sends the same scan until it is answered: it would open for one that is annulled."""
    held = await world.issue()
    async with spot_with_hub(world, api, tmp_path) as spot:

        async def full(row: object) -> None:
            raise NotKept("the disk is full")

        monkeypatch.setattr(spot.hub.device.journal, "answered", full)
        body = world.scan_body(held, "a")
        assert_problem(await spot.api.post(SCANS, body, spot.token), 503, "not_kept")
        await spot.hub.deciding.recover()
        spot.line.cut()
        assert_admitted(await spot.api.post(SCANS, body, spot.token))
        assert [item["kind"] for item in await spot.hub.queue()] == ["scan"]
        (record,) = await world.mongo.collection("admissions").find({})
        assert (record["kind"], record["nonce"]) == ("admitted", "a")


async def test_a_scan_sent_again_to_the_hub_gets_the_same_answer(
    api: Api, world: World, tmp_path: Path
) -> None:
    held, other = await world.issue(), await world.issue()
    async with spot_with_hub(world, api, tmp_path) as spot:
        spot.line.cut()
        body = world.scan_body(held, "a")
        answers = [await spot.api.post(SCANS, body, spot.token) for _ in range(2)]
        assert_admitted(answers[0])
        assert answers[0].json == answers[1].json
        annulled = await spot.api.post(f"{SCANS}/a/annul", token=spot.token)
        assert annulled.json["pass_id"] == held.id
        assert_admitted(await spot.api.post(SCANS, world.scan_body(held, "b"), spot.token))
        assert_admitted(await spot.api.post(SCANS, world.scan_body(other, "c"), spot.token))
        unknown = await spot.api.post(f"{SCANS}/z/annul", token=spot.token)
        assert_problem(unknown, 404, "scan_unknown")


@pytest.mark.parametrize("lose", [Line.cut, Line.deafen], ids=["gone", "answer lost"])
async def test_what_a_gate_decided_without_its_hub_the_hub_learns_and_uploads(
    api: Api, world: World, tmp_path: Path, lose: Callable[[Line], None]
) -> None:
    """Where the answer is lost, gate and hub have both decided the same scan."""
    held = await world.issue()
    async with spot_with_hub(world, api, tmp_path) as spot:
        first, second = spot.gates
        spot.line.cut()
        lose(spot.lines[0])
        assert await first.verdict(world.live(held)) == "ok offline"
        spot.lines[0].heal()
        assert (await first.upload()).items == 1
        assert await first.queue() == []
        assert await second.verdict(world.live(held)) == "already_today"
        item, _ = await spot.hub.queue()
        assert item["gate"] == first.device.enrolment.gate_id
        assert item["decided"] == {"reason": "ok", "admits": 1, "pays": 0}


async def test_what_the_hub_decided_is_recorded_in_the_names_of_its_gates(
    api: Api, world: World, tmp_path: Path
) -> None:
    passes = [await world.issue() for _ in range(4)]
    async with spot_with_hub(world, api, tmp_path) as spot:
        spot.line.cut()
        for held, gate in zip(passes, spot.gates * 2, strict=True):
            assert await gate.verdict(world.live(held)) == "ok"
        spot.line.heal()
        uploaded = await spot.hub.upload()
        assert (uploaded.items, uploaded.wrong, await spot.hub.queue()) == (4, [], [])
        found = await world.mongo.collection("admissions").find({})
        assert {(each["pass_id"], each["gate_id"]) for each in found} == {
            (held.id, gate.device.enrolment.gate_id)
            for held, gate in zip(passes, spot.gates * 2, strict=True)
        }


async def test_a_poison_item_keeps_nobody_back(api: Api, world: World, tmp_path: Path) -> None:
    async with spot_with_hub(world, api, tmp_path) as spot:
        spot.line.cut()
        good: dict[str, Any] = {
            "kind": "scan",
            "nonce": "good",
            "code": world.live(await world.issue()),
            "scanned_at": NOW.isoformat(),
            "decided": {"reason": "ok", "admits": 1, "pays": 0},
        }
        live = {name: value for name, value in good.items() if name != "decided"}
        live |= {"nonce": "live", "party": 1}
        card = live | {"nonce": "card", "code": None, "document": {}}
        late = good | {"nonce": "b", "scanned_at": "noon"}
        items = [{"nonce": "a"}, late, good, live, card, 7]
        body = {"sent_at": NOW.isoformat(), "bundle": None, "version": "x", "items": items}
        answer = await spot.api.post(f"{SCANS}/batch", body, spot.token)
        results = [each["result"] for each in answer.json["items"]]
        assert results == ["wrong", "wrong", "recorded", "recorded", "later", "wrong"]
        assert answer.json["items"][3]["verdict"]["reason"] == "already_today"
        waiting = [(item["kind"], item["nonce"]) for item in await spot.hub.queue()]
        # The gate sends the card again by its nonce, so nothing is taken back.
        assert waiting == [("scan", "good"), ("scan", "live")]
        nonsense = await spot.api.post(f"{SCANS}/batch", {"items": 7}, spot.token)
        assert_problem(nonsense, 422, "body_invalid")


async def test_the_hub_hands_on_its_bundle_as_the_server_signed_it(
    api: Api, world: World, tmp_path: Path
) -> None:
    async with spot_with_hub(world, api, tmp_path) as spot:
        spot.line.cut()
        answer = await spot.api.get("/api/v1/gate/bundle", spot.token)
        package = decode(answer.body, TRUSTED)
        assert answer.headers["ETag"] == f'"{package.etag}"'
        fresh = await spot.api.get(
            "/api/v1/gate/bundle", spot.token, If_None_Match=answer.headers["ETag"]
        )
        assert (fresh.status, fresh.body) == (304, b"")


async def test_who_is_no_gate_of_the_spot_gets_nothing(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    _, elsewhere = await world.gate("wulong-xiannvshan")
    async with spot_with_hub(world, api, tmp_path) as spot:
        bundle = "/api/v1/gate/bundle"
        assert_problem(await spot.api.post(SCANS, {}), 401, "token_missing")
        assert_problem(await spot.api.get(bundle), 401, "token_missing")
        assert_problem(await spot.api.get(bundle, "nonsense"), 401, "token_invalid")
        body = world.scan_body(held, "a")
        assert_problem(await spot.api.post(SCANS, body, "nonsense"), 401, "token_invalid")
        spot.line.cut()
        for token in ("nonsense", elsewhere):
            answer = await spot.api.post(SCANS, body, token)
            assert_problem(answer, 503, "line_cut")
            assert answer.headers["Retry-After"]
            assert_problem(await spot.api.get(bundle, token), 503, "line_cut")


async def test_a_wrong_body_is_refused_as_the_server_refuses_it(
    api: Api, world: World, tmp_path: Path
) -> None:
    async with spot_with_hub(world, api, tmp_path) as spot:
        bodies = [{}, {"code": 7}, {"nonce": "a", "scanned_at": NOW.isoformat()}]
        online = [(await spot.api.post(SCANS, body, spot.token)).json for body in bodies]
        spot.line.cut()
        alone = [(await spot.api.post(SCANS, body, spot.token)).json for body in bodies]
        for one, other in zip(online, alone, strict=True):
            assert {**one, "request_id": ""} == {**other, "request_id": ""}
        nonsense = {"code": "nonsense", "nonce": "n", "scanned_at": NOW.isoformat()}
        assert_refused(await spot.api.post(SCANS, nonsense, spot.token), Reason.CODE_MALFORMED)
