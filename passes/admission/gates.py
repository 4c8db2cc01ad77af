"""Gates and scans, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

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

    @property
    def staffed(self) -> bool:
        """Whether someone is there to compare a face with a card."""
        return self is not GateKind.TURNSTILE

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
    readers: frozenset[Reader] = frozenset()

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
