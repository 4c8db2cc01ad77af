"""Versions: one small document per thing that every process keeps in memory, so that it knows when
to load anew."""

from collections.abc import Mapping

from passes.store.database import Database

SPOTS, PRODUCTS, OFFERS, GATES, HOLIDAYS, STOPS, KEYS, FILTERS = TOPICS = (
    "spots",
    "products",
    "offers",
    "gates",
    "holidays",
    "stops",
    "keys",
    "filters",
)


class Versions:
    """The `versions` collection: topic → a number that only grows."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._versions = database.collection("versions")

    async def bump(self, topic: str) -> None:
        """Tell every process that a topic has changed. Call it after the change is stored."""
        await self._versions.update({"_id": topic}, {"$inc": {"version": 1}}, upsert=True)

    async def all(self) -> Mapping[str, int]:
        """The version of every topic; 0 for one that was never stored."""
        stored = {
            document["_id"]: document["version"] for document in await self._versions.find({})
        }
        return {topic: stored.get(topic, 0) for topic in TOPICS}
