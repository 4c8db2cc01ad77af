"""What holding needs from the outside: where passes are stored, and who holds what.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
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

    async def of_holders(self, lookups: Sequence[str]) -> Sequence[Pass]:
        """All passes of the holders with these keyed hashes."""

    async def of_name_bucket(self, bucket: str) -> Sequence[Pass]:
        """All passes whose holder's name is in a bucket, most of them under other names."""

    async def count(self) -> int:
        """About how many passes there are."""

    def each(self) -> AsyncIterator[Pass]:
        """All passes, one after the other."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds something, as a keyed hash, and with which pass.

    What holds a person or an account to a limit outlives the erasure of their data, until
    `forgotten_at`.
    """

    holder: str
    pass_id: str
    forgotten_at: datetime | None = None


class Holdings(Protocol):
    """Which pass somebody holds under a key, such as that of a product and a person."""

    async def reserve(self, key: str, wanted: Holding) -> Holding:
        """Note who holds the key and return that; or return who holds it already."""

    async def pass_on(self, key: str, before: Holding, after: Holding) -> bool:
        """Compare-and-set: the key is held by another pass, or somebody else; False if `before`
        does not hold it any more."""
