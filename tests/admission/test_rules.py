"""`decide`: each reason in its place, the remedies, and that no input admits by accident."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.admission.gates import GateKind, GateState
from passes.admission.rules import RULES, Case, Objection, decide
from passes.base.calendar import SHANGHAI, business_day, start_of
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.prices import Party, Payment
from passes.terms.terms import Coverage, Limits
from passes.terms.times import Blackout, Hours, Season
from passes.terms.validity import DateRange, Term, Unactivated
from tests.support import build
from tests.support.build import (
    EMEISHAN,
    NOW,
    TODAY,
    XIANNVSHAN,
    case,
    code,
    gate,
    held,
    limited,
    spot,
    terms,
)
from tests.support.verdicts import assert_admitted, assert_refused

TOMORROW = TODAY + timedelta(days=1)
ONE_VISIT = Tally().with_visit(EMEISHAN, NOW - timedelta(hours=1))
TWO_FOR_ONE = terms(payment=Payment.AT_WINDOW, party=Party(2, 1))
YESTERDAYS = Tally().with_visit(EMEISHAN, NOW - timedelta(days=1))

YESTERDAY = TODAY - timedelta(days=1)


def waiting(activate_by: date, unactivated: Unactivated = Unactivated.STARTS) -> Pass:
    """A pass of 365 days that nobody has activated."""
    term = Term(days=365, activate_within=30, unactivated=unactivated)
    begins = activate_by + timedelta(days=1)
    return held(
        state=PassState.ISSUED,
        terms=terms(term=term),
        activate_by=activate_by,
        valid=term.starting(begins),
    )


REFUSALS: list[tuple[str, dict[str, Any], Reason, datetime | None]] = [
    ("gate disabled", {"gate": gate(state=GateState.DISABLED)}, Reason.GATE_DISABLED, None),
    ("printed code at a turnstile", {"code": code(rotating=False)}, Reason.CODE_STATIC, None),
    ("reserved", {"held": held(state=PassState.RESERVED)}, Reason.NOT_ACTIVATED, None),
    ("issued", {"held": held(state=PassState.ISSUED)}, Reason.NOT_ACTIVATED, None),
    ("frozen", {"held": held(state=PassState.FROZEN)}, Reason.FROZEN, None),
    ("revoked", {"held": held(state=PassState.REVOKED)}, Reason.REVOKED, None),
    ("refunded", {"held": held(state=PassState.REFUNDED)}, Reason.REFUNDED, None),
    ("marked as expired", {"held": held(state=PassState.EXPIRED)}, Reason.EXPIRED, None),
    (
        "unpaid, turnstile",
        {"held": held(terms=terms(payment=Payment.AT_WINDOW))},
        Reason.PAY_AT_WINDOW,
        None,
    ),
    (
        "unpaid, handheld",
        {"held": held(terms=terms(payment=Payment.AT_WINDOW)), "gate": gate(GateKind.HANDHELD)},
        Reason.PAY_AT_WINDOW,
        None,
    ),
    (
        "begins tomorrow",
        {"held": held(valid=DateRange(TOMORROW, TOMORROW))},
        Reason.NOT_YET_VALID,
        start_of(TOMORROW),
    ),
    (
        "ended",
        {"held": held(valid=DateRange(date(2025, 1, 1), date(2026, 6, 30)))},
        Reason.EXPIRED,
        None,
    ),
    (
        "other spot",
        {"spot": spot("jiuzhaigou"), "gate": gate(spot_id="jiuzhaigou")},
        Reason.SPOT_NOT_COVERED,
        None,
    ),
    ("spot not in the catalogue", {"spot": None}, Reason.SPOT_NOT_COVERED, None),
    ("closed", {"spot": spot(status="closed")}, Reason.SPOT_CLOSED, None),
    ("retired", {"spot": spot(status="retired")}, Reason.SPOT_CLOSED, None),
    (
        "blackout date",
        {"held": held(terms=terms(blackout=Blackout(dates=(DateRange(TODAY, TOMORROW),))))},
        Reason.BLACKOUT,
        start_of(TODAY + timedelta(days=2)),
    ),
    (
        "blackout weekday, a Wednesday",
        {"held": held(terms=terms(blackout=Blackout(weekdays=frozenset({3}))))},
        Reason.BLACKOUT,
        start_of(TOMORROW),
    ),
    ("already today", {"tally": ONE_VISIT}, Reason.ALREADY_TODAY, start_of(TOMORROW)),
    (
        "already today, and never again",
        {"tally": ONE_VISIT, "held": limited(per_spot=1)},
        Reason.ALREADY_TODAY,
        None,
    ),
    (
        "already today, on the last day",
        {"tally": ONE_VISIT, "held": held(valid=DateRange(TODAY, TODAY))},
        Reason.ALREADY_TODAY,
        None,
    ),
    (
        "spot used up",
        {"tally": YESTERDAYS, "held": limited(per_spot=1)},
        Reason.NO_VISITS_LEFT,
        None,
    ),
    ("all used up", {"tally": YESTERDAYS, "held": limited(total=1)}, Reason.NO_VISITS_LEFT, None),
    ("days used up", {"tally": YESTERDAYS, "held": limited(days=1)}, Reason.NO_VISITS_LEFT, None),
    (
        "too soon",
        {
            "tally": Tally().with_visit(XIANNVSHAN, NOW - timedelta(minutes=20)),
            "held": limited(minutes_between=30),
        },
        Reason.TOO_SOON,
        NOW + timedelta(minutes=10),
    ),
    ("two people, one pass", {"party": 2}, Reason.PARTY_TOO_LARGE, None),
    (
        "two follow where one may",
        {
            "tally": Tally().with_entry(Entry(EMEISHAN, NOW, 3, room=4)),
            "held": held(terms=terms(party=Party(4, 4))),
            "party": 2,
        },
        Reason.PARTY_TOO_LARGE,
        start_of(TOMORROW),
    ),
    (
        "the rest comes the day after",
        {
            "tally": Tally().with_entry(Entry(EMEISHAN, NOW - timedelta(days=1), 3, room=4)),
            "held": held(terms=terms(party=Party(4, 4), limits=Limits(per_spot=1))),
            "party": 1,
        },
        Reason.NO_VISITS_LEFT,
        None,
    ),
    (
        "waiting to be activated, on the last day for it",
        {"held": waiting(activate_by=TODAY)},
        Reason.NOT_ACTIVATED,
        None,
    ),
    (
        "lapsed the day before",
        {"held": waiting(activate_by=YESTERDAY, unactivated=Unactivated.LAPSES)},
        Reason.EXPIRED,
        None,
    ),
    (
        "out of season",
        {"held": held(terms=terms(season=(Season("03-01", "06-30"), Season("12-01", "12-31"))))},
        Reason.BLACKOUT,
        start_of(date(2026, 12, 1)),
    ),
    (
        "fewer visits to this spot than to others",
        {
            "tally": YESTERDAYS,
            "held": held(
                terms=terms(limits=Limits(per_spot=9), overrides={EMEISHAN: {"per_spot": 1}})
            ),
        },
        Reason.NO_VISITS_LEFT,
        None,
    ),
]


def with_terms(case: Case, **changes: Any) -> Case:
    """The case with other terms, and the spots that these cover."""
    edition = build.edition(replace(case.held.terms, **changes))
    return replace(case, held=replace(case.held, edition=edition))


@pytest.mark.parametrize(
    ("changes", "reason", "again"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_refusal(changes: dict[str, Any], reason: Reason, again: datetime | None) -> None:
    assert_refused(decide(case(**changes)), reason, admitted_from=again)


FAMILY = terms(payment=Payment.AT_WINDOW, party=Party(4, 3), limits=Limits(total=5))
THREE_OF_FOUR = Tally().with_entry(
    Entry(EMEISHAN, NOW - timedelta(minutes=10), 3, room=4, payers=3, paid=3)
)


def ok(at: datetime = NOW, **fields: Any) -> Verdict:
    """The verdict that opens the gate."""
    return Verdict(Reason.OK, at, **fields)


ADMISSIONS: list[tuple[str, dict[str, Any], Verdict]] = [
    (
        "three of four",
        {"held": held(terms=FAMILY), "gate": gate(GateKind.WINDOW), "party": 3},
        ok(admits=3, pays=3, visits_left=4),
    ),
    (
        "the fourth, ten minutes later",
        {
            "held": held(terms=FAMILY),
            "gate": gate(GateKind.WINDOW),
            "tally": THREE_OF_FOUR,
            "party": 1,
        },
        ok(admits=1, visits_left=4),
    ),
    (
        "the rest, whoever they are",
        {"held": held(terms=FAMILY), "gate": gate(GateKind.WINDOW), "tally": THREE_OF_FOUR},
        ok(admits=1, visits_left=4),
    ),
    (
        "two of four, of whom the second pays",
        {
            "held": held(terms=FAMILY),
            "gate": gate(GateKind.WINDOW),
            "tally": Tally().with_entry(Entry(EMEISHAN, NOW, 2, 4, payers=3, paid=2)),
            "party": 2,
        },
        ok(admits=2, pays=1, visits_left=4),
    ),
    ("begun by itself", {"held": waiting(activate_by=YESTERDAY)}, ok(admits=1)),
    (
        "more visits a day to this spot than to others",
        {
            "tally": ONE_VISIT,
            "held": held(terms=terms(overrides={EMEISHAN: {"per_spot_day": 2, "per_spot": 5}})),
        },
        ok(admits=1, visits_left=3),
    ),
    (
        "in a season over New Year",
        {"held": held(terms=terms(season=(Season("07-01", "02-28"),)))},
        ok(admits=1),
    ),
    ("first visit", {}, ok(admits=1)),
    ("another spot today", {"tally": Tally().with_visit(XIANNVSHAN, NOW)}, ok(admits=1)),
    ("here yesterday", {"tally": YESTERDAYS}, ok(admits=1)),
    (
        "second visit of two a day",
        {"tally": ONE_VISIT, "held": limited(per_spot_day=2)},
        ok(admits=1),
    ),
    ("no limit a day", {"tally": ONE_VISIT, "held": limited(per_spot_day=None)}, ok(admits=1)),
    (
        "last but one in total",
        {"tally": YESTERDAYS, "held": limited(total=3)},
        ok(admits=1, visits_left=1),
    ),
    ("last at this spot", {"held": limited(per_spot=1, total=9)}, ok(admits=1, visits_left=0)),
    (
        "the only day goes on",
        {"tally": Tally().with_visit(XIANNVSHAN, NOW), "held": limited(days=1)},
        ok(admits=1),
    ),
    (
        "soon enough",
        {
            "tally": Tally().with_visit(XIANNVSHAN, NOW - timedelta(minutes=30)),
            "held": limited(minutes_between=30),
        },
        ok(admits=1),
    ),
    (
        "printed code, handheld",
        {"code": code(rotating=False), "gate": gate(GateKind.HANDHELD)},
        ok(admits=1, check_identity=True),
    ),
    (
        "buy one, get one free",
        {"held": held(terms=TWO_FOR_ONE), "gate": gate(GateKind.WINDOW)},
        ok(admits=2, pays=1),
    ),
    (
        "buy one, get one free, alone",
        {"held": held(terms=TWO_FOR_ONE), "gate": gate(GateKind.WINDOW), "party": 1},
        ok(admits=1, pays=1),
    ),
    (
        "family, paid before",
        {"held": held(terms=terms(party=Party(4, 2))), "party": 3},
        ok(admits=3),
    ),
    (
        "covered by a tag",
        {"held": held(terms=terms(coverage=Coverage(tags=frozenset({"5A"}))))},
        ok(admits=1),
    ),
    (
        "first second of the first day",
        {"at": start_of(TODAY).astimezone(UTC)},
        ok(admits=1, at=start_of(TODAY)),
    ),
]


@pytest.mark.parametrize(
    ("changes", "expected"), [a[1:] for a in ADMISSIONS], ids=[a[0] for a in ADMISSIONS]
)
def test_admission(changes: dict[str, Any], expected: Verdict) -> None:
    assert decide(case(**changes)) == expected


def test_an_excluded_spot_is_not_covered_by_its_tag() -> None:
    covered = Coverage(tags=frozenset({"5A"}), excluded=frozenset({EMEISHAN}))
    verdict = decide(case(held=held(terms=terms(coverage=covered))))
    assert_refused(verdict, Reason.SPOT_NOT_COVERED)


def test_the_first_rule_that_objects_gives_the_reason() -> None:
    """Every rule objects at once: the objections taken away one by one show their order."""
    pass_ = held(
        state=PassState.FROZEN,
        valid=DateRange(TOMORROW, TOMORROW + timedelta(days=9)),
        terms=terms(
            payment=Payment.AT_WINDOW,
            coverage=Coverage(),
            blackout=Blackout(weekdays=frozenset(range(1, 8))),
            hours=(Hours(time(23), time(23, 30)),),
            limits=Limits(per_spot_day=1, minutes_between=600),
        ),
    )
    now = case(
        held=pass_,
        gate=gate(state=GateState.DISABLED),
        code=code(rotating=False),
        spot=spot(status="closed"),
        tally=ONE_VISIT,
        party=2,
        spent_at=XIANNVSHAN,
    )
    seen = []
    corrections: list[Callable[[Case], Case]] = [
        lambda c: replace(c, gate=gate()),
        lambda c: replace(c, code=code()),
        lambda c: replace(c, held=replace(c.held, state=PassState.ACTIVE)),
        lambda c: replace(c, held=replace(c.held, valid=held().valid)),
        lambda c: with_terms(c, coverage=terms().coverage),
        lambda c: replace(c, spot=spot()),
        lambda c: with_terms(c, blackout=Blackout()),
        lambda c: with_terms(c, hours=()),
        lambda c: replace(c, tally=Tally().with_visit(XIANNVSHAN, NOW)),
        lambda c: replace(c, tally=Tally()),
        lambda c: replace(c, party=1),
        lambda c: replace(c, spent_at=None),
        lambda c: with_terms(c, payment=Payment.PAID),
    ]
    for correct in corrections:
        seen.append(decide(now).reason.value)
        now = correct(now)
    assert seen == [
        "gate_disabled",
        "code_static",
        "frozen",
        "not_yet_valid",
        "spot_not_covered",
        "spot_closed",
        "blackout",
        "outside_hours",
        "already_today",
        "too_soon",
        "party_too_large",
        "code_spent",
        "pay_at_window",
    ]
    assert_admitted(decide(now))


def test_the_day_changes_at_midnight_in_shanghai_not_in_greenwich() -> None:
    evening = datetime(2026, 7, 1, 23, 59, 59, tzinfo=SHANGHAI)
    tally = Tally().with_visit(EMEISHAN, evening)
    midnight = evening + timedelta(seconds=1)
    before = decide(case(tally=tally, at=evening))
    assert_refused(before, Reason.ALREADY_TODAY, admitted_from=midnight)
    assert_admitted(decide(case(tally=tally, at=midnight)))


def test_a_fault_in_a_rule_refuses_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(case: Case) -> Objection | None:
        raise ZeroDivisionError("a rule with a defect")

    monkeypatch.setattr("passes.admission.rules.RULES", (*RULES, faulty))
    assert_refused(decide(case()), Reason.ERROR)
    assert "a rule failed for pass 00000000000000a1" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_with_nothing_left_to_fill_in(reason: Reason) -> None:
    for again in (None, NOW, start_of(TOMORROW)):
        verdict = Verdict(reason, NOW, admitted_from=again)
        words = [verdict.message.zh, verdict.message.en, verdict.speak]
        assert all(words)
        assert "{" not in "".join(words)
        assert len(verdict.speak) <= 8


def test_words_name_the_remedy() -> None:
    already_today = decide(case(tally=ONE_VISIT))
    assert already_today.message.zh == "今日已入园，可于2026年7月2日再来"
    just_been_there = Tally().with_visit(XIANNVSHAN, NOW)
    too_soon = decide(case(tally=just_been_there, held=limited(minutes_between=90)))
    assert too_soon.message.en == "Too soon after the last visit; welcome from 2026-07-01 11:30"
    closed = Verdict(Reason.SPOT_CLOSED, NOW, admitted_from=start_of(TOMORROW))
    assert closed.message.zh == "景区暂停开放，可于2026年7月2日再来"


cases = st.builds(
    Case,
    held=st.builds(
        held,
        state=st.sampled_from(PassState),
        valid=st.builds(DateRange, st.dates(), st.dates()),
        terms=st.builds(
            terms,
            limits=st.builds(Limits, *[st.none() | st.integers(-5, 5)] * 5),
            blackout=st.builds(
                Blackout,
                st.lists(st.builds(DateRange, st.dates(), st.dates()), max_size=2).map(tuple),
                st.frozensets(st.integers(0, 8)),
            ),
            party=st.builds(Party, st.integers(-1, 9), st.integers(-1, 9)),
            payment=st.sampled_from(Payment),
        ),
    ),
    code=st.builds(code, rotating=st.booleans()),
    tally=st.builds(
        Tally,
        st.integers(0, 9),
        st.integers(0, 9),
        st.just({EMEISHAN: 1}),
        st.none() | st.dates(),
        st.just({EMEISHAN: 1}),
        st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    spot=st.sampled_from([None, spot(), spot("jiuzhaigou"), spot(status="closed")]),
    gate=st.builds(gate, st.sampled_from(GateKind), state=st.sampled_from(GateState)),
    party=st.none() | st.integers(-1, 300),
    at=st.datetimes(datetime(1, 1, 3), timezones=st.just(UTC)),
)


@given(cases)
def test_decide_is_total(any_case: Case) -> None:
    """Whatever it is given it answers.

    When it admits, nothing that can be checked apart speaks against it.
    """
    verdict = decide(any_case)
    if verdict.admitted:
        day = business_day(any_case.at)
        assert any_case.held.state is PassState.ACTIVE
        assert day >= any_case.held.valid.start
        assert day <= any_case.held.valid.end
        assert any_case.gate.state is not GateState.DISABLED
        assert any_case.spot is not None
        assert any_case.spot.open_on(day)
