"""Correcting: operators put right what the ledger says, at any time, by a record.

Nothing is changed and nothing deleted. A record is undone, or replaced by one that says how many
people came or when it was, or counts again; the visit of that day, and that of its campaign, are
given back or counted with it. So a record is healed that a server wrote whose clock was ahead.

What was recorded before a reissue is undone in the ledger of the newest serial, by a record that
names the old one and carries what the serials before add up to now.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from passes.admission.annulling import Annulled, undone_by
from passes.admission.appending import Appending, next_at
from passes.admission.history import Histories
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.change import stored
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_serial
from passes.ledger.ports import Ledger
from passes.ledger.records import (
    Decision,
    Record,
    RecordKind,
    annulment,
    appended,
    fold,
    without_undone_later,
)
from passes.ledger.tally import Tally
from passes.terms.validity import months_between

_CORRECTABLE = frozenset(
    {RecordKind.ADMITTED, RecordKind.LET_IN, RecordKind.EXITED, RecordKind.PAID}
)

Made = Callable[[Sequence[Record], Record], Record]
"""What corrects a record of a whole ledger; a record of that ledger if it was done before."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Which record of a pass is corrected, by whom and why."""

    pass_id: str
    n: int
    by: str
    reason: str

    @property
    def decision(self) -> Decision:
        """What the ledger keeps of it."""
        return Decision(self.by, "", self.reason)


class Correcting:
    """Corrects records of ledgers."""

    def __init__(
        self,
        passes: Passes,
        ledger: Ledger,
        appending: Appending,
        histories: Histories,
        audit: Audit,
    ) -> None:
        """`passes`, `ledger` and `audit` are stores."""
        self._passes = passes
        self._ledger = ledger
        self._appending = appending
        self._histories = histories
        self._audit = audit

    async def annul(self, correction: Correction, now: datetime) -> Annulled:
        """It did not happen. Also for what was recorded before the pass was reissued.

        Raises `Unknown` if there is no such record, `Conflict` if it was replaced by another one,
        or the pass was given back.
        """
        held = await stored(correction.pass_id, self._passes)
        newest = await newest_serial(held.id, self._passes)
        if newest is not None and newest.id != held.id:
            return await self._annul_later(correction, newest, now)

        def made(ledger: Sequence[Record], wrong: Record) -> Record:
            earlier = undone_by(ledger, wrong)
            if earlier is None:
                return annulment(ledger, wrong, next_at(ledger, now), now, correction.decision)
            if earlier.kind is not RecordKind.ANNULLED:
                raise _corrected_by(earlier)
            again = _restored(ledger, wrong, earlier)
            if again is not None:
                raise _corrected_by(again)
            return earlier

        return await self._correct(correction, "annul", made, now)

    async def set_people(self, correction: Correction, people: int, now: datetime) -> Annulled:
        """So many people came in. Raises what `annul` raises, and `Conflict` after a reissue, and
        for what is no admission."""

        def instead(wrong: Record) -> Record:
            if wrong.verdict is None or wrong.kind is not RecordKind.ADMITTED:
                text = Text("只能更正入园人数", "only an admission has people who came in")
                raise Conflict("record_no_admission", text)
            return replace(
                wrong,
                verdict=replace(wrong.verdict, admits=people),
                people={"any": people},
                room=max(wrong.room, people),
            )

        return await self._replace(correction, f"people {people}", instead, now)

    async def set_time(self, correction: Correction, at: datetime, now: datetime) -> Annulled:
        """It was at another time. Raises what `set_people` raises, and `Invalid` for a time to
        come."""
        if at > now:
            fault = Fault("at", "give an instant that is over")
            raise Invalid("time_to_come", Text("时间未到", "that time is still to come"), [fault])
        held = await stored(correction.pass_id, self._passes)

        def instead(wrong: Record) -> Record:
            day = business_day(at)
            first_day = held.first_day_after(wrong.tally) or day
            return replace(wrong, at=at, month=max(0, months_between(first_day, day)))

        return await self._replace(correction, f"at {at.isoformat()}", instead, now)

    async def restore(self, correction: Correction, now: datetime) -> Annulled:
        """It did happen, though it was annulled. Raises what `set_people` raises, and `Conflict` if
        it was not annulled."""

        def made(ledger: Sequence[Record], wrong: Record) -> Record:
            undoing = undone_by(ledger, wrong)
            if undoing is None:
                raise Conflict("record_stands", Text("记录仍有效", "that record stands"))
            if undoing.kind is not RecordKind.ANNULLED:
                raise _corrected_by(undoing)
            restored = _restored(ledger, wrong, undoing)
            if restored is None:
                again = replace(wrong, recorded_at=now, decision=correction.decision, annuls=None)
                return appended(ledger, again)
            if undone_by(ledger, restored) is not None:
                raise _corrected_by(restored)
            return restored

        return await self._correct(correction, "restore", made, now)

    async def _replace(
        self,
        correction: Correction,
        what: str,
        instead: Callable[[Record], Record],
        now: datetime,
    ) -> Annulled:
        """Let another record stand for one."""

        def made(ledger: Sequence[Record], wrong: Record) -> Record:
            right = replace(
                instead(wrong), recorded_at=now, decision=correction.decision, annuls=wrong.n
            )
            earlier = undone_by(ledger, wrong)
            if earlier is None:
                return appended(ledger, right)
            if _says_the_same(earlier, right):
                return earlier
            raise _corrected_by(earlier)

        return await self._correct(correction, what, made, now)

    async def _correct(
        self, correction: Correction, what: str, made: Made, now: datetime
    ) -> Annulled:
        """Append what corrects a record of the ledger in which it stands."""
        found: list[Record] = []

        def made_of(ledger: Sequence[Record]) -> Record:
            found[:] = [_named(ledger, correction)]
            record = made(ledger, found[0])
            if record not in ledger:
                _check_open(ledger)
            return record

        async with audited(self._audit) as entry:
            await entry.begin(_line(correction, what, correction.pass_id, now))
            done = await self._appending.append(correction.pass_id, made_of, now)
            if not done.new:
                await entry.not_done()
        return Annulled(found[0], done.record)

    async def _annul_later(self, correction: Correction, newest: Pass, now: datetime) -> Annulled:
        """Undo what was recorded under an old serial in the ledger of the newest."""
        line = await self._histories.lineage(newest)
        before = [await self._ledger.whole(each.id) for each in line[:-1]]
        old = await self._ledger.whole(correction.pass_id)
        wrong = _named(old, correction)
        undoing = undone_by(old, wrong) or _undone_later(chain.from_iterable(before), wrong)
        if undoing is not None:
            return Annulled(wrong, undoing)

        def made(ledger: Sequence[Record]) -> Record:
            earlier = _undone_later(ledger, wrong)
            if earlier is not None:
                return earlier
            _check_open(ledger)
            record = annulment(ledger, wrong, next_at(ledger, now), now, correction.decision)
            late = replace(record, pass_id=newest.id, of_pass=wrong.pass_id)
            carries = _add_up(before, [*ledger, late])
            return appended(ledger, replace(late, carries=carries))

        async with audited(self._audit) as entry:
            await entry.begin(_line(correction, "annul", newest.id, now))
            done = await self._appending.append(newest.id, made, now)
            if done.new:
                left = [each for each in old if each != wrong]
                await self._appending.count_visits(wrong.pass_id, old, left, now)
            else:
                await entry.not_done()
        return Annulled(wrong, done.record)


def _line(correction: Correction, what: str, pass_id: str, now: datetime) -> AuditLine:
    record = f"{correction.pass_id}:{correction.n}"
    detail = {"reason": correction.reason, "record": record, "what": what}
    return AuditLine(now, correction.by, "correct", f"pass:{pass_id}", detail)


def _named(ledger: Sequence[Record], correction: Correction) -> Record:
    """The record that is to be corrected. Raises `Unknown`."""
    for record in ledger:
        if record.n == correction.n and record.kind in _CORRECTABLE:
            return record
    name = f"{correction.pass_id}:{correction.n}"
    text = Text(f"没有可更正的记录：{name}", f"there is no record to correct: {name}")
    raise Unknown("record_unknown", text)


def _undone_later(ledger: Iterable[Record], wrong: Record) -> Record | None:
    """The record of a later serial that undoes a record."""
    name = wrong.pass_id, wrong.n
    return next((each for each in ledger if (each.of_pass, each.annuls) == name), None)


def _add_up(before: Sequence[Sequence[Record]], newest: Sequence[Record]) -> Tally:
    """What the ledgers before the newest add up to, without what later serials undo."""
    left = without_undone_later(chain(*before, newest))
    tally: Tally | None = None
    for ledger in before:
        tally = fold([each for each in ledger if each in left], tally)
    return tally or Tally()


def _restored(ledger: Sequence[Record], wrong: Record, undoing: Record) -> Record | None:
    """The record by which one counts again that another has undone."""
    later = (each for each in ledger if each.n > undoing.n)
    again = replace(wrong, annuls=None)
    return next((each for each in later if _says_the_same(each, again)), None)


def _says_the_same(one: Record, other: Record) -> bool:
    """Whether two records are the same but for number, tally, and who wrote them when."""
    numbered = replace(one, n=other.n, tally=other.tally)
    return replace(numbered, decision=other.decision, recorded_at=other.recorded_at) == other


def _check_open(ledger: Sequence[Record]) -> None:
    """Raise `Conflict` for a ledger to which nothing can be appended any more."""
    if ledger and ledger[-1].kind is RecordKind.CLOSED:
        text = Text(
            "此票已补发或退还，只能整条撤销补发前的记录",
            "this pass was reissued or given back since: what was recorded before a reissue can be "
            "annulled, and nothing else",
        )
        raise Conflict("pass_reissued", text)


def _corrected_by(record: Record) -> Conflict:
    text = Text(
        f"该记录已由第{record.n}条更正，请更正第{record.n}条",
        f"that record was corrected by record {record.n}: correct that one",
    )
    return Conflict("record_corrected", text)
