"""Any sequence of scans, exits, payments and annulments: no limit is exceeded, what is owed is
right, promises are kept, and the tally is that of the whole ledger. All is counted again by hand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from passes.admission.gates import GateKind
from passes.admission.rules import Case, decide
from passes.base.calendar import business_day, start_of
from passes.holding.model import Pass
from passes.ledger.records import Record, RecordKind, annulment, fold, tally_after
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.people.traits import AgeBand, Traits
from passes.terms.holidays import HolidayCalendar, HolidayYear
from passes.terms.prices import Party, Payment
from passes.terms.terms import Coverage, Limits, Pool, SpotTimes, Terms
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange, Starts, Term
from tests.support import build

PLACES = ("emeishan", "jiuzhaigou", "leshan")
COVERED = frozenset(PLACES)
FREE_PLACE = PLACES[2]
FREE_ENTRY = [
    {"who": "seniors", "from_age": 60, "to_age": 64, "not_on_holidays": True},
    {"who": "children", "to_age": 6},
]
PLACES_BY_ID = {place: build.spot(place) for place in PLACES} | {
    FREE_PLACE: build.spot(FREE_PLACE, free_entry=FREE_ENTRY, sources={"free_entry": "a notice"})
}
HOLIDAYS = HolidayCalendar(
    {
        year: HolidayYear(year, {"new_year": (DateRange(date(year, 7, 1), date(year, 7, 7)),)})
        for year in range(2026, 2029)
    }
)
"""In the first week of July the holder is not free."""
COUNT = st.none() | st.integers(1, 3)
HOURS = st.sampled_from(
    [
        (),
        (Hours(time(9), time(12)),),
        (Hours(time(8), time(10)), Hours(time(14), time(18))),
    ]
)
LIMITS = st.builds(
    Limits,
    per_spot_day=COUNT,
    per_spot=st.none() | st.integers(1, 5),
    total=st.none() | st.integers(1, 9),
    days=st.none() | st.integers(1, 5),
    minutes_between=st.none() | st.sampled_from([10, 60, 1500]),
    per_month=st.none() | st.integers(1, 4),
    per_year=st.none() | st.integers(1, 6),
)
POOL = st.builds(
    Pool,
    coverage=st.just(Coverage()),
    visits=COUNT,
    different=COUNT,
    spots=st.frozensets(st.sampled_from(PLACES), min_size=1),
)
BLACKOUT = st.builds(
    Blackout,
    dates=st.sampled_from([(), (DateRange(date(2026, 7, 2), date(2026, 7, 4)),)]),
    weekdays=st.frozensets(st.integers(1, 7), max_size=3),
)
SEASON = st.sampled_from([(), (Season("07-01", "07-20"),), (Season("07-05", "08-31"),)])
TIMES = st.builds(Times, BLACKOUT, SEASON, HOURS)
SPOT_TIMES = st.builds(
    SpotTimes,
    coverage=st.just(Coverage()),
    times=TIMES,
    spots=st.frozensets(st.sampled_from(PLACES), min_size=1),
)
PARTY = st.integers(1, 4).flatmap(
    lambda admits: st.builds(Party, st.just(admits), st.integers(0, admits))
)
TERM = st.sampled_from(
    [
        Term(days=40),
        Term(months=14),
        Term(days=20, starts=Starts.FIRST_VISIT, start_within=30),
    ]
)
TERMS = st.builds(
    Terms,
    term=TERM,
    coverage=st.just(Coverage(COVERED)),
    limits=LIMITS,
    overrides=st.dictionaries(
        st.sampled_from(PLACES),
        st.dictionaries(st.sampled_from(["per_spot_day", "per_spot"]), COUNT, max_size=2),
        max_size=2,
    ),
    blackout=BLACKOUT,
    season=SEASON,
    hours=HOURS,
    party=PARTY,
    payment=st.sampled_from(Payment),
    at=st.lists(SPOT_TIMES, max_size=1).map(tuple),
    pools=st.lists(POOL, max_size=2).map(tuple),
    re_entry=st.booleans(),
)
ALWAYS_OPEN = Terms(Term(days=40), Coverage(COVERED))


@dataclass(frozen=True)
class Step:
    """Something that happens at a spot, some minutes after what happened before it."""

    what: str
    place: str
    minutes: int
    people: int | None
    gate: GateKind
    which: int
    beside: Mapping[str, int] = field(default_factory=dict)


STEP = st.builds(
    Step,
    what=st.sampled_from(["enter", "enter", "enter", "leave", "pay", "annul"]),
    place=st.sampled_from(PLACES),
    minutes=st.sampled_from([1, 5, 30, 180, 720, 1440, 12000, 44000]) | st.integers(0, 3000),
    people=st.none() | st.integers(1, 5),
    gate=st.sampled_from([GateKind.WINDOW, GateKind.TURNSTILE]),
    which=st.integers(0, 3),
    beside=st.sampled_from([{}, {}, {"child": 2}]),
)
STEPS = st.lists(STEP, max_size=20)
KINDS = {
    "enter": RecordKind.ADMITTED,
    "leave": RecordKind.EXITED,
    "pay": RecordKind.PAID,
}


@dataclass(frozen=True)
class Moment:
    """A step, what was in the ledger before it, and what was asked and answered."""

    ledger: Sequence[Record]
    case: Case
    step: Step


def pass_with(terms: Terms) -> Pass:
    """Of somebody who is free by law at one of the places, not on its holidays."""
    valid = terms.term.begun_on(build.TODAY)
    traits = Traits(age_band=AgeBand.UNDER_65, turns_until=valid.end)
    return build.held(terms=terms, spots=COVERED, valid=valid, traits=traits)


def case_of(step: Step, held: Pass, ledger: Sequence[Record], at: datetime) -> Case:
    return build.case(
        held=held,
        tally=ledger[-1].tally if ledger else Tally(),
        spot=PLACES_BY_ID[step.place],
        gate=build.gate(step.gate, step.place),
        party=step.people,
        at=at,
        paying=step.what == "pay",
        beside=step.beside if step.gate.staffed and step.what == "enter" else {},
        holidays=HOLIDAYS,
    )


def next_record(moment: Moment) -> Record | None:
    """What the step adds to the ledger, as `Admission` records it; None if it is refused."""
    case, step = moment.case, moment.step
    verdict = decide(case)
    if step.what == "leave":
        people = step.people or case.whole_party.admits
        verdict = Verdict(Reason.OK, case.at, admits=people, leaving=True)
    if not verdict.granted:
        return None
    plain = build.record(len(moment.ledger) + 1, case.at, case.tally, step.place)
    record = replace(
        plain,
        kind=KINDS[step.what],
        verdict=verdict,
        room=case.whole_party.admits,
        payers=case.payers,
        month=case.month,
        may_return=case.held.terms.re_entry,
    )
    return replace(record, tally=tally_after(case.tally, record))


def can_be_annulled(ledger: Sequence[Record], at: datetime) -> list[Record]:
    """Admissions and payments of the last 15 minutes that stand."""
    undone = {each.annuls for each in ledger}
    kinds = (RecordKind.ADMITTED, RecordKind.PAID)
    standing = [each for each in ledger if each.kind in kinds and each.n not in undone]
    return [each for each in standing if at - each.at <= timedelta(minutes=15)]


def played(steps: Sequence[Step], terms: Terms) -> Iterator[Moment]:
    """Every moment of a sequence, and at last what is left of it."""
    held, at = pass_with(terms), build.NOW
    ledger: list[Record] = []
    for step in steps:
        at += timedelta(minutes=step.minutes)
        moment = Moment(tuple(ledger), case_of(step, held, ledger, at), step)
        yield moment
        recent = can_be_annulled(ledger, at)
        if step.what == "annul" and recent:
            ledger.append(annulment(ledger, recent[step.which % len(recent)], at, at))
        elif step.what != "annul":
            added = next_record(moment)
            ledger += [added] if added else []
    last = Step("enter", PLACES[0], 0, None, GateKind.WINDOW, 0)
    yield Moment(tuple(ledger), case_of(last, held, ledger, at), last)


def left_of(ledger: Sequence[Record]) -> list[Record]:
    undone = {each.annuls for each in ledger}
    return [each for each in ledger if each.annuls is None and each.n not in undone]


@dataclass
class Group:
    """People who came on one visit."""

    spot: str
    day: date
    at: datetime
    came: int
    away: int = 0


def groups_of(ledger: Sequence[Record], room: int) -> list[Group]:
    """The visits that stand, counted anew: who fits into the newest party there belongs to it."""
    groups: list[Group] = []
    for record in left_of(ledger):
        day = business_day(record.at)
        here = [each for each in groups if (each.spot, each.day) == (record.spot_id, day)]
        verdict = record.verdict
        if verdict is None or record.free:
            continue  # free by law: no visit
        people = verdict.admits - verdict.free.get("child", 0)
        if record.kind is RecordKind.EXITED and record.may_return and here:
            here[-1].away += min(people, here[-1].came - here[-1].away)
        elif record.kind is RecordKind.ADMITTED:
            if here and people <= room - here[-1].came + here[-1].away:
                back = min(people, here[-1].away)
                here[-1].away -= back
                here[-1].came += people - back
            else:
                groups.append(Group(record.spot_id, day, record.at, people))
    return groups


def month_starts(first: date, count: int) -> list[date]:
    """The first days of the months of validity; of passes whose first day every month has."""
    assert first.day <= 28
    in_all = [first.month - 1 + number for number in range(count)]
    return [date(first.year + each // 12, each % 12 + 1, first.day) for each in in_all]


def within(count: int, limit: int | None) -> bool:
    return limit is None or count <= limit


def assert_no_limit_is_exceeded(groups: Sequence[Group], terms: Terms) -> None:
    limits = terms.limits
    assert within(len(groups), limits.total)
    assert within(len({each.day for each in groups}), limits.days)
    for place in PLACES:
        special = terms.overrides.get(place, {})
        here = Counter(each.day for each in groups if each.spot == place)
        assert within(here.total(), special.get("per_spot", limits.per_spot))
        most_on_a_day = max(here.values(), default=0)
        assert within(most_on_a_day, special.get("per_spot_day", limits.per_spot_day))
    for pool in terms.pools:
        among = [each.spot for each in groups if each.spot in pool.spots]
        assert within(len(among), pool.visits)
        assert within(len(set(among)), pool.different)


def assert_no_period_is_exceeded(groups: Sequence[Group], terms: Terms) -> None:
    first = build.TODAY
    if terms.term.starts is Starts.FIRST_VISIT:
        first = min((each.day for each in groups), default=first)
    if first.day > 28:
        return
    months, years = Counter[int](), Counter[int]()
    starts = month_starts(first, 40)
    for each in groups:
        month = sum(start <= each.day for start in starts) - 1
        months[month] += 1
        years[month // 12] += 1
    assert within(max(months.values(), default=0), terms.limits.per_month)
    assert within(max(years.values(), default=0), terms.limits.per_year)


@given(STEPS, TERMS)
def test_no_sequence_exceeds_any_limit(steps: list[Step], terms: Terms) -> None:
    for moment in played(steps, terms):
        groups = groups_of(moment.ledger, terms.party.admits)
        assert_no_limit_is_exceeded(groups, terms)
        assert_no_period_is_exceeded(groups, terms)
        instants = sorted(each.at for each in groups)
        if terms.limits.minutes_between is not None:
            shortest = timedelta(minutes=terms.limits.minutes_between)
            assert all(later - earlier >= shortest for earlier, later in pairwise(instants))


@given(STEPS, TERMS)
def test_the_tally_is_always_that_of_the_whole_ledger(steps: list[Step], terms: Terms) -> None:
    for moment in played(steps, terms):
        for record in moment.ledger[-1:]:
            assert record.tally == fold(moment.ledger)
        tally = fold(moment.ledger)
        groups = groups_of(moment.ledger, terms.party.admits)
        assert tally.total == len(groups)
        assert tally.days == len({each.day for each in groups})
        assert sum(tally.by_month.values()) == len(groups)


@given(STEPS, TERMS.map(lambda terms: replace(terms, payment=Payment.AT_WINDOW)))
def test_what_a_party_owes_is_always_right(steps: list[Step], terms: Terms) -> None:
    """What was paid and stands, and what is asked now, is what those who are in have to pay."""
    for moment in played(steps, terms):
        verdict, case = decide(moment.case), moment.case
        if not verdict.granted or moment.step.what == "annul":
            continue
        entering = replace(case, paying=False)
        entered = next_record(Moment(moment.ledger, entering, replace(moment.step, what="enter")))
        after = [*moment.ledger, *([entered] if entered else [])]
        due, paid = defaultdict[tuple[str, date], int](int), Counter[tuple[str, date]]()
        for group in groups_of(after, terms.party.admits):
            due[group.spot, group.day] += min(terms.party.pays, group.came)
        for record in left_of(moment.ledger):
            if record.verdict is not None:
                paid[record.spot_id, business_day(record.at)] += record.verdict.pays
        here = (moment.step.place, case.day)
        if moment.step.what in {"enter", "pay"}:
            assert verdict.pays == max(0, due[here] - paid[here])
        assert verdict.pays == 0 or moment.step.gate is GateKind.WINDOW


def candidates(case: Case) -> list[datetime]:
    """All moments at which anything can change, up to the end of the pass."""
    minutes = case.held.terms.limits.minutes_between
    moments = []
    if minutes is not None and case.tally.last_at is not None:
        moments.append(case.tally.last_at + timedelta(minutes=minutes))
    day = case.day
    while day <= case.held.valid.end + timedelta(days=1):
        moments.append(start_of(day))
        for times in case.times:
            openings = [timedelta(hours=hours.opens.hour) for hours in times.hours]
            moments.extend(start_of(day) + opening for opening in openings)
        day += timedelta(days=1)
    return sorted(each for each in set(moments) if each > case.at)


@given(STEPS, TERMS.map(lambda terms: replace(terms, term=Term(days=40))))
@example(
    [Step("enter", PLACES[0], 0, None, GateKind.WINDOW, 0)] * 2,
    replace(ALWAYS_OPEN, limits=Limits(days=1)),
)
@example(
    [Step("enter", PLACES[0], 0, 2, GateKind.TURNSTILE, 0)] * 2,
    replace(ALWAYS_OPEN, party=Party(3, 3), hours=(Hours(time(14), time(15)),)),
)
def test_a_promise_is_never_broken_and_never_too_late(steps: list[Step], terms: Terms) -> None:
    *_, moment = played(steps, terms)
    for place in PLACES:
        for people in (None, 2):
            case = replace(
                moment.case,
                spot=PLACES_BY_ID[place],
                gate=build.gate(moment.step.gate, place),
                beside={},
                party=people,
            )
            assert_promise_is_right(case)


def assert_promise_is_right(case: Case) -> None:
    verdict = decide(case)
    if verdict.granted:
        assert verdict.admitted_from is None
        return
    later = (each for each in candidates(case) if decide(replace(case, at=each)).granted)
    assert verdict.admitted_from == next(later, None)


@given(STEPS, TERMS.map(lambda terms: replace(terms, party=Party(1, 1))))
def test_who_is_free_by_law_uses_nothing(steps: list[Step], terms: Terms) -> None:
    """The ledger without those who were free, and without what was annulled, adds up to the
    same."""
    for moment in played(steps, terms):
        counted = [each for each in left_of(moment.ledger) if not each.free]
        tally = moment.ledger[-1].tally if moment.ledger else Tally()
        assert tally == fold(counted)
        verdict = decide(moment.case)
        if verdict.category is not None:
            assert (verdict.pays, verdict.counted) == (0, 0)
            assert moment.step.place == FREE_PLACE
