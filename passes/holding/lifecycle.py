"""The life of a pass after it is issued: activated, frozen and unfrozen, revoked (docs/pass-lifecycle.md).

Each change is one conditional update that names the states it may come from, and leaves an audit line.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Conflict, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes


class Step(StrEnum):
    """What can be done to a pass."""

    ACTIVATE = "activate"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class _Way:
    """From which states a step leads to which; doing it again there changes nothing."""

    before: Set[PassState]
    after: Set[PassState]


_WAYS = {
    Step.ACTIVATE: _Way({PassState.ISSUED}, {PassState.ACTIVE}),
    Step.FREEZE: _Way({PassState.ISSUED, PassState.ACTIVE}, {PassState.FROZEN}),
    Step.UNFREEZE: _Way({PassState.FROZEN}, {PassState.ISSUED, PassState.ACTIVE}),
    Step.REVOKE: _Way({PassState.ISSUED, PassState.ACTIVE, PassState.FROZEN}, {PassState.REVOKED}),
}

_TRIES = 10


class Life:
    """Takes passes from one state to the next."""

    def __init__(self, passes: Passes, audit: Audit) -> None:
        """Both are stores."""
        self._passes = passes
        self._audit = audit

    async def take(
        self, pass_id: str, step: Step, by: str, now: datetime, reason: str = ""
    ) -> Pass:
        """Do a step, and return the pass as it is then. A step that is done already changes nothing.

        `by` is who takes it; what an operator has frozen, also after its holder, only an operator unfreezes. Raises
        `Unknown`, and `Conflict` where the step does not lead on from the state of the pass.
        """
        way = _WAYS[step]
        for _ in range(_TRIES):
            held = await self._passes.get(pass_id)
            if held is None:
                raise unknown(Text("电子票", "pass"), pass_id)
            taken_over = step is Step.FREEZE and _by_holder(held.frozen_by) and not _by_holder(by)
            if (
                held.state in way.after
                and not taken_over
                and (step is not Step.ACTIVATE or held.activated_at)
            ):
                return held
            if (held.state not in way.before and not taken_over) or _too_late(held, step, now):
                raise _no_way(held, step, now)
            if step is Step.UNFREEZE and _by_holder(by) and not _by_holder(held.frozen_by):
                raise _frozen_by_staff()
            if await self._passes.become(held, _changes(held, step, by, now)):
                detail = {"reason": reason} if reason else {}
                await self._audit.write(AuditLine(now, by, step.value, f"pass:{pass_id}", detail))
                return await self._passes.get(pass_id) or held
        raise Conflict(
            "pass_busy", Text("此票正在变更，请重试", "this pass changes this moment; try again")
        )


def steps_from(held: Pass, now: datetime) -> list[Step]:
    """What the holder of a pass may do with it now."""
    if not held.in_force_on(business_day(now)):
        return []
    steps = [
        step
        for step in (Step.ACTIVATE, Step.FREEZE, Step.UNFREEZE)
        if held.state in _WAYS[step].before
    ]
    return [
        step
        for step in steps
        if not _too_late(held, step, now)
        and (step is not Step.UNFREEZE or _by_holder(held.frozen_by))
    ]


def _by_holder(by: str | None) -> bool:
    return by is not None and by.startswith("visitor:")


def _changes(held: Pass, step: Step, by: str, now: datetime) -> dict[str, Any]:
    if step is Step.ACTIVATE:
        valid = held.terms.term.starting(business_day(now))
        return {"state": PassState.ACTIVE, "valid": valid, "activated_at": now}
    if step is Step.UNFREEZE:
        return {"state": held.state_in_force, "frozen_by": None}
    return (
        {"state": PassState.FROZEN, "frozen_by": by}
        if step is Step.FREEZE
        else {"state": PassState.REVOKED}
    )


def _too_late(held: Pass, step: Step, now: datetime) -> bool:
    """A pass that has begun by itself, or lapsed, can no longer be activated."""
    return step is Step.ACTIVATE and held.state_on(business_day(now)) is not PassState.ISSUED


def _no_way(held: Pass, step: Step, now: datetime) -> Conflict:
    state = held.state_on(business_day(now))
    return Conflict(
        "pass_state",
        Text("此票的状态不允许该操作", f"a pass that is {state.value} cannot be {_DONE[step]}"),
    )


_DONE = {
    Step.ACTIVATE: "activated",
    Step.FREEZE: "frozen",
    Step.UNFREEZE: "unfrozen",
    Step.REVOKE: "revoked",
}


def _frozen_by_staff() -> Conflict:
    text = Text(
        "此票由工作人员冻结，请联系客服", "this pass was frozen by staff, who alone can unfreeze it"
    )
    return Conflict("frozen_by_staff", text)
