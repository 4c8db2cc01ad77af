"""Passes and their refusals.

The newest refusals of a pass stand on the pass as well, so that the read which every scan makes anyway tells
whether this very scan was refused before.
"""

import asyncio

from passes.errors import Conflict
from passes.model import Pass
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_pass, to_refusal
from passes.texts import Text
from passes.verdicts import Refusal

REFUSALS_ON_PASS = 8


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


class RefusalStore:
    """The `refusals` collection; `_id` is gate:nonce."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._refusals = database.collection("refusals")
        self._passes = database.collection("passes")

    async def keep(self, refusal: Refusal) -> Refusal:
        """Keep a refusal and return it, or return the one already kept for this gate and nonce."""
        key = f"{refusal.gate_id}:{refusal.nonce}"
        document = encode(refusal)
        new, _ = await asyncio.gather(
            self._refusals.insert({"_id": key, **document}), self._note_on_pass(refusal.pass_id, document)
        )
        if new:
            return refusal
        kept = await self._refusals.get({"_id": key})
        return to_refusal(kept) if kept else refusal

    async def _note_on_pass(self, pass_id: str | None, document: dict[str, object]) -> None:
        if pass_id is not None:
            newest = {"$each": [document], "$slice": -REFUSALS_ON_PASS}
            await self._passes.update({"_id": pass_id}, {"$push": {"refusals": newest}})
