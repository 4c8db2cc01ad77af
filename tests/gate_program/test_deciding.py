"""One scan: the server decides while there is a line, the program alone else, and whatever opens is
on disk first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from passes.admission.gates import GateKind
from passes.admission.offline.flat import Changes
from passes.ledger.verdicts import Reason
from scripts.gate.journal import Journal
from scripts.gate.screen import Shown
from tests.support.api import Api
from tests.support.build import HOLDER, NOW, OPERATOR
from tests.support.bundles import bundle
from tests.support.gate_programs import Program, gate_program
from tests.support.line import Line, line_to
from tests.support.waiting import until
from tests.support.world import World


@asynccontextmanager
async def at_gate(
    world: World, api: Api, folder: Path, kind: GateKind = GateKind.TURNSTILE
) -> AsyncIterator[tuple[Program, Line]]:
    """A program that holds a bundle, and its line."""
    async with line_to(api.port) as line, gate_program(world, line, folder, kind) as program:
        assert await program.device.held.refresh(program.device.client, program.device.journal)
        yield program, line


async def full(journal: Journal, full: int = 1) -> None:
    """Let the disk take nothing any more; or again, with 0."""
    await journal._run(lambda: journal._db.execute(f"PRAGMA query_only = {full}").fetchall())


async def records(world: World) -> list[str]:
    """The kinds of all records that the server has."""
    found = await world.mongo.collection("admissions").find({})
    return [each["kind"] for each in found]


async def test_what_the_server_admitted_is_remembered_when_the_line_is_cut(
    api: Api, world: World, tmp_path: Path
) -> None:
    held, other = await world.issue(), await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        assert await program.verdict(world.live(held)) == "ok"
        line.cut()
        assert await program.verdict(world.live(held)) == "repeat offline"
        assert program.told == ["offline"]
        assert await program.verdict(world.live(other)) == "ok offline"
        waiting = await program.device.journal.length()
        assert await program.verdict(world.live(other)) == "repeat offline"
        assert await program.device.journal.length() == waiting, "a second reading changes nothing"


async def test_a_line_that_does_not_answer_costs_each_visitor_no_more_than_the_deadline(
    api: Api, world: World, tmp_path: Path
) -> None:
    passes = [await world.issue() for _ in range(3)]
    async with at_gate(world, api, tmp_path) as (program, line):
        program.deciding.deadline = deadline = 1.0
        line.silence()
        loop = asyncio.get_running_loop()
        took = []
        for held in passes:
            began = loop.time()
            assert await program.verdict(world.live(held)) == "ok offline"
            took.append(loop.time() - began)
        assert program.told == ["offline"]
        assert min(took[:2]) >= deadline, "it was asked"
        assert took[2] < deadline, "it is asked no more"


async def test_a_lost_answer_opens_the_door_once_and_is_one_record(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        program.deciding.deadline = 0.3
        line.deafen()
        assert await program.verdict(world.live(held)) == "ok offline"
        (queued,) = await program.device.journal.queue(10)
        (record,) = await world.mongo.collection("admissions").find({})
        assert queued.name.nonce == record["nonce"], "the upload finds it under the same name"


async def test_a_scan_that_may_have_arrived_and_is_refused_here_is_taken_back(
    api: Api, world: World, tmp_path: Path
) -> None:
    """The server admits, its answer is lost, and the gate knows why not: nobody went in."""
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        refusing = bundle(changes=Changes(refuse={held.id: Reason.REVOKED}))
        await program.take(refusing)
        program.deciding.deadline = 0.3
        line.deafen()
        assert await program.verdict(world.live(held)) == "revoked offline"
        kinds = [item["kind"] for item in await program.queue()]
        assert kinds == ["scan", "annul"]


async def test_a_full_disk_opens_nothing_with_a_line_and_without(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        await full(program.device.journal)
        assert await program.verdict(world.live(held)) == "undecided not_kept"
        assert await records(world) == [], "the server was not even asked"
        line.cut()
        program.device.line.online = False
        assert await program.verdict(world.live(held)) == "undecided not_kept"
        assert await program.device.journal.length() == 0


async def test_a_disk_that_fills_up_while_the_server_decides_takes_the_admission_back(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, _):
        answered = program.device.journal.answered

        async def fills_up(row: object) -> None:
            await full(program.device.journal)
            await answered(row)  # type: ignore[arg-type]

        monkeypatch.setattr(program.device.journal, "answered", fills_up)
        assert await program.verdict(world.live(held)) == "undecided not_kept"
        assert await records(world) == ["admitted", "annulled"]
        settling = asyncio.create_task(program.deciding.settle())
        await full(program.device.journal, 0)

        async def settled() -> bool:
            return [item["kind"] for item in await program.queue()] == ["annul"]

        await until(settled, "what nobody saw is taken back as soon as the disk takes it")
        assert await program.device.journal.unanswered(program.device.enrolment.gate_id) == []
        settling.cancel()


async def test_nobody_decides_alone_what_was_asked_to_be_taken_back(
    api: Api, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The annulment may have arrived, though its answer is lost: a door that opened then would
    have let in somebody whom nobody counts."""
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        journal = program.device.journal
        answered = journal.answered

        async def fills_up_for_a_moment(row: object) -> None:
            await full(journal)
            try:
                await answered(row)  # type: ignore[arg-type]
            finally:
                await full(journal, 0)
                line.cut()

        monkeypatch.setattr(journal, "answered", fills_up_for_a_moment)
        assert await program.verdict(world.live(held)) == "undecided not_kept"
        assert await program.queue() == []
        await program.deciding.recover()
        assert [item["kind"] for item in await program.queue()] == ["annul"]


async def test_a_second_reading_that_may_arrive_late_is_taken_back(
    api: Api, world: World, tmp_path: Path
) -> None:
    """A slow line holds the request back for longer than a second reading is one."""
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        assert await program.verdict(world.live(held)) == "ok"
        program.deciding.deadline = 0.2
        line.silence()
        assert await program.verdict(world.live(held)) == "repeat offline"
        items = await program.queue()
        assert [item["kind"] for item in items] == ["scan", "annul"]
        assert items[0]["decided"]["reason"] == "repeat"


async def test_a_gate_whose_token_was_withdrawn_admits_nobody_also_without_a_line(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        keeping = world.system.admission.gate_keeping
        await keeping.renew(program.device.enrolment.gate_id, OPERATOR, NOW)
        await world.services.refresh()
        assert await program.verdict(world.live(held)) == "undecided token_withdrawn"
        line.cut()
        assert await program.verdict(world.live(held)) == "undecided token_withdrawn"
        assert await program.device.journal.unanswered(program.device.enrolment.gate_id) == []


async def test_after_a_crash_what_nobody_saw_is_taken_back(
    api: Api, world: World, tmp_path: Path
) -> None:
    """The program dies while the server answers: the door stayed closed."""
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        line.deafen()
        scanning = asyncio.create_task(program.verdict(world.live(held)))
        while not await records(world):
            await asyncio.sleep(0.01)
        scanning.cancel()
        await asyncio.gather(scanning, return_exceptions=True)
        (name,) = await program.device.journal.unanswered(program.device.enrolment.gate_id)
        await program.deciding.recover()
        await program.deciding.recover()
        assert await program.device.journal.unanswered(program.device.enrolment.gate_id) == []
        (queued,) = await program.device.journal.queue(10)
        assert (queued.name, queued.item["kind"]) == (name, "annul")


async def test_an_annulment_frees_the_pass_with_a_line_and_without(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    code = world.live(held)
    async with at_gate(world, api, tmp_path) as (program, line):
        assert await program.verdict(code) == "ok"
        assert await program.verdict('{"annul": "last"}') == "annulled"
        assert await records(world) == ["admitted", "annulled"]
        line.cut()
        assert await program.verdict(code) == "ok offline"
        assert await program.verdict('{"annul": "last"}') == "annulled"
        assert await program.verdict(code) == "ok offline"
        assert await program.verdict('{"annul": "nothing"}') == "undecided scan_unknown"
        kinds = [item["kind"] for item in await program.queue()]
        assert kinds == ["scan", "annul", "scan"]


async def test_whom_staff_let_in_is_kept_with_a_line_and_without(
    api: Api, world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    by_hand = f'{{"hand": {{"people": 1, "reason": "device_fault", "pass_id": "{held.id}"}}}}'
    async with at_gate(world, api, tmp_path, GateKind.HANDHELD) as (program, line):
        assert await program.verdict('{"hand": {"people": 2, "reason": "no_phone"}}') == "let in"
        assert len(await world.mongo.collection("cases").find({})) == 1
        line.cut()
        assert await program.verdict(by_hand) == "let in"
        assert await program.verdict(world.live(held)) == "already_today offline"
        hand, _ = await program.queue()
        assert (hand["kind"], hand["people"]) == ("hand", 1)
        assert await program.verdict('{"hand": {"people": 0, "reason": "x"}}') == (
            "undecided body_invalid"
        )
    async with at_gate(world, api, tmp_path) as (turnstile, line):
        line.cut()
        assert await turnstile.verdict(by_hand) == "undecided hand_needs_staff"


async def test_what_is_not_uploaded_is_decided_here_though_the_line_is_back(
    api: Api, world: World, tmp_path: Path
) -> None:
    """The server would let the same pass in once more."""
    held, other = await world.issue(), await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        line.cut()
        assert await program.verdict(world.live(held)) == "ok offline"
        line.heal()
        program.device.line.online = True
        party_of_one = f'{{"code": "{world.live(held)}", "party": 1}}'
        assert await program.verdict(party_of_one) == "already_today offline"
        assert await program.verdict(world.live(other)) == "ok"


async def test_a_stop_and_a_disabled_gate_hold_without_a_line(
    api: Api, world: World, tmp_path: Path
) -> None:
    """The next beat brings them, and the bundle with it."""
    held = await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        _, staffed = await world.gate(kind=GateKind.HANDHELD)
        until = (NOW + timedelta(hours=2)).isoformat()
        stop = {"nonce": "stop", "until": until, "reason": "full"}
        assert (await api.post("/api/v1/gate/stop-entry", stop, staffed)).status == 200
        await world.services.refresh()
        await program.upkeep.beat()
        line.cut()
        assert await program.verdict(world.live(held)) == "entry_stopped offline"
        line.heal()
        keeping = world.system.admission.gate_keeping
        await keeping.disable(program.device.enrolment.gate_id, OPERATOR, NOW)
        await world.services.refresh()
        await program.upkeep.beat()
        line.cut()
        assert await program.verdict(world.live(held)) == "undecided gate_disabled"


async def test_a_card_needs_the_server(api: Api, world: World, tmp_path: Path) -> None:
    async with at_gate(world, api, tmp_path) as (program, line):
        line.cut()
        assert await program.verdict(HOLDER.number) == "undecided card_needs_line"
        stored = (tmp_path / f"{program.device.enrolment.gate_id}.db").read_bytes()
        assert HOLDER.number.encode() not in stored


@pytest.mark.parametrize(
    "line", ['{"code": 7}', "{}", "[1]", '{"annul": null}', '{"party": 1', "{"]
)
async def test_a_gate_goes_on_whatever_is_written(
    api: Api, world: World, tmp_path: Path, line: str
) -> None:
    async with at_gate(world, api, tmp_path) as (program, cable):
        for _ in range(2):
            assert await program.verdict(line) != "ok"
            cable.cut()
        assert await program.verdict(world.live(await world.issue())) == "ok offline"


async def test_the_answer_is_that_of_the_server_to_the_last_field(
    api: Api, world: World, tmp_path: Path
) -> None:
    first, second = await world.issue(), await world.issue()
    async with at_gate(world, api, tmp_path) as (program, line):
        online = await program.scan(world.live(first))
        line.cut()
        alone = await program.scan(world.live(second))
        assert isinstance(online, Shown)
        assert isinstance(alone, Shown)
        assert alone.answer.keys() == online.answer.keys()
        assert alone.answer["pass"].keys() == online.answer["pass"].keys()
        differing = {"nonce", "decided_at", "skew_ms", "pass"}
        assert {each: alone.answer[each] for each in alone.answer.keys() - differing} == {
            each: online.answer[each] for each in online.answer.keys() - differing
        }
