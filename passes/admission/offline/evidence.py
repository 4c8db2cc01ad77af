"""Evidence: what is kept of an admission that a gate decided alone, and what speaks against it.

Pure: knows the pass, the rules and the audit lines, and no store.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from passes.admission.gates import Purpose
from passes.admission.offline.items import CLOCK_TOLERANCE, DecidedAlone, ScanItem
from passes.admission.reading import Reading
from passes.admission.rules import (
    Case,
    code_suits_gate,
    entry_not_stopped,
    no_blackout,
    no_emergency,
    pass_active,
    spot_covered,
    spot_open,
    within_hours,
)
from passes.base.audit import AuditLine, Outcome
from passes.codes import format as codes
from passes.holding.model import Pass, PassState
from passes.ledger.records import Cause, Doubt
from passes.ledger.verdicts import Reason, Verdict

STEPS = int(CLOCK_TOLERANCE.total_seconds()) // codes.STEP_SECONDS
"""By how many steps a rotating code may miss the corrected time."""


_STATES = {
    "activate": PassState.ACTIVE,
    "unfreeze": PassState.ACTIVE,
    "restore": PassState.ACTIVE,
    "freeze": PassState.FROZEN,
    "revoke": PassState.REVOKED,
    "reissue": PassState.REVOKED,
    "cancel": PassState.REVOKED,
    "rescind": PassState.REFUNDED,
}
"""In which state an action of the audit log leaves a pass."""


def state_at(shown: Pass, lines: Iterable[AuditLine], at: datetime) -> PassState:
    """The state of a pass at an instant, by the audit lines about it, oldest first. Pure."""
    told = [
        line for line in lines if line.action in _STATES and line.outcome is not Outcome.NOT_DONE
    ]
    before = [line for line in told if line.at <= at]
    after = told[len(before) :]
    if not after:
        return shown.state
    if before:
        return _STATES[before[-1].action]
    return PassState.ISSUED if after[0].action == "activate" else PassState.ACTIVE


_FACTS = (
    code_suits_gate,
    no_emergency,
    pass_active,
    spot_covered,
    spot_open,
    entry_not_stopped,
    no_blackout,
    within_hours,
)
"""The rules that ask nothing of other visits. What these refuse is asked once, when an item is
recorded; what the others refuse changes with what arrives later."""

_CAUSES = {
    Reason.CODE_STATIC: Cause.STALE_STEP,
    Reason.CODE_STALE: Cause.STALE_STEP,
    Reason.SPOT_NOT_COVERED: Cause.NOT_COVERED,
    Reason.SPOT_WITHDRAWN: Cause.NOT_COVERED,
    Reason.SPOT_CLOSED: Cause.OUT_OF_TIME,
    Reason.ENTRY_STOPPED: Cause.OUT_OF_TIME,
    Reason.EMERGENCY: Cause.OUT_OF_TIME,
    Reason.BLACKOUT: Cause.OUT_OF_TIME,
    Reason.OUTSIDE_HOURS: Cause.OUT_OF_TIME,
}
"""Of each reason the cause; of all others the pass was not in force."""


def doubt_about(case: Case, reading: Reading, item: ScanItem, *, sure: bool) -> Doubt | None:
    """What speaks against what a gate did, whatever other visits there are."""
    step = reading.code.step if reading.code else None
    stale = reading.unsound is Reason.CODE_STALE
    if stale and step is not None and item.on_paper is None:
        fitted = abs(step - codes.step_of(item.at)) <= STEPS
        cause = Cause.CLOCK_DOUBTFUL if fitted else Cause.STALE_STEP
        return Doubt(cause, Reason.CODE_STALE)
    if reading.unsound is not None and not stale:
        return Doubt(Cause.NOT_IN_FORCE, reading.unsound)  # by a key that had ended
    if not sure:
        return Doubt(Cause.CLOCK_DOUBTFUL)
    for rule in _FACTS:
        objection = rule(case)
        if objection is not None:
            cause = _CAUSES.get(objection.reason, Cause.NOT_IN_FORCE)
            return Doubt(cause, objection.reason)
    return None


def verdict_of(case: Case, decided: DecidedAlone, purpose: Purpose) -> Verdict:
    """What a gate decided, as a verdict. Who is free by law is told from the holder's age, as far
    as the gate let as many in."""
    each_fen = case.whole_party.each_fen
    amount_fen = None if each_fen is None else decided.pays * each_fen
    verdict = Verdict(Reason.OK, case.at, decided.admits, decided.pays, amount_fen=amount_fen)
    if purpose is Purpose.LEAVE:
        return replace(verdict, leaving=True)
    if purpose is Purpose.PAY:
        return replace(verdict, admits=0, paying=True, category=case.free_as)
    if sum(case.free.values()) > decided.admits:
        return verdict
    return replace(
        verdict, check_identity=case.looks_at_card, category=case.free_as, free=case.free
    )
