"""A database whose user dies at a certain write, so that every moment of a crash can be tried."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from passes.store.database import Database

WRITES = frozenset({"insert", "insert_each", "update", "update_each", "delete"})


class Crash(Exception):
    """The process dies."""


class CrashingDatabase:
    """The database below, until so many writes are done.

    A half more than a whole number dies after that write, its answer lost; a whole number before
    the next. What stands in `spared` collections is not counted.
    """

    def __init__(self, database: Database, *, spared: frozenset[str] = frozenset()) -> None:
        """Does not crash until `writes_left` is set."""
        self._database = database
        self._spared = spared
        self.writes_left: float = float("inf")

    def restart(self) -> None:
        """The process is started again, and lives."""
        self.writes_left = float("inf")

    def collection(self, name: str) -> Any:
        """The collection of that name."""
        return _Collection(self, self._database.collection(name), counted=name not in self._spared)

    def crashing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """A write that is counted."""

        async def run(*arguments: Any, **options: Any) -> Any:
            if self.writes_left < 1:
                raise Crash
            done = await write(*arguments, **options)
            self.writes_left -= 1
            if self.writes_left == 0.5:
                raise Crash
            return done

        return run


class _Collection:
    def __init__(self, database: CrashingDatabase, collection: Any, *, counted: bool) -> None:
        self._database = database
        self._collection = collection
        self._counted = counted

    def each(self, where: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Reads do not crash."""
        documents: AsyncIterator[dict[str, Any]] = self._collection.each(where)
        return documents

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._collection, operation)
        crashes = self._counted and operation in WRITES
        return self._database.crashing(method) if crashes else method
