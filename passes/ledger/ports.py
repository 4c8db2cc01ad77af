"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from passes.holding.model import Pass
from passes.ledger.records import Record
from passes.ledger.verdicts import Refusal


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
