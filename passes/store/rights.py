"""What is kept of people, wherever it stands: found by keyed hash, by age, and in sums."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from passes.base.audit import Outcome
from passes.people.companions import Basis
from passes.people.visitors import Visitor
from passes.rights.ports import Actions, Ageing, Kept, KeptOfPeople, Totals
from passes.rights.requests import Request, Requests
from passes.store.database import Database, Document
from passes.store.documents import keyed, to_request, to_visitor


def _key_of(prefix: str) -> Document:
    """The filter for documents whose key is that prefix, a colon, and more."""
    return {"_id": {"$gte": f"{prefix}:", "$lt": f"{prefix};"}}  # ; follows : in ASCII


_UNDER_A_HASH: Mapping[str, Callable[[str], Document]] = {
    "holdings": lambda lookup: {"holder": lookup},
    "companions": lambda lookup: {"person.lookup": lookup},
    "members": lambda lookup: {"lookup": lookup},
    "name_attempts": _key_of,
}
"""Every collection with documents under the keyed hash of a person, and how they are found. Passes
and bindings are no part of it: they are not deleted, or not alone."""

_TOLD: Mapping[str, Callable[[str], Document]] = {
    **_UNDER_A_HASH,
    "bars": lambda lookup: {"_id": lookup},
}
"""What is told to a person, too: a bar stays until its day, or an erasure would end it."""

_VISITOR = "visitor"
_PEOPLE = (_VISITOR, "person")
"""What stands alone in an audit line when it is forgotten which visitor it was, or which person, of
whom a bar has the beginning of the keyed hash."""


class KeptStore(KeptOfPeople):
    """The collections of `_TOLD`, and the guardians in `users`."""

    def __init__(self, database: Database) -> None:
        """Several collections of the database are used."""
        self._database = database

    async def of(self, lookup: str) -> Kept:
        kept: dict[str, list[Document]] = {}
        for name, where in _TOLD.items():
            found = await self._database.collection(name).find(where(lookup))
            kept[name] = [_without(lookup, document) for document in found]
        return kept

    async def forget(self, lookup: str) -> None:
        for name, where in _UNDER_A_HASH.items():
            await self._database.collection(name).delete(where(lookup))

    async def guarded_by(self, lookup: str) -> int:
        users = self._database.collection("users")
        return len(await users.find({"consent.guardian.lookup": lookup}))


def _without(lookup: str, document: Document) -> dict[str, object]:
    """A document for whom it is about, without the hash that they are found by, nor that of
    somebody who shows them."""
    told = {
        name: _hidden(lookup, value)
        for name, value in document.items()
        # the person themselves, sealed
        if not isinstance(value, Mapping) and name != "account_lookup"
    }
    return {name: value for name, value in told.items() if value != "…"}


def _hidden(lookup: str, value: Any) -> Any:
    return value.replace(lookup, "…") if isinstance(value, str) else value


class RequestStore(Requests):
    """The `requests` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._requests = database.collection("requests")

    async def add(self, request: Request) -> None:
        await self._requests.insert(keyed(request))

    async def settle(self, request_id: str, outcome: Outcome, now: datetime) -> None:
        change = {"outcome": outcome.value, "done_at": now}
        await self._requests.update({"_id": request_id}, {"$set": change})

    async def between(self, since: datetime, until: datetime) -> Sequence[Request]:
        where = {"at": {"$gte": since, "$lt": until}}
        return [to_request(document) for document in await self._requests.find(where, [("at", 1)])]


class AgeingStore(Ageing):
    """What `retention run` looks for: one cursor over a collection for each kind of thing."""

    def __init__(self, database: Database) -> None:
        """Four collections of the database are used."""
        self._passes = database.collection("passes")
        self._holdings = database.collection("holdings")
        self._audit_log = database.collection("audit_log")
        self._requests = database.collection("requests")

    async def passes_ended(self, before: date) -> AsyncIterator[str]:
        where = {"holder.lookup": {"$ne": ""}, "valid.end": {"$lt": before.isoformat()}}
        async for document in self._passes.each(where):
            yield document["_id"]

    async def passes_with_refusals(self, before: datetime) -> AsyncIterator[str]:
        async for document in self._passes.each({"refusals.verdict.decided_at": {"$lt": before}}):
            yield document["_id"]

    async def holdings_of(self, offer_id: str) -> AsyncIterator[str]:
        async for document in self._holdings.each(_key_of(offer_id)):
            yield document["_id"]

    async def lines(self, before: datetime) -> AsyncIterator[str]:
        named: list[Document] = [
            {field: {"$gte": f"{each}:", "$lt": f"{each};"}}
            for each in _PEOPLE
            for field in ("by", "subject")
        ]
        async for document in self._audit_log.each({"at": {"$lt": before}, "$or": named}):
            yield document["_id"]

    async def requests(self, before: datetime) -> AsyncIterator[str]:
        async for document in self._requests.each({"at": {"$lt": before}, "person": {"$ne": None}}):
            yield document["_id"]

    async def drop_refusals(self, pass_ids: Sequence[str], before: datetime) -> None:
        old = {"$pull": {"refusals": {"verdict.decided_at": {"$lt": before}}}}
        await self._passes.update_each(({"_id": pass_id}, old) for pass_id in pass_ids)

    async def drop_holding(self, lookup: str, pass_id: str) -> None:
        await self._holdings.delete({"holder": lookup, "pass_id": pass_id})

    async def drop_holdings(self, keys: Sequence[str]) -> None:
        await self._holdings.delete({"_id": {"$in": list(keys)}})

    async def unname_lines(self, line_ids: Sequence[str]) -> None:
        lines = await self._audit_log.find({"_id": {"$in": list(line_ids)}})
        await self._audit_log.update_each(map(_unnamed, lines))

    async def unname_lines_about(self, pass_id: str) -> None:
        lines = await self._audit_log.find({"subject": f"pass:{pass_id}"})
        named = [line for line in lines if line["by"].startswith(f"{_VISITOR}:")]
        await self._audit_log.update_each(map(_unnamed, named))

    async def unname_requests(self, request_ids: Sequence[str]) -> None:
        nobody = {"$set": {"person": None}}
        await self._requests.update_each(({"_id": each}, nobody) for each in request_ids)


def _unnamed(line: Document) -> tuple[Document, Document]:
    """The update, by its filter, after which an audit line names no visitor, and no person."""
    unnamed: Document = {}
    for field in ("by", "subject"):
        what, _, _ = line[field].partition(":")
        if what in _PEOPLE:
            unnamed[field] = what
    return {"_id": line["_id"]}, {"$set": unnamed}


class TotalsStore(Totals):
    """Counts over `audit_log` and `users`, each by one cursor."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._audit_log = database.collection("audit_log")
        self._users = database.collection("users")

    async def actions(self, since: datetime, until: datetime) -> Actions:
        counted = ["lookup", "many_lookups_in_vain", "identify", "companion", "end_companion"]
        where = {"at": {"$gte": since, "$lt": until}, "action": {"$in": counted}}
        lookups = alarms = given = ended = 0
        async for line in self._audit_log.each(where):
            of_gate = line["subject"].startswith("gate:")  # one more about each pass that it found
            lookups += line["action"] == "lookup" and of_gate
            alarms += line["action"] == "many_lookups_in_vain"
            if line.get("outcome") == Outcome.NOT_DONE.value:
                continue
            as_guardian = line["detail"].get("basis") == Basis.GUARDIAN
            given += line["action"] == "companion" and as_guardian
            given += line["action"] == "identify" and "guardian" in line["detail"]
            ended += line["action"] == "end_companion" and as_guardian
        return Actions(lookups, alarms, given, ended)

    async def accounts(self) -> AsyncIterator[Visitor]:
        async for document in self._users.each({}):
            yield to_visitor(document)
