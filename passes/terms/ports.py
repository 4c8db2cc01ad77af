"""What publishing needs from the outside: the catalogue, and where what is published is stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from passes.terms.terms import SpotFacts

T = TypeVar("T")


class Spots(Protocol):
    """The catalogue, in memory."""

    def get(self, spot_id: str) -> SpotFacts | None:
        """The spot with that id."""

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""


class Versioned(Protocol[T]):
    """What is published in versions."""

    async def all(self) -> Sequence[T]:
        """Everything that is stored, in order."""

    async def put(self, thing: T) -> bool:
        """Store a version; False if another process has stored that version, or used its number,
        a moment before."""

    async def announce(self) -> None:
        """Tell every process to load anew; after each change, and again if in doubt."""
