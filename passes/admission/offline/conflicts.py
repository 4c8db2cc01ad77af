"""Conflicts: admissions that the server would have refused, and that a gate without a line gave.

A conflict is a label beside the ledger, never a rewrite of it. What is in excess follows from the
records of a pass alone: they are replayed in the order in which they count, and what the rules
refuse then does not stand beside what came first, in whatever order the records arrived
(docs/adr/0042-uploads-and-conflicts.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from passes.admission.cases import read_number
from passes.admission.correcting import Correcting, Correction
from passes.admission.gates import Gate, GateKind, GateState
from passes.admission.history import Histories
from passes.admission.offline.conflict import (
    RESOLVED,
    Against,
    ConflictFile,
    ConflictFiles,
    ConflictState,
    Name,
)
from passes.admission.rules import Case, in_time, not_too_soon, visits_left
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict as Refused
from passes.base.errors import Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_serial
from passes.ledger.ports import Ledger
from passes.ledger.records import (
    By,
    Cause,
    Record,
    RecordKind,
    not_annulled,
    tally_after,
)
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason
from passes.terms.ports import Spots
from passes.terms.prices import Payment

_TRIES = 100


@dataclass(frozen=True, slots=True)
class Excess:
    """An admission that the rules refuse beside those that stand, and why; `owed` is how many
    people have not paid."""

    record: Record
    cause: Cause
    reason: Reason | None
    against: Record | None = None
    owed: int = 0


def excesses(held: Pass, records: Iterable[Record]) -> list[Excess]:
    """What is in excess among the records of all serials of a pass, in the order in which it
    counts. Pure: the same for the same records, in whatever order they were stored.

    What is in excess does not count for what comes after it: without it the ledger is clean.
    """
    found, stood = [], list[Record]()
    tally = _begun_with(records := list(records))
    for record in sorted(not_annulled(records), key=_when):
        if record.kind in _MARKS:
            continue
        excess = _excess(held, tally, stood, record)
        if excess is not None:
            found.append(excess)
            continue
        stood.append(record)
        tally = tally_after(tally, record)
    return found


_MARKS = frozenset({RecordKind.CLOSED, RecordKind.CARRIED, RecordKind.ANNULLED})


def _when(record: Record) -> tuple[datetime, datetime, str, str]:
    """Of two that count at the same instant the order does not rest on which arrived first."""
    return record.at, record.scanned_at, record.gate_id, record.nonce


def _begun_with(records: Sequence[Record]) -> Tally:
    """What the first of some serials began with; nothing, unless a serial before is not known."""
    serials = {record.pass_id for record in records if record.n == 1}
    carried = [record for record in records if record.kind is RecordKind.CARRIED]
    return carried[0].tally if carried and len(carried) == len(serials) else Tally()


def _excess(held: Pass, tally: Tally, stood: Sequence[Record], record: Record) -> Excess | None:
    """Why an admission does not stand after what stood before it, if it does not.

    What staff did by hand is no excess: they knew. Nor is anybody who leaves.
    """
    if record.doubt is not None:
        owed = 0 if record.doubt.cause in _HAD_A_RIGHT else _people(record)
        return Excess(record, record.doubt.cause, record.doubt.reason, owed=owed)
    counts = record.kind is RecordKind.ADMITTED and not record.free
    if not counts or record.by is By.HAND:
        return None
    case = _case(held, tally, record)
    spent_by = _spent_by(stood, record, joins=case.joins)
    reason = _objection(case, record) or (Reason.CODE_SPENT if spent_by else None)
    if reason is not None:
        against = spent_by or _in_the_way(stood, record, reason)
        cause = _cause(case, reason, record, against)
        return Excess(record, cause, reason, against, _people(record))
    unpaid = 0 if record.online else tally.owed_by(record.entry) - record.entry.paid
    if unpaid > 0:
        return Excess(record, Cause.UNPAID, Reason.PAY_AT_WINDOW, owed=unpaid)
    return None


_HAD_A_RIGHT = frozenset({Cause.STALE_STEP, Cause.CLOCK_DOUBTFUL})
"""Causes that say nothing against the right to come in."""


def _people(record: Record) -> int:
    return record.verdict.counted if record.verdict else 1


def _case(held: Pass, tally: Tally, record: Record) -> Case:
    """What the rules about visits are asked with; they need nothing of spot or gate but names."""
    gate = Gate(record.gate_id, record.spot_id, GateKind.HANDHELD, "", GateState.ENROLLED)
    return Case(held, None, tally, None, gate, _people(record), record.at)


def _objection(case: Case, record: Record) -> Reason | None:
    """Why the rules about visits refuse. Whether a pass was in time is asked of what a gate decided
    alone: the server has asked at the time, and its days may have changed since."""
    if not record.online and _people(record) > record.room:
        return Reason.PARTY_TOO_LARGE
    rules = [visits_left, not_too_soon] if record.online else [in_time, visits_left, not_too_soon]
    for rule in rules:
        objection = rule(case)
        if objection is not None:
            return objection.reason
    return None


def _spent_by(stood: Sequence[Record], record: Record, *, joins: bool) -> Record | None:
    """The admission that the same rotating code has opened a gate for, unless this is the rest of
    its party."""
    if record.step is None:
        return None
    for each in stood:
        is_same = each.kind is RecordKind.ADMITTED and each.step == record.step
        if is_same and not (joins and each.spot_id == record.spot_id):
            return each
    return None


def _in_the_way(stood: Sequence[Record], record: Record, reason: Reason) -> Record | None:
    """The newest admission beside which one does not stand."""
    admitted = [each for each in stood if each.kind is RecordKind.ADMITTED and not each.free]
    if reason is Reason.ALREADY_TODAY:
        admitted = [each for each in admitted if each.spot_id == record.spot_id]
    return admitted[-1] if admitted else None


_CAUSES = {
    Reason.NOT_YET_VALID: Cause.OUT_OF_TIME,
    Reason.EXPIRED: Cause.OUT_OF_TIME,
}


def _cause(case: Case, reason: Reason, record: Record, against: Record | None) -> Cause:
    if reason in _CAUSES:
        return _CAUSES[reason]
    once = reason in {Reason.ALREADY_TODAY, Reason.CODE_SPENT}
    if once and against is not None and against.gate_id != record.gate_id:
        return Cause.TWO_GATES
    terms = replace(case.held.terms, pools=())
    without = replace(case.held, edition=replace(case.held.edition, terms=terms))
    if reason is Reason.NO_VISITS_LEFT and visits_left(replace(case, held=without)) is None:
        return Cause.OVER_POOL
    return Cause.OVER_LIMIT


class Conflicts:
    """Keeps the conflicts of passes as their ledgers say, and lets operators resolve them."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it uses
        self,
        files: ConflictFiles,
        spots: Spots,
        passes: Passes,
        ledger: Ledger,
        histories: Histories,
        correcting: Correcting,
        audit: Audit,
    ) -> None:
        """`spots` is the catalogue in memory; `files`, `passes`, `ledger` and `audit` are
        stores."""
        self._files = files
        self._spots = spots
        self._passes = passes
        self._ledger = ledger
        self._histories = histories
        self._correcting = correcting
        self._audit = audit

    async def keep(self, conflict: ConflictFile) -> tuple[ConflictFile, bool]:
        """Keep a conflict about what stands in no ledger, and say whether it is new."""
        spot = self._spots.get(conflict.spot_id)
        if spot is not None and spot.ticket_fen is not None:
            conflict = replace(conflict, owed_fen=conflict.owed * spot.ticket_fen)
        return await self._files.open(conflict)

    async def withdraw(self, name: Name, now: datetime) -> bool:
        """It did not happen: let a conflict lapse about what stands in no ledger. False if there is
        none."""
        conflict = await self._files.named(name)
        if conflict is None or conflict.record is not None:
            return False
        if conflict.state is ConflictState.OPEN:
            lapsed = replace(conflict, state=ConflictState.LAPSED, settled_at=now)
            await self._files.replace(conflict, lapsed)
        return True

    async def settle(
        self, held: Pass, now: datetime, ledger: Sequence[Record] | None = None
    ) -> Mapping[Name, ConflictFile]:
        """Open what is in excess among the records of a pass, and let lapse what is not any more;
        returns those that have not lapsed, by what they are about.

        `ledger` is that of the pass, if it was just read. Another process may do the same with an
        older or a newer ledger: whoever has written reads again, so the last to write is right.
        """
        serials = [held]
        if held.reissued_from is not None:
            serials = await self._histories.lineage(held)
            ledger = None
        for _ in range(_TRIES):
            records = ledger
            if records is None:
                ledgers = [await self._ledger.whole(serial.id) for serial in serials]
                records = list(chain.from_iterable(ledgers))
            wanted = {each.record.name: each for each in excesses(held, records)}
            kept = {
                conflict.name: conflict
                for serial in serials
                for conflict in await self._files.of_serial(serial.id)
                if conflict.record is not None
            }
            changed = await self._settled(held, wanted, kept, now)
            if not changed:
                return {
                    name: each
                    for name, each in kept.items()
                    if each.state is not ConflictState.LAPSED
                }
            ledger = None
        raise AssertionError  # nobody appends to one ledger that often

    async def _settled(
        self,
        held: Pass,
        wanted: Mapping[Name, Excess],
        kept: Mapping[Name, ConflictFile],
        now: datetime,
    ) -> bool:
        """Bring the conflicts that are kept to what is wanted; whether any was not."""
        changed = False
        for name, excess in wanted.items():
            file, before = self._file(held, excess, now), kept.get(name)
            if before is None:
                await self._files.open(file)
                changed = True
            elif before.state not in RESOLVED:
                after = replace(file, id=before.id, opened_at=before.opened_at)
                if after != before:
                    await self._files.replace(before, after)
                    changed = True
        for name, before in kept.items():
            if name not in wanted and before.state is ConflictState.OPEN:
                lapsed = replace(before, state=ConflictState.LAPSED, settled_at=now)
                await self._files.replace(before, lapsed)
                changed = True
        return changed

    def _file(self, held: Pass, excess: Excess, now: datetime) -> ConflictFile:
        record, against = excess.record, excess.against
        return ConflictFile(
            id="",
            cause=excess.cause,
            reason=excess.reason,
            spot_id=record.spot_id,
            gate_id=record.gate_id,
            nonce=record.nonce,
            at=record.at,
            scanned_at=record.scanned_at,
            recorded_at=record.recorded_at,
            online=record.online,
            pass_id=record.pass_id,
            record=record.n,
            people=_people(record),
            by=record.by,
            step=record.step,
            bundle=record.bundle,
            code_digest=record.code_digest,
            against=None if against is None else _told(against),
            owed=excess.owed,
            owed_fen=self._owed_fen(held, excess),
            opened_at=now,
        )

    def _owed_fen(self, held: Pass, excess: Excess) -> int | None:
        """What people would have paid: with the pass, if that was all that was wrong, or without
        it the price of a ticket."""
        spot = self._spots.get(excess.record.spot_id)
        if spot is None:
            return None
        each_fen = spot.ticket_fen
        if excess.cause is Cause.UNPAID and held.terms.payment is Payment.AT_WINDOW:
            each_fen = held.terms.party_at(spot, business_day(excess.record.at)).each_fen
        return None if each_fen is None else excess.owed * each_fen

    async def settle_open(self, now: datetime) -> None:
        """Let lapse what is none any more: an admission may have been annulled since the upload."""
        pending = await self._files.all(open_only=True)
        in_ledgers = {each.pass_id for each in pending if each.record is not None}
        for pass_id in sorted(each for each in in_ledgers if each is not None):
            held = await newest_serial(pass_id, self._passes)
            if held is not None:
                await self.settle(held, now)

    async def get(self, number: str) -> ConflictFile:
        """The conflict with a number, however it is typed. Raises `Unknown`."""
        found = await self._files.get(read_number(number))
        if found is None:
            raise unknown(Text("冲突", "conflict"), number)
        return found

    async def all(self, *, open_only: bool) -> list[ConflictFile]:
        """Conflicts, those that count first in front."""
        return await self._files.all(open_only=open_only)

    async def resolve(
        self, number: str, state: ConflictState, by: str, note: str, now: datetime
    ) -> ConflictFile:
        """Say what comes of a conflict. Doing it again changes nothing.

        `annulled` annuls the admission, too. Raises `Unknown`, `Invalid` without a note, and
        `Conflict` if it was resolved otherwise, or has lapsed.
        """
        conflict = await self.get(number)
        if not note.strip():
            fault = Fault("note", "say why, and what comes of it")
            raise Invalid("reason_missing", Text("请填写处理结果", "a note is needed"), [fault])
        if conflict.state is state:
            return conflict
        if conflict.state is not ConflictState.OPEN:
            raise _settled_already(conflict)
        detail = {"as": state.value, "note": note}
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "resolve", f"conflict:{conflict.id}", detail))
            if state is ConflictState.ANNULLED:
                await self._annul(conflict, by, note, now)
            after = replace(conflict, state=state, settled_at=now, settled_by=by, note=note)
            if not await self._files.replace(conflict, after):
                raise _settled_already(await self.get(number))
        held = await newest_serial(conflict.pass_id or "", self._passes)
        if held is not None:
            await self.settle(held, now)
        return after

    async def _annul(self, conflict: ConflictFile, by: str, note: str, now: datetime) -> None:
        """Annul the admission that a conflict is about, under the number that it has by now."""
        if conflict.pass_id is None or conflict.record is None:
            return  # it stands in no ledger
        ledger = await self._ledger.whole(conflict.pass_id)
        numbers = [each.n for each in not_annulled(ledger) if each.name == conflict.name]
        number = numbers[-1] if numbers else conflict.record
        await self._correcting.annul(Correction(conflict.pass_id, number, by, note), now)


def _told(record: Record) -> Against:
    return Against(record.spot_id, record.gate_id, record.nonce, record.at, record.online)


def _settled_already(conflict: ConflictFile) -> Refused:
    text = Text(
        f"该冲突已处理：{conflict.state.value}", f"that conflict is settled: {conflict.state.value}"
    )
    return Refused("conflict_settled", text)
