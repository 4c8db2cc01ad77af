"""Keeping gates: what cannot be added is refused before anything is stored."""

import pytest

from passes.admission.gates import GateKind
from passes.base.errors import Invalid, Unknown
from server.mongo import Mongo
from tests.support.build import EMEISHAN, NOW, OPERATOR
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
