"""The published cases of `decide`, and that there are enough of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest

from passes.admission.gates import GateKind, GateState
from passes.admission.rules import Case, decide
from passes.files.products import ProductIn
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason
from passes.terms.prices import Payment
from passes.terms.terms import Terms
from passes.terms.validity import DateRange
from tests.support import build
from tests.support.fields import assert_fields
from tests.support.vectors import read_vectors

CASES = read_vectors("decide")["cases"]


@dataclass(frozen=True)
class Place:
    """A spot as a case describes it."""

    id: str
    tags: frozenset[str]
    closed: bool
    ticket_fen: int | None = None

    def open_on(self, day: date) -> bool:
        return not self.closed and bool(day)


def terms_of(written: Mapping[str, Any]) -> Terms:
    product = {"id": "p", "title": {"zh": "票", "en": "p"}, **written}
    return ProductIn.model_validate(product).to_product().terms


def pass_of(written: Mapping[str, Any], terms: Terms, covered: frozenset[str]) -> Pass:
    activate_by = written["activate_by"]
    return build.held(
        terms=terms,
        spots=covered,
        state=PassState(written["state"]),
        valid=DateRange(
            date.fromisoformat(written["valid_from"]), date.fromisoformat(written["valid_until"])
        ),
        activate_by=date.fromisoformat(activate_by) if activate_by else None,
    )


def tally_of(visits: Sequence[Mapping[str, Any]], terms: Terms) -> Tally:
    """What visits add up to. Where nothing is said, everybody whom the pass admits came, and paid
    what they owed."""
    tally = Tally()
    room = terms.party.admits
    payers = terms.party.pays if terms.payment is Payment.AT_WINDOW else 0
    for visit in visits:
        at = datetime.fromisoformat(visit["at"])
        entry = Entry(visit["spot"], at, visit.get("people", room), room, payers)
        tally = tally.with_entry(replace(entry, paid=tally.owed_by(entry)))
    return tally


def case_of(given: Mapping[str, Any]) -> Case:
    terms = terms_of(given["terms"])
    place = Place(given["spot"]["id"], frozenset(given["spot"]["tags"]), given["spot"]["closed"])
    covered = {place.id} if terms.coverage.covers(place) else set()
    gate_state = GateState.DISABLED if given["gate"]["disabled"] else GateState.ENROLLED
    return Case(
        held=pass_of(given["pass"], terms, frozenset(covered)),
        code=build.code(rotating=given["code"]["rotating"]),
        tally=tally_of(given["visits"], terms),
        spot=place,
        gate=build.gate(GateKind(given["gate"]["kind"]), place.id, state=gate_state),
        party=given["party"],
        at=datetime.fromisoformat(given["at"]),
        spent_at=given["code"].get("opened"),
    )


@pytest.mark.parametrize("given", CASES, ids=[case["name"] for case in CASES])
def test_case(given: Mapping[str, Any]) -> None:
    expected = dict(given["verdict"])
    again = expected["admitted_from"]
    expected["admitted_from"] = datetime.fromisoformat(again) if again else None
    assert_fields(decide(case_of(given)), **expected)


def test_there_are_enough_cases_and_each_reason_of_decide_is_among_them() -> None:
    reasons = Counter(case["verdict"]["reason"] for case in CASES)
    assert len(CASES) >= 120
    before_decide = {
        Reason.CODE_MALFORMED,
        Reason.CODE_FORGED,
        Reason.CODE_STALE,
        Reason.CODE_UNKNOWN,
        Reason.REPEAT,
        Reason.ERROR,
    }
    assert set(reasons) == set(Reason) - before_decide
