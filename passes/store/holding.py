"""Passes, and who holds what.

Of many who ask for a pass at the same time, those who wait go together in one query
(`passes.store.grouping`).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from passes.base.stored import stored_fields
from passes.holding.model import Pass, PassState
from passes.holding.ports import Holding, Holdings, Passes
from passes.holding.serials import Serials
from passes.people.identity import Sealer
from passes.store.binding import bound, holder_place
from passes.store.database import Database, Document
from passes.store.documents import encode, from_pass, to_pass
from passes.store.grouping import Grouped
from passes.store.macs import PassMacs
from passes.store.offline import MarkStore
from passes.terms.editions import Editions

_WRITTEN_BY_SCANS = frozenset({"refusals", "ledger_mark"})
_STANDING = ("state", "frozen_by", "reissued_as", "activate_by", "activated_at")
"""What says whether a pass admits: bundles are told when it changes."""
_NOT_REPLACED = _WRITTEN_BY_SCANS | {"id", "edition", "revision"}


class PassStore(Passes):
    """The `passes` collection; `_id` is the serial."""

    def __init__(
        self,
        database: Database,
        editions: Editions,
        sealer: Sealer,
        macs: PassMacs,
        serials: Serials | None = None,
    ) -> None:
        """Two collections of the database are used; `editions` are those in memory, `sealer` binds
        holders to their passes, `macs` tells genuine passes, `serials` those that gates without a
        line would refuse by chance."""
        self._marks = MarkStore(database)
        self._serials = serials or Serials()
        self._passes = database.collection("passes")
        self._macs = macs
        self._sealer = sealer
        self._editions = editions
        self._documents = Grouped(self._documents_of)
        self._of_holders = Grouped(self._documents_of_holders)

    async def get(self, pass_id: str) -> Pass | None:
        document = await self._documents.ask(pass_id)
        return None if document is None else await self._read(document)

    async def add(self, issued: Pass) -> bool:
        document = from_pass(self._bound(issued))
        document["mac"] = self._macs.of(document) if issued.genuine else None
        if self._is_to_be_told(issued):
            await self._marks.mark(issued.id)
        return await self._passes.insert(document)

    async def replace(self, before: Pass, after: Pass) -> bool:
        after = self._bound(after)
        changes: Document = {"revision": before.revision + 1}
        for part in stored_fields(before):
            old, new = getattr(before, part.name), getattr(after, part.name)
            if part.name not in _NOT_REPLACED and old != new:
                changes[part.name] = encode(new)
        # What was not genuine stays so: a change must not vouch for what it was made from.
        if before.genuine and after.genuine:
            changes["mac"] = self._macs.of(from_pass(after))
        if any(name in changes for name in _STANDING):
            await self._marks.mark(before.id)
        where = {"_id": before.id, "revision": before.revision}
        return await self._passes.update(where, {"$set": changes})

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        found = await self._of_holders.ask(lookup)  # a few: sorted here
        held = [await self._read(document) for document in found]
        return sorted(held, key=lambda each: each.issued_at, reverse=True)

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        found = await self._passes.find({"product_id": product_id})
        return [await self._read(document) for document in found]

    def _is_to_be_told(self, issued: Pass) -> bool:
        """Whether bundles have to be told of a new pass: that it does not admit yet, that a filter
        may refuse it, or that it goes on with a spot that was chosen."""
        goes_on = issued.reissued_from is not None and issued.chosen_spot is not None
        does_not_admit = issued.state is not PassState.ACTIVE
        return does_not_admit or goes_on or self._serials.may_be_refused(issued.id)

    async def of_holders(self, lookups: Sequence[str]) -> Sequence[Pass]:
        found = await self._passes.find({"holder.lookup": {"$in": list(lookups)}})
        return [await self._read(document) for document in found]

    async def of_name_bucket(self, bucket: str) -> Sequence[Pass]:
        found = await self._passes.find({"holder.name_bucket": bucket})
        return [await self._read(document) for document in found]

    async def count(self) -> int:
        return await self._passes.count()

    async def each(self) -> AsyncIterator[Pass]:
        async for document in self._passes.each({}):
            yield await self._read(document)

    def _bound(self, held: Pass) -> Pass:
        """The pass with its holder as it is stored."""
        return replace(held, holder=bound(self._sealer, held.holder, holder_place(held.id)))

    async def _read(self, document: Document) -> Pass:
        edition = await self._editions.find(document["product_id"], document["version"])
        return to_pass(document, edition, genuine=self._macs.fits(document))

    async def _documents_of(self, pass_ids: Sequence[str]) -> Sequence[Document | None]:
        if len(pass_ids) == 1:
            return [await self._passes.get({"_id": pass_ids[0]})]
        found = await self._passes.find({"_id": {"$in": list(dict.fromkeys(pass_ids))}})
        by_id = {document["_id"]: document for document in found}
        return [by_id.get(pass_id) for pass_id in pass_ids]

    async def _documents_of_holders(self, lookups: Sequence[str]) -> Sequence[Sequence[Document]]:
        if len(lookups) == 1:
            return [await self._passes.find({"holder.lookup": lookups[0]})]
        found = await self._passes.find({"holder.lookup": {"$in": list(dict.fromkeys(lookups))}})
        by_holder: dict[str, list[Document]] = {lookup: [] for lookup in lookups}
        for document in found:
            by_holder[document["holder"]["lookup"]].append(document)
        return [by_holder[lookup] for lookup in lookups]


class HoldingStore(Holdings):
    """The `holdings` collection. The unique `_id` is the key, so of two processes that issue the
    same to the same person one finds it taken."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._holdings = database.collection("holdings")

    async def reserve(self, key: str, wanted: Holding) -> Holding:
        if await self._holdings.insert({"_id": key, **_from_holding(wanted)}):
            return wanted
        held = await self._holdings.get({"_id": key})
        if held is None:  # its holder was erased between the two: it is free again
            return await self.reserve(key, wanted)
        return Holding(held["holder"], held["pass_id"], held.get("forgotten_at"))

    async def pass_on(self, key: str, before: Holding, after: Holding) -> bool:
        where = {"_id": key, "holder": before.holder, "pass_id": before.pass_id}
        return await self._holdings.update(where, {"$set": _from_holding(after)})


def _from_holding(holding: Holding) -> Document:
    """A holding as it is stored: what is kept for good has no instant at which it is forgotten."""
    document: Document = {"holder": holding.holder, "pass_id": holding.pass_id}
    if holding.forgotten_at is not None:
        document["forgotten_at"] = holding.forgotten_at
    return document
