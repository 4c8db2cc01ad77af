"""Not the holder: staff see that somebody else shows a pass.

Its admission at this spot is annulled, if one stands, the pass is marked, and it is a case for
operators. A pass with so many marks freezes, which only operators undo, and its holder is told in
the mini-program. The mark comes last but for that, so a try that finds it has nothing else to do.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from passes.admission.annulling import Annulling
from passes.admission.cases import CaseFile, CaseKind, Cases, check_same
from passes.admission.staff import StaffDecision
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict, Unknown
from passes.base.ports import Audit
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Misuse, Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_genuine
from passes.people.ports import Visitors
from passes.people.visitors import Notice, person_key

MARKS_THAT_FREEZE = 3


class WhyNotTheHolder(StrEnum):
    """How staff know."""

    FACE = "face"
    DOCUMENT = "document"
    ADMITTED = "admitted"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Marked:
    """The case, the pass as it is marked now, and whether an admission was annulled."""

    case: CaseFile
    held: Pass
    annulled: bool


class HolderChecks:
    """Marks passes that somebody else shows."""

    def __init__(
        self,
        passes: Passes,
        visitors: Visitors,
        cases: Cases,
        annulling: Annulling,
        audit: Audit,
        marks_that_freeze: int,
    ) -> None:
        """All but the last two are stores, and what annuls admissions."""
        self._passes = passes
        self._visitors = visitors
        self._cases = cases
        self._annulling = annulling
        self._audit = audit
        self._most = marks_that_freeze

    async def mark(self, decision: StaffDecision, pass_id: str, now: datetime) -> Marked:
        """Somebody else shows this pass. The same decision sent again changes nothing.

        Raises what `StaffDecision.check` raises, `Unknown` for a pass that is not there, and
        `Conflict` for a nonce that names another decision.
        """
        decision.check()
        held = await newest_genuine(pass_id, self._passes)
        # 1. The case, which its decision opens once.
        case = CaseFile.of(decision, CaseKind.NOT_THE_HOLDER, now)
        case = await self._cases.open(replace(case, pass_id=held.id))
        await check_same(case, CaseKind.NOT_THE_HOLDER, held, self._passes)
        # 2. The admission, unless this is a repeat: a later one is the holder's own.
        misuse = Misuse(now, decision.gate.id, decision.nonce)
        if transitions.is_marked(held, misuse):
            await self._tell(held, now)
            return Marked(case, held, case.annulled_at is not None)
        annulled = await self._annul(decision, held, case, now)
        # 3. The mark, and with the last one the freeze, in one write.
        held = await self._marked(decision, held, misuse, now)
        await self._tell(held, now)
        return Marked(case, held, annulled)

    async def _annul(
        self, decision: StaffDecision, held: Pass, case: CaseFile, now: datetime
    ) -> bool:
        """Whether an admission at this spot stood, which is annulled."""
        try:
            await self._annulling.annul_at_spot(decision, held.id, now)
        except (Unknown, Conflict):
            return False  # there is none, or it is too long ago
        await self._cases.annul(case.id, now)
        return True

    async def _marked(
        self, decision: StaffDecision, held: Pass, misuse: Misuse, now: datetime
    ) -> Pass:
        subject = f"pass:{held.id}"
        lines = [decision.line("not_the_holder", subject, now)]
        freezing = AuditLine(now, transitions.FROZEN_FOR_MISUSE, "freeze", subject)

        def marked(before: Pass) -> Pass:
            after = transitions.mark(before, misuse, self._most)
            if after.state is not before.state:
                lines[1:] = [freezing]
            return after

        async with audited(self._audit) as entry:
            changed = await change(
                self._passes, held.id, marked, before_storing=lambda: entry.begin(*lines)
            )
            if not changed.something:
                await entry.not_done()
        return changed.after

    async def _tell(self, held: Pass, now: datetime) -> None:
        """Tell the holder in the mini-program, if the pass is frozen for that and they have an
        account."""
        if held.frozen_by != transitions.FROZEN_FOR_MISUSE:
            return
        binding = await self._visitors.bound(person_key(held.holder))
        if binding is None:
            return
        visitor = await self._visitors.get(binding.visitor_id)
        if visitor is not None and visitor.is_holder(held.holder):  # not one that gave up halfway
            await self._visitors.notice(visitor.id, Notice("pass_frozen_misused", now))
