"""Sealed values, wherever they stand: brought under the newest key, document by document.

Ids are random hexadecimal digits, so their first two divide a collection into 256 parts of about the same size. What
is done already is passed over, so a run that was cut short is finished by running again.
"""

from collections.abc import Callable
from typing import Any

from passes.people.sealing import Sealed, Vault
from passes.store.database import Database, Document
from passes.store.documents import encode

_PARTS = 256

_PLACES: dict[str, dict[str, Callable[[Document], str]]] = {
    "passes": {"holder.sealed": lambda held: str(held["holder"]["lookup"])},
    "users": {
        "openid": lambda user: f"openid:{user['_id']}",
        "phone.sealed": lambda user: f"phone:{user['_id']}",
        "identity.sealed": lambda user: str(user["identity"]["lookup"]),
        "consent.guardian.sealed": lambda user: str(user["consent"]["guardian"]["lookup"]),
    },
}
"""Every place of a sealed value, and the purpose it is sealed for, by its document."""


class SealedStore:
    """The sealed values in `passes` and `users`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        """Two collections of the database are used."""
        self._database = database
        self._vault = vault

    async def count_old(self) -> int:
        """How many values are not under the newest key."""
        return sum([len(old) async for _, old in self._old()])

    async def renew(self, progress: Callable[[float], None]) -> int:
        """Bring every value under the newest key, and return how many that were; `progress` is told the part done."""
        done = 0
        async for part, old in self._old():
            for name, document, place in old:
                done += await self._renew(name, document, place)
            progress(part)
        return done

    async def _old(self) -> Any:
        """For each part of the collections: how much is seen with it, and the values under older keys."""
        for n in range(_PARTS):
            first, last = f"{n:02x}", f"{n + 1:02x}" if n + 1 < _PARTS else "g"
            yield (
                (n + 1) / _PARTS,
                [
                    (name, document, place)
                    for name, places in _PLACES.items()
                    for document in await self._database.collection(name).find(
                        {"_id": {"$gte": first, "$lt": last}}
                    )
                    for place in places
                    if (value := _at(document, place)) and value["key_id"] != self._vault.newest
                ],
            )

    async def _renew(self, name: str, document: Document, place: str) -> bool:
        sealed = Sealed(**_at(document, place))
        renewed = self._vault.renew(sealed, _PLACES[name][place](document))
        where = {"_id": document["_id"], f"{place}.content": sealed.content}
        return await self._database.collection(name).update(
            where, {"$set": {place: encode(renewed)}}
        )


def _at(document: Any, place: str) -> Any:
    """What stands at a dotted place, or None."""
    for name in place.split("."):
        document = (document or {}).get(name)
    return document
