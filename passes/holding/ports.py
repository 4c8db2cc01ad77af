"""What holding needs from the outside: where passes are stored, and who holds what.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from typing import Protocol

from passes.holding.model import Pass


class Passes(Protocol):
    """Passes by serial, each with the edition that it names."""

    async def get(self, pass_id: str) -> Pass | None:
        """The pass as it is now."""

    async def add(self, issued: Pass) -> bool:
        """Keep a new pass; False if the serial is taken."""

    async def replace(self, before: Pass, after: Pass) -> bool:
        """Compare-and-set: store `after` under the next revision, if the stored pass still has
        the revision of `before`; else False, and nothing is changed.

        `refusals` and `ledger_mark` are not part of it: scans write them on their own.
        """

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        """All passes of the holder with that keyed hash, newest first."""

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        """All passes of a product."""


class Holdings(Protocol):
    """Which pass somebody holds under a key, such as that of a product and a person."""

    async def reserve(self, key: str, holder: str, pass_id: str) -> str:
        """Note that the key is held under a pass, and return that pass; or return the pass under
        which it is held already."""

    async def pass_on(self, key: str, before: str, after: str) -> bool:
        """Compare-and-set: the key is held under another pass; False if it is not `before` any
        more under which it is held."""

    async def forget(self, holder: str) -> None:
        """Forget all that a holder holds."""
