"""Admission: a scan comes in, a verdict goes out, and what was decided is stored in between.

Knows neither HTTP nor MongoDB. Each decision is one atomic write: an admission is an insert under the next number
of the ledger of the pass, so of two gates that want the last visit one finds the number taken, and decides again.
"""

import logging
from collections.abc import Sequence
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
from passes.ledger.records import Record, RecordKind, annulment
from passes.ledger.tally import Tally
from passes.ledger.verdicts import NEWEST_REFUSALS, Reason, Refusal, Verdict
from passes.terms.ports import Spots

log = logging.getLogger(__name__)

ANNUL_WITHIN = timedelta(minutes=15)
"""How long a gate may take back an admission."""

SAME_SCAN_WITHIN = timedelta(minutes=10)
"""How far a gate may correct its clock between two tries of one scan. Further apart it is another scan, by a gate
that counts its nonces anew, and must not be given the old answer."""

_LOOK_BACK = timedelta(days=1)
"""A pass that was scanned so often that its newest records reach back less than this before a scan is searched for the
nonce exactly. It costs a read more, and happens to no pass of one visit a day."""

_TRIES = 100

_CLOSING_TRIES = 5
"""How often a pass whose ledger is closed is read again before it is taken for revoked, as after a crash in between."""


class Admission:
    """Admits scans and annuls admissions."""

    def __init__(
        self, keys: Keyring, spots: Spots, passes: Passes, ledger: Ledger, refusals: Refusals
    ) -> None:
        """`spots` is the catalogue in memory; the others are stores."""
        self._keys = keys
        self._spots = spots
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals

    async def admit(self, scan: Scan, now: datetime) -> tuple[Verdict, Pass | None]:
        """The verdict on a scan, stored before it is returned, and the pass if there is one.

        The same scan sent again gets the same verdict. Three database operations when nobody races.
        Raises `Conflict` for a nonce that names another scan, `Unavailable` when nothing could be stored.
        """
        # 1. What does the code say, and is it sound?
        code, unsound = self._read(scan, now)
        if code is None:
            return await self._refuse(scan, None, Verdict(unsound or Reason.ERROR, now))
        for tries in range(_TRIES):
            # 2. The pass, then its newest records.
            held = await self._passes.get(code.pass_id)
            if held is None:
                log.error(
                    "well signed but never issued: pass %s, gate %s", code.pass_id, scan.gate.id
                )
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))
            tail = await self._ledger.tail(held)
            closed = bool(tail) and tail[-1].kind is RecordKind.CLOSED
            if closed and held.state is not PassState.REVOKED and tries < _CLOSING_TRIES:
                continue  # it was reissued or given back between the two reads
            # 3. Before any rule: what this scan was answered before, though the code may be stale by now.
            answered = await self._earlier_answer(scan, held, tail)
            if answered:
                return answered, held
            # 4. The rules.
            if unsound or closed:
                return await self._refuse(scan, held, Verdict(unsound or Reason.REVOKED, now))
            verdict, record = self._decide(scan, code, held, tail, now)
            # 5. Store, then answer.
            if record is None:
                return await self._refuse(scan, held, verdict)
            if await self._ledger.append(record):
                return verdict, held
        raise Unavailable(
            "busy",
            Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again"),
        )

    async def annul(self, gate: Gate, nonce: str, now: datetime) -> Record:
        """Undo an admission of this gate, because the turnstile did not turn. Doing it again changes nothing.

        Raises `Unknown` if this gate admitted no such scan, `Conflict` after 15 minutes.
        """
        for _ in range(_TRIES):
            admission = await self._ledger.admission(gate.id, nonce)
            if admission is None:
                raise Unknown(
                    "scan_unknown",
                    Text("本闸机没有这次入园记录", "this gate has admitted no such scan"),
                )
            ledger = await self._ledger.whole(admission.pass_id)
            for record in ledger:
                if record.annuls == admission.n:
                    return record
            if ledger[-1].kind is RecordKind.CLOSED:
                raise Conflict(
                    "pass_reissued",
                    Text("此票已补发，不能撤销", "this pass has been reissued since"),
                )
            if now - admission.at > ANNUL_WITHIN:
                raise Conflict(
                    "annul_too_late",
                    Text("超过15分钟，不能撤销", "an admission can be annulled for 15 minutes"),
                )
            record = annulment(ledger, admission, max(now, ledger[-1].at))
            if await self._ledger.append(record):
                return record
        raise Unavailable(
            "busy",
            Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again"),
        )

    def _read(self, scan: Scan, now: datetime) -> tuple[codes.Code | None, Reason | None]:
        """What the code says, if it is signed by us, and what is wrong with it, if anything is."""
        try:
            return codes.read(scan.code, self._keys, now), None
        except codes.CodeError as error:
            return error.code, error.reason

    async def _earlier_answer(
        self, scan: Scan, held: Pass, tail: Sequence[Record]
    ) -> Verdict | None:
        """What this scan was answered before, if it was. Raises `Conflict` if its nonce names another scan."""
        answers: list[Record | Refusal] = [*reversed(tail), *reversed(held.refusals)]
        earlier = next(
            (each for each in answers if (each.gate_id, each.nonce) == (scan.gate.id, scan.nonce)),
            None,
        )
        since = scan.scanned_at - _LOOK_BACK
        if earlier is None and tail and tail[0].n > 1 and tail[0].at > since:
            earlier = await self._ledger.named(held.id, scan.gate.id, scan.nonce)
        if (
            earlier is None
            and len(held.refusals) >= NEWEST_REFUSALS
            and held.refusals[0].verdict.decided_at > since
        ):
            earlier = await self._refusals.get(scan.gate.id, scan.nonce)
        if earlier is None:
            return None
        _same_scan_or_conflict(scan, earlier)
        if earlier.verdict is None:
            raise Conflict(
                "scan_annulled",
                Text(
                    "这次入园已撤销，请重新扫码",
                    "this scan was admitted and annulled; scan again with a new nonce",
                ),
            )
        return earlier.verdict

    def _decide(
        self, scan: Scan, code: codes.Code, held: Pass, tail: Sequence[Record], now: datetime
    ) -> tuple[Verdict, Record | None]:
        """The verdict, and the record to append if it admits, or lets out: that asks no rule and counts for nothing."""
        tally = tail[-1].tally if tail else Tally()
        # Time never runs backwards within one ledger, even if the clocks of two servers differ a little.
        at = max(now, tail[-1].at) if tail else now
        spot = self._spots.get(scan.gate.spot_id)
        leaving = scan.leaving and held.state is not PassState.REVOKED
        if leaving:
            verdict = Verdict(
                Reason.OK, at, admits=scan.party or held.terms.party.admits, leaving=True
            )
        else:
            verdict = decide(Case(held, code, tally, spot, scan.gate, scan.party, at))
            tally = tally.entered(scan.gate.spot_id, at, verdict.admits, held.terms.party.admits)
        if not verdict.admitted:
            return verdict, None
        return verdict, Record(
            pass_id=held.id,
            n=tail[-1].n + 1 if tail else 1,
            kind=RecordKind.EXITED if leaving else RecordKind.ADMITTED,
            spot_id=scan.gate.spot_id,
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            code_digest=codes.digest(scan.code),
            at=at,
            scanned_at=scan.scanned_at,
            tally=tally,
            room=held.terms.party.admits,
            verdict=verdict,
        )

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
        return kept.verdict, held


def _same_scan_or_conflict(scan: Scan, earlier: Record | Refusal) -> None:
    same_code = codes.digest(scan.code) == earlier.code_digest
    if not same_code or abs(scan.scanned_at - earlier.scanned_at) > SAME_SCAN_WITHIN:
        raise Conflict(
            "nonce_reused",
            Text(
                "nonce 已用于另一次扫码",
                "this nonce names another scan of this gate; use a new one for each scan",
            ),
        )
