"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from passes.ledger import Record
from passes.model import Gate, Pass, PassState
from passes.offers import Offer, OfferState
from passes.terms import Spot
from passes.verdicts import Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what to what, when: `by` is an operator or a service, `action` a verb such as `issue`."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """A pending enrolment: the digest of the one-time setup code, and until when it works."""

    digest: str
    expires_at: datetime


class Spots(Protocol):
    """The catalogue, in memory."""

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""


class Passes(Protocol):
    """Passes by serial."""

    async def get(self, pass_id: str) -> Pass | None:
        """The pass as it is now."""

    async def add(self, issued: Pass) -> None:
        """Keep a new pass. Raises `errors.Conflict` if the serial is taken."""

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        """All passes of the holder with that keyed hash, newest first."""

    async def become(self, pass_id: str, before: PassState, changes: Mapping[str, Any]) -> bool:
        """Change fields of a pass; False if its state is not what it was before."""


class Ledger(Protocol):
    """The admission ledgers of all passes."""

    async def tail(self, held: Pass) -> Sequence[Record]:
        """The newest few records of a pass, oldest first; empty only if there are none."""

    async def whole(self, pass_id: str) -> Sequence[Record]:
        """All records of a pass, oldest first."""

    async def named(self, pass_id: str, gate_id: str, nonce: str) -> Record | None:
        """The newest record of a pass under a nonce of a gate, however long ago."""

    async def admission(self, gate_id: str, nonce: str) -> Record | None:
        """The newest admission that a gate gave that nonce."""

    async def append(self, record: Record) -> bool:
        """Add a record under its number; False if another process took the number first."""


class Refusals(Protocol):
    """Refused scans."""

    async def keep(self, refusal: Refusal) -> Refusal:
        """Keep a refusal and return it, or return the one already kept for this gate and nonce."""

    async def get(self, gate_id: str, nonce: str) -> Refusal | None:
        """The refusal under a nonce of a gate."""

    async def of_pass(self, pass_id: str) -> Sequence[Refusal]:
        """All refusals of a pass, oldest first."""


class Versioned(Protocol[T]):
    """Things that are published in versions, by id."""

    async def all(self) -> Sequence[T]:
        """The newest version of each."""

    async def put(self, thing: T) -> bool:
        """Store a version; False if another publisher stored this version, or took its number, first."""

    async def announce(self) -> None:
        """Tell every process to load anew; after each change, and again if in doubt."""


class Offers(Versioned[Offer], Protocol):
    """Offers by id."""

    async def become(self, slug: str, state: OfferState, *, before: OfferState) -> bool:
        """Set the state of an offer; False if it is not what it was before."""


class Gates(Protocol):
    """Gates by id."""

    async def all(self) -> Sequence[Gate]:
        """Every gate, in order of id."""

    async def add(self, gate: Gate, setup: Setup) -> bool:
        """Keep a new gate; False if the id is taken."""

    async def awaiting(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        """The gate that waits for this setup code."""

    async def enrol(self, gate: Gate, setup_digest: str) -> bool:
        """Store an enrolled gate and spend its setup code; False if the code has been spent meanwhile."""

    async def roll(self, gate: Gate, setup: Setup) -> bool:
        """Store a gate that has to enrol again with a new setup code; False if its token version is not one more."""

    async def disable(self, gate_id: str) -> None:
        """Take a gate out of service."""


class Audit(Protocol):
    """The audit log, append-only."""

    async def write(self, line: AuditLine) -> None:
        """Keep a line."""

    async def about(self, subject: str) -> Sequence[AuditLine]:
        """All lines about a subject, oldest first."""
