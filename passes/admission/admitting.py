"""Admission: a scan comes in, a verdict goes out, and what was decided is stored in between.

Knows neither HTTP nor MongoDB. Each decision is one atomic write: an admission is an insert under
the next number of the ledger of the pass. Of two gates that want the last visit, one finds that
number taken, and decides again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from passes.admission.appending import busy
from passes.admission.clocks import CLOCKS_DIFFER, GateClocks
from passes.admission.gates import GateState, Purpose, Scan
from passes.admission.ports import VisitQuotas
from passes.admission.rules import Case, decide
from passes.admission.stop import Stop
from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.genuine import is_genuine
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import (
    By,
    Record,
    RecordKind,
    appended,
    fold,
    standing,
    tally_after,
)
from passes.ledger.tally import TALLY_VERSION, Tally
from passes.ledger.verdicts import NEWEST_REFUSALS, Reason, Refusal, Verdict
from passes.terms.holidays import HolidayCalendar
from passes.terms.ports import Spots
from passes.terms.terms import SpotFacts

log = logging.getLogger(__name__)

ASKED_AGAIN_WITHIN = timedelta(hours=24)
"""For how long, by the clock of the server, a nonce names the scan it was first used for. Later it
does so only if the device says the same instant to the letter: else the gate counts its nonces
anew, and must not be given an old answer."""

SAME_SHOWING_WITHIN = timedelta(seconds=3)
"""A scanner may read one showing of a code several times."""

_KINDS = {
    Purpose.ENTER: RecordKind.ADMITTED,
    Purpose.LEAVE: RecordKind.EXITED,
    Purpose.PAY: RecordKind.PAID,
}

_TRIES = 100

_CLOSING_TRIES = 5
"""How often a pass whose ledger is closed is read again before it is taken for revoked, as after a
crash in between."""


class _Stored(Enum):
    """What became of a record that was to be stored: stored; its number was taken by another gate;
    or its campaign has no visit left here today."""

    YES = auto()
    TAKEN = auto()
    FULL = auto()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the code of a scan says, if it is signed by us, and what is wrong with it."""

    code: codes.Code | None
    unsound: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """All that is known of a pass when a scan of it is decided; `newest` are its newest records."""

    held: Pass
    newest: Sequence[Record]

    @property
    def closed(self) -> bool:
        """Whether nothing can be appended any more: the pass was reissued or given back."""
        return bool(self.newest) and self.newest[-1].kind is RecordKind.CLOSED


@dataclass(frozen=True, slots=True)
class _Past:
    """What the visits so far add up to, and when a scan counts that follows them.

    `ledger` is set if a record has to be added to the whole of it, not behind the newest one.
    """

    tally: Tally
    at: datetime
    ledger: Sequence[Record] | None = None


class Admission:
    """Admits scans."""

    def __init__(  # noqa: PLR0913, PLR0917 - it brings together what a scan needs
        self,
        keys: Keyring,
        spots: Spots,
        holidays: Callable[[], HolidayCalendar],
        passes: Passes,
        ledger: Ledger,
        refusals: Refusals,
        visit_quotas: VisitQuotas,
        stop_at: Callable[[SpotFacts, datetime], Stop | None],
    ) -> None:
        """`spots` is the catalogue in memory, `holidays` gives the calendar in memory, `stop_at`
        what stops entry at a spot; the others are stores."""
        self._stop_at = stop_at
        self._visit_quotas = visit_quotas
        self._keys = keys
        self._spots = spots
        self._holidays = holidays
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals
        self._clocks = GateClocks()

    async def admit(self, scan: Scan, now: datetime) -> tuple[Verdict, Pass | None]:
        """The verdict on a scan, stored before it is returned, and the pass if there is one.

        The same scan sent again gets the same verdict. At most three database operations for an
        admission and four for a refusal when nobody races. Raises `Conflict` for a nonce that
        names another scan, `Unavailable` when nothing could be stored.
        """
        if self._clocks.note(scan.gate.id, scan.scanned_at, now):
            log.error("the clocks of most gates disagree with that of this server: which is wrong?")

        # 1. What does the code say, and is it sound?
        reading = self._read(scan, now)
        if reading.code is None:
            return await self._refuse(scan, None, Verdict(reading.unsound or Reason.ERROR, now))

        for tries in range(_TRIES):
            # 2. The pass.
            held = await self._passes.get(reading.code.pass_id)
            if held is None:
                pass_id, gate_id = reading.code.pass_id, scan.gate.id
                log.error("well signed but never issued: pass %s, gate %s", pass_id, gate_id)
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))

            # A code of it may be about that was signed before somebody changed the pass.
            if not is_genuine(held):
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))

            # 3. If this process has scanned the pass before, what it remembers may do to admit.
            verdict = None
            if tries == 0:
                verdict = await self._admitted_from_memory(scan, reading, held, now)

            # 4. Else what is stored decides; None if the pass has changed meanwhile: read it again.
            if verdict is None:
                verdict = await self._judged(scan, reading, held, now, tries)
            if verdict is not None:
                return verdict, held
        raise busy()

    async def _judged(
        self, scan: Scan, reading: _Reading, held: Pass, now: datetime, tries: int
    ) -> Verdict | None:
        """The verdict by the records that are stored, kept before it is returned.

        None if the pass has changed since it was read, or another gate was first.
        """
        # 5. The newest records.
        facts = _Facts(held, await self._ledger.newest(held.id, held.ledger_mark))
        if facts.closed and held.state is not PassState.REVOKED and tries < _CLOSING_TRIES:
            return None  # it was reissued or given back between the two reads

        # 6. Before any rule: what this scan was answered before, though its code may be stale by
        #    now, and though the gate may ask another server this time.
        answered = await self._earlier_answer(scan, facts, now)
        if answered is not None:
            return answered

        # 7. Is it the showing that was just let in? Nothing is counted, no gate opens twice. Else
        #    the rules.
        if _is_repeat(scan, facts, now):
            verdict, record = Verdict(Reason.REPEAT, now), None
        else:
            verdict, record = await self._decide(scan, reading, facts, now)

        # 8. Store, then answer. The insert is the decision: if the number is taken, another gate
        #    was first, and everything is read again.
        if record is not None:
            stored = await self._store(record, facts)
            if stored is not _Stored.FULL:
                return verdict if stored is _Stored.YES else None
            verdict = Verdict(Reason.QUOTA_USED_UP, verdict.decided_at)
        kept, _ = await self._refuse(scan, held, verdict)
        return kept

    def _read(self, scan: Scan, now: datetime) -> _Reading:
        try:
            return _Reading(codes.read(scan.code, self._keys, now))
        except codes.CodeError as error:
            return _Reading(error.code, error.reason)

    async def _admitted_from_memory(
        self, scan: Scan, reading: _Reading, held: Pass, now: datetime
    ) -> Verdict | None:
        """The verdict on a scan that is admitted by the records which this process remembers, once
        it is stored; None if nothing is remembered, or they do not admit it.

        Another process may have appended more since. Then the number is taken and nothing is
        stored, so memory can cost time, never truth. Nothing but an admission may rest on it: the
        visit that stands in the way, or the answer given before, may be annulled by now.
        """
        remembered = self._ledger.remembered(held.id)
        if remembered is None:
            return None
        facts = _Facts(held, remembered)
        if _is_repeat(scan, facts, now) or await self._earlier(scan, facts, now) is not None:
            return None
        verdict, record = await self._decide(scan, reading, facts, now)
        if record is None or await self._store(record, facts) is not _Stored.YES:
            return None
        return verdict

    async def _store(self, record: Record, facts: _Facts) -> _Stored:
        """Append a record to the ledger. A new visit of a campaign that has only so many at a spot
        on a day is counted first, and given back if it is not stored.

        A crash, or a database that does not answer, leaves it counted: the counter is too high
        until it is reconciled, so that fewer are let in, and never more.
        """
        held = facts.held
        limit = held.terms.visits_per_spot_day
        if limit is None or not _adds_a_visit(record, facts):
            return _Stored.YES if await self._ledger.append(record) else _Stored.TAKEN
        place = held.product_id, record.spot_id, business_day(record.at)
        if not await self._visit_quotas.reserve(*place, limit, record.recorded_at):
            return _Stored.FULL
        if await self._ledger.append(record):
            return _Stored.YES
        await self._visit_quotas.give_back(*place, record.recorded_at)
        return _Stored.TAKEN

    async def _earlier_answer(self, scan: Scan, facts: _Facts, now: datetime) -> Verdict | None:
        """What this scan was answered before, if it was.

        Raises `Conflict` if its nonce names another scan.
        """
        earlier = await self._earlier(scan, facts, now)
        if earlier is None:
            return None
        _same_scan_or_conflict(scan, earlier, now)
        if earlier.verdict is None:
            text = Text(
                "这次入园已撤销，请重新扫码",
                "this scan was admitted and annulled; scan again with a new nonce",
            )
            raise Conflict("scan_annulled", text)
        return earlier.verdict

    async def _earlier(self, scan: Scan, facts: _Facts, now: datetime) -> Record | Refusal | None:
        """What is kept under the nonce of a scan for its pass.

        It stands among the newest records or on the pass, unless so many have come since that the
        newest do not reach back a day, or the scan was not made today by its gate's clock: then it
        is looked up by name.
        """
        held, newest = facts.held, facts.newest
        answers: list[Record | Refusal] = [*reversed(newest), *reversed(held.refusals)]
        for each in answers:
            if (each.gate_id, each.nonce) == (scan.gate.id, scan.nonce):
                return each
        since = now - ASKED_AGAIN_WITHIN
        of_today = abs(scan.scanned_at - now) <= ASKED_AGAIN_WITHIN
        records_left_out = bool(newest) and newest[0].n > 1
        if records_left_out and (newest[0].at > since or not of_today):
            found = await self._ledger.named(held.id, scan.gate.id, scan.nonce)
            if found is not None:
                return found
        refusals_left_out = len(held.refusals) >= NEWEST_REFUSALS
        if refusals_left_out and (held.refusals[0].verdict.decided_at > since or not of_today):
            return await self._refusals.get(scan.gate.id, scan.nonce)
        return None

    async def _decide(
        self, scan: Scan, reading: _Reading, facts: _Facts, now: datetime
    ) -> tuple[Verdict, Record | None]:
        """The verdict, and the record to append if somebody is let in or out."""
        code, held = reading.code, facts.held
        if code is None or reading.unsound is not None:
            return Verdict(reading.unsound or Reason.ERROR, now), None
        if facts.closed:
            return Verdict(Reason.REVOKED, now), None
        past = await self._past(facts, now)
        spot = self._spots.get(scan.gate.spot_id)
        case = Case(
            held=held,
            code=code,
            tally=past.tally,
            spot=spot,
            gate=scan.gate,
            party=scan.party,
            at=past.at,
            spent_at=_spent_at(code, facts),
            holidays=self._holidays(),
            paying=scan.purpose is Purpose.PAY,
            stop=None if spot is None else self._stop_at(spot, past.at),
        )
        if _may_leave(scan, facts, past.at):
            # Who leaves is let out: that asks no rule.
            people = scan.party or case.whole_party.admits
            verdict = Verdict(Reason.OK, past.at, admits=people, leaving=True)
        else:
            verdict = decide(case)
        if not verdict.granted:
            return verdict, None
        record = Record(
            pass_id=held.id,
            n=facts.newest[-1].n + 1 if facts.newest else 1,
            kind=_KINDS[scan.purpose],
            spot_id=scan.gate.spot_id,
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            code_digest=scan.digest,
            at=past.at,
            scanned_at=scan.scanned_at,
            recorded_at=now,
            tally=past.tally,
            verdict=verdict,
            room=case.whole_party.admits,
            by=By.ROTATING if code.rotating else By.STATIC,
            lane=scan.lane,
            staff=scan.staff,
            people={"any": verdict.admits},
            party=scan.party,
            step=code.step,
            benefit=held.edition.benefit_at(spot),
            payers=case.payers,
            month=case.month,
            may_return=held.terms.re_entry,
        )
        if past.ledger is not None:  # it does not simply follow the newest record
            return verdict, appended(past.ledger, record)
        return verdict, replace(record, tally=tally_after(past.tally, record))

    async def _past(self, facts: _Facts, now: datetime) -> _Past:
        """What has happened before this scan."""
        if not facts.newest:
            return _Past(Tally(), now)
        newest = facts.newest[-1]
        tally = await self._tally(facts)
        last_at = max(newest.at, tally.last_at or newest.at)
        if last_at - now > CLOCKS_DIFFER:
            return await self._past_without_future(facts, now)
        # Time never runs backwards within one ledger, even if the clocks of two servers differ.
        return _Past(tally, max(now, newest.at))

    async def _past_without_future(self, facts: _Facts, now: datetime) -> _Past:
        """What has happened, when a server whose clock was ahead has written the newest record.

        Its visits count, but not on that day to come, or the pass would be locked until then.
        """
        ledger = await self._ledger.whole(facts.held.id)
        whole = fold(ledger)
        so_far = fold([each for each in ledger if each.at - now <= CLOCKS_DIFFER])
        log.error("pass %s has a record of %s, in the future", facts.held.id, ledger[-1].at)
        tally = replace(
            so_far,
            total=whole.total,
            days=whole.days,
            by_spot=whole.by_spot,
            by_month=whole.by_month,
        )
        return _Past(tally, now, ledger)

    async def _tally(self, facts: _Facts) -> Tally:
        """What the visits so far add up to, as this version of the program works it out."""
        if not facts.newest:
            return Tally()
        tally = facts.newest[-1].tally
        if tally.version == TALLY_VERSION:
            return tally
        return fold(await self._ledger.whole(facts.held.id))

    async def _refuse(
        self, scan: Scan, held: Pass | None, verdict: Verdict
    ) -> tuple[Verdict, Pass | None]:
        """Keep the refusal. If this scan was refused before, the answer is that of then."""
        refusal = Refusal(
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            spot_id=scan.gate.spot_id,
            pass_id=held.id if held else None,
            code_digest=scan.digest,
            scanned_at=scan.scanned_at,
            verdict=verdict,
        )
        kept = await self._refusals.keep(refusal)
        _same_scan_or_conflict(scan, kept, verdict.decided_at)
        if held is not None and kept is not refusal and _is_missing_on(held, kept):
            # The try before this one died between its two writes.
            await self._refusals.note(kept)
        return kept.verdict, held


def _adds_a_visit(record: Record, facts: _Facts) -> bool:
    """Whether a record is a new visit, not the rest of a party or a return."""
    if record.kind is not RecordKind.ADMITTED:
        return False
    before = facts.newest[-1].tally.total if facts.newest else 0
    return record.tally.total > before


def _is_missing_on(held: Pass, kept: Refusal) -> bool:
    """Whether a refusal should stand among the newest on its pass, and does not."""
    names = {(each.gate_id, each.nonce) for each in held.refusals}
    if (kept.gate_id, kept.nonce) in names:
        return False
    room = len(held.refusals) < NEWEST_REFUSALS
    return room or held.refusals[0].verdict.decided_at < kept.verdict.decided_at


def _is_repeat(scan: Scan, facts: _Facts, now: datetime) -> bool:
    """Whether a scan is another reading of the showing that this gate has just let in.

    It is none if the gate names a number of people, if that admission was annulled, or if the pass
    has changed its state since.
    """
    if scan.party is not None or scan.purpose is not Purpose.ENTER or facts.closed:
        return False
    if facts.held.state_on(business_day(now)) is not PassState.ACTIVE:
        return False
    return any(
        record.gate_id == scan.gate.id
        and record.decision is None
        and record.party is None
        and abs(now - record.recorded_at) <= SAME_SHOWING_WITHIN
        for record in standing(facts.newest)
    )


def _may_leave(scan: Scan, facts: _Facts, at: datetime) -> bool:
    """Whether somebody is let out: by any gate in service, and with a pass that was revoked if they
    came in with it today."""
    if scan.purpose is not Purpose.LEAVE or scan.gate.state is GateState.DISABLED:
        return False
    if facts.held.state is not PassState.REVOKED:
        return True
    return any(
        record.spot_id == scan.gate.spot_id and business_day(record.at) == business_day(at)
        for record in standing(facts.newest)
    )


def _spent_at(code: codes.Code, facts: _Facts) -> str | None:
    """The spot at which this very code has opened a gate, by an admission that stands."""
    if code.step is None:
        return None
    opened = (record for record in standing(facts.newest) if record.step == code.step)
    return next((record.spot_id for record in opened), None)


def _same_scan_or_conflict(scan: Scan, earlier: Record | Refusal, now: datetime) -> None:
    digest = scan.digest
    answered_at = earlier.recorded_at if isinstance(earlier, Record) else earlier.verdict.decided_at
    recent = abs(now - answered_at) <= ASKED_AGAIN_WITHIN
    same_instant = scan.scanned_at == earlier.scanned_at
    if digest != earlier.code_digest or not (recent or same_instant):
        text = Text(
            "nonce 已用于另一次扫码",
            "this nonce names another scan of this gate; use a new one for each scan",
        )
        raise Conflict("nonce_reused", text)
