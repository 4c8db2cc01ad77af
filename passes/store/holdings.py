"""Holdings: that a person holds one pass of a product, or a voucher of an offer under a number.

The unique `_id` is the key, so of two processes that issue the same to the same person one finds it taken.
"""

from passes.store.database import Database


class HoldingStore:
    """The `holdings` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._holdings = database.collection("holdings")

    async def take(self, key: str, holder: str, pass_id: str) -> str:
        """Note that the key is held under a pass, and return it, or return the pass under which it is held already."""
        if await self._holdings.insert({"_id": key, "holder": holder, "pass_id": pass_id}):
            return pass_id
        held = await self._holdings.get({"_id": key})
        return str(held["pass_id"]) if held else await self.take(key, holder, pass_id)

    async def pass_on(self, key: str, before: str, after: str) -> bool:
        """Let another pass take the place of one; False if that is not the one any more."""
        return await self._holdings.update({"_id": key, "pass_id": before}, {"$set": {"pass_id": after}})

    async def drop(self, holder: str) -> None:
        """Forget all that a holder holds."""
        await self._holdings.delete({"holder": holder})
