"""Passes and their refusals.

The newest refusals of a pass stand on the pass as well, so that the read which every scan makes anyway tells
whether this very scan was refused before.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from passes.errors import Conflict
from passes.model import NEWEST_REFUSALS, Holder, Pass
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_pass, to_refusal
from passes.texts import Text
from passes.verdicts import Refusal


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
            raise Conflict("serial_taken", Text("票号重复，请重试", "this serial is taken; try again"))

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        """All passes of the holder with that keyed hash, newest first."""
        found = await self._passes.find({"holder.lookup": lookup})  # a few: sorted here
        return sorted(map(to_pass, found), key=lambda held: held.issued_at, reverse=True)

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        """All passes of a product."""
        return [to_pass(document) for document in await self._passes.find({"product_id": product_id})]

    async def belong_to(self, pass_id: str, holder: Holder) -> None:
        """Set who the pass belongs to."""
        await self._passes.update({"_id": pass_id}, {"$set": {"holder": encode(holder)}})

    async def become(self, before: Pass, changes: Mapping[str, Any]) -> bool:
        """Change fields of a pass; False if its state, who froze it, or that it was given back, is not as before."""
        same = {"state": before.state.value, "frozen_by": before.frozen_by, "cancelled_at": before.cancelled_at}
        where = {"_id": before.id, **same}
        return await self._passes.update(where, {"$set": {name: encode(value) for name, value in changes.items()}})


class RefusalStore:
    """The `refusals` collection; `_id` is gate:nonce."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._refusals = database.collection("refusals")
        self._passes = database.collection("passes")

    async def keep(self, refusal: Refusal) -> Refusal:
        """Keep a refusal and return it, or return the one already kept for this gate and nonce."""
        document = encode(refusal)
        if not await self._refusals.insert({"_id": _key(refusal.gate_id, refusal.nonce), **document}):
            return await self.get(refusal.gate_id, refusal.nonce) or refusal
        if refusal.pass_id is not None:
            newest = {"$each": [document], "$slice": -NEWEST_REFUSALS}
            await self._passes.update({"_id": refusal.pass_id}, {"$push": {"refusals": newest}})
        return refusal

    async def get(self, gate_id: str, nonce: str) -> Refusal | None:
        """The refusal under a nonce of a gate."""
        kept = await self._refusals.get({"_id": _key(gate_id, nonce)})
        return to_refusal(kept) if kept else None

    async def of_pass(self, pass_id: str) -> Sequence[Refusal]:
        """All refusals of a pass, oldest first."""
        kept = await self._refusals.find({"pass_id": pass_id}, [("verdict.decided_at", 1)])
        return [to_refusal(document) for document in kept]


def _key(gate_id: str, nonce: str) -> str:
    return f"{gate_id}:{nonce}"
