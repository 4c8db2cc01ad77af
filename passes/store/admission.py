"""Gates, and stops of entry: small, and loaded whole by every process."""

from collections.abc import Sequence

from passes.admission.gates import Gate, GateState, SetGate, Setup
from passes.admission.ports import Gates, Stops
from passes.admission.stop import Stop
from passes.store.database import Database, Document
from passes.store.documents import encode, keyed, to_gate, to_stop
from passes.store.versions import GATES, STOPS, Versions


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


class StopStore(Stops):
    """The `stops` collection; `_id` is the spot."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._stops = database.collection("stops")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Stop]:
        return [to_stop(document) for document in await self._stops.find({}, [("_id", 1)])]

    async def get(self, spot_id: str) -> Stop | None:
        document = await self._stops.get({"_id": spot_id})
        return to_stop(document) if document else None

    async def put(self, stop: Stop) -> None:
        document = keyed(stop)
        if not await self._stops.insert(document):
            await self._stops.update({"_id": document.pop("_id")}, {"$set": document})

    async def announce(self) -> None:
        await self._versions.bump(STOPS)


def _state(gate: Gate) -> dict[str, object]:
    return {
        "state": gate.state.value,
        "token_version": gate.token_version,
        "enrolled_at": gate.enrolled_at,
    }


def _setup_in(document: Document) -> Setup | None:
    setup = document.get("setup")
    return None if setup is None else Setup(**setup)
