"""What bundles are made of: base filters, marks, and passes read quickly.

Nothing here is read or written by a scan, but the mark of one that uses up a pass.
"""

import secrets
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from passes.admission.offline import cascade
from passes.admission.offline.ports import (
    Filters,
    KeptFilter,
    Marks,
    PassesAtLarge,
    SpotRecords,
)
from passes.holding.model import Pass, PassState
from passes.ledger.records import Record
from passes.people.holder import NOBODY
from passes.people.traits import AgeBand, Traits, Turn
from passes.store.database import Database, Document
from passes.store.documents import to_record
from passes.store.macs import PassMacs
from passes.store.versions import FILTERS, Versions
from passes.terms.editions import Editions
from passes.terms.validity import DateRange

_AT_ONCE = 200
"""How many passes are read before others get their turn: a few milliseconds."""
_BACKGROUND_SECONDS = 60
_SERIAL_BYTES = 8
_MAKING, _SETTLED = "making", "settled"


class MarkStore(Marks):
    """The `standing_marks` collection; `_id` is the serial."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._marks = database.collection("standing_marks")

    async def mark(self, pass_id: str) -> None:
        change = {"$set": {"token": secrets.token_hex(8)}}
        await self._marks.update({"_id": pass_id}, change, upsert=True)

    async def all(self) -> Mapping[str, str]:
        return {found["_id"]: found["token"] for found in await self._marks.find({})}

    async def number(self) -> int:
        return await self._marks.count()

    async def remove(self, marks: Mapping[str, str]) -> None:
        for pass_id, token in marks.items():
            await self._marks.delete({"_id": pass_id, "token": token})


class FilterStore(Filters):
    """The `bundle_filters` collection, whose `_id` is the salt; and `bundle_lists`, of which
    `bound:SPOT`, `spent:SPOT`, `settled` and `making` are the documents."""

    def __init__(self, database: Database) -> None:
        """Three collections of the database are used."""
        self._filters = database.collection("bundle_filters")
        self._lists = database.collection("bundle_lists")
        self._versions = Versions(database)

    async def kept(self) -> Sequence[KeptFilter]:
        found = await self._filters.find({}, [("began_at", 1)])
        return [
            KeptFilter(
                each["_id"],
                each["began_at"],
                cascade.decode(each["cascade"]),
                ready=each["ready"],
            )
            for each in found
        ]

    async def begin(self, now: datetime, taken_before: datetime) -> bool:
        if await self._lists.insert({"_id": _MAKING, "began_at": now}):
            return True
        where = {"_id": _MAKING, "began_at": {"$lt": taken_before}}
        return await self._lists.update(where, {"$set": {"began_at": now}})

    async def end(self) -> None:
        await self._lists.delete({"_id": _MAKING})

    async def put(self, made: KeptFilter) -> None:
        stored = {
            "began_at": made.began_at,
            "cascade": made.cascade.encode(),
            "ready": made.ready,
        }
        await self._filters.update({"_id": made.id}, {"$set": stored}, upsert=True)
        await self._versions.bump(FILTERS)

    async def drop(self, filter_ids: Collection[str]) -> None:
        if filter_ids:
            await self._filters.delete({"_id": {"$in": list(filter_ids)}})
            await self._versions.bump(FILTERS)

    async def put_bound(self, bound: Mapping[str, Iterable[str]]) -> None:
        for spot_id, serials in bound.items():
            await self._put(f"bound:{spot_id}", {"serials": _packed(serials)})
        # A spot for which there is no voucher any more.
        before = await self._lists.find({"_id": {"$gte": "bound:", "$lt": "bound;"}})
        gone = {each["_id"] for each in before} - {f"bound:{spot_id}" for spot_id in bound}
        if gone:
            await self._lists.delete({"_id": {"$in": sorted(gone)}})

    async def bound(self, names: Collection[str]) -> frozenset[str]:
        wanted = [f"bound:{name}" for name in names]
        found = await self._lists.find({"_id": {"$in": wanted}})
        return frozenset(serial for each in found for serial in _unpacked(each["serials"]))

    async def settled(self) -> Mapping[str, str]:
        found = await self._lists.get({"_id": _SETTLED})
        return found["marks"] if found else {}

    async def put_settled(self, marks: Mapping[str, str]) -> None:
        await self._put(_SETTLED, {"marks": dict(marks)})

    async def spent(self, spot_id: str) -> tuple[datetime | None, frozenset[str]]:
        found = await self._lists.get({"_id": f"spent:{spot_id}"})
        if found is None:
            return None, frozenset()
        return found["until"], frozenset(_unpacked(found["serials"]))

    async def put_spent(self, spot_id: str, until: datetime, spent: Iterable[str]) -> None:
        await self._put(f"spent:{spot_id}", {"until": until, "serials": _packed(spent)})

    async def _put(self, name: str, fields: Document) -> None:
        await self._lists.update({"_id": name}, {"$set": fields}, upsert=True)


class PassesAtLargeStore(PassesAtLarge):
    """The `passes` collection, read without holders and without checking each field: it is read
    whole."""

    def __init__(self, database: Database, editions: Editions, macs: PassMacs) -> None:
        """One collection of the database is used; `editions` are those in memory, `macs` tells
        genuine passes."""
        self._passes = database.collection("passes")
        self._editions = editions
        self._macs = macs

    async def each(self) -> AsyncIterator[Sequence[Pass]]:
        some: list[Pass] = []
        async for document in self._passes.each({}, _BACKGROUND_SECONDS):
            some.append(await self._read(document))
            if len(some) == _AT_ONCE:
                yield some
                some = []
        yield some

    async def of(self, pass_ids: Collection[str]) -> Sequence[Pass]:
        found = await self._passes.find({"_id": {"$in": list(pass_ids)}})
        return [await self._read(document) for document in found]

    async def number(self) -> int:
        return await self._passes.count()

    async def _read(self, document: Document) -> Pass:
        edition = await self._editions.find(document["product_id"], document["version"])
        valid = document["valid"]
        return Pass(
            id=document["_id"],
            edition=edition,
            valid=DateRange(_day(valid["start"]), _day(valid["end"])),
            state=PassState(document["state"]),
            holder=NOBODY,
            issued_at=document["issued_at"],
            traits=_traits_in(document),
            chosen_spot=document.get("chosen_spot"),
            activate_by=_day_or_none(document.get("activate_by")),
            activated_at=document.get("activated_at"),
            reissued_as=document.get("reissued_as"),
            frozen_by=document.get("frozen_by"),
            frozen_on=_day_or_none(document.get("frozen_on")),
            paused_days=document.get("paused_days", 0),
            genuine=self._macs.fits(document),
        )


class SpotRecordStore(SpotRecords):
    """The `admissions` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._admissions = database.collection("admissions")

    async def at_spot(
        self, spot_id: str, since: datetime, recorded_since: datetime | None = None
    ) -> AsyncIterator[Record]:
        where: Document = {"spot_id": spot_id, "at": {"$gte": since}}
        if recorded_since is not None:
            where["recorded_at"] = {"$gte": recorded_since}
        async for document in self._admissions.each(where, _BACKGROUND_SECONDS):
            yield to_record(document)

    async def newest_of(self, pass_ids: Collection[str]) -> Mapping[str, Record]:
        newest: dict[str, Record] = {}
        async for document in self._admissions.each({"pass_id": {"$in": list(pass_ids)}}):
            record = to_record(document)
            known = newest.get(record.pass_id)
            if known is None or known.n < record.n:
                newest[record.pass_id] = record
        return newest


def _traits_in(document: Document) -> Traits:
    found = document.get("traits") or {}
    band = found.get("age_band")
    turns = (Turn(_day(each["on"]), AgeBand(each["age_band"])) for each in found.get("turns", ()))
    return Traits(age_band=None if band is None else AgeBand(band), turns=tuple(turns))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _day_or_none(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _packed(serials: Iterable[str]) -> bytes:
    return b"".join(map(bytes.fromhex, sorted(serials)))


def _unpacked(raw: bytes) -> list[str]:
    text = raw.hex()
    digits = 2 * _SERIAL_BYTES
    return [text[at : at + digits] for at in range(0, len(text), digits)]
