"""Sealed values, wherever they stand: brought under the newest key, document by document.

A cursor goes over each collection once, so the time is that of its size. What is done already is
passed over, so a run that was cut short is finished by running again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from passes.offers.numbering import key_purpose
from passes.people.identity import sealed_for
from passes.people.sealing import Sealed, Vault
from passes.store.binding import companion_place, guardian_place, holder_place, identity_place
from passes.store.database import Database, Document
from passes.store.documents import encode, part_at

_PLACES: dict[str, dict[str, Callable[[Document], str]]] = {
    "passes": {
        "holder.sealed": lambda held: sealed_for(
            holder_place(held["_id"]), held["holder"]["lookup"]
        ),
    },
    "users": {
        "openid": lambda user: f"openid:{user['_id']}",
        "phone.sealed": lambda user: f"phone:{user['_id']}",
        "identity.sealed": lambda user: sealed_for(
            identity_place(user["_id"]), user["identity"]["lookup"]
        ),
        "consent.guardian.sealed": lambda user: sealed_for(
            guardian_place(user["_id"]), user["consent"]["guardian"]["lookup"]
        ),
    },
    "companions": {
        "person.sealed": lambda companion: sealed_for(
            companion_place(companion["_id"]), companion["person"]["lookup"]
        ),
    },
    "offers": {"key": lambda offer: key_purpose(offer["_id"])},
}
"""Every place of a sealed value, and the purpose it is sealed for, by its document."""

_HAS_REVISION = frozenset({"passes"})

_BATCH = 100
"""How many values are renewed in one command, which has to end within seconds."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A dotted place in a document of a collection."""

    collection: str
    document: Document
    path: str

    @property
    def value(self) -> Any:
        """What stands there, or None."""
        return part_at(self.document, self.path)

    @property
    def purpose(self) -> str:
        """What the value is sealed for."""
        return _PLACES[self.collection][self.path](self.document)


class SealedStore:
    """The sealed values in `passes`, `users`, `companions` and `offers`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        """The collections of `_PLACES` are used."""
        self._database = database
        self._vault = vault

    async def count_old(self) -> int:
        """How many values are not under the newest key."""
        count = 0
        for name in _PLACES:
            async for places in self._places_in(name):
                count += sum(self._is_old(place) for place in places)
        return count

    async def renew(self, progress: Callable[[float], None]) -> int:
        """Bring every value under the newest key, and return for how many that was tried.

        `progress` is told the part done, from 0 to 1.
        """
        total = sum([await self._database.collection(name).count() for name in _PLACES])
        seen = renewed = 0
        for name in _PLACES:
            batch: list[tuple[Document, Document]] = []
            async for places in self._places_in(name):
                batch += [self._renewal(place) for place in places if self._is_old(place)]
                if len(batch) >= _BATCH:
                    renewed += await self._send(name, batch)
                seen += 1
                progress(min(1.0, seen / max(1, total)))
            renewed += await self._send(name, batch)
        return renewed

    async def _send(self, name: str, batch: list[tuple[Document, Document]]) -> int:
        """Store renewed values; those that were changed since they were read are passed over."""
        sent = len(batch)
        await self._database.collection(name).update_each(batch)
        batch.clear()
        return sent

    async def _places_in(self, name: str) -> AsyncIterator[list[_Place]]:
        """The places of each document of a collection."""
        async for document in self._database.collection(name).each({}):
            yield [_Place(name, document, path) for path in _PLACES[name]]

    def _is_old(self, place: _Place) -> bool:
        value = place.value
        return value is not None and value["key_id"] != self._vault.newest

    def _renewal(self, place: _Place) -> tuple[Document, Document]:
        """The update, by its filter, that stores a value anew, unless it was changed meanwhile.

        It raises the revision of a pass: whoever read that before must not put the old value back.
        """
        sealed = Sealed(**place.value)
        renewed = self._vault.renew(sealed, place.purpose)
        where = {"_id": place.document["_id"], f"{place.path}.content": sealed.content}
        change: Document = {"$set": {place.path: encode(renewed)}}
        if place.collection in _HAS_REVISION:
            change["$inc"] = {"revision": 1}
        return where, change
