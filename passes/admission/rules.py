"""The rules: whether a pass admits its holder at a gate, now.

`decide` is pure and total. It asks the rules in the order in which staff would explain them, and
the first that objects gives the reason. It never raises: a fault inside a rule is a refusal, never
an admission.
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
from passes.terms.terms import Limits, Payment, SpotFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision rests on.

    `spot` is None if the catalogue does not have the spot of the gate; `party` is how many people
    want to pass, None for all. `at` is not earlier than the last visit in the tally.
    """

    held: Pass
    code: Code
    tally: Tally
    spot: SpotFacts | None
    gate: Gate
    party: int | None
    at: datetime
    spent_at: str | None = None
    """The spot at which this very rotating code has opened a gate, if it has."""

    @property
    def day(self) -> date:
        """The business day of the scan."""
        return business_day(self.at)

    @property
    def limits(self) -> Limits:
        """The limits of the pass at this spot."""
        return self.held.terms.limits_at(self.gate.spot_id)

    @property
    def pays_at_window(self) -> bool:
        """Whether visitors with this pass pay when they come."""
        return self.held.terms.payment is Payment.AT_WINDOW

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

_NOT_ACTIVE = {
    PassState.RESERVED: Reason.NOT_ACTIVATED,
    PassState.ISSUED: Reason.NOT_ACTIVATED,
    PassState.FROZEN: Reason.FROZEN,
    PassState.REVOKED: Reason.REVOKED,
    PassState.REFUNDED: Reason.REFUNDED,
    PassState.EXPIRED: Reason.EXPIRED,
}


def gate_in_service(case: Case) -> Objection | None:
    """A gate taken out of service admits nobody."""
    if case.gate.state is GateState.DISABLED:
        return Objection(Reason.GATE_DISABLED)
    return None


def code_suits_gate(case: Case) -> Objection | None:
    """A printed code can be copied, so it needs staff who look at the visitor's card."""
    printed = not case.code.rotating
    if printed and not case.gate.kind.staffed:
        return Objection(Reason.CODE_STATIC)
    return None


def pass_active(case: Case) -> Objection | None:
    """Only an active pass admits."""
    reason = _NOT_ACTIVE.get(case.held.state_on(case.day))
    if reason is not None:
        return Objection(reason)
    return None


def paid(case: Case) -> Objection | None:
    """What is still to be paid can only be paid where money is taken."""
    if case.pays_at_window and not case.gate.kind.takes_money:
        return Objection(Reason.PAY_AT_WINDOW)
    return None


def in_time(case: Case) -> Objection | None:
    """The business day lies within the valid days of the pass."""
    valid = case.held.valid
    if case.day < valid.start:
        return Objection(Reason.NOT_YET_VALID, start_of(valid.start))
    if case.day > valid.end:
        return Objection(Reason.EXPIRED)
    return None


def spot_covered(case: Case) -> Objection | None:
    """The pass opens this spot, and the catalogue knows it."""
    if case.spot is None or not case.held.opens(case.spot):
        return Objection(Reason.SPOT_NOT_COVERED)
    return None


def spot_open(case: Case) -> Objection | None:
    """The spot takes visitors today."""
    if case.spot is None or not case.spot.open_on(case.day):
        return Objection(Reason.SPOT_CLOSED)
    return None


def no_blackout(case: Case) -> Objection | None:
    """Today is not one of the days on which the pass admits nowhere."""
    if case.held.terms.admits_on(case.day):
        return None
    return Objection(Reason.BLACKOUT, _next_valid_day(case))


def visits_left(case: Case) -> Objection | None:
    """No limit is used up: today at this spot, at this spot in total, in total, on distinct days.

    If today's visits here are used up, that is the reason, even if others are as well: it is what
    staff would say. Then `admitted_from` is set only if a later day will do.
    """
    if case.joins:
        return None
    for_good = _used_up_for_good(case)
    per_day = case.limits.per_spot_day
    if per_day is not None and case.tally.visits_on(case.day, case.gate.spot_id) >= per_day:
        if for_good:
            return Objection(Reason.ALREADY_TODAY)
        return Objection(Reason.ALREADY_TODAY, _next_valid_day(case))
    if for_good:
        return Objection(Reason.NO_VISITS_LEFT)
    return None


def not_too_soon(case: Case) -> Objection | None:
    """Enough time has passed since the last visit, wherever that was."""
    minutes, last = case.held.terms.limits.minutes_between, case.tally.last_at
    if case.joins or minutes is None or last is None:
        return None
    admitted_from = last + timedelta(minutes=minutes)
    if case.at < admitted_from:
        return Objection(Reason.TOO_SOON, admitted_from)
    return None


def party_fits(case: Case) -> Objection | None:
    """The pass admits as many people as have come."""
    if case.wanted > case.held.terms.party.admits:
        return Objection(Reason.PARTY_TOO_LARGE)
    return None


def code_unspent(case: Case) -> Objection | None:
    """A rotating code opens once; the rest of its party may follow with it, at the same spot.

    Asked last: what every other rule objects to, a fresh code would not change.
    """
    if case.spent_at is None:
        return None
    if case.spent_at == case.gate.spot_id and case.joins:
        return None
    return Objection(Reason.CODE_SPENT)


RULES: tuple[Rule, ...] = (
    gate_in_service,
    code_suits_gate,
    pass_active,
    paid,
    in_time,
    spot_covered,
    spot_open,
    no_blackout,
    visits_left,
    not_too_soon,
    party_fits,
    code_unspent,
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
    pays, amount_fen = _to_pay(case)
    return Verdict(
        Reason.OK,
        case.at,
        admits=case.wanted,
        pays=pays,
        amount_fen=amount_fen,
        visits_left=_left_after(case),
        check_identity=not case.code.rotating,
    )


def _to_pay(case: Case) -> tuple[int, int | None]:
    """How many of those who are let in pay now, and how much together, in fen, if that is known.

    The first of a party pay, up to as many as its terms say: of buy one, get one free it is the one
    who comes first, if the two come one after the other.
    """
    if not case.pays_at_window:
        return 0, None
    party = case.held.terms.party
    already_in = 0
    if case.joins:
        already_in = party.admits - case.places
    have_paid = min(party.pays, already_in)
    pays = min(party.pays, already_in + case.wanted) - have_paid
    if party.each_fen is None:
        return pays, None
    return pays, pays * party.each_fen


def _used_up_for_good(case: Case) -> bool:
    """Whether a limit is used up that another day does not lift."""
    limits, tally = case.limits, case.tally
    counted = [
        (tally.by_spot.get(case.gate.spot_id, 0), limits.per_spot),
        (tally.total, limits.total),
    ]
    if case.day != tally.day:  # on a day that is counted already another visit counts no more days
        counted.append((tally.days, limits.days))
    return any(limit is not None and used >= limit for used, limit in counted)


def _left_after(case: Case) -> int | None:
    """Visits left here after this one, over all the days to come; None when nothing limits them."""
    this_visit = 0 if case.joins else 1
    limits, tally = case.limits, case.tally
    left = []
    if limits.total is not None:
        left.append(limits.total - tally.total - this_visit)
    if limits.per_spot is not None:
        here = tally.by_spot.get(case.gate.spot_id, 0)
        left.append(limits.per_spot - here - this_visit)
    return min(left, default=None)


def _next_valid_day(case: Case) -> datetime | None:
    """The start of the next day on which the pass is valid and not blacked out, if there is one."""
    day = day_after(case.day)
    while day <= case.held.valid.end:
        if case.held.terms.admits_on(day):
            return start_of(day)
        day = day_after(day)
    return None
