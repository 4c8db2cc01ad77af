"""The admission ledger: one document per record, inserted once, never changed.

The unique `_id` is `serial:n`, so of two processes that append the same number one fails: that insert is the
decision. A scan reads only records from the ledger mark of the pass on. The mark follows the newest record some way
behind and is written now and then, off the path of any scan (docs/adr/0005-ledger-mark.md).
"""

from collections.abc import Iterable, Sequence

from passes.holding.model import Pass
from passes.ledger.records import Record, RecordKind
from passes.ledger.verdicts import NEWEST_REFUSALS, Refusal
from passes.store.database import Database
from passes.store.documents import encode, to_record, to_refusal

TAIL = 8
"""How many of the newest records a scan sees: enough to find a scan that is being retried."""

MARK_EVERY = 16
"""How many records the mark moves at a time."""


class LedgerStore:
    """The `admissions` collection."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._admissions = database.collection("admissions")
        self._passes = database.collection("passes")
        self._marks: dict[str, int] = {}

    async def tail(self, held: Pass) -> Sequence[Record]:
        """The newest few records of a pass, oldest first; empty only if there are none."""
        where = {"pass_id": held.id, "n": {"$gte": held.ledger_mark}}
        return _oldest_first(await self._admissions.find(where, [("n", -1)], TAIL))

    async def whole(self, pass_id: str) -> Sequence[Record]:
        """All records of a pass, oldest first."""
        return _oldest_first(await self._admissions.find({"pass_id": pass_id}, [("n", -1)]))

    async def of_passes(self, pass_ids: Iterable[str]) -> Sequence[Record]:
        """All records of some passes, those of each oldest first."""
        found = await self._admissions.find({"pass_id": {"$in": list(pass_ids)}})
        return sorted(map(to_record, found), key=lambda record: (record.pass_id, record.n))

    async def named(self, pass_id: str, gate_id: str, nonce: str) -> Record | None:
        """The newest record of a pass under a nonce of a gate, however long ago."""
        found = await self._admissions.find(
            {"gate_id": gate_id, "nonce": nonce}
        )  # a few: sorted and limited here
        records = [to_record(document) for document in found if document["pass_id"] == pass_id]
        return max(records, key=lambda record: record.n, default=None)

    async def admission(self, gate_id: str, nonce: str) -> Record | None:
        """The newest admission that a gate gave that nonce."""
        where = {"gate_id": gate_id, "nonce": nonce, "kind": RecordKind.ADMITTED.value}
        found = await self._admissions.find(where, [("at", -1)], 1)
        return to_record(found[0]) if found else None

    async def append(self, record: Record) -> bool:
        """Add a record under its number; False if another process took the number first."""
        added = await self._admissions.insert(
            {"_id": f"{record.pass_id}:{record.n}", **encode(record)}
        )
        if added and record.n % MARK_EVERY == 0:
            self._marks[record.pass_id] = record.n - TAIL
        return added

    async def write_marks(self) -> None:
        """Move the ledger marks of passes that were scanned often. A mark lost in a crash costs time, no truth."""
        marks, self._marks = self._marks, {}
        if marks:
            await self._passes.update_each(
                ({"_id": pass_id, "ledger_mark": {"$lt": mark}}, {"$set": {"ledger_mark": mark}})
                for pass_id, mark in marks.items()
            )


def _oldest_first(documents: Sequence[dict[str, object]]) -> list[Record]:
    return [to_record(document) for document in reversed(documents)]


class RefusalStore:
    """The `refusals` collection; `_id` is gate:nonce."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._refusals = database.collection("refusals")
        self._passes = database.collection("passes")

    async def keep(self, refusal: Refusal) -> Refusal:
        """Keep a refusal and return it, or return the one already kept for this gate and nonce."""
        document = encode(refusal)
        if not await self._refusals.insert(
            {"_id": _key(refusal.gate_id, refusal.nonce), **document}
        ):
            return await self.get(refusal.gate_id, refusal.nonce) or refusal
        if refusal.pass_id is not None:
            newest = {"$each": [document], "$slice": -NEWEST_REFUSALS}
            await self._passes.update({"_id": refusal.pass_id}, {"$push": {"refusals": newest}})
        return refusal

    async def get(self, gate_id: str, nonce: str) -> Refusal | None:
        """The refusal under a nonce of a gate."""
        kept = await self._refusals.get({"_id": _key(gate_id, nonce)})
        return to_refusal(kept) if kept else None

    async def of_pass(self, pass_id: str) -> Sequence[Refusal]:
        """All refusals of a pass, oldest first."""
        kept = await self._refusals.find({"pass_id": pass_id}, [("verdict.decided_at", 1)])
        return [to_refusal(document) for document in kept]


def _key(gate_id: str, nonce: str) -> str:
    return f"{gate_id}:{nonce}"
