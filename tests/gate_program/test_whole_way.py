"""The whole way: enrolled, bundle, line cut, let in alone, line back, uploaded; and the server has
everything once."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

from scripts.gate.client import NoAnswer
from scripts.gate.screen import Shown
from tests.support.api import Api
from tests.support.gate_programs import Program, gate_program
from tests.support.line import line_to
from tests.support.waiting import until
from tests.support.world import World


async def upload(program: Program) -> None:
    """Everything that waits."""
    while (await program.upload()).items:
        pass


async def records(world: World) -> Counter[tuple[str, str, str]]:
    """How many records there are of each kind, by pass and nonce."""
    found = await world.mongo.collection("admissions").find({})
    return Counter((each["pass_id"], each["nonce"], each["kind"]) for each in found)


async def arrived(world: World, pass_id: str) -> bool:
    """Whether the server has recorded that an admission of a pass was annulled."""
    return any(each[0] == pass_id and each[2] == "annulled" for each in await records(world))


async def test_every_green_light_is_one_record(api: Api, world: World, tmp_path: Path) -> None:
    passes = [await world.issue() for _ in range(6)]
    online, alone, lost, annulled, refused, elsewhere = passes
    _, other_gate = await world.gate()
    async with line_to(api.port) as line, gate_program(world, line, tmp_path) as program:
        device, opened = program.device, set[tuple[str, str]]()
        assert await device.held.refresh(device.client, device.journal)

        async def scan(code: str) -> str:
            came = await program.scan(code)
            assert isinstance(came, Shown)
            if came.opens:
                opened.add((came.answer["pass"]["id"], came.answer["nonce"]))
            return str(came.answer["reason"])

        # 1. Online; then an answer is lost on the way back, and the line with it.
        assert await scan(world.live(online)) == "ok"
        program.deciding.deadline = 0.3
        line.deafen()
        assert await scan(world.live(lost)) == "ok"
        line.cut()

        # 2. Alone. One pass comes in elsewhere meanwhile.
        await api.post("/api/v1/gate/scans", world.scan_body(elsewhere, "there"), other_gate)
        for held in (alone, annulled, elsewhere):
            assert await scan(world.live(held)) == "ok"
        assert await scan(world.printed(refused)) == "code_static"
        again = f'{{"code": "{world.live(alone)}", "party": 1}}'
        assert await scan(again) == "already_today"
        assert await scan(world.live(annulled)) == "repeat"
        taken_back = f'{{"annul": "{next(n for p, n in opened if p == annulled.id)}"}}'
        assert await program.verdict(taken_back) == "annulled"

        # 3. Back. The first upload arrives and its answer is lost, so all is sent twice.
        line.heal()
        line.deafen()
        sending = asyncio.create_task(upload(program))
        await until(lambda: arrived(world, annulled.id), "the first upload has arrived")
        line.cut()
        with suppress(NoAnswer):
            await sending
        assert await device.journal.length() > 0
        line.heal()
        await upload(program)
        assert await device.journal.length() == 0

        told = await records(world)
        for pass_id, nonce in opened:
            assert told[pass_id, nonce, "admitted"] == 1
        assert set(told.values()) == {1}
        admitted = {(each[0], each[1]) for each in told if each[2] == "admitted"}
        assert admitted == opened | {(elsewhere.id, "there")}
        assert [each[0] for each in told if each[2] == "annulled"] == [annulled.id]
        (conflict,) = await world.mongo.collection("conflicts").find({})
        assert conflict["pass_id"] == elsewhere.id
