"""The catalogue of a running process: the newest snapshot of the stored spots, swapped in one step."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from scenic_data.model import Spot
from scenic_data.places import Places
from scenic_data.snapshot import Snapshot


class Spots(Protocol):
    """The two operations that the catalogue needs of its collection."""

    async def find(self, where: dict[str, Any]) -> list[dict[str, Any]]:
        """All documents that match."""

    async def replace_each(self, documents: Iterable[dict[str, Any]]) -> None:
        """Insert or replace documents by their `_id`."""


class Catalogue:
    """Always answers from memory. `load` brings in what is stored, all at once."""

    def __init__(self, spots: Spots, places: Places) -> None:
        """`spots` is the collection, with the slug as `_id`. Empty until the first `load`."""
        self._stored = spots
        self._places = places
        self.snapshot = Snapshot([], places)

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""
        return self.snapshot.get(spot_id)

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""
        return self.snapshot.ids()

    async def load(self) -> None:
        """Replace the snapshot by what is stored now."""
        documents = await self._stored.find({})
        spots = [Spot.model_validate({"id": document.pop("_id"), **document}) for document in documents]
        self.snapshot = Snapshot(spots, self._places)

    async def store(self, spots: Sequence[Spot]) -> None:
        """Store spots, those already there are replaced. Running processes see them once the version is bumped."""
        documents = [spot.model_dump(mode="json", exclude_none=True) for spot in spots]
        await self._stored.replace_each({"_id": document.pop("id"), **document} for document in documents)
