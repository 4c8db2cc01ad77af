"""The story of a pass: what happened to it, in order, from its audit lines, its ledger and its refusals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from passes.base.audit import AuditLine
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


async def lineage(held: Pass, passes: Passes) -> list[Pass]:
    """The passes it was reissued from, oldest first, and itself: one entitlement under all its serials."""
    line = [held]
    while line[0].reissued_from is not None:
        before = await passes.get(line[0].reissued_from)
        if before is None:
            break
        line.insert(0, before)
    return line


async def story_of(held: Pass, audit: Audit, ledger: Ledger, refusals: Refusals) -> list[Event]:
    """Everything that is kept of a pass under its serial, oldest first."""
    lines, records = await audit.about(f"pass:{held.id}"), await ledger.whole(held.id)
    return story(lines, records, await refusals.of_pass(held.id))


def story(
    lines: Iterable[AuditLine], ledger: Sequence[Record], refusals: Iterable[Refusal]
) -> list[Event]:
    """Everything that is kept of a pass, oldest first."""
    counted = {record.n for record in standing(ledger)}
    events = [Event(line.at, line.action, line.by, detail=dict(line.detail)) for line in lines]
    events += [
        Event(
            record.at,
            record.kind.value,
            f"gate:{record.gate_id}",
            record.spot_id,
            {
                "record": str(record.n),
                "nonce": record.nonce,
                "counts": "yes" if record.n in counted else "no",
            },
        )
        for record in ledger
        if record.gate_id  # a ledger closed or carried on is told by the reissue
    ]
    events += [
        Event(
            refusal.verdict.decided_at,
            "refused",
            f"gate:{refusal.gate_id}",
            refusal.spot_id,
            {"reason": refusal.verdict.reason.value, "nonce": refusal.nonce},
        )
        for refusal in refusals
    ]
    return sorted(events, key=lambda event: event.at)
