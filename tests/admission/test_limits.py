"""No order of scans and annulments ever exceeds a limit; counted again from the ledger, by hand."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from passes.admission.rules import decide
from passes.base.calendar import business_day
from passes.ledger.records import Record, annulment, fold, standing
from passes.ledger.tally import Entry, Tally
from passes.terms.prices import Party
from passes.terms.terms import Coverage, Limits
from tests.support.build import EMEISHAN, NOW, XIANNVSHAN, case, gate, held, record, spot, terms

PLACES = (EMEISHAN, XIANNVSHAN, "jiuzhaigou")
COUNT = st.none() | st.integers(1, 3)
LIMITS = st.builds(
    Limits,
    per_spot_day=COUNT,
    per_spot=COUNT,
    total=st.none() | st.integers(1, 6),
    days=COUNT,
    minutes_between=st.none() | st.sampled_from([10, 60, 600]),
)
OVERRIDES = st.dictionaries(
    st.sampled_from(PLACES),
    st.dictionaries(st.sampled_from(["per_spot_day", "per_spot"]), COUNT, max_size=2),
    max_size=2,
)
Overrides = dict[str, dict[str, int | None]]
SCAN = st.tuples(st.just("scan"), st.integers(0, 2), st.integers(0, 20 * 60))
ANNUL = st.tuples(st.just("annul"), st.integers(0, 9), st.integers(0, 20))
EVENTS = st.lists(SCAN | SCAN | SCAN | ANNUL, max_size=40)


def played(
    events: list[tuple[str, int, int]], limits: Limits, overrides: Overrides
) -> list[Record]:
    """The ledger that the rules lead to: refused scans leave nothing in it."""
    ledger: list[Record] = []
    allowed = terms(limits=limits, overrides=overrides, coverage=Coverage(frozenset(PLACES)))
    at = NOW
    for kind, what, minutes in events:
        at += timedelta(minutes=minutes)
        tally = ledger[-1].tally if ledger else Tally()
        left = standing(ledger)
        if kind == "annul" and left:
            ledger.append(annulment(ledger, left[what % len(left)], at, at))
        elif kind == "scan":
            here = PLACES[what]
            given_case = case(
                held=held(terms=allowed),
                tally=tally,
                spot=spot(here),
                gate=gate(spot_id=here),
                at=at,
            )
            if decide(given_case).admitted:
                ledger.append(record(len(ledger) + 1, at, tally.with_visit(here, at), here))
    return ledger


def within(count: int, limit: int | None) -> bool:
    return limit is None or count <= limit


def day_limit(place: str, limits: Limits, overrides: Overrides) -> int | None:
    """How many visits a day a place allows; what is said of the place takes precedence."""
    return overrides.get(place, {}).get("per_spot_day", limits.per_spot_day)


def spot_limit(place: str, limits: Limits, overrides: Overrides) -> int | None:
    return overrides.get(place, {}).get("per_spot", limits.per_spot)


@given(EVENTS, LIMITS, OVERRIDES)
def test_no_limit_is_ever_exceeded(
    events: list[tuple[str, int, int]], limits: Limits, overrides: Overrides
) -> None:
    ledger = played(events, limits, overrides)
    for n in range(1, len(ledger) + 1):
        visits = standing(ledger[:n])
        assert ledger[n - 1].tally == fold(ledger[:n])
        assert within(len(visits), limits.total)
        assert within(len({business_day(visit.at) for visit in visits}), limits.days)
        at_place_on_day = Counter((visit.spot_id, business_day(visit.at)) for visit in visits)
        for (place, _), count in at_place_on_day.items():
            assert within(count, day_limit(place, limits, overrides))
        at_place = Counter(visit.spot_id for visit in visits)
        for place, count in at_place.items():
            assert within(count, spot_limit(place, limits, overrides))
        if limits.minutes_between is not None:
            shortest = timedelta(minutes=limits.minutes_between)
            instants = sorted(visit.at for visit in visits)
            assert all(later - earlier >= shortest for earlier, later in pairwise(instants))


PARTY = st.tuples(st.integers(0, 2), st.none() | st.integers(1, 5), st.integers(0, 20 * 60))


@given(st.lists(PARTY, max_size=30), st.integers(1, 4), LIMITS)
def test_parties_that_come_in_parts_never_exceed_what_the_pass_admits(
    scans: list[tuple[int, int | None, int]], room: int, limits: Limits
) -> None:
    allowed = terms(limits=limits, coverage=Coverage(frozenset(PLACES)), party=Party(room, room))
    ledger: list[Record] = []
    at = NOW
    for place, party, minutes in scans:
        at += timedelta(minutes=minutes)
        here = PLACES[place]
        tally = ledger[-1].tally if ledger else Tally()
        scanned = case(
            held=held(terms=allowed),
            tally=tally,
            spot=spot(here),
            gate=gate(spot_id=here),
            party=party,
            at=at,
        )
        verdict = decide(scanned)
        if verdict.admitted:
            after = tally.with_entry(Entry(here, at, verdict.admits, room))
            entered = record(len(ledger) + 1, at, after, here)
            ledger.append(replace(entered, verdict=verdict, room=room))
    people = Counter[tuple[str, date]]()
    for n, line in enumerate(ledger, start=1):
        assert line.tally == fold(ledger[:n])
        assert line.verdict is not None
        here_today = (line.spot_id, business_day(line.at))
        people[here_today] += line.verdict.admits
        assert within(line.tally.total, limits.total)
        assert within(line.tally.days, limits.days)
        if limits.per_spot_day is not None:
            assert people[here_today] <= limits.per_spot_day * room
