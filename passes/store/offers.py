"""What claims are counted by, and who belongs to which group."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from passes.offers.offer import Offer, OfferState
from passes.offers.ports import Counter
from passes.store.database import Database, Document
from passes.store.documents import to_offer
from passes.store.terms import VersionedStore
from passes.store.versions import OFFERS


class CounterStore:
    """The `offer_counters` collection. Each counter is one document, so that a conditional update decides."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._counters = database.collection("offer_counters")

    async def take(self, offer_id: str, key: str, limit: int | None, now: datetime) -> bool:
        """Count one more; False, and nothing is counted, if that would be more than the limit."""
        below: Document = {"_id": key} if limit is None else {"_id": key, "count": {"$lt": limit}}
        one_more = {"$inc": {"count": 1}, "$set": {"changed_at": now}}
        return (
            await self._counters.update(below, one_more)
            or await self._counters.insert(
                {"_id": key, "offer_id": offer_id, "count": 1, "changed_at": now}
            )
            or await self._counters.update(below, one_more)
        )

    async def give_back(self, key: str, now: datetime) -> None:
        """Count one less."""
        one_less = {"$inc": {"count": -1}, "$set": {"changed_at": now}}
        await self._counters.update({"_id": key, "count": {"$gt": 0}}, one_less)

    async def touch(self, key: str, now: datetime) -> None:
        """Say that a counter is about to change, so that it is not corrected meanwhile."""
        await self._counters.update({"_id": key}, {"$set": {"changed_at": now}})

    async def counts(self, keys: Iterable[str]) -> Mapping[str, int]:
        """How many are counted under each of the keys; those never used are left out."""
        found = await self._counters.find({"_id": {"$in": sorted(keys)}})
        return {document["_id"]: document["count"] for document in found}

    async def of_offer(self, offer_id: str) -> Sequence[Counter]:
        """All counters of an offer."""
        found = await self._counters.find({"offer_id": offer_id})
        return [
            Counter(document["_id"], document["count"], document["changed_at"])
            for document in found
        ]

    async def correct(self, offer_id: str, before: Counter, count: int) -> bool:
        """Set a counter; False if it has changed meanwhile."""
        where = {"_id": before.key, "count": before.count, "changed_at": before.changed_at}
        return await self._counters.update(where, {"$set": {"count": count}}) or (
            before.count == 0
            and await self._counters.insert(
                {
                    "_id": before.key,
                    "offer_id": offer_id,
                    "count": count,
                    "changed_at": before.changed_at,
                }
            )
        )


class OfferStore(VersionedStore[Offer]):
    """The `offers` collection."""

    def __init__(self, database: Database) -> None:
        """In order of id."""
        super().__init__(database, OFFERS, to_offer, "_id")

    async def become(self, slug: str, state: OfferState, *, before: OfferState) -> bool:
        """Set the state of an offer; False if it is not what it was before."""
        return await self._things.update(
            {"_id": slug, "state": before.value}, {"$set": {"state": state.value}}
        )
