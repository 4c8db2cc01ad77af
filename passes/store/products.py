"""Products, small and loaded whole by every process."""

from collections.abc import Sequence

from passes.model import Product
from passes.store.database import Database
from passes.store.documents import keyed, to_product
from passes.store.versions import PRODUCTS, Versions


class ProductStore:
    """The `products` collection; `_id` is the slug."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._products = database.collection("products")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Product]:
        """Every product, in order of number."""
        return [to_product(document) for document in await self._products.find({}, [("number", 1)])]

    async def put(self, product: Product) -> bool:
        """Store a product version; False if another publisher stored this version or took the number first."""
        document = keyed(product)
        if product.version == 1:
            stored = await self._products.insert(document)
        else:
            where = {"_id": document.pop("_id"), "version": product.version - 1}
            stored = await self._products.update(where, {"$set": document})
        if stored:
            await self._versions.bump(PRODUCTS)
        return stored
