"""What is decided about signing keys, and which processes know them."""

from collections.abc import Sequence
from datetime import date

from passes.codes.keys import KeyUse
from passes.codes.ports import KeyUses, Process, Processes
from passes.store.database import Database, Document
from passes.store.documents import encode, keyed, to_key_use, to_process
from passes.store.versions import KEYS, Versions


class KeyUseStore(KeyUses):
    """The `signing_keys` collection; `_id` is the id of the key."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._keys = database.collection("signing_keys")
        self._versions = Versions(database)

    async def all(self) -> Sequence[KeyUse]:
        return [to_key_use(document) for document in await self._keys.find({}, [("_id", 1)])]

    async def put(self, use: KeyUse) -> None:
        document = keyed(use)
        if not await self._keys.insert(document):
            await self._keys.update({"_id": document.pop("_id")}, {"$set": document})

    async def announce(self) -> None:
        await self._versions.bump(KEYS)


class ProcessStore(Processes):
    """The `processes` collection; `_id` is a random name."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._processes = database.collection("processes")

    async def put(self, process: Process) -> None:
        document = keyed(process)
        changed = {"keys": document["keys"], "at": document["at"]}
        if not await self._processes.update({"_id": process.id}, {"$set": changed}):
            await self._processes.insert(document)

    async def remove(self, process_id: str) -> None:
        await self._processes.delete({"_id": process_id})

    async def all(self) -> Sequence[Process]:
        return [to_process(document) for document in await self._processes.find({})]


class PassesThatOutlive:
    """How many passes have codes on paper that a key has signed, and that are still good later."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is read."""
        self._passes = database.collection("passes")

    async def count(self, day: date, signed: Document) -> tuple[int, date | None]:
        """How many passes that are in force or may be again end after a day, of those `signed`
        finds, and the last day of the last of them. Reads them one after the other."""
        number, last = 0, day
        where: Document = {
            "valid.end": {"$gt": encode(day)},
            "state": {"$nin": ["revoked", "refunded"]},
            **signed,
        }
        async for document in self._passes.each(where):
            number += 1
            last = max(last, date.fromisoformat(document["valid"]["end"]))
        return number, last if number else None
