"""Gates and scans, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.codes import format as codes
from passes.ledger.records import By
from passes.ledger.verdicts import Reason
from passes.people.groups import ANYONE, Group
from passes.people.traits import Traits

TOKEN_LIFE = timedelta(days=366)
"""How long the token of a gate is good after its device has enrolled."""


TOKEN_WARNING = timedelta(days=30)
"""How long before its end a token is told to end."""


class GateKind(StrEnum):
    """What stands at the entrance."""

    TURNSTILE = "turnstile"
    HANDHELD = "handheld"
    WINDOW = "window"
    SYSTEM = "system"
    """The spot's own ticket system: one gate of ours, which tells the lane with each scan."""

    @property
    def staffed(self) -> bool:
        """Whether someone is there to compare a face with a card."""
        return self in {GateKind.HANDHELD, GateKind.WINDOW}

    @property
    def takes_money(self) -> bool:
        """Whether a visitor can pay here."""
        return self is GateKind.WINDOW


class Reader(StrEnum):
    """What a gate reads besides codes; each is a scope of its token."""

    ID_CARD = "id_card"
    """Identity documents: by their chip, by the machine-readable zone, or typed by staff."""
    CARRIER = "carrier"
    """What a provider vouches for, such as an electronic social-security card."""


class GateState(StrEnum):
    """Where a gate is in its life."""

    ADDED = "added"
    ENROLLED = "enrolled"
    DISABLED = "disabled"


FORMER_TOKEN_LIFE = timedelta(minutes=15)
"""How long the token before is good after its device has got the next one, and not used it."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """That a device has asked for its next token, and has not used it yet."""

    at: datetime
    device: str
    """The digest of the name under which it asked, and may ask again."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A device at a spot, or one that is to enrol. `token_version` is that of its newest token."""

    id: str
    spot_id: str
    kind: GateKind
    name: str
    state: GateState
    token_version: int = 0
    enrolled_at: datetime | None = None
    """When its device enrolled, last; None also for one that did so before this was kept."""
    readers: frozenset[Reader] = frozenset()
    hub: bool = False
    """Whether it may speak for the other gates of its spot."""
    renewed_at: datetime | None = None
    """When its device got its newest token for the one before; None for that of its enrolment."""
    renewal: Renewal | None = None
    """Set until the newest token is used, if it is one that the device has renewed."""

    @property
    def token_begins_at(self) -> datetime | None:
        """From when its newest token is, if that is known."""
        return self.renewed_at or self.enrolled_at

    @property
    def token_ends_at(self) -> datetime | None:
        """When the token of its device ends, if that is known."""
        begins_at = self.token_begins_at
        if self.state is not GateState.ENROLLED or begins_at is None:
            return None
        return begins_at + TOKEN_LIFE

    def takes(self, token_version: int, now: datetime) -> bool:
        """Whether a token of that version is good: the newest, or for some minutes the one
        before, while the newest has not been used."""
        if token_version == self.token_version:
            return True
        if self.renewal is None or token_version != self.token_version - 1:
            return False
        return now < self.renewal.at + FORMER_TOKEN_LIFE


class Purpose(StrEnum):
    """What visitors want at a gate: to come in, to leave, or to pay here and come in elsewhere."""

    ENTER = "enter"
    LEAVE = "leave"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card, or a carrier that stands for one, once it is read: whose it is, without its number.

    `lookup` is the keyed hash by which the passes of the person are found. `digest` is that of this
    one showing, by which it is recognised when it is sent again: it is no other showing's, so that
    records do not tell that two were of one person. `groups` and `traits` are what the number
    tells.
    """

    lookup: str
    by: By
    digest: str
    groups: frozenset[Group] = frozenset({ANYONE})
    traits: Traits = field(default_factory=Traits)
    number_mask: str = ""
    unread: Reason | None = None
    """Why it is not known whose it is, if it is not."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One presentation at a gate: `shown` is the text of a code, or a card.

    `nonce` is the name that the gate gives it, `party` None means everybody. Who leaves is let out
    whatever the rules say.
    """

    gate: Gate
    shown: str | ShownCard
    nonce: str
    scanned_at: datetime
    party: int | None = None
    purpose: Purpose = Purpose.ENTER
    lane: str | None = None
    """Which lane of the gate was taken, if the gate tells."""
    staff: str | None = None
    """Who of the staff scans, if the gate tells."""
    free: Mapping[str, int] = field(default_factory=dict)
    """How many people come in free by law beside the holder, by category."""

    @property
    def digest(self) -> str:
        """What is kept of what was shown, by which the scan is recognised when it is sent again.

        The same shown on the way out, at the till, or with others who enter free, is another scan.
        """
        shown = self.shown
        of_shown = codes.digest(shown) if isinstance(shown, str) else shown.digest
        if self.free:
            free = ",".join(f"{each}={number}" for each, number in sorted(self.free.items()))
            of_shown = f"{of_shown}:{free}"
        if self.purpose is Purpose.ENTER:
            return of_shown
        return f"{of_shown}:{self.purpose.value}"


def check_lane(scan: Scan) -> None:
    """Raise `Invalid` if a ticket system does not tell the lane of a scan."""
    if scan.gate.kind is GateKind.SYSTEM and scan.lane is None:
        text = Text("票务系统须提供通道号", "a ticket system tells the lane of each scan")
        raise Invalid("lane_missing", text, [Fault("lane", "name the lane that was taken")])


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
