"""Small collections that every process holds in memory and loads anew when they change."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)


class CachedCollection(Generic[T]):
    """A copy in memory of a small collection, as it was at the last `load`."""

    def __init__(self, source: Callable[[], Awaitable[Sequence[T]]]) -> None:
        """`source` reads all of them from where they are stored. Empty until the first `load`."""
        self._source = source
        self._entries: dict[str, T] = {}
        self._all: tuple[T, ...] = ()

    def get(self, id: str) -> T | None:
        """The entry with that id."""
        return self._entries.get(id)

    def all(self) -> Sequence[T]:
        """Every entry, in the order of the source: the same object until the next `load`."""
        return self._all

    async def load(self) -> None:
        """Replace the entries by what is stored now, in one step."""
        self._all = tuple(await self._source())
        self._entries = {entry.id: entry for entry in self._all}
