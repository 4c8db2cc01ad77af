"""Exporting: what is held about a person who shows a document to staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from passes.base.audit import AuditLine, Outcome
from passes.base.auditing import AuditEntry
from passes.base.ports import Audit
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.people.ports import Visitors
from passes.people.visitors import bound_to_person
from passes.rights.ports import Kept, KeptOfPeople
from passes.rights.requests import Asked, RequestLog, asked_of_staff


@dataclass(frozen=True, slots=True)
class HeldOfPerson:
    """All that stands under a document: its passes, newest first; since when an account says to be
    this person; for how many accounts of children they consent; and the rest by collection."""

    passes: Sequence[Pass]
    bound_since: datetime | None
    guardian_of: int
    kept: Kept


class Exporting:
    """Tells people without an account what is held about them."""

    def __init__(
        self,
        requests: RequestLog,
        passes: Passes,
        visitors: Visitors,
        kept: KeptOfPeople,
        audit: Audit,
    ) -> None:
        """All but the log of requests are stores."""
        self._requests = requests
        self._passes = passes
        self._visitors = visitors
        self._kept = kept
        self._audit = audit

    async def export_person(self, asked: Asked, by: str, now: datetime) -> HeldOfPerson:
        """What is held about whoever has shown a document to staff; and the request is kept."""
        asked = await asked_of_staff(asked, self._visitors)
        request, entry = await self._requests.begin(asked, now), AuditEntry(self._audit)
        await entry.begin(AuditLine(now, by, "export", f"request:{request.id}"))
        binding = await self._visitors.bound(bound_to_person(asked.lookup))
        held = HeldOfPerson(
            passes=await self._passes.of_holder(asked.lookup),
            bound_since=None if binding is None else binding.at,
            guardian_of=await self._kept.guarded_by(asked.lookup),
            kept=await self._kept.of(asked.lookup),
        )
        await self._requests.settle(request, Outcome.DONE, now)
        await entry.done()
        return held
