"""Deciding alone: by a bundle and what the gate itself knows."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind, GateState, Purpose
from passes.admission.offline.alone import Alone, BundleTooOld, Known
from passes.admission.offline.bundle import hash_of_spent
from passes.admission.offline.cascade import made
from passes.admission.offline.flat import Bound, Changes, DayKind, GateRow, State
from passes.admission.stop import Stop
from passes.base.errors import Forbidden
from passes.codes.format import step_of
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits
from passes.terms.times import Hours
from tests.support import build
from tests.support.build import EMEISHAN, NOW, SERIAL, TODAY
from tests.support.bundles import bundle, decided, flat, shown

LATER = NOW + timedelta(minutes=10)
WINDOW = build.gate(GateKind.WINDOW)
HANDHELD = build.gate(GateKind.HANDHELD)
PAIR = flat(day=DayKind(party=Party(2, 1, 9_900)), payment=Payment.AT_WINDOW)
GROUP = flat(day=DayKind(party=Party(4, 4)))
CLOSED_TODAY = (DayKind(Reason.SPOT_CLOSED), *(DayKind(),) * 7)
ADMITTED = Known(SERIAL, NOW, step=1)
IN_FORCE_AGAIN = made([int(SERIAL, 16)], [1, 2], bytes(8))


def state(**changes: Any) -> dict[str, dict[str, State]]:
    """That the pass was here at 9."""
    usual = State(1, 1, last_at=NOW - timedelta(hours=1))
    return {"2026-07-01T09": {SERIAL: replace(usual, **changes)}}


CASES: dict[str, tuple[Any, tuple[Known, ...], dict[str, Any], Reason]] = {
    "admitted": (bundle(), (), {}, Reason.OK),
    "unknown product": (bundle(flat(number=2)), (), {}, Reason.SPOT_NOT_COVERED),
    "not covered": (bundle(flat(covers=False)), (), {}, Reason.SPOT_NOT_COVERED),
    "withdrawn": (
        bundle(flat(day=DayKind(Reason.SPOT_WITHDRAWN))),
        (),
        {},
        Reason.SPOT_WITHDRAWN,
    ),
    "closed": (bundle(flat(days=CLOSED_TODAY)), (), {}, Reason.SPOT_CLOSED),
    "blackout": (bundle(flat(day=DayKind(Reason.BLACKOUT))), (), {}, Reason.BLACKOUT),
    "hours": (
        bundle(flat(day=DayKind(hours=(Hours(time(12), time(13)),)))),
        (),
        {},
        Reason.OUTSIDE_HOURS,
    ),
    "no hours": (bundle(flat(day=DayKind(Reason.OUTSIDE_HOURS))), (), {}, Reason.OUTSIDE_HOURS),
    "paper at a turnstile": (bundle(), (), {"rotating": False}, Reason.CODE_STATIC),
    "paper at a handheld": (bundle(), (), {"rotating": False, "gate": HANDHELD}, Reason.OK),
    "expired": (
        bundle(),
        (),
        {"first_day": date(2026, 1, 1), "last_day": date(2026, 6, 30)},
        Reason.EXPIRED,
    ),
    "may last longer": (
        bundle(flat(longer=1)),
        (),
        {"first_day": date(2026, 1, 1), "last_day": date(2026, 6, 30)},
        Reason.OK,
    ),
    "not yet": (bundle(), (), {"first_day": date(2026, 7, 2)}, Reason.NOT_YET_VALID),
    "revoked": (
        bundle(changes=Changes({SERIAL: Reason.REVOKED})),
        (),
        {},
        Reason.REVOKED,
    ),
    "filtered": (bundle(cascade=IN_FORCE_AGAIN), (), {}, Reason.NOT_IN_FORCE),
    "filtered and allowed": (
        bundle(cascade=IN_FORCE_AGAIN, changes=Changes(allow=frozenset({SERIAL}))),
        (),
        {},
        Reason.OK,
    ),
    "used up": (
        bundle(changes=Changes({SERIAL: Reason.NO_VISITS_LEFT})),
        (),
        {},
        Reason.NO_VISITS_LEFT,
    ),
    "the rest of a party that is used up": (
        bundle(GROUP, changes=Changes({SERIAL: Reason.NO_VISITS_LEFT}), hours=state(places=2)),
        (),
        {"party": 2},
        Reason.OK,
    ),
    "here today by the bundle": (bundle(hours=state()), (), {}, Reason.ALREADY_TODAY),
    "here today by itself": (bundle(), (ADMITTED,), {"at": LATER}, Reason.ALREADY_TODAY),
    "another one here today": (
        bundle(),
        (replace(ADMITTED, serial="00000000000000a2"),),
        {"at": LATER},
        Reason.OK,
    ),
    "read twice": (
        bundle(),
        (replace(ADMITTED, gate_id=build.gate().id),),
        {"at": NOW + timedelta(seconds=2)},
        Reason.REPEAT,
    ),
    "spent": (
        bundle(flat(limits=Limits(per_spot=3)), spent=frozenset({hash_of_spent(EMEISHAN, SERIAL)})),
        (),
        {},
        Reason.NO_VISITS_LEFT,
    ),
    "the third of three": (
        bundle(flat(limits=Limits(per_spot_day=None, per_spot=3)), hours=state(here=2)),
        (ADMITTED,),
        {"at": LATER},
        Reason.NO_VISITS_LEFT,
    ),
    "too soon": (
        bundle(flat(limits=Limits(per_spot_day=None, minutes_between=30))),
        (ADMITTED,),
        {"at": LATER},
        Reason.TOO_SOON,
    ),
    "too many": (bundle(GROUP), (), {"party": 5}, Reason.PARTY_TOO_LARGE),
    "the code opened before": (
        bundle(
            flat(limits=Limits(per_spot_day=None)), hours=state(steps=frozenset({step_of(NOW)}))
        ),
        (),
        {},
        Reason.CODE_SPENT,
    ),
    "to be paid at a turnstile": (bundle(PAIR), (), {}, Reason.PAY_AT_WINDOW),
    "paid by the bundle": (
        bundle(PAIR, hours=state(visits=0, here=0, last_at=None, paid=1)),
        (),
        {},
        Reason.OK,
    ),
    "paid by itself": (
        bundle(PAIR),
        (Known(SERIAL, NOW, Purpose.PAY, paid=1),),
        {"at": LATER},
        Reason.OK,
    ),
    "stopped": (
        bundle(
            rules=replace(
                bundle().rules, stop=Stop(EMEISHAN, NOW, NOW + timedelta(hours=1), "full", "")
            )
        ),
        (),
        {},
        Reason.ENTRY_STOPPED,
    ),
    "emergency": (
        bundle(
            rules=replace(
                bundle().rules,
                stop=Stop(EMEISHAN, NOW, NOW + timedelta(hours=1), "fire", "", emergency=True),
            )
        ),
        (),
        {},
        Reason.EMERGENCY,
    ),
    "gate disabled": (
        bundle(gates=(GateRow(build.gate().id, GateKind.TURNSTILE, GateState.DISABLED),)),
        (),
        {},
        Reason.GATE_DISABLED,
    ),
    "chosen elsewhere": (
        bundle(flat(bound=True, voucher=True), bound=Bound(TODAY + timedelta(days=1))),
        (),
        {},
        Reason.SPOT_NOT_COVERED,
    ),
    "chosen here": (
        bundle(
            flat(bound=True, voucher=True),
            bound=Bound(TODAY + timedelta(days=1), frozenset({SERIAL})),
        ),
        (),
        {},
        Reason.OK,
    ),
    "chosen lately": (
        bundle(flat(bound=True, voucher=True), bound=Bound(TODAY)),
        (),
        {},
        Reason.OK,
    ),
    "came in free at a turnstile": (
        bundle(
            rules=replace(bundle().rules, free=(("senior",),) * 8),
            hours=state(visits=0, here=0, free="senior"),
        ),
        (),
        {},
        Reason.ALREADY_TODAY,
    ),
    "leaving": (
        bundle(hours=state()),
        (),
        {"purpose": Purpose.LEAVE},
        Reason.OK,
    ),
    "leaving with a revoked pass": (
        bundle(hours=state(), changes=Changes({SERIAL: Reason.REVOKED})),
        (),
        {"purpose": Purpose.LEAVE},
        Reason.OK,
    ),
    "leaving with a pass that was revoked before": (
        bundle(changes=Changes({SERIAL: Reason.REVOKED})),
        (),
        {"purpose": Purpose.LEAVE},
        Reason.REVOKED,
    ),
    "back by re-entry": (
        bundle(flat(re_entry=True), hours=state()),
        (Known(SERIAL, NOW, Purpose.LEAVE),),
        {"at": LATER},
        Reason.OK,
    ),
}


@pytest.mark.parametrize(("of", "known", "scan", "reason"), CASES.values(), ids=CASES)
def test_a_gate_decides_alone(
    of: Any, known: tuple[Known, ...], scan: dict[str, Any], reason: Reason
) -> None:
    found = decided(of, *known, **scan)
    assert found.verdict.reason is reason
    assert (found.entry is not None) == (reason is Reason.OK)


def test_what_is_remembered_is_what_counts_next_time() -> None:
    first = decided(bundle(GROUP), party=3)
    assert first.entry is not None
    assert (first.entry.people, first.entry.room) == (3, 4)
    then = decided(bundle(GROUP), first.entry, at=LATER)
    assert then.verdict.admits == 1


def test_money_is_taken_at_a_window() -> None:
    verdict = decided(bundle(PAIR), gate=WINDOW).verdict
    assert (verdict.admits, verdict.pays, verdict.amount_fen) == (2, 1, 9_900)


def test_a_refusal_says_from_when_the_pass_admits_if_the_bundle_knows() -> None:
    tomorrow = decided(bundle(flat(days=CLOSED_TODAY))).verdict.admitted_from
    assert tomorrow == NOW + timedelta(hours=14)
    never = decided(bundle(flat(day=DayKind(Reason.BLACKOUT)))).verdict.admitted_from
    assert never is None


def test_nothing_is_promised_for_days_whose_holidays_are_not_known() -> None:
    unsure = flat(days=CLOSED_TODAY, sure=False)
    assert decided(bundle(unsure)).verdict.admitted_from is None


@pytest.mark.parametrize(
    "text", ["", "BP1:NOTHING", shown(NOW - timedelta(days=30)).text], ids=["", "odd", "old"]
)
def test_a_code_that_is_not_sound_is_refused(text: str) -> None:
    found = Alone(bundle(), build.gate()).decide(replace(shown(), text=text), (), NOW)
    assert found.verdict.reason in {Reason.CODE_MALFORMED, Reason.CODE_STALE}


@pytest.mark.parametrize(
    "at", [NOW + timedelta(days=7, seconds=1), NOW - timedelta(days=1)], ids=["old", "clock"]
)
def test_with_a_bundle_that_does_not_tell_nothing_is_decided(at: Any) -> None:
    with pytest.raises(BundleTooOld):
        decided(bundle(), at=at)


def test_a_bundle_is_good_for_seven_days() -> None:
    assert decided(bundle(), at=NOW + timedelta(days=7)).verdict.admitted


def test_free_people_beside_need_staff() -> None:
    free = replace(bundle().rules, free=(("child",),) * 8)
    with pytest.raises(Forbidden):
        decided(bundle(rules=free), free={"child": 1})
    verdict = decided(bundle(rules=free), free={"child": 1}, gate=HANDHELD).verdict
    assert (verdict.admits, verdict.free) == (2, {"child": 1})
