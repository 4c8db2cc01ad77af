"""Items: what a gate tells of what it decided, and what it is told of each, as plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from passes.admission.by_hand import Shown
from passes.admission.gates import Gate, Scan
from passes.admission.offline.conflict import Name
from passes.admission.staff import StaffDecision
from passes.base.calendar import to_milliseconds
from passes.base.errors import DomainError
from passes.holding.model import Pass
from passes.ledger.records import Decision
from passes.ledger.verdicts import Reason, Verdict

CLOCK_TOLERANCE = timedelta(minutes=2)
"""How far a corrected time may be wrong: a clock drifts between a scan and its upload."""

MOST_QUEUED = timedelta(days=60)
"""What a gate says to have decided longer ago than that was told by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class DecidedAlone:
    """What a gate decided: `ok`, or why not; how many people it let in, and how many paid."""

    reason: Reason
    admits: int = 0
    pays: int = 0


@dataclass(frozen=True, slots=True)
class ScanItem:
    """A scan, and what was decided; None if it is to be decided now."""

    scan: Scan
    decided: DecidedAlone | None
    on_paper: Decision | None = None
    """Who has read it off a list on paper, on which staff had written it."""

    @property
    def at(self) -> datetime:
        """When it was, by the clock of the gate."""
        return self.scan.scanned_at

    @property
    def name(self) -> Name:
        """What happened."""
        return self.scan.gate.id, self.scan.nonce


@dataclass(frozen=True, slots=True)
class AnnulItem:
    """That what a gate named so did not happen after all; `at` by its clock."""

    gate: Gate
    nonce: str
    at: datetime

    @property
    def name(self) -> Name:
        """What did not happen."""
        return self.gate.id, self.nonce


@dataclass(frozen=True, slots=True)
class HandItem:
    """People whom staff let in by hand; `at` by the clock of the gate."""

    decision: StaffDecision
    shown: Shown
    at: datetime

    @property
    def name(self) -> Name:
        """What happened."""
        return self.decision.gate.id, self.decision.nonce


Item = ScanItem | AnnulItem | HandItem


@dataclass(frozen=True, slots=True)
class Timing:
    """When a batch was sent, by the clock of its gate, and when it was received, by ours."""

    sent_at: datetime
    received_at: datetime
    bundle: str | None = None
    """The version of the bundle of the gate, `epoch:number`."""

    def corrected(self, told: datetime) -> tuple[datetime, bool]:
        """The instant by our clock for one that the clock of the gate told, and whether that can be
        right: one from before the last weeks, or after the sending, cannot."""
        received_at = to_milliseconds(self.received_at)
        age = self.sent_at - told
        if age > MOST_QUEUED:
            return received_at, False
        return received_at - max(age, timedelta()), age >= -CLOCK_TOLERANCE


class Result(StrEnum):
    """What became of an item."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONFLICT = "conflict"
    REFUSED = "refused"
    WRONG = "wrong"
    LATER = "later"
    """Not now: the gate keeps it, and sends it again."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of an item: a verdict if it was a scan, the number of a conflict if it is one, or
    what is wrong with it."""

    result: Result
    verdict: Verdict | None = None
    held: Pass | None = None
    conflict: str | None = None
    error: DomainError | None = None
