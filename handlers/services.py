"""Services: what handlers call. The composition root fills it in; handlers know nothing of how it is made."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from handlers.access import Caller
from handlers.shelf import Shelves
from passes.admission import Admission
from passes.books import Book
from passes.gates import GateKeeping
from passes.keys import Keyring
from passes.lookup import Lookup
from passes.model import Gate, Product
from passes.ports import Ledger, Passes
from scenic_data.catalogue import Catalogue


class Tokens(Protocol):
    """Issues and reads bearer tokens."""

    def for_gate(self, gate: Gate, now: datetime) -> str:
        """The token that an enrolled gate keeps."""

    def read(self, token: str, audience: str, now: datetime) -> Caller:
        """Who holds this token. Raises the 401 problem."""


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
    """Everything a handler may call. `now` is the clock, `refresh` loads at once what other processes changed,
    `ping` raises `Unavailable` when the database does not answer."""

    catalogue: Catalogue
    products: Book[Product]
    gates: Book[Gate]
    passes: Passes
    ledger: Ledger
    admission: Admission
    lookup: Lookup
    gate_keeping: GateKeeping
    keys: Keyring
    tokens: Tokens
    now: Callable[[], datetime]
    refresh: Callable[[], Awaitable[None]]
    ping: Callable[[], Awaitable[None]]
    shelves: Shelves
    traffic: Traffic = field(default_factory=Traffic)
