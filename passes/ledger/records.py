"""The admission ledger of one pass: records that are only ever appended, and the tally they add up to.

Every record carries the tally after it, so the newest record is enough to decide. `fold` works the same tally
out from the whole ledger; it is the definition, and the check of the records.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from passes.ledger.tally import Tally
from passes.ledger.verdicts import Verdict


class RecordKind(StrEnum):
    """What a record says happened."""

    ADMITTED = "admitted"
    EXITED = "exited"
    ANNULLED = "annulled"
    CLOSED = "closed"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger of a pass, number `n` from 1 on.

    `at` is when it counts, `scanned_at` what the gate's clock said. An admission keeps its verdict, so that a
    repeated scan gets the same answer; an annulment names the record it undoes. A ledger that is closed is followed
    by that of a pass reissued, whose first record carries the tally on (`passes.reissue`).
    """

    pass_id: str
    n: int
    kind: RecordKind
    spot_id: str
    gate_id: str
    nonce: str
    code_digest: str
    at: datetime
    scanned_at: datetime
    tally: Tally
    verdict: Verdict | None = None
    annuls: int | None = None
    room: int = 1
    """How many people the pass admitted on one visit."""


def fold(records: Iterable[Record]) -> Tally:
    """The tally of a whole ledger, or of the visits that are left when some are annulled."""
    records = list(records)
    tally = records[0].tally if records and records[0].kind is RecordKind.CARRIED else Tally()
    for visit in sorted(standing(records), key=lambda record: record.at):
        people = visit.verdict.admits if visit.verdict else 1
        tally = tally.entered(visit.spot_id, visit.at, people, visit.room)
    return tally


def standing(records: Iterable[Record]) -> list[Record]:
    """The admissions that no later record annuls."""
    records = list(records)
    undone = {record.annuls for record in records if record.kind is RecordKind.ANNULLED}
    return [
        record
        for record in records
        if record.kind is RecordKind.ADMITTED and record.n not in undone
    ]


def annulment(ledger: Sequence[Record], admission: Record, at: datetime) -> Record:
    """The record that undoes `admission`, next in a complete `ledger`."""
    record = replace(
        admission,
        n=len(ledger) + 1,
        kind=RecordKind.ANNULLED,
        at=at,
        verdict=None,
        annuls=admission.n,
    )
    return replace(record, tally=fold([*ledger, record]))


def closing(pass_id: str, tail: Sequence[Record], now: datetime) -> Record:
    """The record that closes a ledger with these newest records, under the next number."""
    if not tail:
        return mark(RecordKind.CLOSED, pass_id, 1, Tally(), now)
    return mark(RecordKind.CLOSED, pass_id, tail[-1].n + 1, tail[-1].tally, max(now, tail[-1].at))


def mark(kind: RecordKind, pass_id: str, n: int, tally: Tally, at: datetime) -> Record:
    """A record that is no scan."""
    return Record(
        pass_id=pass_id,
        n=n,
        kind=kind,
        spot_id="",
        gate_id="",
        nonce="",
        code_digest="",
        at=at,
        scanned_at=at,
        tally=tally,
    )
