"""The published cases of `decide`, and that there are enough of them."""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from passes.admission.gates import GateKind, GateState
from passes.admission.rules import Case, decide
from passes.admission.stop import Stop
from passes.base.calendar import business_day
from passes.files.products import ProductIn
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason
from passes.people.traits import AgeBand, Traits, Turn
from passes.terms.holidays import HolidayCalendar, HolidayYear
from passes.terms.prices import Payment
from passes.terms.spot_withdrawals import Policy, SpotWithdrawal
from passes.terms.terms import Coverage, Terms
from passes.terms.validity import DateRange, months_between
from scenic_data.kinds import FreeEntry
from tests.support import build
from tests.support.fields import assert_fields
from tests.support.vectors import VECTORS_FOLDER, read_vectors

VECTORS = read_vectors("decide")
CASES = VECTORS["cases"]


@dataclass(frozen=True)
class Place:
    """A spot as a case describes it."""

    id: str
    tags: frozenset[str]
    closed: bool
    ticket_fen: int | None = None
    free_entry: tuple[FreeEntry, ...] = ()

    @property
    def takes_visitors(self) -> bool:
        return not self.closed

    def open_on(self, day: date) -> bool:
        return not self.closed and bool(day)


def terms_of(written: Mapping[str, Any], place: Place) -> Terms:
    """The terms as they are published: with the spots that pools and times mean."""
    product = {"id": "p", "title": {"zh": "票", "en": "p"}, **written}
    terms = ProductIn.model_validate(product).to_product().terms

    def meant(coverage: Coverage) -> frozenset[str]:
        others = coverage.spots - coverage.excluded - {place.id}
        return others | {place.id} if coverage.covers(place) else others

    return replace(
        terms,
        pools=tuple(replace(each, spots=meant(each.coverage)) for each in terms.pools),
        at=tuple(replace(each, spots=meant(each.coverage)) for each in terms.at),
    )


def pass_of(written: Mapping[str, Any], terms: Terms, covered: frozenset[str]) -> Pass:
    activate_by, due = written["activate_by"], written.get("card_due_since")
    if written.get("issued_on"):
        valid = terms.term.begun_on(date.fromisoformat(written["issued_on"]))
    else:
        first, last = written["valid_from"], written["valid_until"]
        valid = DateRange(date.fromisoformat(first), date.fromisoformat(last))
    held = build.held(
        terms=terms,
        spots=covered,
        state=PassState(written["state"]),
        valid=valid,
        activate_by=date.fromisoformat(activate_by) if activate_by else None,
        frozen_by=FROZEN_BY[written.get("frozen_by")],
        card_due_since=datetime.fromisoformat(due) if due else None,
        traits=traits_of(written),
    )
    edition = replace(
        held.edition,
        offer=written.get("voucher", False),
        spot_withdrawals=withdrawals_of(written.get("spot_withdrawn"), covered),
    )
    return replace(held, edition=edition)


def traits_of(written: Mapping[str, Any]) -> Traits:
    """What is known of the holder's age."""
    if "age_band" not in written:
        return Traits()
    until = written.get("turns_until")
    turns = tuple(
        Turn(date.fromisoformat(each["on"]), AgeBand(each["age_band"]))
        for each in written.get("turns", [])
    )
    last_day = date.fromisoformat(until) if until else None
    return Traits(None, AgeBand(written["age_band"]), turns, last_day)


def withdrawals_of(
    written: Mapping[str, str] | None, spots: frozenset[str]
) -> tuple[SpotWithdrawal, ...]:
    """The withdrawal of the spot of a case, if there is one."""
    if written is None:
        return ()
    return (
        build.spot_withdrawal(
            start=date.fromisoformat(written["from"]),
            policy=Policy(written["policy"]),
            spots=spots,
        ),
    )


FROZEN_BY = {None: None, "holder": "visitor:test", "staff": build.OPERATOR}


def tally_of(visits: Sequence[Mapping[str, Any]], held: Pass) -> Tally:
    """What visits add up to. Where nothing is said, everybody whom the pass admits came, and paid
    what they owed."""
    tally = Tally()
    for visit in visits:
        event = visit.get("event", "admitted")
        entry = entry_of(visit, held, tally)
        if event == "paid":
            tally = tally.with_payment(entry.spot_id, entry.at, entry.people)
        elif event == "left" and held.terms.re_entry:
            tally = tally.with_exit(entry)
        elif event == "admitted":
            paid = visit.get("paid", tally.owed_by(entry))
            tally = tally.with_entry(replace(entry, paid=paid))
    return tally


def entry_of(visit: Mapping[str, Any], held: Pass, tally: Tally) -> Entry:
    """An event of a case, as the tally takes it."""
    terms, at = held.terms, datetime.fromisoformat(visit["at"])
    room, day = terms.party.admits, business_day(at)
    payers = terms.party.pays if terms.payment is Payment.AT_WINDOW else 0
    month = months_between(held.first_day_after(tally) or day, day)
    people, seen = visit.get("people", room), visit.get("card_seen", False)
    return Entry(visit["spot"], at, people, room, payers, month=month, seen=seen)


def case_of(given: Mapping[str, Any]) -> Case:
    spot = given["spot"]
    rules = tuple(FreeEntry.model_validate(each) for each in spot.get("free_entry", []))
    place = Place(spot["id"], frozenset(spot["tags"]), spot["closed"], free_entry=rules)
    terms = terms_of(given["terms"], place)
    covered = {place.id} if terms.coverage.covers(place) else set()
    gate_state = GateState.DISABLED if given["gate"]["disabled"] else GateState.ENROLLED
    held = pass_of(given["pass"], terms, frozenset(covered))
    came = given.get("came_free_on")
    return Case(
        held=held,
        code=build.code(rotating=given["code"]["rotating"]),
        tally=tally_of(given["visits"], held),
        spot=place,
        gate=build.gate(GateKind(given["gate"]["kind"]), place.id, state=gate_state),
        party=given["party"],
        at=datetime.fromisoformat(given["at"]),
        spent_at=given["code"].get("opened"),
        holidays=calendar_of(given.get("holidays", {})),
        paying=given.get("purpose") == "pay",
        stop=stop_of(given),
        beside=given.get("free", {}),
        came_free_on=date.fromisoformat(came) if came else None,
    )


def stop_of(given: Mapping[str, Any]) -> Stop | None:
    """What stops entry in a case, if something does."""
    if "stop" not in given:
        return None
    until = datetime.fromisoformat(given["stop"]["until"])
    emergency = given["stop"].get("emergency", False)
    return Stop(given["spot"]["id"], until, until, "full", build.OPERATOR, emergency=emergency)


def calendar_of(written: Mapping[str, Mapping[str, Sequence[str]]]) -> HolidayCalendar:
    """The calendar that a case has with it."""
    years = {}
    for year, names in written.items():
        days = {name: tuple(map(days_of, spans)) for name, spans in names.items()}
        years[int(year)] = HolidayYear(int(year), days)
    return HolidayCalendar(years)


def days_of(span: str) -> DateRange:
    start, _, end = span.partition("/")
    return DateRange(date.fromisoformat(start), date.fromisoformat(end or start))


@pytest.mark.parametrize("given", CASES, ids=[case["name"] for case in CASES])
def test_case(given: Mapping[str, Any]) -> None:
    expected = dict(given["verdict"])
    again = expected["admitted_from"]
    expected["admitted_from"] = datetime.fromisoformat(again) if again else None
    assert_fields(decide(case_of(given)), **expected)


def test_there_are_enough_cases_and_each_reason_of_decide_is_among_them() -> None:
    reasons = Counter(case["verdict"]["reason"] for case in CASES)
    assert len(CASES) >= 300
    before_decide = {
        Reason.CODE_MALFORMED,
        Reason.CODE_FORGED,
        Reason.CODE_STALE,
        Reason.CODE_UNKNOWN,
        Reason.NOT_IN_FORCE,
        Reason.REPEAT,
        Reason.QUOTA_USED_UP,
        Reason.NO_PASS,
        Reason.CARRIER_UNAVAILABLE,
        Reason.CARRIER_UNKNOWN,
        Reason.ERROR,
    }
    assert set(reasons) == set(Reason) - before_decide


def test_a_superseded_case_says_why_and_is_answered_otherwise_now() -> None:
    for given in VECTORS["superseded"]:
        assert given["why"]
        verdict = decide(case_of(given))
        promised = verdict.admitted_from
        written = promised.astimezone(UTC).isoformat().replace("+00:00", "Z") if promised else None
        now = (verdict.reason, written)
        assert now != (given["verdict"]["reason"], given["verdict"]["admitted_from"])


def test_the_cases_are_made_by_a_program_that_shares_nothing_with_the_server() -> None:
    made = VECTORS_FOLDER / "make_decide.py"
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(made.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported == {"json", "collections.abc", "datetime", "pathlib", "typing"}
