"""Online or offline: lost quickly, back slowly."""

from scripts.gate.hysteresis import Hysteresis


def probes_until_back(line: Hysteresis, at: float) -> int:
    for probes in range(1, 100):
        if line.answered(at):
            return probes
    raise AssertionError("it never came back")


def test_a_cut_line_is_lost_at_once_a_slow_one_with_the_second_scan() -> None:
    line = Hysteresis()
    assert not line.missed(0, cut=False)
    line.answered(1)
    assert not line.missed(2, cut=False), "one slow answer in a row"
    assert line.missed(3, cut=False)
    assert not line.online
    assert not line.missed(4, cut=True), "it is told once"
    assert probes_until_back(line, 5) == 2
    assert line.missed(1000, cut=True)


def test_a_miss_between_probes_begins_anew() -> None:
    line = Hysteresis()
    line.missed(0, cut=True)
    assert not line.answered(1)
    line.missed(2, cut=False)
    assert probes_until_back(line, 3) == 2


def test_a_line_that_comes_and_goes_has_to_prove_itself() -> None:
    line = Hysteresis()
    needed = []
    for at in range(0, 50, 10):
        line.missed(at, cut=True)
        needed.append(probes_until_back(line, at + 1))
    assert needed == [2, 4, 8, 8, 8]
    line.missed(2000, cut=True)
    assert probes_until_back(line, 2001) == 2
