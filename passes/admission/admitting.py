"""Admission: a scan comes in, a verdict goes out, and what was decided is stored in between.

Knows neither HTTP nor MongoDB. Each decision is one atomic write: an admission is an insert under
the next number of the ledger of the pass. Of two gates that want the last visit, one finds that
number taken, and decides again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passes.admission.gates import Gate, Scan
from passes.admission.rules import Case, decide
from passes.base.errors import Conflict, Unavailable, Unknown
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import By, Record, RecordKind, annulment, fold
from passes.ledger.tally import TALLY_VERSION, Tally
from passes.ledger.verdicts import NEWEST_REFUSALS, Reason, Refusal, Verdict
from passes.terms.ports import Spots

log = logging.getLogger(__name__)

ANNUL_WITHIN = timedelta(minutes=15)
"""How long a gate may take back an admission."""

SAME_SCAN_WITHIN = timedelta(minutes=10)
"""How far a gate may correct its clock between two tries of one scan. Further apart it is another
scan, by a gate that counts its nonces anew, and must not be given the old answer."""

_LOOK_BACK = timedelta(days=1)
"""A pass that was scanned so often that its newest records reach back less than this before a scan
is searched for the nonce exactly. It costs a read more, and happens to no pass of one visit a day.
"""

_TRIES = 100

_CLOSING_TRIES = 5
"""How often a pass whose ledger is closed is read again before it is taken for revoked, as after a
crash in between."""


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


class Admission:
    """Admits scans and annuls admissions."""

    def __init__(
        self, keys: Keyring, spots: Spots, passes: Passes, ledger: Ledger, refusals: Refusals
    ) -> None:
        """`spots` is the catalogue in memory; the last three are stores."""
        self._keys = keys
        self._spots = spots
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals

    async def admit(self, scan: Scan, now: datetime) -> tuple[Verdict, Pass | None]:
        """The verdict on a scan, stored before it is returned, and the pass if there is one.

        The same scan sent again gets the same verdict. At most three database operations for an
        admission and four for a refusal when nobody races. Raises `Conflict` for a nonce that
        names another scan, `Unavailable` when nothing could be stored.
        """
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

            # 3. If this process has scanned the pass before, what it remembers may do to admit.
            if tries == 0:
                verdict = await self._admitted_from_memory(scan, reading, held, now)
                if verdict is not None:
                    return verdict, held

            # 4. Its newest records, as they are stored.
            facts = _Facts(held, await self._ledger.newest(held.id, held.ledger_mark))
            if facts.closed and held.state is not PassState.REVOKED and tries < _CLOSING_TRIES:
                continue  # it was reissued or given back between the two reads

            # 5. Before any rule: what this scan was answered before, though its code may be stale
            #    by now, and though the gate may ask another server this time.
            answered = await self._earlier_answer(scan, facts)
            if answered is not None:
                return answered, held

            # 6. The rules.
            verdict, record = await self._decide(scan, reading, facts, now)
            if record is None:
                return await self._refuse(scan, held, verdict)

            # 7. Store, then answer. The insert is the decision: if the number is taken, another
            #    gate was first, and everything is read again.
            if await self._ledger.append(record):
                return verdict, held
        raise _busy()

    async def annul(self, gate: Gate, nonce: str, now: datetime) -> Record:
        """Undo an admission of this gate, because the turnstile did not turn.

        Doing it again changes nothing. Raises `Unknown` if this gate admitted no such scan,
        `Conflict` after 15 minutes.
        """
        for _ in range(_TRIES):
            admission = await self._ledger.admission(gate.id, nonce)
            if admission is None:
                text = Text("本闸机没有这次入园记录", "this gate has admitted no such scan")
                raise Unknown("scan_unknown", text)
            ledger = await self._ledger.whole(admission.pass_id)
            for record in ledger:
                if record.annuls == admission.n:
                    return record
            if ledger[-1].kind is RecordKind.CLOSED:
                text = Text("此票已补发，不能撤销", "this pass has been reissued since")
                raise Conflict("pass_reissued", text)
            if now - admission.at > ANNUL_WITHIN:
                text = Text("超过15分钟，不能撤销", "an admission can be annulled for 15 minutes")
                raise Conflict("annul_too_late", text)
            record = annulment(ledger, admission, max(now, ledger[-1].at), now)
            if await self._ledger.append(record):
                return record
            # Another gate has appended to this ledger since it was read: work it out again.
        raise _busy()

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
        if await self._earlier(scan, facts) is not None:
            return None
        verdict, record = await self._decide(scan, reading, facts, now)
        if record is None or not await self._ledger.append(record):
            return None
        return verdict

    async def _earlier_answer(self, scan: Scan, facts: _Facts) -> Verdict | None:
        """What this scan was answered before, if it was.

        Raises `Conflict` if its nonce names another scan.
        """
        earlier = await self._earlier(scan, facts)
        if earlier is None:
            return None
        _same_scan_or_conflict(scan, earlier)
        if earlier.verdict is None:
            text = Text(
                "这次入园已撤销，请重新扫码",
                "this scan was admitted and annulled; scan again with a new nonce",
            )
            raise Conflict("scan_annulled", text)
        return earlier.verdict

    async def _earlier(self, scan: Scan, facts: _Facts) -> Record | Refusal | None:
        """What is kept under the nonce of a scan for its pass.

        It stands among the newest records or on the pass, unless so many have come since that the
        newest do not reach back a day; then it is looked up by name.
        """
        held, newest = facts.held, facts.newest
        answers: list[Record | Refusal] = [*reversed(newest), *reversed(held.refusals)]
        for each in answers:
            if (each.gate_id, each.nonce) == (scan.gate.id, scan.nonce):
                return each
        since = scan.scanned_at - _LOOK_BACK
        records_left_out = bool(newest) and newest[0].n > 1
        if records_left_out and newest[0].at > since:
            found = await self._ledger.named(held.id, scan.gate.id, scan.nonce)
            if found is not None:
                return found
        refusals_left_out = len(held.refusals) >= NEWEST_REFUSALS
        if refusals_left_out and held.refusals[0].verdict.decided_at > since:
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
        tally = await self._tally(facts)
        # Time never runs backwards within one ledger, even if the clocks of two servers differ.
        at = max(now, facts.newest[-1].at) if facts.newest else now
        if scan.leaving and held.state is not PassState.REVOKED:
            # Who leaves is let out: that asks no rule and counts for nothing.
            people = scan.party or held.terms.party.admits
            verdict = Verdict(Reason.OK, at, admits=people, leaving=True)
            kind = RecordKind.EXITED
        else:
            spot = self._spots.get(scan.gate.spot_id)
            verdict = decide(Case(held, code, tally, spot, scan.gate, scan.party, at))
            kind = RecordKind.ADMITTED
        if not verdict.admitted:
            return verdict, None
        if kind is RecordKind.ADMITTED:
            room = held.terms.party.admits
            tally = tally.entered(scan.gate.spot_id, at, verdict.admits, room)
        record = Record(
            pass_id=held.id,
            n=facts.newest[-1].n + 1 if facts.newest else 1,
            kind=kind,
            spot_id=scan.gate.spot_id,
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            code_digest=codes.digest(scan.code),
            at=at,
            scanned_at=scan.scanned_at,
            recorded_at=now,
            tally=tally,
            verdict=verdict,
            room=held.terms.party.admits,
            by=By.ROTATING if code.rotating else By.STATIC,
            lane=scan.lane,
            staff=scan.staff,
            people={"any": verdict.admits},
            benefit=held.edition.benefit,
        )
        return verdict, record

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
            code_digest=codes.digest(scan.code),
            scanned_at=scan.scanned_at,
            verdict=verdict,
        )
        kept = await self._refusals.keep(refusal)
        _same_scan_or_conflict(scan, kept)
        if held is not None and kept is not refusal and _is_missing_on(held, kept):
            # The try before this one died between its two writes.
            await self._refusals.note(kept)
        return kept.verdict, held


def _is_missing_on(held: Pass, kept: Refusal) -> bool:
    """Whether a refusal should stand among the newest on its pass, and does not."""
    names = {(each.gate_id, each.nonce) for each in held.refusals}
    if (kept.gate_id, kept.nonce) in names:
        return False
    room = len(held.refusals) < NEWEST_REFUSALS
    return room or held.refusals[0].verdict.decided_at < kept.verdict.decided_at


def _same_scan_or_conflict(scan: Scan, earlier: Record | Refusal) -> None:
    same_code = codes.digest(scan.code) == earlier.code_digest
    if not same_code or abs(scan.scanned_at - earlier.scanned_at) > SAME_SCAN_WITHIN:
        text = Text(
            "nonce 已用于另一次扫码",
            "this nonce names another scan of this gate; use a new one for each scan",
        )
        raise Conflict("nonce_reused", text)


def _busy() -> Unavailable:
    text = Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again")
    return Unavailable("busy", text)
