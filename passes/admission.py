"""Admission: a scan comes in, a verdict goes out, and what was decided is stored in between.

Knows neither HTTP nor MongoDB. Each decision is one atomic write: an admission is an insert under the next number
of the ledger of the pass, so of two gates that want the last visit one finds the number taken, and decides again.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from passes import codes
from passes.errors import Conflict, Unavailable, Unknown
from passes.keys import Keyring
from passes.ledger import Record, RecordKind, Tally, annulment
from passes.model import Gate, Pass, Scan
from passes.ports import Ledger, Passes, Refusals, Spots
from passes.rules import Case, decide
from passes.texts import Text
from passes.verdicts import Reason, Refusal, Verdict

log = logging.getLogger(__name__)

ANNUL_WITHIN = timedelta(minutes=15)
"""How long a gate may take back an admission."""

SAME_SCAN_WITHIN = timedelta(minutes=10)
"""How far a gate may correct its clock between two tries of one scan. Further apart it is another scan, by a gate
that counts its nonces anew, and must not be given the old answer."""

_TRIES = 100


class Admission:
    """Admits scans and annuls admissions."""

    def __init__(self, keys: Keyring, spots: Spots, passes: Passes, ledger: Ledger, refusals: Refusals) -> None:
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
        # 1. Is it a sound code?
        try:
            code = codes.read(scan.code, self._keys, now)
        except codes.CodeError as error:
            held = await self._passes.get(error.code.pass_id) if error.code else None
            return await self._refuse(scan, held, Verdict(error.reason, now))
        for _ in range(_TRIES):
            # 2. The pass, then its newest records.
            held = await self._passes.get(code.pass_id)
            if held is None:
                log.error("well signed but never issued: pass %s, gate %s", code.pass_id, scan.gate.id)
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))
            tail = await self._ledger.tail(held)
            # 3. Before any rule: what this scan was answered before.
            answered = _earlier_answer(scan, held, tail)
            if answered:
                return answered, held
            # 4. The rules.
            verdict, record = self._decide(scan, code, held, tail, now)
            # 5. Store, then answer.
            if record is None:
                return await self._refuse(scan, held, verdict)
            if await self._ledger.append(record):
                return verdict, held
        raise Unavailable("busy", Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again"))

    async def annul(self, gate: Gate, nonce: str, now: datetime) -> Record:
        """Undo an admission of this gate, because the turnstile did not turn. Doing it again changes nothing.

        Raises `Unknown` if this gate admitted no such scan, `Conflict` after 15 minutes.
        """
        for _ in range(_TRIES):
            admission = await self._ledger.admission(gate.id, nonce)
            if admission is None:
                raise Unknown("scan_unknown", Text("本闸机没有这次入园记录", "this gate has admitted no such scan"))
            ledger = await self._ledger.whole(admission.pass_id)
            for record in ledger:
                if record.annuls == admission.n:
                    return record
            if now - admission.at > ANNUL_WITHIN:
                raise Conflict(
                    "annul_too_late", Text("超过15分钟，不能撤销", "an admission can be annulled for 15 minutes")
                )
            record = annulment(ledger, admission, max(now, ledger[-1].at))
            if await self._ledger.append(record):
                return record
        raise Unavailable("busy", Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again"))

    def _decide(
        self, scan: Scan, code: codes.Code, held: Pass, tail: Sequence[Record], now: datetime
    ) -> tuple[Verdict, Record | None]:
        """The verdict, and the record to append if it admits."""
        tally = tail[-1].tally if tail else Tally()
        # Time never runs backwards within one ledger, even if the clocks of two servers differ a little.
        at = max(now, tail[-1].at) if tail else now
        spot = self._spots.get(scan.gate.spot_id)
        verdict = decide(Case(held, code, tally, spot, scan.gate, scan.party, at))
        if not verdict.admitted:
            return verdict, None
        return verdict, Record(
            pass_id=held.id,
            n=tail[-1].n + 1 if tail else 1,
            kind=RecordKind.ADMITTED,
            spot_id=scan.gate.spot_id,
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            code_digest=codes.digest(scan.code),
            at=at,
            scanned_at=scan.scanned_at,
            tally=tally.plus(scan.gate.spot_id, at),
            verdict=verdict,
        )

    async def _refuse(self, scan: Scan, held: Pass | None, verdict: Verdict) -> tuple[Verdict, Pass | None]:
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


def _earlier_answer(scan: Scan, held: Pass, tail: Sequence[Record]) -> Verdict | None:
    """What this scan was answered before, if it was. Raises `Conflict` if its nonce names another scan."""
    answers: list[Record | Refusal] = [*reversed(tail), *reversed(held.refusals)]
    for earlier in answers:
        if (earlier.gate_id, earlier.nonce) != (scan.gate.id, scan.nonce):
            continue
        _same_scan_or_conflict(scan, earlier)
        if earlier.verdict is None:
            raise Conflict(
                "scan_annulled",
                Text("这次入园已撤销，请重新扫码", "this scan was admitted and annulled; scan again with a new nonce"),
            )
        return earlier.verdict
    return None


def _same_scan_or_conflict(scan: Scan, earlier: Record | Refusal) -> None:
    same_code = codes.digest(scan.code) == earlier.code_digest
    if not same_code or abs(scan.scanned_at - earlier.scanned_at) > SAME_SCAN_WITHIN:
        raise Conflict(
            "nonce_reused",
            Text("nonce 已用于另一次扫码", "this nonce names another scan of this gate; use a new one for each scan"),
        )
