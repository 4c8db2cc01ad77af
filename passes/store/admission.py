"""Gates and stops of entry, small and loaded whole by every process; cases; and how many cards
gates have read in vain."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from passes.admission.cases import CaseFile, Cases, numbers_of
from passes.admission.gates import Gate, GateState, SetGate, Setup
from passes.admission.heartbeats import Heartbeat
from passes.admission.ports import Gates, Heartbeats, Stops, VainCounts
from passes.admission.stop import Stop
from passes.store.database import Database, Document
from passes.store.documents import encode, keyed, to_case, to_gate, to_heartbeat, to_stop
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

    async def get(self, gate_id: str) -> Gate | None:
        document = await self._gates.get({"_id": gate_id})
        return to_gate(document) if document else None

    async def renew_token(self, gate: Gate) -> bool:
        before = {"_id": gate.id, "token_version": gate.token_version - 1}
        renewed = await self._gates.update(before, {"$set": _state(gate)})
        await self.announce()
        return renewed

    async def token_used(self, gate: Gate) -> None:
        newest = {"_id": gate.id, "token_version": gate.token_version}
        await self._gates.update(newest, {"$set": {"renewal": None}})
        await self.announce()

    async def rename(self, gate_id: str, name: str) -> None:
        await self._gates.update({"_id": gate_id}, {"$set": {"name": name}})
        await self.announce()

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

    async def put_each(self, stops: Sequence[Stop]) -> None:
        documents = [keyed(stop) for stop in stops]
        stored = await self._stops.insert_each(documents)
        there = [each for each, is_new in zip(documents, stored, strict=True) if not is_new]
        await self._stops.update_each(
            (_unless_emergency(each), {"$set": _without_id(each)}) for each in there
        )

    async def announce(self) -> None:
        await self._versions.bump(STOPS)


class HeartbeatStore(Heartbeats):
    """The `heartbeats` collection; `_id` is the gate."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._heartbeats = database.collection("heartbeats")

    async def put(self, heartbeat: Heartbeat) -> None:
        document = keyed(heartbeat)
        change = {"$set": _without_id(document)}
        if not await self._heartbeats.update({"_id": heartbeat.id}, change):
            await self._heartbeats.insert(document)  # its first; of two at once either will do

    async def all(self) -> Sequence[Heartbeat]:
        return [to_heartbeat(each) for each in await self._heartbeats.find({})]

    async def get(self, gate_id: str) -> Heartbeat | None:
        document = await self._heartbeats.get({"_id": gate_id})
        return to_heartbeat(document) if document else None


class CaseStore(Cases):
    """The `cases` collection; `_id` is the number of the case."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._cases = database.collection("cases")

    async def open(self, case: CaseFile) -> CaseFile:
        for number in numbers_of(case.gate_id, case.nonce):
            wanted = replace(case, id=number)
            if await self._cases.insert(keyed(wanted)):
                return wanted
            there = await self.get(number)
            if there is not None and _is_of(there, case.gate_id, case.nonce):
                return there
        raise AssertionError  # the numbers do not end

    async def of_decision(self, gate_id: str, nonce: str) -> CaseFile | None:
        for number in numbers_of(gate_id, nonce):
            there = await self.get(number)
            if there is None or _is_of(there, gate_id, nonce):
                return there
        raise AssertionError  # the numbers do not end

    async def get(self, number: str) -> CaseFile | None:
        document = await self._cases.get({"_id": number})
        return to_case(document) if document else None

    async def all(self, *, open_only: bool) -> list[CaseFile]:
        where: Document = {"closed_at": None} if open_only else {}
        return [to_case(each) for each in await self._cases.find(where, [("opened_at", 1)])]

    async def of_passes(self, pass_ids: Sequence[str]) -> list[CaseFile]:
        found = await self._cases.find({"pass_id": {"$in": list(pass_ids)}})  # a few: sorted here
        return sorted(map(to_case, found), key=lambda case: case.opened_at)

    async def annul(self, number: str, at: datetime) -> None:
        where = {"_id": number, "annulled_at": None}
        await self._cases.update(where, {"$set": {"annulled_at": at}})

    async def close(self, number: str, by: str, note: str, at: datetime) -> bool:
        change = {"closed_at": at, "closed_by": by, "closing_note": note}
        return await self._cases.update({"_id": number, "closed_at": None}, {"$set": change})


def _is_of(case: CaseFile, gate_id: str, nonce: str) -> bool:
    return (case.gate_id, case.nonce) == (gate_id, nonce)


def _unless_emergency(stop: Document) -> Document:
    """Finds the stop that another takes the place of; not an emergency that holds meanwhile."""
    over: Document = {"until": {"$lte": stop["since"]}}
    return {"_id": stop["_id"], "$or": [{"emergency": {"$ne": True}}, over]}


def _without_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "_id"}


def _state(gate: Gate) -> dict[str, object]:
    return {
        "spot_id": gate.spot_id,
        "state": gate.state.value,
        "token_version": gate.token_version,
        "enrolled_at": gate.enrolled_at,
        "readers": encode(gate.readers),
        "renewed_at": gate.renewed_at,
        "renewal": encode(gate.renewal),
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
