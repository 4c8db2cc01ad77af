"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from passes.terms.terms import Spot

T = TypeVar("T")


class Spots(Protocol):
    """The catalogue, in memory."""

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""


class Versioned(Protocol[T]):
    """Things that are published in versions, by id."""

    async def all(self) -> Sequence[T]:
        """The newest version of each."""

    async def put(self, thing: T) -> bool:
        """Store a version; False if another publisher stored this version, or took its number, first."""

    async def announce(self) -> None:
        """Tell every process to load anew; after each change, and again if in doubt."""
