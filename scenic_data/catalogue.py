"""The catalogue of a running process: the newest snapshot of the stored spots, swapped in one step.

All spots are stored as one document, so that an import is one atomic write and no process ever sees
half of one (docs/adr/0008-one-document-catalogue.md).
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pydantic import TypeAdapter

from scenic_data.importing import fields_of
from scenic_data.model import Spot
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot

_ID = "spots"
_SPOTS = TypeAdapter(list[Spot])


class Stored(Protocol):
    """The two operations that the catalogue needs of its collection."""

    async def get(self, where: dict[str, Any]) -> dict[str, Any] | None:
        """One document."""

    async def update(
        self, where: dict[str, Any], change: dict[str, Any], *, upsert: bool = False
    ) -> bool:
        """Change one document; False if there is none like that and its key is taken."""


class Catalogue:
    """Always answers from memory. `load` brings in what is stored, all at once."""

    def __init__(self, stored: Stored, reference: Reference, *, serves: bool = True) -> None:
        """Empty, at version 0, until the first `load`. One that `serves` is loaded ready for
        requests."""
        self._stored = stored
        self._serves = serves
        self._version = 0
        self.reference = reference
        self.snapshot = Snapshot([], reference)

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""
        return self.snapshot.get(spot_id)

    def ids(self) -> Iterable[str]:
        """All ids, those of retired spots included."""
        return self.snapshot.ids()

    async def load(self) -> None:
        """Replace the snapshot by what is stored now. It is made beside the event loop, which goes
        on serving."""
        document = await self._stored.get({"_id": _ID})
        if document is None or document["version"] == self._version:
            return
        self.snapshot = await asyncio.to_thread(self._snapshot, document["spots"])
        self._version = document["version"]

    def _snapshot(self, spots: object) -> Snapshot:
        snapshot = Snapshot(_SPOTS.validate_python(spots), self.reference)
        if self._serves:
            snapshot.prepare()
        return snapshot

    async def replace(self, spots: Sequence[Spot]) -> bool:
        """Store these spots instead of those loaded; False if someone else stored others meanwhile.

        Running processes see them once the version is bumped.
        """
        change = {"version": self._version + 1, "spots": [fields_of(spot) for spot in spots]}
        return await self._stored.update(
            {"_id": _ID, "version": self._version}, {"$set": change}, upsert=True
        )
