"""The ledger: the running tally is the fold, whatever happens in whatever order."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from passes.ledger.records import (
    Record,
    RecordKind,
    annulment,
    appended,
    fold,
    mark,
    standing,
)
from passes.ledger.tally import Tally
from tests.support.build import EMEISHAN, NOW, SERIAL, XIANNVSHAN, record
from tests.support.fields import assert_fields

SPOTS = st.sampled_from([EMEISHAN, XIANNVSHAN, "jiuzhaigou"])
VISIT = st.tuples(st.just("visit"), SPOTS, st.integers(0, 3 * 24 * 60))
ANNUL = st.tuples(st.just("annul"), st.integers(0, 30), st.integers(0, 60))


def played(events: list[tuple[str, str | int, int]]) -> list[Record]:
    """A ledger as the server writes it: visits by the running tally, annulments by the fold."""
    ledger: list[Record] = []
    at = NOW
    for kind, what, minutes in events:
        at += timedelta(minutes=minutes)
        tally = ledger[-1].tally if ledger else Tally()
        if kind == "visit":
            ledger.append(record(len(ledger) + 1, at, tally.with_visit(str(what), at), str(what)))
        elif standing(ledger):
            left = standing(ledger)
            ledger.append(annulment(ledger, left[int(what) % len(left)], at, at))
    return ledger


@given(st.lists(VISIT | ANNUL, max_size=30))
def test_the_running_tally_is_the_fold_of_the_ledger(
    events: list[tuple[str, str | int, int]],
) -> None:
    ledger = played(events)
    for n, line in enumerate(ledger, start=1):
        assert line.n == n
        assert line.tally == fold(ledger[:n])


def test_a_tally_counts_visits_days_and_spots() -> None:
    tally = (
        Tally()
        .with_visit(EMEISHAN, NOW)
        .with_visit(XIANNVSHAN, NOW)
        .with_visit(EMEISHAN, NOW + timedelta(days=1))
    )
    assert tally.total == 3
    assert tally.days == 2
    assert tally.by_spot == {EMEISHAN: 2, XIANNVSHAN: 1}
    assert tally.on_day == {EMEISHAN: 1}
    assert tally.last_at == NOW + timedelta(days=1)


def test_an_annulled_visit_leaves_the_tally_of_before() -> None:
    ledger = played([("visit", EMEISHAN, 0), ("visit", XIANNVSHAN, 5)])
    ledger.append(annulment(ledger, ledger[1], NOW + timedelta(minutes=6), NOW))
    assert ledger[2].kind is RecordKind.ANNULLED
    assert ledger[2].annuls == 2
    assert ledger[2].tally == ledger[0].tally


def test_an_annulled_visit_to_the_same_spot_makes_room_for_another() -> None:
    ledger = played([("visit", EMEISHAN, 0)])
    ledger.append(annulment(ledger, ledger[0], NOW, NOW))
    assert ledger[1].tally == Tally()


def test_a_visit_of_a_day_before_the_newest_counts_as_one_more_day() -> None:
    """The ledger was carried over: what happened on which day before is not known any more."""
    before = Tally().with_visit(EMEISHAN, NOW - timedelta(days=2)).with_visit(EMEISHAN, NOW)
    carried = mark(RecordKind.CARRIED, SERIAL, 1, before, NOW)
    late = record(2, NOW - timedelta(days=1), Tally(), XIANNVSHAN)
    appended_late = appended([carried], late)
    assert appended_late.n == 2
    assert_fields(
        appended_late.tally,
        total=3,
        days=3,
        by_spot={EMEISHAN: 2, XIANNVSHAN: 1},
        day=before.day,
        on_day={EMEISHAN: 1},
        last_at=NOW,
    )
