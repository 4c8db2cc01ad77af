"""What staff decide at gates with staff, and how gates that are out of service stand aside."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import Gate, GateKind, GateState, Purpose, Scan
from passes.admission.staff import StaffDecision, WhyAnnulled
from passes.base.errors import DomainError
from passes.holding.model import PassState
from passes.ledger.records import Record, fold
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, SERIAL, XIANNVSHAN, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

HANDHELD = build.gate(GateKind.HANDHELD)
OUT_OF_SERVICE = build.gate(state=GateState.DISABLED)


def decision(nonce: str = "d1", gate: Gate = HANDHELD, note: str = "未入园") -> StaffDecision:
    return StaffDecision(gate, nonce, WhyAnnulled.DID_NOT_ENTER, note, staff="07")


async def ledger_of(rooms: RoomsUnderTest, pass_id: str = SERIAL) -> list[Record]:
    """The records of a pass; the tallies are what the records add up to."""
    ledger = list(await rooms.ledger.records.whole(pass_id))
    if ledger:
        assert ledger[-1].tally == fold(ledger)
    return ledger


async def test_staff_annul_what_a_turnstile_of_their_spot_admitted(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    soon = NOW + timedelta(minutes=14)
    annulling = rooms.admission.annulling
    annulled = await annulling.annul_at_spot(decision(), SERIAL, soon)
    assert (annulled.undone.gate_id, annulled.undone.nonce) == (build.gate().id, "in")
    again = await annulling.annul_at_spot(decision(), SERIAL, soon + timedelta(hours=1))
    assert again == annulled
    ledger = await ledger_of(rooms)
    assert len(ledger) == 2
    assert ledger[1].decision == decision().in_ledger
    assert ledger[1].tally.total == 0
    with pytest.raises(DomainError, match="annulled"):
        await rooms.verdict_on(live_scan(held, "in"), soon)
    assert_admitted(await rooms.verdict_on(live_scan(held, "again", soon), soon))
    (line,) = await rooms.lines_about(f"pass:{SERIAL}")
    assert (line.by, line.action) == (f"gate:{HANDHELD.id}", "annul")
    assert line.detail == {
        "reason": "did_not_enter",
        "nonce": "d1",
        "note": "未入园",
        "staff": "07",
    }


REFUSED = {
    "at a turnstile": ({"gate": build.gate()}, 0, "gate_not_staffed"),
    "out of service": ({"gate": replace(HANDHELD, state=GateState.DISABLED)}, 0, "gate_disabled"),
    "at another spot": ({"gate": build.gate(GateKind.WINDOW, XIANNVSHAN)}, 0, "scan_unknown"),
    "too late": ({}, 16, "annul_too_late"),
    "no words for another reason": (
        {"reason": WhyAnnulled.OTHER, "note": " "},
        0,
        "reason_missing",
    ),
}


@pytest.mark.parametrize(("changes", "minutes", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_staff_may_not_annul(
    rooms: RoomsUnderTest, changes: dict[str, Any], minutes: int, code: str
) -> None:
    await rooms.verdict_on(live_scan(await rooms.issued(), "in"))
    wanted = replace(decision(), **changes)
    with pytest.raises(DomainError) as refused:
        await rooms.admission.annulling.annul_at_spot(
            wanted, SERIAL, NOW + timedelta(minutes=minutes)
        )
    assert refused.value.code == code
    assert len(await ledger_of(rooms)) == 1


async def test_a_decision_sent_again_does_not_annul_the_rest_of_a_party(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(party=Party(2, 2), limits=Limits(total=1)))
    for nonce in ("first", "second"):
        assert_admitted(await rooms.verdict_on(live_scan(held, nonce, party=1)))
    annulling = rooms.admission.annulling
    first = await annulling.annul_at_spot(decision("a"), SERIAL, NOW)
    assert first.undone.nonce == "second"
    assert await annulling.annul_at_spot(decision("a"), SERIAL, NOW) == first
    second = await annulling.annul_at_spot(decision("b"), SERIAL, NOW)
    assert second.undone.nonce == "first"
    assert (await ledger_of(rooms))[-1].tally.total == 0


async def test_a_gate_out_of_service_lets_nobody_out_and_annuls_nothing(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    leaving = live_scan(held, "out", gate=OUT_OF_SERVICE, purpose=Purpose.LEAVE)
    assert_refused(await rooms.verdict_on(leaving), Reason.GATE_DISABLED)
    with pytest.raises(DomainError, match="out of service"):
        await rooms.admission.annulling.annul(OUT_OF_SERVICE, "in", NOW)
    elsewhere = live_scan(held, "elsewhere", gate=HANDHELD, purpose=Purpose.LEAVE)
    assert_admitted(await rooms.verdict_on(elsewhere), leaving=True)


async def test_who_is_inside_is_let_out_though_the_pass_was_revoked(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    assert_admitted(await rooms.verdict_on(live_scan(held, "in")))
    await rooms.change_stored(SERIAL, state=PassState.REVOKED.value)

    def out(nonce: str, spot_id: str) -> Scan:
        return live_scan(held, nonce, gate=build.gate(spot_id=spot_id), purpose=Purpose.LEAVE)

    assert_refused(await rooms.verdict_on(out("there", XIANNVSHAN)), Reason.REVOKED)
    assert_admitted(await rooms.verdict_on(out("here", EMEISHAN)), leaving=True)
