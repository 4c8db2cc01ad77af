"""The admission ledger: one document per record, inserted once, never changed; and refused scans.

The unique `_id` is `serial:n`, so of two processes that append the same number one fails: that
insert is the decision. A scan reads only records from the ledger mark of the pass on. The mark
follows the newest record some way behind and is written now and then, off the path of any scan
(docs/adr/0005-ledger-mark.md).

The process remembers the newest records of the passes it has scanned last. That is a hint: it
spares the read, and if it is stale the insert fails.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import Record, RecordKind
from passes.ledger.verdicts import NEWEST_REFUSALS, Refusal
from passes.store.database import Database, Document
from passes.store.documents import encode, to_record, to_refusal
from passes.store.grouping import Grouped

NEWEST = 8
"""How many of the newest records a scan sees: enough to find a scan that is being retried."""

MARK_EVERY = 16
"""How many records the mark moves at a time."""

_READ_AT_ONCE = 500
"""The records of how many passes one query reads."""

MOST_REMEMBERED = 5_000
"""Of how many passes a process remembers the newest records: about 20 MB."""


class Remembered:
    """An LRU cache of the newest records of passes."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Remembers at most so many passes."""
        self._most = most
        self._newest: OrderedDict[str, tuple[Record, ...]] = OrderedDict()

    def get(self, pass_id: str) -> Sequence[Record] | None:
        """The records of a pass, oldest first, if they are remembered."""
        newest = self._newest.get(pass_id)
        if newest is not None:
            self._newest.move_to_end(pass_id)
        return newest

    def put(self, pass_id: str, newest: Sequence[Record]) -> None:
        """Remember the newest records of a pass, as they were read."""
        self._newest[pass_id] = tuple(newest)
        self._newest.move_to_end(pass_id)
        if len(self._newest) > self._most:
            self._newest.popitem(last=False)

    def add(self, record: Record) -> None:
        """Remember a record that was appended, if those before it are remembered."""
        newest = self._newest.get(record.pass_id)
        if newest is None:
            return
        follows = record.n == (newest[-1].n + 1 if newest else 1)
        if follows:
            self.put(record.pass_id, [*newest, record][-NEWEST:])
        else:
            self.forget(record.pass_id)

    def forget(self, pass_id: str) -> None:
        """What is remembered of a pass has proved stale."""
        self._newest.pop(pass_id, None)


class LedgerStore(Ledger):
    """The `admissions` collection."""

    def __init__(self, database: Database, remembered: Remembered | None = None) -> None:
        """Two collections of the database are used."""
        self._admissions = database.collection("admissions")
        self._passes = database.collection("passes")
        self._marks: dict[str, int] = {}
        self._remembered = remembered or Remembered()
        self._inserts = Grouped(self._admissions.insert_each)
        self._short_ledgers = Grouped(self._records_of_short_ledgers)
        self._whole_ledgers = Grouped(self._whole_ledgers_of)

    def remembered(self, pass_id: str) -> Sequence[Record] | None:
        return self._remembered.get(pass_id)

    async def newest(self, pass_id: str, since: int) -> Sequence[Record]:
        if since == 0:
            newest = await self._short_ledgers.ask(pass_id)
        else:
            where = {"pass_id": pass_id, "n": {"$gte": since}}
            newest = _oldest_first(await self._admissions.find(where, [("n", -1)], NEWEST))
        self._remembered.put(pass_id, newest)
        return newest

    async def whole(self, pass_id: str) -> Sequence[Record]:
        return await self._whole_ledgers.ask(pass_id)

    async def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Record]:
        wanted = list(pass_ids)
        found: list[Record] = []
        for start in range(0, len(wanted), _READ_AT_ONCE):
            some = wanted[start : start + _READ_AT_ONCE]
            found += map(to_record, await self._admissions.find({"pass_id": {"$in": some}}))
        return sorted(found, key=lambda record: (record.pass_id, record.n))

    async def named(self, pass_id: str, gate_id: str, nonce: str) -> Record | None:
        where = {"gate_id": gate_id, "nonce": nonce}
        found = await self._admissions.find(where)  # a few: sorted and limited here
        records = [to_record(document) for document in found if document["pass_id"] == pass_id]
        return max(records, key=lambda record: record.n, default=None)

    async def all_named(self, gate_id: str, nonces: Sequence[str]) -> Sequence[Record]:
        where = {"gate_id": gate_id, "nonce": {"$in": list(nonces)}}
        found = await self._admissions.find(where)
        return sorted(map(to_record, found), key=lambda record: (record.pass_id, record.n))

    async def admission(self, gate_id: str, nonce: str) -> Record | None:
        kinds = [kind.value for kind in (RecordKind.ADMITTED, RecordKind.LET_IN, RecordKind.PAID)]
        where = {"gate_id": gate_id, "nonce": nonce, "kind": {"$in": kinds}}
        found = await self._admissions.find(where)  # a few: the newest is picked here
        records = map(to_record, found)
        return max(records, key=lambda record: (record.recorded_at, record.n), default=None)

    async def append(self, record: Record) -> bool:
        document = {"_id": f"{record.pass_id}:{record.n}", **encode(record)}
        added = await self._inserts.ask(document)
        if not added:
            self._remembered.forget(record.pass_id)
            return False
        self._remembered.add(record)
        if record.n % MARK_EVERY == 0:
            self._marks[record.pass_id] = record.n - NEWEST
        return True

    async def write_marks(self) -> None:
        """Move the ledger marks of passes that were scanned often.

        A mark lost in a crash costs time, no truth.
        """
        marks, self._marks = self._marks, {}
        if marks:
            await self._passes.update_each(
                ({"_id": pass_id, "ledger_mark": {"$lt": mark}}, {"$set": {"ledger_mark": mark}})
                for pass_id, mark in marks.items()
            )

    async def _records_of_short_ledgers(
        self, pass_ids: Sequence[str]
    ) -> Sequence[Sequence[Record]]:
        """The newest records of passes that have no ledger mark yet, and so only a few."""
        if len(pass_ids) == 1:
            where: Document = {"pass_id": pass_ids[0]}
            return [_oldest_first(await self._admissions.find(where, [("n", -1)], NEWEST))]
        return [ledger[-NEWEST:] for ledger in await self._whole_ledgers_of(pass_ids)]

    async def _whole_ledgers_of(self, pass_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        if len(pass_ids) == 1:
            where: Document = {"pass_id": pass_ids[0]}
            return [_oldest_first(await self._admissions.find(where, [("n", -1)]))]
        found = await self._admissions.find({"pass_id": {"$in": list(dict.fromkeys(pass_ids))}})
        records: dict[str, list[Record]] = {pass_id: [] for pass_id in pass_ids}
        for document in sorted(found, key=lambda document: document["n"]):
            records[document["pass_id"]].append(to_record(document))
        return [records[pass_id] for pass_id in pass_ids]


class RefusalStore(Refusals):
    """The `refusals` collection; `_id` is gate:nonce.

    The newest refusals of a pass stand on the pass as well, so that the read which every scan makes
    anyway tells whether this very scan was refused before.
    """

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._refusals = database.collection("refusals")
        self._passes = database.collection("passes")
        self._inserts = Grouped(self._refusals.insert_each)

    async def keep_late(self, refusal: Refusal) -> tuple[Refusal, bool]:
        key = _key(refusal.gate_id, refusal.nonce)
        if await self._inserts.ask({"_id": key, **encode(refusal)}):
            return refusal, True
        return await self.get(refusal.gate_id, refusal.nonce) or refusal, False

    async def keep(self, refusal: Refusal) -> Refusal:
        key = _key(refusal.gate_id, refusal.nonce)
        if not await self._refusals.insert({"_id": key, **encode(refusal)}):
            return await self.get(refusal.gate_id, refusal.nonce) or refusal
        await self.note(refusal)
        return refusal

    async def note(self, refusal: Refusal) -> None:
        if refusal.pass_id is not None:
            newest = {"$each": [encode(refusal)], "$slice": -NEWEST_REFUSALS}
            await self._passes.update({"_id": refusal.pass_id}, {"$push": {"refusals": newest}})

    async def get(self, gate_id: str, nonce: str) -> Refusal | None:
        # The gate stands in the filter too, for it is the shard key.
        where = {"_id": _key(gate_id, nonce), "gate_id": gate_id}
        kept = await self._refusals.get(where)
        return to_refusal(kept) if kept else None

    async def of_pass(self, pass_id: str) -> Sequence[Refusal]:
        kept = await self._refusals.find({"pass_id": pass_id}, [("verdict.decided_at", 1)])
        return [to_refusal(document) for document in kept]


def _key(gate_id: str, nonce: str) -> str:
    return f"{gate_id}:{nonce}"


def _oldest_first(documents: Sequence[Document]) -> list[Record]:
    return [to_record(document) for document in reversed(documents)]
