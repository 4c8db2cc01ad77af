"""Holdings: that a person holds one pass of a product, or a voucher of an offer under a number.

The unique `_id` is the key, so of two processes that issue the same to the same person one finds it taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from passes.base.errors import Conflict
from passes.base.text import Text
from passes.holding.model import Pass
from passes.people.holder import Holder
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_pass


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
        return await self._holdings.update(
            {"_id": key, "pass_id": before}, {"$set": {"pass_id": after}}
        )

    async def drop(self, holder: str) -> None:
        """Forget all that a holder holds."""
        await self._holdings.delete({"holder": holder})


class PassStore:
    """The `passes` collection; `_id` is the serial."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._passes = database.collection("passes")

    async def get(self, pass_id: str) -> Pass | None:
        """The pass as it is now."""
        document = await self._passes.get({"_id": pass_id})
        return to_pass(document) if document else None

    async def add(self, issued: Pass) -> None:
        """Keep a new pass. Raises `Conflict` if the serial is taken."""
        if not await self._passes.insert(keyed(issued)):
            raise Conflict(
                "serial_taken", Text("票号重复，请重试", "this serial is taken; try again")
            )

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        """All passes of the holder with that keyed hash, newest first."""
        found = await self._passes.find({"holder.lookup": lookup})  # a few: sorted here
        return sorted(map(to_pass, found), key=lambda held: held.issued_at, reverse=True)

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        """All passes of a product."""
        return [
            to_pass(document) for document in await self._passes.find({"product_id": product_id})
        ]

    async def belong_to(self, pass_id: str, holder: Holder) -> None:
        """Set who the pass belongs to."""
        await self._passes.update({"_id": pass_id}, {"$set": {"holder": encode(holder)}})

    async def become(self, before: Pass, changes: Mapping[str, Any]) -> bool:
        """Change fields of a pass; False if its state, who froze it, or that it was given back, is not as before."""
        same = {
            "state": before.state.value,
            "frozen_by": before.frozen_by,
            "cancelled_at": before.cancelled_at,
        }
        where = {"_id": before.id, **same}
        return await self._passes.update(
            where, {"$set": {name: encode(value) for name, value in changes.items()}}
        )
