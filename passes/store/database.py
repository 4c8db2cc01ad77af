"""What the stores ask of a database: a few plain MongoDB operations, the same with every driver."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Document = dict[str, Any]
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Index:
    """A named index. `serves` says which query needs it; `expire_seconds` makes it a time-to-live
    index."""

    name: str
    keys: Sort
    serves: str
    unique: bool = False
    expire_seconds: int | None = None


class Collection(Protocol):
    """One collection. Every operation raises `errors.Unavailable` when the database does not
    answer."""

    async def get(self, where: Document) -> Document | None:
        """One document."""

    async def find(self, where: Document, sort: Sort = (), limit: int = 0) -> list[Document]:
        """Documents in order, all of them if `limit` is 0."""

    def each(self, where: Document, seconds: float | None = None) -> AsyncIterator[Document]:
        """Documents one after the other, through a cursor, as they are found. Nobody waits for what
        is asked in the background: then a batch may take so many `seconds`."""

    async def count(self) -> int:
        """About how many documents there are."""

    async def insert(self, document: Document) -> bool:
        """Insert; False if a unique key is taken."""

    async def insert_each(self, documents: Sequence[Document]) -> Sequence[bool]:
        """Insert many documents in one round trip; for each False if a unique key is taken.

        Raises `errors.Unavailable` for all if it is not known of one whether it was stored.
        """

    async def update(self, where: Document, change: Document, *, upsert: bool = False) -> bool:
        """Change one document; False if there is none like that, or a unique key is taken."""

    async def update_each(self, changes: Iterable[tuple[Document, Document]]) -> None:
        """Change many documents, each by its own filter, in one round trip; those not found are
        passed over."""

    async def delete(self, where: Document) -> None:
        """Delete every document like that."""

    async def ensure(self, index: Index) -> None:
        """Make the index if it is missing."""

    async def drop_index(self, name: str) -> None:
        """Drop the index of that name, if there is one."""


class Database(Protocol):
    """A database by its collections."""

    def collection(self, name: str) -> Collection:
        """The collection of that name."""
