"""Offers, and what claims of them are counted by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from passes.offers.offer import Offer, OfferState
from passes.offers.ports import Counter, Counters, Offers
from passes.store.database import Database, Document
from passes.store.documents import keyed, to_offer
from passes.store.versions import OFFERS, Versions


class OfferStore(Offers):
    """The `offers` collection, in which the newest version of each stands; `_id` is its id."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._offers = database.collection("offers")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Offer]:
        return [to_offer(document) for document in await self._offers.find({}, [("_id", 1)])]

    async def put(self, thing: Offer) -> bool:
        document = keyed(thing)
        if thing.version == 1:
            return await self._offers.insert(document)
        where = {"_id": document.pop("_id"), "version": thing.version - 1}
        document.pop("state")  # is for `set_state` alone, which may run at the same time
        document.pop("key")  # stays the one that was made first, or destroyed
        return await self._offers.update(where, {"$set": document})

    async def announce(self) -> None:
        await self._versions.bump(OFFERS)

    async def set_state(self, offer_id: str, state: OfferState, *, before: OfferState) -> bool:
        where = {"_id": offer_id, "state": before.value}
        return await self._offers.update(where, {"$set": {"state": state.value}})

    async def destroy_key(self, offer_id: str) -> None:
        await self._offers.update({"_id": offer_id}, {"$set": {"key": None}})


class CounterStore(Counters):
    """The `offer_counters` collection. Each counter is one document, so that a conditional update
    decides."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._counters = database.collection("offer_counters")

    async def increment(self, offer_id: str, key: str, limit: int | None, now: datetime) -> bool:
        below: Document = {"_id": key}
        if limit is not None:
            below["count"] = {"$lt": limit}
        one_more = {"$inc": {"count": 1}, "$set": {"changed_at": now}}
        if await self._counters.update(below, one_more):
            return True
        first = {"_id": key, "offer_id": offer_id, "count": 1, "changed_at": now}
        if await self._counters.insert(first):
            return True
        # It is there, at its limit; or somebody else has just inserted it, and there is room.
        return await self._counters.update(below, one_more)

    async def decrement(self, key: str, now: datetime) -> None:
        one_less = {"$inc": {"count": -1}, "$set": {"changed_at": now}}
        await self._counters.update({"_id": key, "count": {"$gt": 0}}, one_less)

    async def touch(self, key: str, now: datetime) -> None:
        await self._counters.update({"_id": key}, {"$set": {"changed_at": now}})

    async def counts(self, keys: Iterable[str]) -> Mapping[str, int]:
        found = await self._counters.find({"_id": {"$in": sorted(keys)}})
        return {document["_id"]: document["count"] for document in found}

    async def of_offer(self, offer_id: str) -> Sequence[Counter]:
        found = await self._counters.find({"offer_id": offer_id})
        return [
            Counter(document["_id"], document["count"], document["changed_at"])
            for document in found
        ]

    async def correct(self, offer_id: str, before: Counter, count: int) -> bool:
        where = {"_id": before.key, "count": before.count, "changed_at": before.changed_at}
        if await self._counters.update(where, {"$set": {"count": count}}):
            return True
        if before.count != 0:
            return False
        missing = {
            "_id": before.key,
            "offer_id": offer_id,
            "count": count,
            "changed_at": before.changed_at,
        }
        return await self._counters.insert(missing)
