"""The records of one pass: only ever appended, never changed or deleted.

Every record carries the tally after it, so the newest record is enough to decide. `fold` works the
same tally out from the whole ledger: it is the definition, and the check of the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from passes.ledger.tally import TALLY_VERSION, Entry, Tally
from passes.ledger.verdicts import Reason, Verdict


class RecordKind(StrEnum):
    """What a record says happened."""

    ADMITTED = "admitted"
    LET_IN = "let_in"
    """By hand, on a visit that is counted already: it counts for nothing."""
    EXITED = "exited"
    PAID = "paid"
    ANNULLED = "annulled"
    CLOSED = "closed"
    CARRIED = "carried"


class By(StrEnum):
    """By which means somebody got in, or out: what was read, or who decided."""

    ROTATING = "rotating"
    STATIC = "static"
    CARD_CHIP = "card_chip"
    CARD_TYPED = "card_typed"
    CARD_MRZ = "card_mrz"
    CARRIER = "carrier"
    HAND = "hand"
    PAPER = "paper"


class Cause(StrEnum):
    """Why an admission is a conflict: the server would have refused it."""

    TWO_GATES = "two_gates"
    OVER_LIMIT = "over_limit"
    OVER_POOL = "over_pool"
    NOT_IN_FORCE = "not_in_force"
    STALE_STEP = "stale_step"
    UNKNOWN_SERIAL = "unknown_serial"
    CLOCK_DOUBTFUL = "clock_doubtful"
    NOT_COVERED = "not_covered"
    OUT_OF_TIME = "out_of_time"
    UNPAID = "unpaid"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What spoke against an admission that a gate decided alone, whatever other visits there were;
    `reason` is what the server would have said, where it has a word for it."""

    cause: Cause
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided what a record says, where no rule did: staff at a gate, or an operator.

    `by` is as in the audit log, `nonce` the name that the gate gave the decision; an operator gives
    none.
    """

    by: str
    nonce: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger of a pass, number `n` from 1 on.

    `at` is when it counts, `scanned_at` what the clock of the gate said, `recorded_at` when the
    server stored it. An admission keeps its verdict, so that a repeated scan gets the same answer;
    an annulment names the record that it undoes, and has its gate and nonce. A ledger that is
    closed is followed by that of a reissued pass, whose first record carries the tally on
    (`passes.holding.reissuing`).
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
    recorded_at: datetime
    tally: Tally
    verdict: Verdict | None = None
    annuls: int | None = None
    room: int = 1
    """How many people the pass admitted on one visit."""
    by: By | None = None
    """None for what is no scan, and for what was recorded before this was kept."""
    online: bool = True
    """Whether the server decided it; False if a gate did, without a line."""
    lane: str | None = None
    """Which lane of the gate, if the gate tells."""
    staff: str | None = None
    """Who decided at the gate, if the gate tells."""
    people: Mapping[str, int] = field(default_factory=dict)
    """How many people of each category were let in; `any` where nobody told them apart. A category
    of `passes.terms.free_entry` is free by law."""
    party: int | None = None
    """How many people the gate named; None for everybody."""
    step: int | None = None
    """The 30-second step of the rotating code that was shown."""
    benefit: str | None = None
    """The benefit that applied, as the edition of the pass names it."""
    payers: int = 0
    """How many of a whole party have to pay when they come."""
    month: int = 0
    """The month of validity in which it counts, from 0."""
    may_return: bool = False
    """Of an exit, whether who left may come back on that day without another visit."""
    decision: Decision | None = None
    """Who decided it by hand; None for what a rule did, or the gate that had admitted."""
    of_pass: str | None = None
    """The serial under which what it undoes stands, if the pass was reissued since."""
    carries: Tally | None = None
    """What the ledgers of the serials before add up to, if this record corrects one of them."""
    doubt: Doubt | None = None
    """What spoke against it when it was uploaded, of an admission that a gate decided alone."""
    bundle: str | None = None
    """The version of the bundle by which a gate decided alone, `epoch:number`."""
    shown_as: str | None = None
    """The older serial whose code was shown, if the pass was reissued before the gate told."""

    @property
    def name(self) -> tuple[str, str]:
        """The gate and the nonce, which name what happened for ever."""
        return self.gate_id, self.nonce

    @property
    def free(self) -> bool:
        """Whether the holder entered free by law: then it is no visit of the pass."""
        return self.verdict is not None and self.verdict.category is not None

    @property
    def entry(self) -> Entry:
        """What it adds to a tally, if it is an admission; or takes from it, if it is an exit."""
        admits = self.verdict.counted if self.verdict else 1
        pays = self.verdict.pays if self.verdict else 0
        looked = self.verdict is not None and self.verdict.check_identity
        # A printed code says nothing of the account whose phone shows the pass.
        seen = looked and self.step is not None
        return Entry(
            spot_id=self.spot_id,
            at=self.at,
            people=admits,
            room=self.room,
            payers=self.payers,
            paid=pays,
            month=self.month,
            seen=seen,
        )


def fold(records: Iterable[Record], carried: Tally | None = None) -> Tally:
    """The tally of a whole ledger: of what is left of it, in the order in which it counts.

    A record that arrived late stands behind younger ones and is counted before them. `carried` is
    what the ledger begins with, if that is not to be what its own records say.
    """
    records = list(records)
    tally = carried or _carried_by(records)
    for record in sorted(_not_annulled(records), key=lambda record: record.at):
        tally = tally_after(tally, record)
    return tally


def tally_at(ledger: Sequence[Record], at: datetime) -> Tally:
    """What the part of a whole ledger adds up to that counts until an instant. Before a reissue
    everything counts that the serials before add up to, for it is not known how it came about."""
    left = [record for record in _not_annulled(ledger) if record.at <= at]
    return fold(left, _carried_by(ledger))


def not_annulled(records: Iterable[Record]) -> list[Record]:
    """What is left of the ledgers of all serials of a pass: neither annulled nor replaced."""
    ledgers: dict[str, list[Record]] = {}
    for record in without_undone_later(records):
        ledgers.setdefault(record.pass_id, []).append(record)
    return [record for ledger in ledgers.values() for record in _not_annulled(ledger)]


def _carried_by(records: Sequence[Record]) -> Tally:
    """What a ledger begins with: the tally of the serial before, as it was corrected last."""
    carried = Tally()
    if records and records[0].kind is RecordKind.CARRIED:
        carried = records[0].tally
    for record in records:
        carried = record.carries or carried
    return replace(carried, version=TALLY_VERSION)


def without_undone_later(records: Iterable[Record]) -> list[Record]:
    """The records of all serials of passes, but for those that a later serial undoes."""
    records = list(records)
    undone = {(each.of_pass, each.annuls) for each in records if each.of_pass is not None}
    return [each for each in records if (each.pass_id, each.n) not in undone]


def tally_after(tally: Tally, record: Record) -> Tally:
    """The tally with one more record, which does not lie before the newest one."""
    if record.free:
        return tally.with_look(record.at) if record.entry.seen else tally
    if record.kind is RecordKind.ADMITTED:
        return tally.with_entry(record.entry)
    if record.kind is RecordKind.PAID:
        return tally.with_payment(record.spot_id, record.at, record.entry.paid)
    if record.kind is RecordKind.EXITED and record.may_return:
        return tally.with_exit(record.entry)
    return tally


def standing(records: Iterable[Record]) -> list[Record]:
    """The admissions that no later record annuls."""
    left = _not_annulled(list(records))
    return [record for record in left if record.kind is RecordKind.ADMITTED]


def visits(records: Iterable[Record]) -> list[Record]:
    """The admissions that no later record annuls and that began a visit: the first of each party,
    and nobody who came back."""
    records = list(records)
    begun = []
    tally = _carried_by(records)
    for record in sorted(_not_annulled(records), key=lambda record: record.at):
        before, tally = tally.total, tally_after(tally, record)
        if tally.total > before:
            begun.append(record)
    return begun


def _not_annulled(records: Sequence[Record]) -> list[Record]:
    """What no other record undoes. One that replaces another undoes it, and counts itself."""
    undone = {record.annuls for record in records if record.of_pass is None}
    return [record for record in records if record.n not in undone]


def appended(ledger: Sequence[Record], record: Record) -> Record:
    """The record as the next one of a complete ledger, with the tally worked out anew.

    This is how a record is added that does not simply follow the newest one: an annulment, and one
    that arrives late. It takes the next number and keeps its own `at`.
    """
    numbered = replace(record, n=ledger[-1].n + 1 if ledger else 1)
    return replace(numbered, tally=fold([*ledger, numbered]))


def annulment(
    ledger: Sequence[Record],
    admission: Record,
    at: datetime,
    now: datetime,
    decision: Decision | None = None,
) -> Record:
    """The record that undoes an admission, next in a complete ledger."""
    undoing = replace(
        admission,
        kind=RecordKind.ANNULLED,
        at=at,
        recorded_at=now,
        verdict=None,
        annuls=admission.n,
        decision=decision,
    )
    return appended(ledger, undoing)


def closing(pass_id: str, newest: Sequence[Record], now: datetime) -> Record:
    """The record that closes a ledger with these newest records, under the next number."""
    if not newest:
        return mark(RecordKind.CLOSED, pass_id, 1, Tally(), now)
    last = newest[-1]
    return mark(RecordKind.CLOSED, pass_id, last.n + 1, last.tally, max(now, last.at))


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
        recorded_at=at,
        tally=tally,
    )
