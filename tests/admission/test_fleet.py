"""What is wrong with a gate, in words, the worst first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.fleet import Watched, wrongs
from passes.admission.gate_keeping import NewGate
from passes.admission.gates import TOKEN_LIFE, GateKind, GateState, SetGate, Setup
from passes.admission.heartbeats import BundleHeld, Heartbeat
from passes.base.errors import Conflict
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, XIANNVSHAN
from tests.support.rooms import RoomsUnderTest

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def watched(id: str = "g", **heard: Any) -> Watched:
    """An enrolled gate that was heard of a moment ago."""
    gate = replace(build.gate(id=id), enrolled_at=NOW)
    return Watched(SetGate(gate, None), Heartbeat(id, **{"at": NOW, **heard}))


def with_gate(of: Watched, **changes: Any) -> Watched:
    gate = replace(of.set_up.gate, **changes)
    return replace(of, set_up=replace(of.set_up, gate=gate))


EXPIRED = Watched(
    SetGate(replace(build.gate(), state=GateState.ADDED, enrolled_at=None), Setup("d", NOW - DAY)),
    None,
)
OLD = BundleHeld(0, 1, NOW - 26 * HOUR)


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (watched(), []),
        (replace(watched(), heartbeat=None), []),
        (watched(at=NOW - 7 * MINUTE), ["silent for 7 min: look at its line and its power"]),
        (watched(at=NOW - 3 * DAY), ["silent for 3 days: look at its line and its power"]),
        (watched(queued=1), ["late: 1 scan waits"]),
        (watched(queued=12), ["late: 12 scans wait"]),
        (watched(skew_ms=180_000), ["its clock is 3 min ahead: set it"]),
        (watched(skew_ms=-180_000), ["its clock is 3 min behind: set it"]),
        (watched(skew_ms=119_000), []),
        (watched(bundle=OLD), ["its bundle is 26 h old"]),
        (
            with_gate(watched(), enrolled_at=NOW - TOKEN_LIFE),
            ["its token has ended: renew it"],
        ),
        (
            with_gate(watched(), enrolled_at=NOW - TOKEN_LIFE + 25 * DAY),
            ["its token ends in 25 days: renew it"],
        ),
        (
            with_gate(watched(), enrolled_at=NOW - TOKEN_LIFE, renewed_at=NOW),
            [],
        ),
        (
            with_gate(watched(queued=2), state=GateState.DISABLED),
            ["not in service, and 2 scans wait when it was heard of last"],
        ),
        (with_gate(watched(at=NOW - DAY), state=GateState.DISABLED), []),
        (EXPIRED, ["its setup code has expired: renew it"]),
        (
            watched(queued=2, at=NOW - HOUR),
            ["silent for 60 min: look at its line and its power", "late: 2 scans wait"],
        ),
    ],
)
def test_what_is_wrong_is_said_the_worst_first(gate: Watched, says: list[str]) -> None:
    assert [each.words for each in wrongs(gate, NOW)] == says


async def enrolled(rooms: RoomsUnderTest, spot_id: str = EMEISHAN) -> NewGate:
    keeping = rooms.admission.gate_keeping
    new = await keeping.add(spot_id, GateKind.TURNSTILE, "", OPERATOR, NOW)
    await keeping.enrol(new.setup_code, NOW)
    return new


async def test_the_worst_gate_stands_first(rooms: RoomsUnderTest) -> None:
    heartbeats = rooms.admission.heartbeats
    fine, late, silent = [(await enrolled(rooms)).gate.id for _ in range(3)]
    await heartbeats.put(Heartbeat(fine, NOW))
    await heartbeats.put(Heartbeat(late, NOW, queued=5))
    await heartbeats.put(Heartbeat(silent, NOW - HOUR))
    ids = [each.set_up.gate.id for each in await rooms.admission.fleet.all(NOW)]
    assert ids == [silent, late, fine]


async def test_a_gate_is_moved_and_set_up_anew(rooms: RoomsUnderTest) -> None:
    keeping, before = rooms.admission.gate_keeping, await enrolled(rooms)
    moved = await keeping.move(before.gate.id, XIANNVSHAN, OPERATOR, NOW)
    with pytest.raises(Conflict, match="stands at wulong-xiannvshan already"):
        await keeping.move(before.gate.id, XIANNVSHAN, OPERATOR, NOW)
    gate = await keeping.enrol(moved.setup_code, NOW)
    assert (gate.id, gate.spot_id) == (before.gate.id, XIANNVSHAN)
    assert not gate.takes(1, NOW), "what was left behind admits nobody"
    (line,) = [each for each in await rooms.lines_about(f"gate:{gate.id}") if each.action == "move"]
    assert line.detail == {"from": EMEISHAN, "to": XIANNVSHAN}


@pytest.mark.parametrize(
    ("heard", "says"),
    [
        ({"queued": 2, "at": NOW}, "2 scans of the old spot wait"),
        ({"queued": 0, "at": NOW - HOUR}, "this gate is silent"),
    ],
)
async def test_a_gate_that_may_hold_scans_is_moved_only_if_that_is_meant(
    rooms: RoomsUnderTest, heard: dict[str, Any], says: str
) -> None:
    keeping, gate = rooms.admission.gate_keeping, (await enrolled(rooms)).gate
    await rooms.admission.heartbeats.put(Heartbeat(gate.id, **heard))
    with pytest.raises(Conflict, match=says):
        await keeping.move(gate.id, XIANNVSHAN, OPERATOR, NOW)
    moved = await keeping.move(gate.id, XIANNVSHAN, OPERATOR, NOW, yes=True)
    assert moved.gate.spot_id == XIANNVSHAN


async def test_a_gate_is_renamed_and_keeps_its_token(rooms: RoomsUnderTest) -> None:
    keeping, gate = rooms.admission.gate_keeping, (await enrolled(rooms)).gate
    await keeping.rename(gate.id, "北门 2", OPERATOR, NOW)
    (stored,) = await keeping.all()
    assert (stored.gate.name, stored.gate.token_version) == ("北门 2", 1)
