"""Annulling: an admission, or a payment, is undone within 15 minutes.

The gate that admitted names its scan: the turnstile did not turn. Staff at another gate of the spot
name the pass, which they have before them, and say why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passes.admission.appending import Appending, next_at
from passes.admission.gates import Gate
from passes.admission.staff import StaffDecision, check_in_service, names_another_decision
from passes.base.auditing import audited
from passes.base.errors import Conflict, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.ledger.ports import Ledger
from passes.ledger.records import Decision, Record, RecordKind, annulment

ANNUL_WITHIN = timedelta(minutes=15)
"""How long an admission may be taken back at the gates of its spot."""

_UNDOABLE = frozenset({RecordKind.ADMITTED, RecordKind.LET_IN, RecordKind.PAID})


@dataclass(frozen=True, slots=True)
class Annulled:
    """What was undone, and the record that undid it.

    `gives_back` is how many people had paid with it and get their money back, `gives_back_fen` what
    they had paid together; None if it is not known how much that was.
    """

    undone: Record
    by: Record

    @property
    def gives_back(self) -> int:
        """How many people had paid with what was undone."""
        return self.undone.verdict.pays if self.undone.verdict else 0

    @property
    def gives_back_fen(self) -> int | None:
        """What they had paid together, in fen."""
        if self.undone.verdict is None or not self.gives_back:
            return 0
        return self.undone.verdict.amount_fen


class Annulling:
    """Annuls admissions and payments."""

    def __init__(self, ledger: Ledger, appending: Appending, audit: Audit) -> None:
        """`ledger` and `audit` are stores."""
        self._ledger = ledger
        self._appending = appending
        self._audit = audit

    async def annul(self, gate: Gate, nonce: str, now: datetime) -> Annulled:
        """Undo an admission of this gate, because the turnstile did not turn, or a payment.

        Doing it again changes nothing, and says the same. Raises `Unknown` if this gate admitted no
        such scan, `Conflict` after 15 minutes, or if the gate is out of service.
        """
        check_in_service(gate)
        admission = await self._ledger.admission(gate.id, nonce)
        if admission is None:
            text = Text("本闸机没有这次入园记录", "this gate has admitted no such scan")
            raise Unknown("scan_unknown", text)
        undoing = await self._appending.append(
            admission.pass_id, lambda ledger: _undoing(ledger, admission, now), now
        )
        return Annulled(admission, undoing.record)

    async def annul_at_spot(self, decision: StaffDecision, pass_id: str, now: datetime) -> Annulled:
        """Undo the newest admission, or payment, that a gate of this spot gave a pass.

        The same decision sent again changes nothing, and says the same. Raises what
        `StaffDecision.check` raises, `Unknown` if nothing of that pass stands here, `Conflict`
        after 15 minutes, or if the nonce has named another decision.
        """
        decision.check()
        spot_id = decision.gate.spot_id

        def made(ledger: Sequence[Record]) -> Record:
            earlier = decided(ledger, decision.in_ledger, undoes=True)
            if earlier is not None:
                return earlier
            admission = _newest_here(ledger, spot_id)
            return _undoing(ledger, admission, now, decision.in_ledger)

        async with audited(self._audit) as entry:
            await entry.begin(decision.line("annul", f"pass:{pass_id}", now))
            undoing = await self._appending.append(pass_id, made, now)
            if not undoing.new:
                await entry.not_done()
        undone = next(each for each in undoing.before if each.n == undoing.record.annuls)
        return Annulled(undone, undoing.record)


def decided(ledger: Sequence[Record], decision: Decision, *, undoes: bool) -> Record | None:
    """The record that a decision has made already, which `undoes` another or lets people in.

    Raises `Conflict` if its nonce names a decision of the other kind.
    """
    earlier = next((each for each in ledger if _same(each.decision, decision)), None)
    if earlier is not None and (earlier.kind is RecordKind.ANNULLED) is not undoes:
        raise names_another_decision()
    return earlier


def _same(one: Decision | None, other: Decision) -> bool:
    return one is not None and (one.by, one.nonce) == (other.by, other.nonce)


def _newest_here(ledger: Sequence[Record], spot_id: str) -> Record:
    """The newest admission or payment at a spot that stands."""
    undone = {record.annuls for record in ledger if record.of_pass is None}
    for record in reversed(ledger):
        stands = record.kind in _UNDOABLE and record.n not in undone
        if stands and record.spot_id == spot_id:
            return record
    text = Text("本景区没有此票的入园记录", "no admission of this pass stands at this spot")
    raise Unknown("scan_unknown", text)


def _undoing(
    ledger: Sequence[Record], admission: Record, now: datetime, decision: Decision | None = None
) -> Record:
    """The record that undoes an admission; the one that is there, if it was undone before."""
    earlier = undone_by(ledger, admission)
    if earlier is not None:
        return earlier
    check_not_closed(ledger)
    check_not_too_late(admission.at, now)
    return annulment(ledger, admission, next_at(ledger, now), now, decision)


def undone_by(ledger: Sequence[Record], undone: Record) -> Record | None:
    """The record of its ledger that undoes a record."""
    undoing = (each for each in ledger if each.of_pass is None and each.annuls == undone.n)
    return next(undoing, None)


def check_not_too_late(admitted_at: datetime, now: datetime) -> None:
    """Raise `Conflict` for an admission that gates may not annul any more."""
    if now - admitted_at > ANNUL_WITHIN:
        raise too_late()


def too_late() -> Conflict:
    """The error that gates may not annul an admission any more."""
    text = Text("超过15分钟，不能撤销", "an admission can be annulled for 15 minutes")
    return Conflict("annul_too_late", text)


def check_not_closed(ledger: Sequence[Record]) -> None:
    """Raise `Conflict` for a ledger to which nothing can be appended any more."""
    if ledger and ledger[-1].kind is RecordKind.CLOSED:
        text = Text("此票已补发，不能撤销", "this pass has been reissued since")
        raise Conflict("pass_reissued", text)
