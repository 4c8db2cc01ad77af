"""The history of a pass: what happened to it, in order, from audit lines, ledger and refusals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from passes.base.audit import AuditLine, Outcome
from passes.base.ports import Audit
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import Record, standing
from passes.ledger.verdicts import Refusal


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `what` is an action, `admitted`, `annulled` or `refused`."""

    at: datetime
    what: str
    by: str
    spot_id: str | None = None
    detail: dict[str, str] = field(default_factory=dict)


class Histories:
    """Tells the history of passes."""

    def __init__(self, passes: Passes, ledger: Ledger, refusals: Refusals, audit: Audit) -> None:
        """All are stores."""
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals
        self._audit = audit

    async def lineage(self, held: Pass) -> list[Pass]:
        """The passes it was reissued from, oldest first, and itself: one entitlement under all the
        serials it has had."""
        line = [held]
        while line[0].reissued_from is not None:
            before = await self._passes.get(line[0].reissued_from)
            if before is None:
                break
            line.insert(0, before)
        return line

    async def under_serial(self, held: Pass) -> list[Event]:
        """Everything that is kept of a pass under its present serial, oldest first."""
        lines = await self._audit.about(f"pass:{held.id}")
        records = await self._ledger.whole(held.id)
        refusals = await self._refusals.of_pass(held.id)
        return history(lines, records, refusals)

    async def whole(self, held: Pass) -> list[Event]:
        """Everything that is kept of a pass, also under the serials it had before."""
        events = [
            event
            for serial in await self.lineage(held)
            for event in await self.under_serial(serial)
        ]
        return sorted(events, key=lambda event: event.at)


def history(
    lines: Iterable[AuditLine], ledger: Sequence[Record], refusals: Iterable[Refusal]
) -> list[Event]:
    """The events in what is kept of a pass, oldest first."""
    counted = {record.n for record in standing(ledger) if not record.free}
    events = [_of_line(line) for line in lines if line.outcome is not Outcome.NOT_DONE]
    events += [
        _of_record(record, counts=record.n in counted)
        for record in ledger
        if record.gate_id  # a ledger closed or carried on is told by the reissue
    ]
    events += [_of_refusal(refusal) for refusal in refusals]
    return sorted(events, key=lambda event: event.at)


def _of_line(line: AuditLine) -> Event:
    """A change; one that was cut short says so, for the pass alone tells whether it was made."""
    detail = dict(line.detail)
    if line.outcome is Outcome.BEGUN:
        detail["outcome"] = line.outcome.value
    return Event(line.at, line.action, line.by, detail=detail)


def _of_record(record: Record, *, counts: bool) -> Event:
    detail = {
        "record": str(record.n),
        "nonce": record.nonce,
        "counts": "yes" if counts else "no",
    }
    if record.verdict is not None and record.verdict.category is not None:
        detail["category"] = record.verdict.category
    by = f"gate:{record.gate_id}"
    return Event(record.at, record.kind.value, by, record.spot_id, detail)


def _of_refusal(refusal: Refusal) -> Event:
    detail = {"reason": refusal.verdict.reason.value, "nonce": refusal.nonce}
    by = f"gate:{refusal.gate_id}"
    return Event(refusal.verdict.decided_at, "refused", by, refusal.spot_id, detail)
