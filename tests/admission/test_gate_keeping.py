"""Keeping gates: what cannot be added is refused before anything is stored."""

import asyncio
from datetime import timedelta

import pytest

from passes.admission.gates import Gate, GateKind
from passes.base.errors import Invalid, Unknown
from server.auth import Tokens
from server.mongo import Mongo
from tests.support.build import EMEISHAN, NOW, OPERATOR
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.rooms import RoomsUnderTest


@pytest.mark.parametrize("name", ["x" * 61, "two\nlines", "\u202eturned", "\x00"])
async def test_a_name_that_is_no_line_of_text_is_refused(mongo: Mongo, name: str) -> None:
    rooms = RoomsUnderTest(mongo)
    with pytest.raises(Invalid) as refused:
        await rooms.admission.gate_keeping.add(EMEISHAN, GateKind.WINDOW, name, OPERATOR, NOW)
    assert [fault.where for fault in refused.value.faults] == ["name"]
    assert await mongo.collection("gates").find({}) == []


async def test_a_gate_stands_at_a_spot_of_the_catalogue(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    with pytest.raises(Unknown, match="there is no spot 'nowhere'"):
        await rooms.admission.gate_keeping.add("nowhere", GateKind.WINDOW, "", OPERATOR, NOW)


async def test_a_gate_that_is_not_there_is_neither_renewed_nor_disabled(mongo: Mongo) -> None:
    keeping = RoomsUnderTest(mongo).admission.gate_keeping
    with pytest.raises(Unknown, match="there is no gate 'nothing'"):
        await keeping.renew("nothing", OPERATOR, NOW)
    with pytest.raises(Unknown, match="there is no gate 'nothing'"):
        await keeping.disable("nothing", OPERATOR, NOW)


async def test_an_id_that_is_taken_by_chance_is_drawn_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["first0setup0", "aaaa", "second0setup", "aaaa", "bbbb"])
    monkeypatch.setattr("passes.admission.gate_keeping._random", lambda _: next(drawn))
    keeping = RoomsUnderTest(mongo).admission.gate_keeping
    first = await keeping.add(EMEISHAN, GateKind.WINDOW, "", OPERATOR, NOW)
    second = await keeping.add(EMEISHAN, GateKind.WINDOW, "", OPERATOR, NOW)
    assert first.gate.id == "emeishan-aaaa"
    assert second.gate.id == "emeishan-bbbb"


DEVICE = "b1f0c2d46f9a4be8"


async def added(rooms: RoomsUnderTest) -> str:
    """The setup code of a new gate."""
    keeping = rooms.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.TURNSTILE, "", OPERATOR, NOW)
    return new.setup_code


async def test_a_lost_reply_does_not_spend_the_setup_code(rooms: RoomsUnderTest) -> None:
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    first = await keeping.enrol(code, NOW, DEVICE)
    again = await keeping.enrol(code, NOW + timedelta(minutes=14), DEVICE)
    assert again == first
    tokens = Tokens({1: bytes(32)})
    later = NOW + timedelta(minutes=14)
    assert tokens.for_gate(again, later) == tokens.for_gate(first, NOW), "the very same token"
    with pytest.raises(Unknown):
        await keeping.enrol(code, NOW + timedelta(minutes=15), DEVICE)


@pytest.mark.parametrize(
    ("first", "second"),
    [(DEVICE, "another-device-here"), (DEVICE, None), (None, DEVICE)],
    ids=["another", "none after a name", "a name after none"],
)
async def test_a_setup_code_is_not_for_another_device(
    rooms: RoomsUnderTest, first: str | None, second: str | None
) -> None:
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    gate = await keeping.enrol(code, NOW, first)
    with pytest.raises(Unknown):
        await keeping.enrol(code, NOW, second)
    assert [each.gate for each in await keeping.all()] == [gate]


async def test_without_a_name_the_former_token_is_withdrawn(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    """So that an honest gate whose code was stolen stops, and people notice."""
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    first = await keeping.enrol(code, NOW)
    second = await keeping.enrol(code, NOW + timedelta(minutes=14))
    assert second.token_version == first.token_version + 1
    assert f"gate {first.id} enrols again" in caplog.text
    with pytest.raises(Unknown):  # the time does not begin anew
        await keeping.enrol(code, NOW + timedelta(minutes=16))


@pytest.mark.parametrize("device", [DEVICE, None], ids=["named", "nameless"])
async def test_of_32_enrolments_at_once_one_token_is_good(
    rooms: RoomsUnderTest, device: str | None
) -> None:
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    gates = await asyncio.gather(*(keeping.enrol(code, NOW, device) for _ in range(32)))
    (stored,) = await keeping.all()
    versions = {gate.token_version for gate in gates}
    assert stored.gate.token_version in versions
    if device is not None:
        assert versions == {stored.gate.token_version}, "all have the same"
    else:
        assert max(versions) == stored.gate.token_version


async def test_of_32_devices_at_once_one_enrols(rooms: RoomsUnderTest) -> None:
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    answers = await asyncio.gather(
        *(keeping.enrol(code, NOW, f"{DEVICE}-{n}") for n in range(32)), return_exceptions=True
    )
    assert sum(isinstance(answer, Gate) for answer in answers) == 1
    assert sum(isinstance(answer, Unknown) for answer in answers) == 31


@pytest.mark.parametrize("device", [DEVICE, None], ids=["named", "nameless"])
async def test_an_enrolment_that_a_crash_cuts_short_is_finished_by_asking_again(
    mongo: Mongo, device: str | None
) -> None:
    for half_writes in range(20):
        await mongo.drop()
        database = CrashingDatabase(mongo)
        rooms = RoomsUnderTest(database)
        code = await added(rooms)
        running = RoomsUnderTest(mongo)
        await running.admission.gates.load()
        seen = await running.base.versions.all()
        database.writes_left = half_writes / 2
        try:
            await rooms.admission.gate_keeping.enrol(code, NOW, device)
        except Crash:
            database.restart()
            gate = await rooms.admission.gate_keeping.enrol(code, NOW, device)
            assert await running.base.versions.all() != seen, "servers are told of the gate"
            (stored,) = await rooms.admission.gate_keeping.all()
            assert gate == stored.gate
            lines = await rooms.lines_about(f"gate:{gate.id}")
            assert lines[-1].action == "enrol"
        else:
            break
    assert half_writes > 4


async def test_a_gate_from_before_knows_when_it_enrolled_by_the_audit_log(
    rooms: RoomsUnderTest,
) -> None:
    keeping, code = rooms.admission.gate_keeping, await added(rooms)
    gate = await keeping.enrol(code, NOW)
    gates = rooms.database.collection("gates")
    await gates.update({"_id": gate.id}, {"$unset": {"enrolled_at": ""}})
    (found,) = await keeping.all()
    assert found.gate.enrolled_at == NOW
    assert found.gate.token_ends_at == NOW + timedelta(days=366)
