"""What the keys of codes need from the outside: what is decided about them, and who knows them.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from passes.codes.keys import KeyUse

_HEARD_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Process:
    """A serving process, `id`, where it runs, and which signing keys it knew at an instant."""

    id: str
    where: str
    keys: tuple[int, ...]
    at: datetime

    def runs(self, now: datetime) -> bool:
        """Whether it was heard of a moment ago."""
        return now - self.at < _HEARD_WITHIN


class KeyUses(Protocol):
    """What is decided about signing keys, by id."""

    async def all(self) -> Sequence[KeyUse]:
        """Everything that was decided, in order of id."""

    async def put(self, use: KeyUse) -> None:
        """Store what is decided about a key."""

    async def announce(self) -> None:
        """Tell every process to load it anew."""


class Processes(Protocol):
    """The processes that serve."""

    async def put(self, process: Process) -> None:
        """Store that a process serves, and what it knows."""

    async def remove(self, process_id: str) -> None:
        """Store that a process serves no more."""

    async def all(self) -> Sequence[Process]:
        """Those that were heard of in the last day."""
