"""Staff: what a person at a staffed gate may decide, and what all of their decisions have in
common.

Each is named by a nonce, as a scan is: sent again it changes nothing. Each has a reason from a
list, for reports, and words of its own, for whoever looks at it later.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from passes.admission.gates import Gate, GateState
from passes.base.audit import AuditLine
from passes.base.errors import Conflict, Fault, Forbidden, Invalid
from passes.base.text import Text
from passes.ledger.records import Decision


class WhyAnnulled(StrEnum):
    """Why staff take an admission back."""

    DID_NOT_ENTER = "did_not_enter"
    COUNTED_TWICE = "counted_twice"
    WRONG_PERSON = "wrong_person"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StaffDecision:
    """Who decides, where, why, and the name of the decision; `note` are their own words."""

    gate: Gate
    nonce: str
    reason: StrEnum
    note: str = ""
    staff: str | None = None
    """Who of the staff, if the gate tells."""

    @property
    def by(self) -> str:
        """Who decides, as in the audit log."""
        return f"gate:{self.gate.id}"

    @property
    def in_ledger(self) -> Decision:
        """What a record keeps of it."""
        return Decision(self.by, self.nonce, self.reason.value)

    def line(self, action: str, subject: str, now: datetime, **more: str) -> AuditLine:
        """The audit line about it."""
        detail = {"reason": self.reason.value, "nonce": self.nonce}
        if self.note:
            detail["note"] = self.note
        if self.staff:
            detail["staff"] = self.staff
        return AuditLine(now, self.by, action, subject, detail | more)

    def check(self) -> None:
        """Raise `Forbidden` where no staff stand, `Conflict` for a gate out of service, `Invalid`
        for the reason `other` without words."""
        check_in_service(self.gate)
        if not self.gate.kind.staffed:
            text = Text("此闸机无人值守", "only staff at a handheld or a window decide this")
            raise Forbidden("gate_not_staffed", text)
        if self.reason.value == "other" and not self.note.strip():
            fault = Fault("note", "say why, for the reason is `other`")
            raise Invalid("reason_missing", Text("请填写原因", "a reason is needed"), [fault])


def nonce_reused() -> Conflict:
    """The error that a nonce has named another decision of the gate."""
    text = Text(
        "nonce 已用于另一次操作",
        "this nonce names another decision of this gate; use a new one for each",
    )
    return Conflict("nonce_reused", text)


def check_in_service(gate: Gate) -> None:
    """Raise `Conflict` for a gate that is out of service."""
    if gate.state is GateState.DISABLED:
        raise Conflict("gate_disabled", Text("此通道已停用", "this gate is out of service"))
