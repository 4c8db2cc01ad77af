"""Gates, small and loaded whole by every process."""

from collections.abc import Sequence

from passes.admission.gates import Gate, GateState, Setup
from passes.admission.ports import Gates
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_gate
from passes.store.versions import GATES, Versions


class GateStore(Gates):
    """The `gates` collection; `setup` stands in a document only while its device has not
    enrolled."""

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

    async def awaiting(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        document = await self._gates.get({"setup.digest": setup_digest})
        return (to_gate(document), Setup(**document["setup"])) if document else None

    async def enrol(self, gate: Gate, setup_digest: str) -> bool:
        change = {"$set": _state(gate), "$unset": {"setup": ""}}
        enrolled = await self._gates.update({"_id": gate.id, "setup.digest": setup_digest}, change)
        await self._versions.bump(GATES)
        return enrolled

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
    return {"state": gate.state.value, "token_version": gate.token_version}
