"""The clock of a gate: as the server told it, whatever is done to that of the machine."""

from datetime import timedelta

import pytest

from scripts.gate import clock as clocks
from scripts.gate.clock import GateClock
from tests.support.build import NOW


class Machine:
    """Both clocks of a machine."""

    def __init__(self) -> None:
        self.wall, self.steady, self.boot = NOW, 100.0, "first"

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clocks, "wall", lambda: made.wall)
    monkeypatch.setattr(clocks, "steady", lambda: made.steady)
    monkeypatch.setattr(clocks, "boot_id", lambda: made.boot)
    return made


def test_the_server_tells_the_time_and_the_machine_cannot_change_it(machine: Machine) -> None:
    clock = GateClock()
    assert clock.now() == NOW
    machine.wall += timedelta(minutes=2)
    clock.learn(NOW, asked=99.0)
    assert clock.now() == NOW + timedelta(seconds=0.5), "half of the way there and back"
    assert clock.skew_ms == 119_500
    assert clock.is_wrong
    assert clock.jumped() == timedelta(minutes=2)
    assert clock.jumped() is None
    machine.passes(10)
    machine.wall -= timedelta(days=1)
    assert clock.now() == NOW + timedelta(seconds=10.5)
    assert clock.jumped() == -timedelta(days=1)


def test_a_slow_answer_tells_little(machine: Machine) -> None:
    clock = GateClock()
    clock.learn(NOW + timedelta(hours=1), asked=50.0)
    assert clock.now() > NOW + timedelta(minutes=59), "better than nothing"
    told = clock.now()
    clock.learn(NOW, asked=90.0)
    assert clock.now() == told


def test_what_it_has_learnt_outlives_the_program_but_not_the_machine(machine: Machine) -> None:
    before = GateClock()
    machine.wall -= timedelta(hours=3)
    before.learn(NOW, asked=100.0)
    kept = before.kept()
    machine.passes(60)
    machine.wall = NOW - timedelta(days=9000)
    after = GateClock()
    after.restore(kept)
    assert after.now() == NOW + timedelta(seconds=60)
    machine.boot, machine.steady, machine.wall = "second", 5.0, NOW - timedelta(hours=2)
    another = GateClock()
    another.restore(kept)
    assert another.now() == NOW + timedelta(hours=1), "its clock was three hours behind"
    another.not_before(NOW + timedelta(hours=5))
    assert another.now() == NOW + timedelta(hours=5), "a scan of that hour is on disk"
