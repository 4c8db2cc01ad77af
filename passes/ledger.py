"""The admission ledger of one pass: records that are only ever appended, and the tally they add up to.

Every record carries the tally after it, so the newest record is enough to decide. `fold` works the same tally
out from the whole ledger; it is the definition, and the check of the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from passes.calendar import business_day
from passes.verdicts import Verdict


class RecordKind(StrEnum):
    """What a record says happened."""

    ADMITTED = "admitted"
    EXITED = "exited"
    ANNULLED = "annulled"
    CLOSED = "closed"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the admissions that still count add up to.

    `day` is the newest business day with a visit, `on_day` its visits per spot; `days` counts distinct days. `places`
    are the people who may still follow on that day, per spot, because only a part of a party has come.
    """

    total: int = 0
    days: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)
    day: date | None = None
    on_day: Mapping[str, int] = field(default_factory=dict)
    last_at: datetime | None = None
    places: Mapping[str, int] = field(default_factory=dict)

    def visits_on(self, day: date, spot_id: str) -> int:
        """Visits to a spot on `day`, which must not lie before the newest day."""
        return self.on_day.get(spot_id, 0) if day == self.day else 0

    def places_on(self, day: date, spot_id: str) -> int:
        """How many people may still join the visit of their party to a spot on `day`."""
        return self.places.get(spot_id, 0) if day == self.day else 0

    def entered(self, spot_id: str, at: datetime, people: int, room: int) -> "Tally":
        """The tally after some people of a pass for `room` were let in: the rest of a party, or a new visit."""
        places = self.places_on(business_day(at), spot_id)
        if people <= places:
            return replace(self, places=_with(self.places, spot_id, places - people))
        return self.plus(spot_id, at, places=room - people)

    def plus(self, spot_id: str, at: datetime, places: int = 0) -> "Tally":
        """The tally with one more visit, not earlier than the last one, which so many people may still join."""
        day = business_day(at)
        on_day = self.on_day if day == self.day else {}
        return Tally(
            total=self.total + 1,
            days=self.days + (day != self.day),
            by_spot=_one_more(self.by_spot, spot_id),
            day=day,
            on_day=_one_more(on_day, spot_id),
            last_at=at,
            places=_with(self.places if day == self.day else {}, spot_id, places),
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger of a pass, number `n` from 1 on.

    `at` is when it counts, `scanned_at` what the gate's clock said. An admission keeps its verdict, so that a
    repeated scan gets the same answer; an annulment names the record it undoes. A ledger that is closed is followed
    by that of a pass reissued, whose first record carries the tally on (`passes.reissue`).
    """

    pass_id: str
    n: int
    kind: RecordKind
    spot_id: str
    gate_id: str
    nonce: str
    code_digest: str
    at: datetime
    scanned_at: datetime
    tally: Tally
    verdict: Verdict | None = None
    annuls: int | None = None
    room: int = 1
    """How many people the pass admitted on one visit."""


def fold(records: Iterable[Record]) -> Tally:
    """The tally of a whole ledger, or of the visits that are left when some are annulled."""
    records = list(records)
    tally = records[0].tally if records and records[0].kind is RecordKind.CARRIED else Tally()
    for visit in sorted(standing(records), key=lambda record: record.at):
        people = visit.verdict.admits if visit.verdict else 1
        tally = tally.entered(visit.spot_id, visit.at, people, visit.room)
    return tally


def standing(records: Iterable[Record]) -> list[Record]:
    """The admissions that no later record annuls."""
    records = list(records)
    undone = {record.annuls for record in records if record.kind is RecordKind.ANNULLED}
    return [record for record in records if record.kind is RecordKind.ADMITTED and record.n not in undone]


def annulment(ledger: Sequence[Record], admission: Record, at: datetime) -> Record:
    """The record that undoes `admission`, next in a complete `ledger`."""
    record = replace(admission, n=len(ledger) + 1, kind=RecordKind.ANNULLED, at=at, verdict=None, annuls=admission.n)
    return replace(record, tally=fold([*ledger, record]))


def closing(pass_id: str, tail: Sequence[Record], now: datetime) -> Record:
    """The record that closes a ledger with these newest records, under the next number."""
    if not tail:
        return mark(RecordKind.CLOSED, pass_id, 1, Tally(), now)
    return mark(RecordKind.CLOSED, pass_id, tail[-1].n + 1, tail[-1].tally, max(now, tail[-1].at))


def mark(kind: RecordKind, pass_id: str, n: int, tally: Tally, at: datetime) -> Record:
    """A record that is no scan."""
    return Record(
        pass_id=pass_id,
        n=n,
        kind=kind,
        spot_id="",
        gate_id="",
        nonce="",
        code_digest="",
        at=at,
        scanned_at=at,
        tally=tally,
    )


def _with(places: Mapping[str, int], spot_id: str, left: int) -> dict[str, int]:
    """The places with so many left at a spot; none are not kept."""
    others = {spot: count for spot, count in places.items() if spot != spot_id}
    return {**others, spot_id: left} if left > 0 else others


def _one_more(counts: Mapping[str, int], key: str) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
