"""Gates and scans, as plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from passes.codes import format as codes

TOKEN_LIFE = timedelta(days=366)
"""How long the token of a gate is good after its device has enrolled."""


TOKEN_WARNING = timedelta(days=30)
"""How long before its end a token is told to end."""


class GateKind(StrEnum):
    """What stands at the entrance."""

    TURNSTILE = "turnstile"
    HANDHELD = "handheld"
    WINDOW = "window"

    @property
    def staffed(self) -> bool:
        """Whether someone is there to compare a face with a card."""
        return self is not GateKind.TURNSTILE

    @property
    def takes_money(self) -> bool:
        """Whether a visitor can pay here."""
        return self is GateKind.WINDOW


class GateState(StrEnum):
    """Where a gate is in its life."""

    ADDED = "added"
    ENROLLED = "enrolled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Gate:
    """A device at a spot, or one that is to enrol. `token_version` is the only version of its
    token that is good."""

    id: str
    spot_id: str
    kind: GateKind
    name: str
    state: GateState
    token_version: int = 0
    enrolled_at: datetime | None = None
    """When its device enrolled, last; None also for one that did so before this was kept."""

    @property
    def token_ends_at(self) -> datetime | None:
        """When the token of its device ends, if that is known."""
        if self.state is not GateState.ENROLLED or self.enrolled_at is None:
            return None
        return self.enrolled_at + TOKEN_LIFE


class Purpose(StrEnum):
    """What visitors want at a gate: to come in, to leave, or to pay here and come in elsewhere."""

    ENTER = "enter"
    LEAVE = "leave"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class Scan:
    """One presentation of a code at a gate.

    `nonce` is the name that the gate gives it, `party` None means everybody. Who leaves is let out
    whatever the rules say.
    """

    gate: Gate
    code: str
    nonce: str
    scanned_at: datetime
    party: int | None = None
    purpose: Purpose = Purpose.ENTER
    lane: str | None = None
    """Which lane of the gate was taken, if the gate tells."""
    staff: str | None = None
    """Who of the staff scans, if the gate tells."""

    @property
    def digest(self) -> str:
        """What is kept of the text, by which the scan is recognised when it is sent again.

        The same text shown on the way out, or at the till, is another scan.
        """
        of_text = codes.digest(self.code)
        if self.purpose is Purpose.ENTER:
            return of_text
        return f"{of_text}:{self.purpose.value}"


@dataclass(frozen=True, slots=True)
class Setup:
    """The digest of a one-time setup code, and until when it works.

    It stays after a device has enrolled with it, for that device may ask again, if the reply was
    lost.
    """

    digest: str
    expires_at: datetime
    spent_at: datetime | None = None
    """When a device enrolled with it."""
    device: str | None = None
    """The digest of the name that this device gave itself."""


@dataclass(frozen=True, slots=True)
class SetGate:
    """A gate with its setup code, if it has one."""

    gate: Gate
    setup: Setup | None
