"""The published cases of `decide`, and that there are enough of them."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from passes.admission.gates import GateKind, GateState
from passes.admission.rules import Case, decide
from passes.files.products import ProductIn
from passes.holding.model import PassState
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason
from passes.terms.terms import DateRange, Terms
from tests.support import build

CASES = json.loads(
    (Path(__file__).parent.parent / "vectors" / "decide.json").read_text(encoding="utf-8")
)["cases"]


@dataclass(frozen=True)
class Place:
    """A spot as a case describes it."""

    id: str
    tags: frozenset[str]
    closed: bool

    def open_on(self, day: date) -> bool:
        return not self.closed and bool(day)


def terms_of(written: Mapping[str, Any]) -> Terms:
    return (
        ProductIn.model_validate({"id": "p", "title": {"zh": "票", "en": "p"}, **written})
        .to_product()
        .terms
    )


def case_of(given: Mapping[str, Any]) -> Case:
    held, tally, at = given["pass"], Tally(), datetime.fromisoformat(given["at"])
    terms = terms_of(given["terms"])
    room = terms.party.admits
    for visit in given["visits"]:
        tally = tally.entered(
            visit["spot"], datetime.fromisoformat(visit["at"]), visit.get("people", room), room
        )
    place = Place(given["spot"]["id"], frozenset(given["spot"]["tags"]), given["spot"]["closed"])
    covered = {place.id} if terms.coverage.covers(place) else set()
    return Case(
        held=build.held(
            terms=terms,
            spots=frozenset(covered),
            state=PassState(held["state"]),
            valid=DateRange(
                date.fromisoformat(held["valid_from"]), date.fromisoformat(held["valid_until"])
            ),
            activate_by=date.fromisoformat(held["activate_by"]) if held["activate_by"] else None,
        ),
        code=build.code(rotating=given["code"]["rotating"]),
        tally=tally,
        spot=place,
        gate=build.gate(
            GateKind(given["gate"]["kind"]),
            given["spot"]["id"],
            state=GateState.DISABLED if given["gate"]["disabled"] else GateState.ENROLLED,
        ),
        party=given["party"],
        at=at,
    )


@pytest.mark.parametrize("given", CASES, ids=[case["name"] for case in CASES])
def test_case(given: Mapping[str, Any]) -> None:
    verdict, expected = decide(case_of(given)), given["verdict"]
    again = datetime.fromisoformat(expected["admitted_from"]) if expected["admitted_from"] else None
    assert (verdict.reason.value, verdict.admitted_from) == (expected["reason"], again)
    for name in ("admits", "pays", "visits_left", "check_identity"):
        assert getattr(verdict, name) == expected[name], name


def test_there_are_enough_cases_and_each_reason_of_decide_is_among_them() -> None:
    reasons = Counter(case["verdict"]["reason"] for case in CASES)
    assert len(CASES) >= 120
    before_decide = {
        Reason.CODE_MALFORMED,
        Reason.CODE_FORGED,
        Reason.CODE_STALE,
        Reason.CODE_UNKNOWN,
        Reason.ERROR,
    }
    assert set(reasons) == set(Reason) - before_decide
