"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from passes.ledger import Record
from passes.model import Gate, Holder, Pass
from passes.offers import Group, Offer, OfferState
from passes.terms import Spot
from passes.verdicts import Refusal
from passes.visitors import Binding, Consent, Phone, Session, Visitor

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

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        """All passes of a product."""

    async def belong_to(self, pass_id: str, holder: Holder) -> None:
        """Set who the pass belongs to."""

    async def become(self, before: Pass, changes: Mapping[str, Any]) -> bool:
        """Change fields of a pass; False if its state, who froze it, or that it was given back, is not as before."""


class Holdings(Protocol):
    """Which pass somebody holds under a key, such as that of a product and a person."""

    async def take(self, key: str, holder: str, pass_id: str) -> str:
        """Note that the key is held under a pass, and return it, or return the pass under which it is held already."""

    async def pass_on(self, key: str, before: str, after: str) -> bool:
        """Let another pass take the place of one; False if that is not the one any more."""

    async def drop(self, holder: str) -> None:
        """Forget all that a holder holds."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How many were counted under a key, and when that last changed."""

    key: str
    count: int
    changed_at: datetime


class Counters(Protocol):
    """What is counted of offers, by keys."""

    async def take(self, offer_id: str, key: str, limit: int | None, now: datetime) -> bool:
        """Count one more; False, and nothing is counted, if that would be more than the limit."""

    async def give_back(self, key: str, now: datetime) -> None:
        """Count one less."""

    async def touch(self, key: str, now: datetime) -> None:
        """Say that a counter is about to change, so that it is not corrected meanwhile."""

    async def counts(self, keys: Iterable[str]) -> Mapping[str, int]:
        """How many are counted under each of the keys; those never used are left out."""

    async def of_offer(self, offer_id: str) -> Sequence[Counter]:
        """All counters of an offer."""

    async def correct(self, offer_id: str, before: Counter, count: int) -> bool:
        """Set a counter; False if it has changed meanwhile."""


class Members(Protocol):
    """Who belongs to which group of visitors, as operators have said."""

    async def groups_of(self, lookup: str) -> frozenset[Group]:
        """The groups of a person."""

    async def add(self, lookup: str, group: Group) -> bool:
        """Let a person belong to a group; False if they do already."""

    async def remove(self, lookup: str, group: Group) -> None:
        """Let a person belong to a group no more."""

    async def forget(self, lookup: str) -> None:
        """Let a person belong to no group."""


class Visitors(Protocol):
    """Visitors by id, and what they are bound to: a WeChat account, a person. Each is bound to one visitor."""

    async def get(self, visitor_id: str) -> Visitor | None:
        """The visitor as they are now."""

    async def add(self, visitor: Visitor) -> None:
        """Keep a new visitor; one that is kept already stays as it is."""

    async def identify(
        self, visitor_id: str, before: str | None, identity: Holder | None, consent: Consent | None
    ) -> bool:
        """Set who a visitor is; False if the look-up hash of who they were is not `before`."""

    async def set_phone(self, visitor_id: str, phone: Phone | None) -> None:
        """Set the phone number of a visitor."""

    async def withdraw_tokens(self, visitor_id: str) -> None:
        """Make every token of a visitor worthless."""

    async def erase(self, visitor_id: str) -> None:
        """Delete a visitor."""

    async def bound(self, thing: str) -> Binding | None:
        """To whom a thing is bound."""

    async def bind(self, thing: str, wanted: Binding) -> Binding:
        """Bind a thing as wanted and return that, or return how it is bound already."""

    async def rebind(self, thing: str, before: Binding, after: Binding) -> bool:
        """Bind a thing to another visitor; False if it is not bound as before any more."""

    async def unbind(self, thing: str, visitor_id: str) -> None:
        """Undo a binding, if it is to that visitor."""


class Sessions(Protocol):
    """Sessions by id."""

    async def add(self, session: Session) -> None:
        """Keep a new session."""

    async def get(self, session_id: str) -> Session | None:
        """The session as it is now."""

    async def of_visitor(self, visitor_id: str) -> Sequence[Session]:
        """All sessions of a visitor, oldest first."""

    async def renew(self, session: Session) -> bool:
        """Store the next generation of a session; False if it is not the next any more."""

    async def end(self, session_id: str) -> None:
        """Delete a session."""

    async def end_all(self, visitor_id: str) -> None:
        """Delete all sessions of a visitor."""


class Ledger(Protocol):
    """The admission ledgers of all passes."""

    async def tail(self, held: Pass) -> Sequence[Record]:
        """The newest few records of a pass, oldest first; empty only if there are none."""

    async def whole(self, pass_id: str) -> Sequence[Record]:
        """All records of a pass, oldest first."""

    async def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Record]:
        """All records of some passes, those of each oldest first."""

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
