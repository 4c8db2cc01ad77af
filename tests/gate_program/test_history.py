"""The check of a whole history finds every kind of fault."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.ledger.records import Record, annulment, appended
from passes.ledger.tally import Tally
from tests.support.build import NOW, SERIAL, record
from tests.support.history import History, Limit, Scanned, faults_of, in_excess

STEP = int(NOW.timestamp()) // 30


def ledger(*changes: dict[str, Any]) -> list[Record]:
    """A ledger of admissions at one gate, a minute apart, each changed so."""
    records: list[Record] = []
    for n, changed in enumerate(changes, 1):
        at = NOW + timedelta(minutes=n)
        late = {"recorded_at": NOW + timedelta(hours=1)}
        records.append(appended(records, replace(record(n, at, Tally()), **late | changed)))
    return records


def scan(n: int) -> Scanned:
    return Scanned("emeishan-turnstile", f"n{n}", SERIAL)


ALONE = {"online": False}
ONCE = Limit(per_spot_day=1)
TWICE = Limit(total=2)


def history(records: Sequence[Record], limit: Limit = TWICE, **changes: Any) -> History:
    """All lights of a ledger were shown, if nothing else is said."""
    shown = tuple(Scanned(each.gate_id, each.nonce, each.pass_id) for each in records)
    return replace(History(shown, (), (), (), {SERIAL: records}, (), {SERIAL: limit}), **changes)


TWO = ledger({}, {})
ANNULLED = [*TWO, annulment(TWO, TWO[1], NOW + timedelta(minutes=3), NOW + timedelta(hours=1))]
LATE = ledger({}, {}, ALONE | {"at": NOW})
"""The third arrived last and came first: the second is in excess."""

RIGHT = {
    "nothing": history([]),
    "all-are-shown": history(TWO),
    "cut-before-it-was-shown": history(
        TWO, lights=[scan(1)], interrupted=[("emeishan-turnstile", SERIAL)]
    ),
    "annulled-and-not-shown": history(ANNULLED, lights=[scan(1)]),
    "taken-back": history(ANNULLED, lights=[scan(1), scan(2)], annulled=[scan(2)]),
    "perhaps-taken-back": history(ANNULLED, lights=[scan(1), scan(2)], doubtful=[scan(2)]),
    "perhaps-not-taken-back": history(TWO, doubtful=[scan(2)]),
    "in-excess-and-a-conflict": history(ledger({}, {}, ALONE), conflicts=[scan(3)]),
    "the-first-by-its-own-time-stands": history(LATE, conflicts=[scan(2)]),
    "once-a-day": history(ledger({}, ALONE), ONCE, conflicts=[scan(2)]),
    "on-another-day": history(ledger({}, {"at": NOW - timedelta(days=1)}), ONCE),
    "one-code-at-two-gates": history(
        ledger({"step": STEP + 2}, ALONE | {"step": STEP + 2, "at": NOW + timedelta(seconds=80)}),
        conflicts=[scan(2)],
    ),
    "a-step-that-does-not-fit": history(ledger({"step": STEP - 9}), conflicts=[scan(1)]),
}
WRONG = {
    "lost": (history(TWO, lights=[scan(1), scan(2), scan(3)]), "{3} is lost"),
    "shown-twice": (history(TWO, lights=[scan(1), scan(2), scan(2)]), "{2} was shown 2 times"),
    "doubled": (history(ledger({}, {"nonce": "n1"}), lights=[scan(1)]), "{1} is doubled"),
    "not-shown": (history(TWO, lights=[scan(1)]), "{2} stands, and no light was shown"),
    "cut-elsewhere": (
        history(TWO, lights=[scan(1)], interrupted=[("another", SERIAL)]),
        "{2} stands, and no light was shown",
    ),
    "more-than-were-cut": (
        history(TWO, lights=[], interrupted=[("emeishan-turnstile", SERIAL)]),
        "{2} stands, and no light was shown",
    ),
    "annulled-though-shown": (history(ANNULLED, lights=[scan(1), scan(2)]), "{2} is annulled"),
    "taken-back-in-vain": (history(TWO, annulled=[scan(2)]), "{2} was taken back, and stands"),
    "a-gap": (
        history([TWO[0], replace(TWO[1], n=3)]),
        f"pass {SERIAL}: the numbers of the records have a gap",
    ),
    "a-wrong-tally": (
        history([replace(TWO[0], tally=Tally()), TWO[1]]),
        f"pass {SERIAL}: the tally of record 1 is not the fold",
    ),
    "after-it-was-stored": (
        history(ledger({"recorded_at": NOW})),
        f"pass {SERIAL}: record 1 counts from after it was stored",
    ),
    "over-the-limit-online": (
        history(ledger({}, ALONE, {}), conflicts=[scan(3)]),
        f"{{3}} exceeds {TWICE}, online",
    ),
    "excess-hidden": (history(ledger({}, {}, ALONE)), "{3} is in excess, and no conflict"),
    "conflict-about-the-wrong-one": (
        history(LATE, conflicts=[scan(2), scan(3)]),
        "{3} is no excess, but a conflict",
    ),
    "conflict-twice": (
        history(ledger({}, {}, ALONE), conflicts=[scan(3), scan(3)]),
        "{3} is 2 conflicts",
    ),
    "stale-step-hidden": (
        history(ledger({"step": STEP - 9})),
        "{1} is in excess, and no conflict",
    ),
}


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
def test_a_right_history_has_no_faults(right: History) -> None:
    assert faults_of(right) == []


@pytest.mark.parametrize(("wrong", "fault"), WRONG.values(), ids=WRONG)
def test_each_kind_of_fault_is_found(wrong: History, fault: str) -> None:
    assert faults_of(wrong) == [fault.format(None, *map(scan, (1, 2, 3)))]


def test_what_is_in_excess_does_not_count_for_what_follows() -> None:
    records = ledger({}, ALONE, {"at": NOW + timedelta(days=1)})
    assert [each.n for each in in_excess(records, ONCE)] == [2]
