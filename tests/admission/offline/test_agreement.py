"""A gate that decides alone, beside the server that knows everything: where the gate knows all that
happened, both say the same; else it never refuses whom the server lets in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from passes.admission.gates import Gate, GateKind, Purpose
from passes.admission.offline.alone import Alone, Decided, Known, Shown
from passes.admission.offline.bundle import DAYS, GOOD_FOR, Bundle, hash_of_spent
from passes.admission.offline.flat import Changes
from passes.admission.offline.flatten import flattened
from passes.admission.offline.standing import Days, states_by_hour, why_nowhere
from passes.admission.rules import Case, decide
from passes.base.calendar import business_day
from passes.codes.format import step_of
from passes.codes.keys import GateKeys
from passes.holding.model import Pass
from passes.holding.shown_code import live_text, static_text
from passes.ledger.records import Record, RecordKind, standing, tally_after
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.holidays import HolidayCalendar, HolidayYear
from passes.terms.prices import Party, Payment
from passes.terms.terms import Coverage, Limits, Pool, SpotTimes, Terms
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange, Starts, Term
from tests.support import build, bundles
from tests.support.build import EMEISHAN, KEYS, NOW, XIANNVSHAN

BOTH = frozenset({EMEISHAN, XIANNVSHAN})
HOLIDAYS = HolidayCalendar(
    {
        year: HolidayYear(year, {"new_year": (DateRange(date(year, 7, 3), date(year, 7, 4)),)})
        for year in (2026, 2027)
    }
)
FEW = st.none() | st.integers(1, 3)
HOURS = st.sampled_from(
    [(), (Hours(time(9), time(16)),), (Hours(time(8), time(10)), Hours(time(11), time(23)))]
)
BLACKOUT = st.builds(
    Blackout,
    dates=st.sampled_from([(), (DateRange(date(2026, 7, 2), date(2026, 7, 2)),)]),
    weekdays=st.frozensets(st.integers(1, 7), max_size=2),
    holidays=st.sampled_from([frozenset(), frozenset({"new_year"})]),
)
SEASON = st.sampled_from([(), (Season("06-01", "07-05"),)])
SPOT_TIMES = st.builds(
    SpotTimes, st.just(Coverage()), st.builds(Times, BLACKOUT, SEASON, HOURS), st.just(BOTH)
)
HERE_ALONE = st.builds(
    Limits, per_spot_day=FEW, per_spot=FEW, minutes_between=st.sampled_from([None, None, 60])
)
ANY_LIMITS = st.builds(
    Limits, FEW, FEW, FEW, FEW, st.sampled_from([None, 60, 1_500]), per_month=FEW, per_year=FEW
)
POOLS = st.lists(st.builds(Pool, st.just(Coverage()), FEW, FEW, st.just(BOTH)), max_size=1)
TERMS = st.builds(
    Terms,
    term=st.sampled_from(
        [
            Term(days=40),
            Term(days=40),
            Term(days=5),
            Term(days=4, starts=Starts.FIRST_VISIT, start_within=9),
        ]
    ),
    coverage=st.just(Coverage(BOTH)),
    limits=HERE_ALONE | HERE_ALONE | ANY_LIMITS,
    blackout=st.just(Blackout()) | BLACKOUT,
    season=SEASON,
    party=st.builds(Party, st.just(1), st.just(1)) | st.builds(Party, st.just(3), FEW.map(bool)),
    payment=st.sampled_from(Payment),
    hours=HOURS,
    at=st.just(()) | st.lists(SPOT_TIMES, max_size=1).map(tuple),
    pools=st.just(()) | st.just(()) | POOLS.map(tuple),
    re_entry=st.booleans(),
)


@dataclass(frozen=True)
class Step:
    """Something that happens some seconds after what happened before it."""

    seconds: int
    purpose: Purpose
    kind: GateKind
    party: int | None
    printed: bool
    spot_id: str

    @property
    def gate(self) -> Gate:
        return build.gate(self.kind, self.spot_id)


STEP = st.builds(
    Step,
    seconds=st.sampled_from([2, 20, 60, 1_800, 7_200, 40_000, 86_400, 200_000]),
    purpose=st.sampled_from([Purpose.ENTER, Purpose.ENTER, Purpose.LEAVE, Purpose.PAY]),
    kind=st.sampled_from([GateKind.TURNSTILE, GateKind.WINDOW]),
    party=st.none() | st.integers(1, 4),
    printed=st.booleans(),
    spot_id=st.sampled_from([EMEISHAN] * 9 + [XIANNVSHAN]),
)
KINDS = {
    Purpose.ENTER: RecordKind.ADMITTED,
    Purpose.LEAVE: RecordKind.EXITED,
    Purpose.PAY: RecordKind.PAID,
}


def asked_of_server(
    held: Pass, ledger: Sequence[Record], step: Step, at: datetime
) -> tuple[Verdict, Record | None]:
    """What `Admission` answers and records."""
    gate, here = step.gate, standing(ledger)
    code = build.code(
        rotating=not step.printed, step=None if step.printed else step_of(at), pass_id=held.id
    )
    repeated = any(
        each.gate_id == gate.id and each.party is None and at - each.at <= timedelta(seconds=3)
        for each in here
    )
    if repeated and step.party is None and step.purpose is Purpose.ENTER:
        return Verdict(Reason.REPEAT, at), None
    opened = [each.spot_id for each in here if code.step and each.step == code.step]
    case = Case(
        held=held,
        code=code,
        tally=ledger[-1].tally if ledger else Tally(),
        spot=build.spot(step.spot_id),
        gate=gate,
        party=step.party,
        at=at,
        spent_at=opened[0] if opened else None,
        holidays=HOLIDAYS,
        paying=step.purpose is Purpose.PAY,
    )
    verdict = decide(case)
    if step.purpose is Purpose.LEAVE:
        people = step.party or case.whole_party.admits
        verdict = Verdict(Reason.OK, at, admits=people, leaving=True)
    if not verdict.granted:
        return verdict, None
    plain = build.record(len(ledger) + 1, at, case.tally, step.spot_id)
    record = replace(
        plain,
        kind=KINDS[step.purpose],
        gate_id=gate.id,
        verdict=verdict,
        room=case.whole_party.admits,
        payers=case.payers,
        month=case.month,
        party=step.party,
        step=code.step,
        may_return=held.terms.re_entry,
    )
    return verdict, replace(record, tally=tally_after(case.tally, record))


def bundle_of(held: Pass, ledger: Sequence[Record], at: datetime) -> Bundle:
    """The bundle of 峨眉山 at a moment."""
    today = business_day(at)
    days = [today + timedelta(days=n) for n in range(DAYS)]
    tally = ledger[-1].tally if ledger else Tally()
    limit = held.terms.limits_at(EMEISHAN).per_spot
    spent = limit is not None and tally.by_spot.get(EMEISHAN, 0) >= limit
    why = why_nowhere(held, tally, Days(today, today + GOOD_FOR))
    of_today = [each for each in ledger if each.spot_id == EMEISHAN]
    held_keys = {day: KEYS.day_key(day) for day in [today - timedelta(days=1), *days]}
    return bundles.bundle(
        made_at=at,
        rules=flattened(build.spot(), [held.edition], HOLIDAYS, None, days),
        keys=GateKeys(KEYS.verifiers(), held_keys),
        changes=Changes({} if why is None else {held.id: why}),
        spent=frozenset({hash_of_spent(EMEISHAN, held.id)} if spent else ()),
        hours=states_by_hour(of_today, EMEISHAN, today),
    )


def knows_all(held: Pass, before: Sequence[Record], made_at: datetime) -> bool:
    """Whether the bundle says all that decides: nothing but what happened here today, or limits of
    which it knows enough."""
    terms, limits = held.terms, held.terms.limits
    elsewhere = (limits.total, limits.days, limits.per_month, limits.per_year)
    if any(limit is not None for limit in elsewhere) or terms.pools:
        return False
    if terms.term.starts is Starts.FIRST_VISIT or any(each.spot_id != EMEISHAN for each in before):
        return False
    if all(business_day(each.at) == business_day(made_at) for each in before):
        return True
    return limits.minutes_between is None and limits.per_spot in {None, 1}


def asked_alone(
    held: Pass, bundle: Bundle, known: Sequence[Known], step: Step, at: datetime
) -> Decided:
    text = static_text(held, KEYS) if step.printed else live_text(held, KEYS, at)
    shown = Shown(text, step.party, step.purpose)
    return Alone(bundle, step.gate).decide(shown, known, at)


@settings(max_examples=300)
@given(TERMS, st.lists(STEP, max_size=6), st.lists(STEP, min_size=1, max_size=8))
def test_alone_agrees_with_the_server_as_far_as_it_can_know(
    terms: Terms, before: list[Step], after: list[Step]
) -> None:
    valid = terms.term.usable_from(build.TODAY)
    held = build.held(terms=terms, spots=BOTH, valid=valid)
    at, ledger = NOW, list[Record]()
    # 1. Online.
    for step in before:
        at += timedelta(seconds=step.seconds)
        _, record = asked_of_server(held, ledger, step, at)
        ledger += [record] if record else []
    bundle, sure = bundle_of(held, ledger, at), knows_all(held, ledger, at)
    # 2. Alone, while others happen elsewhere.
    known: list[Known] = []
    for step in after:
        at += timedelta(seconds=step.seconds)
        if at > bundle.good_until:
            return
        verdict, record = asked_of_server(held, ledger, step, at)
        if record:
            ledger.append(record)
        if step.spot_id != EMEISHAN:
            sure = sure and record is None
            continue
        alone = asked_alone(held, bundle, known, step, at)
        if verdict.granted:
            assert alone.verdict.granted, (alone.verdict.reason, step)
            assert alone.entry is not None
            known.append(alone.entry)
        if verdict.reason is Reason.REPEAT:
            continue  # of what was let in seconds before the bundle was made it does not know that
        if sure:
            promised = alone.verdict.admitted_from
            assert told(alone.verdict) == told(verdict), step
            assert promised in {None, verdict.admitted_from}


def told(verdict: Verdict) -> tuple[object, ...]:
    return (
        verdict.reason,
        verdict.admits,
        verdict.pays,
        verdict.amount_fen,
        verdict.check_identity,
        verdict.decided_at,
    )
