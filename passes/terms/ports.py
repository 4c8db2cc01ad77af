"""What publishing needs from the outside: the catalogue, and where what is published is stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from passes.terms.edition import Edition
from passes.terms.terms import Spot

T = TypeVar("T")


class Spots(Protocol):
    """The catalogue, in memory."""

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""


class Versioned(Protocol[T]):
    """What is published in versions."""

    async def all(self) -> Sequence[T]:
        """Everything that is stored, in order."""

    async def put(self, thing: T) -> bool:
        """Store a version; False if somebody else has just stored one in its place."""

    async def announce(self) -> None:
        """Tell every process to load anew; after each change, and again if in doubt."""


EditionStore = Versioned[Edition]
"""All editions of all products. Of two processes that store the same version of a product, or
use the same number, one is told False."""
