"""Editions, small and loaded whole by every process."""

from collections.abc import Sequence

from passes.store.database import Database
from passes.store.documents import from_edition, to_edition
from passes.store.versions import PRODUCTS, Versions
from passes.terms.edition import Edition
from passes.terms.ports import Versioned


class EditionStore(Versioned[Edition]):
    """The `editions` collection; `_id` is `product:version`, `number` is unique.

    An edition is inserted once and never changed, so an insert under both unique keys decides
    between two publishers.
    """

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._editions = database.collection("editions")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Edition]:
        found = await self._editions.find({}, [("number", 1)])
        return [to_edition(document) for document in found]

    async def put(self, thing: Edition) -> bool:
        return await self._editions.insert(from_edition(thing))

    async def announce(self) -> None:
        await self._versions.bump(PRODUCTS)
