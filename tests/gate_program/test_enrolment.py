"""Enrolling: once, whatever is lost; one journal is of one gate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from scripts.gate.client import Client, NoAnswer, Refused
from scripts.gate.enrolment import OtherGate, by_token, enrolled, renewed, restored
from scripts.gate.journal import Journal, Name, Row
from scripts.gate.program import CannotStart, Flags, run
from tests.support.api import Api
from tests.support.build import EMEISHAN, NOW, OPERATOR
from tests.support.relay import Lost, relay_to
from tests.support.world import World


@pytest.fixture
def journal(io_loop: IOLoop, tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "gate.db")
    yield made
    io_loop.run_sync(made.close)


async def setup_code(world: World) -> str:
    keeping = world.system.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.TURNSTILE, "", OPERATOR, NOW)
    return new.setup_code


async def test_an_enrolment_whose_answers_are_lost_is_one(
    api: Api, world: World, journal: Journal
) -> None:
    """The first answer is lost on the way, the second with the program."""
    code = await setup_code(world)
    async with relay_to(api.port) as (relay, port):
        relay.losses = [Lost.REPLY] * 5
        client = Client([f"http://127.0.0.1:{port}"])
        with pytest.raises(NoAnswer):
            await enrolled(client, journal, code)
        relay.losses = []
        made = await enrolled(client, journal, code.lower().replace("-", " "))
    assert restored(journal.settings()["gate"]) == made
    assert made.spot_id == EMEISHAN
    (gate,) = await world.system.admission.gate_keeping.all()
    assert (gate.gate.id, gate.gate.token_version) == (made.gate_id, 1)


async def test_a_token_tells_which_gate_it_is_and_is_renewed(
    api: Api, world: World, journal: Journal
) -> None:
    gate, token = await world.gate()
    client = Client([api.base])
    made = await by_token(client, journal, token)
    enrolled_so = await enrolled(client, journal, await setup_code(world))
    assert made.gate_id == gate.id
    assert (made.spot, made.bundle_keys) == (enrolled_so.spot, enrolled_so.bundle_keys)
    async with relay_to(api.port) as (relay, port):
        relay.losses = [Lost.REPLY]
        lost = Client([f"http://127.0.0.1:{port}"], enrolled_so.token)
        with pytest.raises(NoAnswer):
            await renewed(lost, journal, enrolled_so)
        after = await renewed(lost, journal, enrolled_so)
    assert after.token != enrolled_so.token
    assert restored(journal.settings()["gate"]) == after
    me = await api.get("/api/v1/gate/me", after.token)
    assert me.json["gate_id"] == after.gate_id


async def test_a_wrong_code_is_told(api: Api, journal: Journal) -> None:
    with pytest.raises(Refused) as refused:
        await enrolled(Client([api.base]), journal, "AAAA-AAAA-AAAA")
    assert refused.value.code == "setup_code_unknown"
    assert "gate" not in journal.settings()


async def test_a_journal_with_scans_of_another_gate_is_kept(
    api: Api, world: World, journal: Journal
) -> None:
    client = Client([api.base])
    first = await enrolled(client, journal, await setup_code(world))
    await journal.queued(Row(Name(first.gate_id, "n1"), NOW, item={"nonce": "n1"}))
    with pytest.raises(OtherGate, match="holds 1 scans"):
        await enrolled(client, journal, await setup_code(world))
    (waiting,) = await journal.queue(1)
    await journal.uploaded([(waiting.n, {}, False)], NOW)
    second = await enrolled(client, journal, await setup_code(world))
    assert second.gate_id != first.gate_id
    assert await journal.newest_at() is None, "nothing of the other gate is left"


async def test_what_keeps_a_gate_from_starting_is_told(api: Api, tmp_path: Path) -> None:
    nobody = ["http://127.0.0.1:1"]
    flags = Flags(nobody, tmp_path / "a.db")
    with pytest.raises(CannotStart, match="give --setup-code"):
        await run(flags)
    wrong = Flags([api.base], tmp_path / "a.db", setup_code="AAAA-AAAA-AAAA")
    with pytest.raises(CannotStart, match="setup_code_unknown"):
        await run(wrong)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotStart, match="folder cannot be used"):
        await run(Flags(nobody, tmp_path / "folder"))
