"""The history of a pass: what happened to it, in order, from audit lines, ledger and refusals."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from passes.admission.offline.conflict import ConflictFile, ConflictFiles
from passes.base.audit import READS, AuditLine, Outcome
from passes.base.ports import Audit
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import Record, RecordKind, standing
from passes.ledger.verdicts import Refusal

_TOLD_FROM = timedelta(minutes=1)
"""From which difference on the clock of a gate is told beside the time that counts."""


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

    def __init__(
        self,
        passes: Passes,
        ledger: Ledger,
        refusals: Refusals,
        conflicts: ConflictFiles,
        audit: Audit,
    ) -> None:
        """All are stores."""
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals
        self._conflicts = conflicts
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
        return await self._of_serial(held, ())

    async def _of_serial(self, held: Pass, undone: Collection[int]) -> list[Event]:
        """`undone` are the records that a later serial undoes."""
        lines = await self._audit.about(f"pass:{held.id}")
        records = await self._ledger.whole(held.id)
        refusals = await self._refusals.of_pass(held.id)
        conflicts = await self._conflicts.of_serial(held.id)
        return history(lines, records, refusals, undone, conflicts)

    async def whole(self, held: Pass) -> list[Event]:
        """Everything that is kept of a pass, also under the serials it had before."""
        line = await self.lineage(held)
        records = await self._ledger.of_passes(serial.id for serial in line)
        undone = defaultdict[str | None, set[int]](set)
        for record in records:
            undone[record.of_pass].add(record.annuls or 0)
        events = [
            event for serial in line for event in await self._of_serial(serial, undone[serial.id])
        ]
        return sorted(events, key=lambda event: event.at)


def history(
    lines: Iterable[AuditLine],
    ledger: Sequence[Record],
    refusals: Iterable[Refusal],
    undone: Collection[int] = (),
    conflicts: Iterable[ConflictFile] = (),
) -> list[Event]:
    """The events in what is kept of a pass, oldest first; `undone` are the records that a later
    serial undoes."""
    in_conflict = {each.name: each for each in conflicts}
    counted = {record.n for record in standing(ledger) if not record.free}.difference(undone)
    events = [_of_line(line) for line in lines if _happened(line)]
    events += [
        _of_record(record, in_conflict.get(record.name), counts=record.n in counted)
        for record in ledger
        if record.gate_id  # a ledger closed or carried on is told by the reissue
    ]
    events += [_of_refusal(refusal) for refusal in refusals]
    return sorted(events, key=lambda event: event.at)


def _happened(line: AuditLine) -> bool:
    """Whether a line tells of something that happened to the pass, and not only of who looked."""
    return line.outcome is not Outcome.NOT_DONE and line.action not in READS


def _of_line(line: AuditLine) -> Event:
    """A change; one that was cut short says so, for the pass alone tells whether it was made."""
    detail = dict(line.detail)
    if line.outcome is Outcome.BEGUN:
        detail["outcome"] = line.outcome.value
    return Event(line.at, line.action, line.by, detail=detail)


def _of_record(record: Record, conflict: ConflictFile | None, *, counts: bool) -> Event:
    detail = {
        "serial": record.pass_id,
        "record": str(record.n),
        "nonce": record.nonce,
        "counts": "yes" if counts else "no",
    }
    if record.verdict is not None and record.verdict.category is not None:
        detail["category"] = record.verdict.category
    if not record.online:
        detail["told_at"] = record.recorded_at.isoformat(timespec="seconds")
    if conflict is not None and record.kind is not RecordKind.ANNULLED:
        detail["conflict"] = f"{conflict.id} {conflict.cause.value} {conflict.state.value}"
    detail |= _people_and_money(record)
    by = f"gate:{record.gate_id}"
    if record.decision is not None:
        by = record.decision.by
        detail["reason"] = record.decision.reason
    return Event(record.at, record.kind.value, by, record.spot_id, detail)


def _people_and_money(record: Record) -> dict[str, str]:
    """How somebody got in, how many people, who of them paid what, and what the record undoes."""
    verdict = record.verdict
    told: dict[str, object] = {
        "way": record.by,
        "online": None if record.online else "no",
        "people": verdict.counted if verdict and verdict.counted else None,
        "by_category": ", ".join(f"{name} {count}" for name, count in record.people.items()),
        "paid_by": verdict.pays if verdict and verdict.pays else None,
        "amount_fen": verdict.amount_fen if verdict else None,
        "undoes": record.annuls,
        "undoes_serial": record.of_pass,
        "lane": record.lane,
        "staff": record.staff,
        "scanned_at": record.scanned_at.isoformat() if _clock_differs(record) else None,
    }
    return {name: str(value) for name, value in told.items() if value not in {None, ""}}


def _clock_differs(record: Record) -> bool:
    """Whether the gate said another time than the one at which the record counts."""
    return abs(record.scanned_at - record.at) > _TOLD_FROM


def _of_refusal(refusal: Refusal) -> Event:
    detail = {"reason": refusal.verdict.reason.value, "nonce": refusal.nonce}
    by = f"gate:{refusal.gate_id}"
    return Event(refusal.verdict.decided_at, "refused", by, refusal.spot_id, detail)
