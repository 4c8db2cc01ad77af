"""Gates, small and loaded whole by every process."""

from collections.abc import Sequence

from passes.admission.gates import Gate, GateState, Setup
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_gate
from passes.store.versions import GATES, Versions


class GateStore:
    """The `gates` collection; `setup` stands in a document only while its device has not enrolled."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._gates = database.collection("gates")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Gate]:
        """Every gate, in order of id."""
        return [to_gate(document) for document in await self._gates.find({}, [("_id", 1)])]

    async def add(self, gate: Gate, setup: Setup) -> bool:
        """Keep a new gate; False if the id is taken."""
        added = await self._gates.insert({**keyed(gate), "setup": encode(setup)})
        await self._versions.bump(GATES)
        return added

    async def awaiting(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        """The gate that waits for this setup code."""
        document = await self._gates.get({"setup.digest": setup_digest})
        return (to_gate(document), Setup(**document["setup"])) if document else None

    async def enrol(self, gate: Gate, setup_digest: str) -> bool:
        """Store an enrolled gate and spend its setup code; False if the code has been spent meanwhile."""
        change = {"$set": _state(gate), "$unset": {"setup": ""}}
        enrolled = await self._gates.update({"_id": gate.id, "setup.digest": setup_digest}, change)
        await self._versions.bump(GATES)
        return enrolled

    async def roll(self, gate: Gate, setup: Setup) -> bool:
        """Store a gate that has to enrol again with a new setup code; False if its token version is not one more."""
        before = {"_id": gate.id, "token_version": gate.token_version - 1}
        rolled = await self._gates.update(
            before, {"$set": {**_state(gate), "setup": encode(setup)}}
        )
        await self._versions.bump(GATES)
        return rolled

    async def disable(self, gate_id: str) -> None:
        """Take a gate out of service."""
        change = {"$set": {"state": GateState.DISABLED.value}, "$unset": {"setup": ""}}
        await self._gates.update({"_id": gate_id}, change)
        await self._versions.bump(GATES)


def _state(gate: Gate) -> dict[str, object]:
    return {"state": gate.state.value, "token_version": gate.token_version}
