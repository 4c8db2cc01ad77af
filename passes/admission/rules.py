"""The rules: whether a pass admits its holder at a gate, now.

`decide` is pure and total. It asks the rules in the order in which staff would explain them, and the first that
objects gives the reason. It never raises: a fault inside a rule is a refusal, never an admission.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.admission.gates import Gate, GateState
from passes.base.calendar import business_day, day_after, start_of
from passes.codes.format import Code
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.terms import Payment, SpotFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision rests on. `at` is not earlier than the last visit in the tally."""

    held: Pass
    code: Code
    tally: Tally
    spot: SpotFacts | None
    gate: Gate
    party: int | None
    at: datetime

    @property
    def day(self) -> date:
        """The business day of the scan."""
        return business_day(self.at)

    @property
    def places(self) -> int:
        """How many people of a party that came in part may still follow, here and today."""
        return self.tally.places_on(self.day, self.gate.spot_id)

    @property
    def wanted(self) -> int:
        """How many people want to pass: as many as say so, or all who still may."""
        return self.party or self.places or self.held.terms.party.admits

    @property
    def joins(self) -> bool:
        """Whether they are the rest of a party, and so no new visit."""
        return self.wanted <= self.places


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a rule refuses, and from when it would not, if time alone lifts it."""

    reason: Reason
    admitted_from: datetime | None = None


Rule = Callable[[Case], Objection | None]

_LIFELESS = {
    PassState.RESERVED: Reason.NOT_ACTIVATED,
    PassState.ISSUED: Reason.NOT_ACTIVATED,
    PassState.FROZEN: Reason.FROZEN,
    PassState.REVOKED: Reason.REVOKED,
    PassState.REFUNDED: Reason.REFUNDED,
    PassState.EXPIRED: Reason.EXPIRED,
}


def gate_in_service(case: Case) -> Objection | None:
    """A gate taken out of service admits nobody."""
    return Objection(Reason.GATE_DISABLED) if case.gate.state is GateState.DISABLED else None


def code_suits_gate(case: Case) -> Objection | None:
    """A printed code can be copied, so it needs staff who look at the visitor's card."""
    printed = not case.code.rotating and not case.gate.kind.staffed
    return Objection(Reason.CODE_STATIC) if printed else None


def pass_alive(case: Case) -> Objection | None:
    """Only an active pass admits."""
    reason = _LIFELESS.get(case.held.state_on(case.day))
    return Objection(reason) if reason else None


def paid(case: Case) -> Objection | None:
    """What is still to be paid can only be paid where money is taken."""
    owing = case.held.terms.payment is Payment.AT_WINDOW and not case.gate.kind.takes_money
    return Objection(Reason.PAY_AT_WINDOW) if owing else None


def in_time(case: Case) -> Objection | None:
    """The business day lies within the valid days of the pass."""
    if case.day < case.held.valid.start:
        return Objection(Reason.NOT_YET_VALID, start_of(case.held.valid.start))
    return Objection(Reason.EXPIRED) if case.day > case.held.valid.end else None


def spot_covered(case: Case) -> Objection | None:
    """The pass opens this spot."""
    covered = case.spot is not None and case.held.opens(case.gate.spot_id)
    return None if covered else Objection(Reason.SPOT_NOT_COVERED)


def spot_open(case: Case) -> Objection | None:
    """The spot takes visitors today."""
    closed = case.spot is None or not case.spot.open_on(case.day)
    return Objection(Reason.SPOT_CLOSED) if closed else None


def no_blackout(case: Case) -> Objection | None:
    """Today is not one of the days on which the pass admits nowhere."""
    if case.held.terms.admits_on(case.day):
        return None
    return Objection(Reason.BLACKOUT, _next_valid_day(case))


def visits_left(case: Case) -> Objection | None:
    """No limit is used up: today at this spot, at this spot in total, in total, on distinct days."""
    if case.joins:
        return None
    limits, tally, spot = (
        case.held.terms.limits_at(case.gate.spot_id),
        case.tally,
        case.gate.spot_id,
    )
    if any(
        limit is not None and used >= limit
        for used, limit in (
            (tally.by_spot.get(spot, 0), limits.per_spot),
            (tally.total, limits.total),
            (tally.days, limits.days if case.day != tally.day else None),
        )
    ):
        lasting = Objection(Reason.NO_VISITS_LEFT)
    else:
        lasting = None
    if limits.per_spot_day is not None and tally.visits_on(case.day, spot) >= limits.per_spot_day:
        return Objection(Reason.ALREADY_TODAY, None if lasting else _next_valid_day(case))
    return lasting


def not_too_soon(case: Case) -> Objection | None:
    """Enough time has passed since the last visit, wherever that was."""
    minutes, last = case.held.terms.limits.minutes_between, case.tally.last_at
    if (
        case.joins
        or minutes is None
        or last is None
        or case.at >= last + timedelta(minutes=minutes)
    ):
        return None
    return Objection(Reason.TOO_SOON, last + timedelta(minutes=minutes))


def party_fits(case: Case) -> Objection | None:
    """The pass admits as many people as have come."""
    too_many = case.wanted > case.held.terms.party.admits
    return Objection(Reason.PARTY_TOO_LARGE) if too_many else None


RULES: tuple[Rule, ...] = (
    gate_in_service,
    code_suits_gate,
    pass_alive,
    paid,
    in_time,
    spot_covered,
    spot_open,
    no_blackout,
    visits_left,
    not_too_soon,
    party_fits,
)


def decide(case: Case) -> Verdict:
    """Admit or refuse. Total: a fault in a rule is logged and refuses with `error`."""
    try:
        for rule in RULES:
            objection = rule(case)
            if objection is not None:
                return Verdict(objection.reason, case.at, admitted_from=objection.admitted_from)
        return _admitted(case)
    except Exception:
        log.exception("a rule failed for pass %s", case.held.id)
        return Verdict(Reason.ERROR, case.at)


def _admitted(case: Case) -> Verdict:
    party, admits = case.held.terms.party, case.wanted
    already_in = party.admits - case.places if case.joins else 0
    owing = case.held.terms.payment is Payment.AT_WINDOW
    pays = min(party.pays, already_in + admits) - min(party.pays, already_in) if owing else 0
    return Verdict(
        Reason.OK,
        case.at,
        admits=admits,
        pays=pays,
        amount_fen=pays * party.each_fen if owing and party.each_fen is not None else None,
        visits_left=_left_after(case),
        check_identity=not case.code.rotating,
    )


def _left_after(case: Case) -> int | None:
    """Visits left here after this one, over all the days to come; None when nothing limits them."""
    limits = case.held.terms.limits_at(case.gate.spot_id)
    left = [
        limit - used - (not case.joins)
        for used, limit in (
            (case.tally.total, limits.total),
            (case.tally.by_spot.get(case.gate.spot_id, 0), limits.per_spot),
        )
        if limit is not None
    ]
    return min(left, default=None)


def _next_valid_day(case: Case) -> datetime | None:
    """The start of the next day on which the pass is valid and not blacked out, if there is one."""
    day = day_after(case.day)
    while day <= case.held.valid.end:
        if case.held.terms.admits_on(day):
            return start_of(day)
        day = day_after(day)
    return None
