"""A database whose user dies at a certain write, so that every crash in between can be provoked."""

from collections.abc import Awaitable, Callable
from typing import Any

from passes.store.database import Database

_WRITES = {"insert", "insert_each", "update", "delete"}

_NEVER = float("inf")


class Crash(Exception):
    """The process dies."""


class Mortal:
    """A database under a process that dies after so many writes.

    `writes_left` counts down; at half a write the process dies after it was done and before it
    learns of it. Editions are left out: they are published before anybody claims.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes_left = _NEVER

    def collection(self, name: str) -> Any:
        collection = self._database.collection(name)
        if name == "editions":
            return collection
        return _MortalCollection(self, collection)

    def restart(self) -> None:
        """The process is started again, and lives."""
        self.writes_left = _NEVER

    async def write(self, operation: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
        if self.writes_left < 1:
            raise Crash
        done = await operation(*args, **more)
        self.writes_left -= 1
        if self.writes_left == 0.5:
            raise Crash
        return done


class _MortalCollection:
    def __init__(self, mortal: Mortal, collection: Any) -> None:
        self._mortal = mortal
        self._collection = collection

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._collection, operation)
        if operation not in _WRITES:
            return method

        async def write(*args: Any, **more: Any) -> Any:
            return await self._mortal.write(method, *args, **more)

        return write
