"""Where the records of passes, and refused scans, are stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from passes.ledger.records import Record
from passes.ledger.verdicts import Refusal


class Ledger(Protocol):
    """The ledgers of all passes."""

    def remembered(self, pass_id: str) -> Sequence[Record] | None:
        """The newest few records of a pass, oldest first, as this process saw them last; None if
        it does not remember. A hint: another process may have appended more since."""

    async def newest(self, pass_id: str, since: int) -> Sequence[Record]:
        """The newest few records of a pass, oldest first; empty only if there are none.

        `since` is the number of a record from which on it is enough to look: the ledger mark.
        """

    async def whole(self, pass_id: str) -> Sequence[Record]:
        """All records of a pass, oldest first."""

    async def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Record]:
        """All records of some passes, those of each oldest first."""

    async def named(self, pass_id: str, gate_id: str, nonce: str) -> Record | None:
        """The newest record of a pass under a nonce of a gate, however long ago."""

    async def all_named(self, gate_id: str, nonces: Sequence[str]) -> Sequence[Record]:
        """All records under some nonces of a gate, those of each pass oldest first."""

    async def admission(self, gate_id: str, nonce: str) -> Record | None:
        """The newest admission, or payment at a window, that a gate gave that nonce."""

    async def append(self, record: Record) -> bool:
        """Add a record under its number; False if another process took the number first."""


class Refusals(Protocol):
    """Refused scans."""

    async def keep(self, refusal: Refusal) -> Refusal:
        """Keep a refusal, note it on its pass, and return it; or return the one already kept for
        this gate and nonce."""

    async def keep_late(self, refusal: Refusal) -> tuple[Refusal, bool]:
        """Keep what a gate without a line has refused, and return it and that it is new; or return
        the one already kept for this gate and nonce. It does not stand on the pass."""

    async def note(self, refusal: Refusal) -> None:
        """Let a refusal that is kept stand on its pass, among the newest."""

    async def get(self, gate_id: str, nonce: str) -> Refusal | None:
        """The refusal under a nonce of a gate."""

    async def of_pass(self, pass_id: str) -> Sequence[Refusal]:
        """All refusals of a pass, oldest first."""
