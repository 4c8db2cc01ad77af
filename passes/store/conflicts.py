"""Conflicts of gates that decided alone: a document each, which changes as its state does."""

from collections.abc import Sequence
from dataclasses import replace

from passes.admission.cases import numbers_of
from passes.admission.offline.conflict import ConflictFile, ConflictFiles, ConflictState, Name
from passes.store.database import Database, Document
from passes.store.documents import keyed, to_conflict
from passes.store.grouping import Grouped


class ConflictStore(ConflictFiles):
    """The `conflicts` collection; `_id` is the number of the conflict."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._conflicts = database.collection("conflicts")
        self._inserts = Grouped(self._conflicts.insert_each)
        self._of_serials = Grouped(self._of_each_serial)

    async def open(self, conflict: ConflictFile) -> tuple[ConflictFile, bool]:
        for number in numbers_of(*conflict.name, "conflict"):
            wanted = replace(conflict, id=number)
            if await self._inserts.ask(keyed(wanted)):
                return wanted, True
            there = await self.get(number)
            if there is not None and there.name == conflict.name:
                return there, False
        raise AssertionError  # the numbers do not end

    async def named(self, name: Name) -> ConflictFile | None:
        for number in numbers_of(*name, "conflict"):
            there = await self.get(number)
            if there is None or there.name == name:
                return there
        raise AssertionError  # the numbers do not end

    async def of_serial(self, pass_id: str) -> Sequence[ConflictFile]:
        return await self._of_serials.ask(pass_id)

    async def get(self, number: str) -> ConflictFile | None:
        document = await self._conflicts.get({"_id": number})
        return to_conflict(document) if document else None

    async def all(self, *, open_only: bool) -> list[ConflictFile]:
        where: Document = {"state": ConflictState.OPEN.value} if open_only else {}
        return [to_conflict(each) for each in await self._conflicts.find(where, [("at", 1)])]

    async def replace(self, before: ConflictFile, after: ConflictFile) -> bool:
        document = keyed(after)
        where = {"_id": document.pop("_id"), "state": before.state.value}
        return await self._conflicts.update(where, {"$set": document})

    async def _of_each_serial(self, pass_ids: Sequence[str]) -> Sequence[Sequence[ConflictFile]]:
        found: dict[str, list[ConflictFile]] = {pass_id: [] for pass_id in pass_ids}
        for document in await self._conflicts.find({"pass_id": {"$in": list(found)}}):
            found[document["pass_id"]].append(to_conflict(document))
        return [found[pass_id] for pass_id in pass_ids]
