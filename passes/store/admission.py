"""Gates, small and loaded whole by every process; and how many cards they have read in vain."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from passes.admission.gates import Gate, GateState, SetGate, Setup
from passes.admission.ports import Gates, VainCounts
from passes.store.database import Database, Document
from passes.store.documents import encode, keyed, to_gate
from passes.store.versions import GATES, Versions


class GateStore(Gates):
    """The `gates` collection; `setup` stands in a document until the gate is disabled."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._gates = database.collection("gates")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Gate]:
        return [to_gate(document) for document in await self._gates.find({}, [("_id", 1)])]

    async def add(self, gate: Gate, setup: Setup) -> bool:
        added = await self._gates.insert({**keyed(gate), "setup": encode(setup)})
        await self._versions.bump(GATES)
        return added

    async def with_setups(self) -> Sequence[SetGate]:
        found = await self._gates.find({}, [("_id", 1)])
        return [SetGate(to_gate(document), _setup_in(document)) for document in found]

    async def of_setup(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        document = await self._gates.get({"setup.digest": setup_digest})
        if document is None:
            return None
        return to_gate(document), Setup(**document["setup"])

    async def enrol(self, gate: Gate, setup: Setup) -> bool:
        before = {
            "_id": gate.id,
            "setup.digest": setup.digest,
            "token_version": gate.token_version - 1,
        }
        change = {"$set": {**_state(gate), "setup": encode(setup)}}
        enrolled = await self._gates.update(before, change)
        await self.announce()
        return enrolled

    async def announce(self) -> None:
        await self._versions.bump(GATES)

    async def renew(self, gate: Gate, setup: Setup) -> bool:
        before = {"_id": gate.id, "token_version": gate.token_version - 1}
        renewed = await self._gates.update(
            before, {"$set": {**_state(gate), "setup": encode(setup)}}
        )
        await self._versions.bump(GATES)
        return renewed

    async def disable(self, gate_id: str) -> None:
        change = {"$set": {"state": GateState.DISABLED.value}, "$unset": {"setup": ""}}
        await self._gates.update({"_id": gate_id}, change)
        await self._versions.bump(GATES)


def _state(gate: Gate) -> dict[str, object]:
    return {
        "state": gate.state.value,
        "token_version": gate.token_version,
        "enrolled_at": gate.enrolled_at,
        "readers": encode(gate.readers),
    }


def _setup_in(document: Document) -> Setup | None:
    setup = document.get("setup")
    return None if setup is None else Setup(**setup)


class VainCountStore(VainCounts):
    """The `cards_in_vain` collection: a document for each gate and hour, of which nothing tells
    what cards they were."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._counts = database.collection("cards_in_vain")

    async def add(self, gate_id: str, hour: datetime) -> None:
        one = {"_id": f"{gate_id}:{hour:%Y-%m-%dT%H}", "gate_id": gate_id, "hour": hour}
        one_more: Document = {"$inc": {"count": 1}}
        if await self._counts.update({"_id": one["_id"]}, one_more):
            return
        if not await self._counts.insert({**one, "count": 1}):
            # Another has just inserted it.
            await self._counts.update({"_id": one["_id"]}, one_more)

    async def since(self, hour: datetime) -> Mapping[str, Sequence[int]]:
        counts: dict[str, list[int]] = defaultdict(list)
        for document in await self._counts.find({"hour": {"$gte": hour}}):
            counts[document["gate_id"]].append(document["count"])
        return counts
