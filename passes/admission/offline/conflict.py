"""The conflict, as a plain value, and where conflicts are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from passes.ledger.records import By, Cause
from passes.ledger.verdicts import Reason

Name = tuple[str, str]
"""Gate and nonce: what happened, under one name for ever."""


class ConflictState(StrEnum):
    """What became of a conflict."""

    OPEN = "open"
    STANDS = "stands"
    """Operators let the admission count."""
    ANNULLED = "annulled"
    """Operators annulled the admission, by a record."""
    WRITTEN_OFF = "written_off"
    """The admission counts, and what is owed is given up."""
    LAPSED = "lapsed"
    """It is none any more: what stood in its way, or itself, was annulled or came later."""


RESOLVED = frozenset({ConflictState.STANDS, ConflictState.ANNULLED, ConflictState.WRITTEN_OFF})
"""How operators resolve a conflict."""


@dataclass(frozen=True, slots=True)
class Against:
    """The admission beside which another does not stand."""

    spot_id: str
    gate_id: str
    nonce: str
    at: datetime
    online: bool


@dataclass(frozen=True, slots=True)
class ConflictFile:
    """One conflict, with its evidence; `id` is its number.

    `at` is when it counts, `scanned_at` what the clock of the gate said, `recorded_at` when the
    server heard of it. `pass_id` is the serial under which it is recorded, or that a code named
    which is none of ours; `record` is its number there, None if it stands in no ledger.
    """

    id: str
    cause: Cause
    reason: Reason | None
    """What the server would have said, where it has a word for it."""
    spot_id: str
    gate_id: str
    nonce: str
    at: datetime
    scanned_at: datetime
    recorded_at: datetime
    online: bool
    """Whether it was the server that admitted: then an earlier admission arrived later."""
    pass_id: str | None = None
    record: int | None = None
    people: int = 0
    by: By | None = None
    step: int | None = None
    bundle: str | None = None
    code_digest: str = ""
    against: Against | None = None
    owed: int = 0
    """How many people came in who had not paid, or had no right to come in with the pass."""
    owed_fen: int | None = None
    """What they would have paid at a window together, if that is known."""
    opened_at: datetime | None = None
    state: ConflictState = ConflictState.OPEN
    settled_at: datetime | None = None
    settled_by: str | None = None
    note: str = ""

    @property
    def name(self) -> Name:
        """What happened."""
        return self.gate_id, self.nonce


class ConflictFiles(Protocol):
    """Where conflicts are stored, by number."""

    async def open(self, conflict: ConflictFile) -> tuple[ConflictFile, bool]:
        """Store a conflict under the first of its numbers that is free, and return it and that it
        is new; or return the one that is there under its name."""

    async def named(self, name: Name) -> ConflictFile | None:
        """The conflict about what happened under a name."""

    async def of_serial(self, pass_id: str) -> Sequence[ConflictFile]:
        """The conflicts about what is recorded under a serial."""

    async def get(self, number: str) -> ConflictFile | None:
        """The conflict with that number."""

    async def all(self, *, open_only: bool) -> list[ConflictFile]:
        """Conflicts, those that count first in front."""

    async def replace(self, before: ConflictFile, after: ConflictFile) -> bool:
        """Compare-and-set: store `after`, if the stored conflict still has the state of `before`;
        else False."""
