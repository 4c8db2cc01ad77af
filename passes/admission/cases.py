"""Cases: what a person has to look at later, such as an admission by hand.

A case has a number of eight characters that a visitor can quote. It follows from the gate and the
nonce of the decision, so that one decision opens one case, however often it is sent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol, Self

from passes.admission.staff import StaffDecision, names_another_decision
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict, Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_serial

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_LENGTH = 8


class CaseKind(StrEnum):
    """What a case is about."""

    HAND_ADMISSION = "hand_admission"
    NOT_THE_HOLDER = "not_the_holder"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case; `id` is its number, `note` are the words of the staff."""

    id: str
    kind: CaseKind
    opened_at: datetime
    spot_id: str
    gate_id: str
    nonce: str
    reason: str
    note: str
    staff: str | None
    people: int | None = None
    """How many people were let in; None if nobody knows, or nobody was."""
    pass_id: str | None = None
    """With which pass, if one is known."""
    until: datetime | None = None
    """When an emergency is over, as far as is known."""
    annulled_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_note: str = ""

    @classmethod
    def of(cls, decision: StaffDecision, kind: CaseKind, now: datetime) -> Self:
        """The case that a decision opens, under the first number that may be its own."""
        return cls(
            id=next(numbers_of(decision.gate.id, decision.nonce)),
            kind=kind,
            opened_at=now,
            spot_id=decision.gate.spot_id,
            gate_id=decision.gate.id,
            nonce=decision.nonce,
            reason=decision.reason.value,
            note=decision.note,
            staff=decision.staff,
        )


class Cases(Protocol):
    """Where cases are stored, by number."""

    async def open(self, case: CaseFile) -> CaseFile:
        """Store a case under the first of its numbers that is free, and return it; or return the
        one that its decision has opened already."""

    async def of_decision(self, gate_id: str, nonce: str) -> CaseFile | None:
        """The case that a decision has opened."""

    async def get(self, number: str) -> CaseFile | None:
        """The case with that number."""

    async def all(self, *, open_only: bool) -> list[CaseFile]:
        """Cases, oldest first."""

    async def of_passes(self, pass_ids: Sequence[str]) -> list[CaseFile]:
        """The cases about some passes, oldest first."""

    async def annul(self, number: str, at: datetime) -> None:
        """What the case is about was undone; the first instant stays."""

    async def close(self, number: str, by: str, note: str, at: datetime) -> bool:
        """Close a case; False if it is closed already."""


class CaseWork:
    """Operators look at cases, and close them."""

    def __init__(self, cases: Cases, audit: Audit) -> None:
        """Both are stores."""
        self._cases = cases
        self._audit = audit

    async def get(self, number: str) -> CaseFile:
        """The case with a number, however it is typed. Raises `Unknown`."""
        found = await self._cases.get(read_number(number))
        if found is None:
            raise unknown(Text("个案", "case"), number)
        return found

    async def all(self, *, open_only: bool) -> list[CaseFile]:
        """Cases, oldest first."""
        return await self._cases.all(open_only=open_only)

    async def of_passes(self, pass_ids: Sequence[str]) -> list[CaseFile]:
        """The cases about some passes, oldest first."""
        return await self._cases.of_passes(pass_ids)

    async def close(self, number: str, by: str, note: str, now: datetime) -> CaseFile:
        """Close a case. Raises `Unknown`, `Invalid` without a note, `Conflict` if it is closed."""
        case = await self.get(number)
        if not note.strip():
            fault = Fault("note", "say what came of it")
            raise Invalid("reason_missing", Text("请填写处理结果", "a note is needed"), [fault])
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "close", f"case:{case.id}", {"note": note}))
            if not await self._cases.close(case.id, by, note, now):
                raise Conflict("case_closed", Text("个案已结", "that case is closed"))
        return await self.get(case.id)


def read_number(typed: str) -> str:
    """The number of a case, or of a conflict, however it is typed."""
    return typed.strip().upper().translate(_MISREAD)


_MISREAD = str.maketrans("OIL", "011")


async def check_same(case: CaseFile, kind: CaseKind, held: Pass | None, passes: Passes) -> None:
    """Raise `Conflict` if the case of a nonce is not of this kind about this pass, which may have
    been reissued since."""
    of_case = await newest_serial(case.pass_id, passes) if case.pass_id else None
    same_pass = (of_case.id if of_case else None) == (held.id if held else None)
    if case.kind is not kind or not same_pass:
        raise names_another_decision()


def numbers_of(gate_id: str, nonce: str, what: str = "case") -> Iterator[str]:
    """The numbers that a case, or a conflict, may have: the second only if the first is that of
    another one."""
    turn = 0
    while True:
        digest = sha256(f"{what}:{gate_id}:{nonce}:{turn}".encode()).digest()
        yield "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_LENGTH])
        turn += 1
