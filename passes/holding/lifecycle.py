"""The lifecycle of a pass after it is issued: activated, frozen and unfrozen, revoked.

Which step leads where is in `passes.holding.transitions`; here a step is stored, by one
compare-and-set, and an audit line goes before it.
"""

from datetime import datetime
from enum import StrEnum

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.ports import Audit
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass
from passes.holding.ports import Passes


class Step(StrEnum):
    """What can be done to a pass."""

    ACTIVATE = "activate"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REVOKE = "revoke"


_OF_THE_HOLDER = (Step.ACTIVATE, Step.FREEZE, Step.UNFREEZE)
_ANY_HOLDER = "visitor:"


class Lifecycle:
    """Takes passes from one state to the next."""

    def __init__(self, passes: Passes, audit: Audit) -> None:
        """Both are stores."""
        self._passes = passes
        self._audit = audit

    async def take(
        self, pass_id: str, step: Step, by: str, now: datetime, reason: str = ""
    ) -> Pass:
        """Take a step, and return the pass as it is then. A step taken before changes nothing.

        `by` is who takes it, as in the audit log. Raises `Unknown`, and `Conflict` where the step
        does not lead on from the state of the pass.
        """
        detail = {"reason": reason} if reason else {}
        line = AuditLine(now, by, step.value, f"pass:{pass_id}", detail)
        async with audited(self._audit) as entry:
            changed = await change(
                self._passes,
                pass_id,
                lambda held: _after(held, step, by, now),
                before_storing=lambda: entry.begin(line),
            )
            if not changed.something:
                await entry.not_done()  # somebody else has taken the step meanwhile
        return changed.after


def steps_from(held: Pass, now: datetime) -> list[Step]:
    """What the holder of a pass may do with it now."""
    if not held.in_force_on(business_day(now)):
        return []
    return [step for step in _OF_THE_HOLDER if _leads_on(held, step, now)]


def _leads_on(held: Pass, step: Step, now: datetime) -> bool:
    try:
        return _after(held, step, _ANY_HOLDER, now) is not held
    except Conflict:
        return False


def _after(held: Pass, step: Step, by: str, now: datetime) -> Pass:
    match step:
        case Step.ACTIVATE:
            return transitions.activate(held, now)
        case Step.FREEZE:
            return transitions.freeze(held, by, now)
        case Step.UNFREEZE:
            return transitions.unfreeze(held, by, now)
        case Step.REVOKE:
            return transitions.revoke(held, now)
