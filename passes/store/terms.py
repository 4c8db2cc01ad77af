"""Versioned: products and offers, small, published in versions and loaded whole by every process."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from passes.offers.offer import Offer
from passes.store.database import Database, Document
from passes.store.documents import keyed, to_product
from passes.store.versions import PRODUCTS, Versions
from passes.terms.product import Product

T = TypeVar("T", Product, Offer)


class VersionedStore(Generic[T]):
    """A collection in which the newest version of each thing stands; `_id` is the slug."""

    def __init__(
        self, database: Database, topic: str, read: Callable[[Document], T], order: str
    ) -> None:
        """Two collections of the database are used: that of the topic, and `versions`."""
        self._things = database.collection(topic)
        self._versions = Versions(database)
        self._topic = topic
        self._read: Callable[[Document], T] = read
        self._order = order

    async def all(self) -> Sequence[T]:
        """The newest version of each, in order."""
        return [
            self._read(document) for document in await self._things.find({}, [(self._order, 1)])
        ]

    async def put(self, thing: T) -> bool:
        """Store a version; False if another publisher stored this version, or took its number, first."""
        document = keyed(thing)
        if thing.version == 1:
            stored = await self._things.insert(document)
        else:
            where = {"_id": document.pop("_id"), "version": thing.version - 1}
            document.pop("state", None)  # is for `become` alone, which may run at the same time
            stored = await self._things.update(where, {"$set": document})
        return stored

    async def announce(self) -> None:
        """Tell every process to load anew, also what was stored before a crash."""
        await self._versions.bump(self._topic)


class ProductStore(VersionedStore[Product]):
    """The `products` collection."""

    def __init__(self, database: Database) -> None:
        """In order of number."""
        super().__init__(database, PRODUCTS, to_product, "number")
