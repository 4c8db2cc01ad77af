"""Services: what handlers call. The composition root fills it in; handlers know nothing of how it is made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from handlers.catalogue.day_view import Shelves
from handlers.web.access import Caller, Origin, TokenPair
from passes.admission.admitting import Admission
from passes.admission.gate_keeping import GateKeeping
from passes.admission.gates import Gate
from passes.admission.lookup import Lookup
from passes.base.cache import Book
from passes.base.ports import Audit
from passes.codes.keys import Keyring
from passes.holding.lifecycle import Life
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.offers.cancelling import Cancelling
from passes.offers.claiming import Claiming, Standings
from passes.offers.offer import Offer
from passes.people.accounts import Accounts
from passes.people.identity import Sealer
from passes.people.ports import Members, Sessions, Visitors
from passes.people.sessions import SigningIn
from passes.people.visitors import Session, Visitor
from passes.rights.erasing import Erasing
from passes.terms.product import Product
from scenic_data.catalogue import Catalogue


class Tokens(Protocol):
    """Issues and reads bearer tokens."""

    def for_gate(self, gate: Gate, now: datetime) -> str:
        """The token that an enrolled gate keeps."""

    def for_session(self, session: Session, visitor: Visitor, now: datetime) -> TokenPair:
        """The tokens of a visitor's session."""

    def read(self, token: str, audiences: frozenset[str], now: datetime) -> Caller:
        """Who holds this token. Raises the 401 problem."""


class Limits(Protocol):
    """Counts calls that are limited in number."""

    def check(self, name: str, caller: Caller, origin: Origin, now: datetime) -> None:
        """Count a call. Raises `TooOften` if it is one too many."""


class WeChat(Protocol):
    """What WeChat knows of visitors. Raises domain errors that tell them what to do."""

    async def sign_in(self, js_code: str) -> str:
        """The openid behind a login code."""

    async def phone_number(self, code: str) -> str:
        """The phone number behind the code of the phone number button."""


class Used(Protocol):
    """How much of the quotas of the running offers is used, as it was a few seconds ago."""

    @property
    def counts(self) -> Mapping[str, int]:
        """By the keys of `passes.quotas.counted`: the same object until it changes."""


class Traffic:
    """Counts the requests in flight, so that a process can finish them before it stops."""

    def __init__(self) -> None:
        """Nothing is in flight; the process takes requests."""
        self.draining = False
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """The headers of a request have been read."""
        self._in_flight += 1
        self._idle.clear()

    def end(self) -> None:
        """A request has been answered, or its caller is gone."""
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()

    async def finished(self) -> None:
        """Return once nothing is in flight."""
        await self._idle.wait()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a handler may call. In the `sandbox` no visitor is real. `now` is the clock, `refresh` loads at once
    what other processes changed, `ping` raises `Unavailable` when the database does not answer."""

    catalogue: Catalogue
    products: Book[Product]
    offers: Book[Offer]
    gates: Book[Gate]
    passes: Passes
    ledger: Ledger
    admission: Admission
    lookup: Lookup
    gate_keeping: GateKeeping
    life: Life
    accounts: Accounts
    signing_in: SigningIn
    erasing: Erasing
    standings: Standings
    claiming: Claiming
    cancelling: Cancelling
    used: Used
    visitors: Visitors
    sessions: Sessions
    members: Members
    refusals: Refusals
    audit: Audit
    identities: Sealer
    keys: Keyring
    tokens: Tokens
    wechat: WeChat
    limits: Limits
    sandbox: bool
    privacy_version: str
    now: Callable[[], datetime]
    refresh: Callable[[], Awaitable[None]]
    ping: Callable[[], Awaitable[None]]
    shelves: Shelves
    traffic: Traffic = field(default_factory=Traffic)
