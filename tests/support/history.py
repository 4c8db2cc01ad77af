"""Whether the whole history of some gates is right: what they showed beside what is stored.

Pure. It knows nothing of how conflicts are found: what is in excess is worked out here anew, from
limits that are simple enough for that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from passes.base.calendar import business_day
from passes.ledger.records import Record, RecordKind, fold, standing

STEP_SECONDS = 30
MOST_STEPS_APART = 4
"""How far the step of a rotating code may be from the time at which it counts."""


@dataclass(frozen=True)
class Limit:
    """How often a pass may be used; None is without limit."""

    total: int | None = None
    per_spot_day: int | None = None


@dataclass(frozen=True, order=True)
class Scanned:
    """A scan as its gate names it, of that pass."""

    gate_id: str
    nonce: str
    pass_id: str


@dataclass(frozen=True)
class History:
    """All that gates showed, and all that is stored."""

    lights: Sequence[Scanned]
    """Every green light."""
    interrupted: Sequence[tuple[str, str]]
    """Gate and pass of each scan whose gate was killed before it showed anything."""
    annulled: Sequence[Scanned]
    """What gates took back and said so."""
    doubtful: Sequence[Scanned]
    """What gates were to take back, and were killed before they said so."""
    ledgers: Mapping[str, Sequence[Record]]
    """Every ledger, whole, by pass."""
    conflicts: Sequence[Scanned]
    """What each conflict is about that has not lapsed."""
    limits: Mapping[str, Limit]
    """By pass."""


def faults_of(history: History) -> list[str]:
    """What is wrong, in words; nothing if the history is right."""
    faults = _faults_of_lights(history)
    for pass_id, records in history.ledgers.items():
        faults += [f"pass {pass_id}: {fault}" for fault in _faults_of_records(records)]
        faults += _over_the_limit_online(records, history.limits[pass_id])
    return faults + _faults_of_conflicts(history)


def in_excess(records: Iterable[Record], limit: Limit) -> list[Record]:
    """The admissions that would have been refused, had they come in the order in which they count.

    The first stands, also if it arrived last. A rotating code opens once, and when it is fresh.
    """
    stands: list[Record] = []
    excess = []
    for record in sorted(standing(records), key=_when):
        spent = record.step is not None and record.step in {each.step for each in stands}
        if spent or _is_stale(record) or _is_over(limit, [*stands, record]):
            excess.append(record)
        else:
            stands.append(record)
    return excess


def _faults_of_lights(history: History) -> list[str]:
    """Each green light is one standing record; a record without one is of a scan that was cut."""
    stored = [record for records in history.ledgers.values() for record in records]
    admitted = Counter(_scan(each) for each in stored if each.kind is RecordKind.ADMITTED)
    stands = {_scan(record) for records in history.ledgers.values() for record in standing(records)}
    lights = Counter(history.lights)
    cut = Counter(history.interrupted)
    faults = [f"{light} was shown {times} times" for light, times in lights.items() if times > 1]
    faults += [f"{light} is lost" for light in lights if light not in admitted]
    gone = admitted.keys() - stands - {*history.annulled, *history.doubtful}
    faults += [f"{light} is annulled" for light in lights if light in gone]
    faults += [f"{scan} was taken back, and stands" for scan in stands & {*history.annulled}]
    faults += [f"{scan} is doubled" for scan, times in admitted.items() if times > 1]
    for scan in sorted(stands - lights.keys()):
        if cut[scan.gate_id, scan.pass_id] > 0:
            cut[scan.gate_id, scan.pass_id] -= 1
        else:
            faults.append(f"{scan} stands, and no light was shown")
    return faults


def _faults_of_records(records: Sequence[Record]) -> list[str]:
    faults = []
    if [record.n for record in records] != list(range(1, len(records) + 1)):
        faults.append("the numbers of the records have a gap")
    for end, record in enumerate(records, 1):
        if record.tally != fold(records[:end]):
            faults.append(f"the tally of record {record.n} is not the fold")
        if record.at > record.recorded_at:
            faults.append(f"record {record.n} counts from after it was stored")
    return faults


def _over_the_limit_online(records: Sequence[Record], limit: Limit) -> list[str]:
    """What the server itself admitted, though it had the records that forbade it."""
    faults = []
    for end, record in enumerate(records, 1):
        if record.kind is not RecordKind.ADMITTED or not record.online:
            continue
        if _is_over(limit, [*standing(records[: end - 1]), record]):
            faults.append(f"{_scan(record)} exceeds {limit}, online")
    return faults


def _faults_of_conflicts(history: History) -> list[str]:
    """Each excess is one conflict, and nothing else is."""
    wanted: set[Scanned] = set()
    for pass_id, records in history.ledgers.items():
        wanted |= {_scan(record) for record in in_excess(records, history.limits[pass_id])}
    told = Counter(history.conflicts)
    faults = [f"{scan} is in excess, and no conflict" for scan in sorted(wanted - told.keys())]
    faults += [f"{scan} is no excess, but a conflict" for scan in sorted(told.keys() - wanted)]
    return faults + [f"{scan} is {n} conflicts" for scan, n in told.items() if n > 1]


def _is_over(limit: Limit, records: Sequence[Record]) -> bool:
    """Whether the newest of these admissions is one too many."""
    newest = records[-1]
    here_today = [
        each
        for each in records
        if each.spot_id == newest.spot_id and business_day(each.at) == business_day(newest.at)
    ]
    over_total = limit.total is not None and len(records) > limit.total
    return over_total or (limit.per_spot_day is not None and len(here_today) > limit.per_spot_day)


def _when(record: Record) -> tuple[datetime, datetime, str, str]:
    """The order in which admissions count; of two at one instant it is the same however they
    arrived."""
    return record.at, record.scanned_at, record.gate_id, record.nonce


def _is_stale(record: Record) -> bool:
    if record.step is None:
        return False
    steps_apart = record.step - int(record.at.timestamp()) // STEP_SECONDS
    return abs(steps_apart) > MOST_STEPS_APART


def _scan(record: Record) -> Scanned:
    return Scanned(record.gate_id, record.nonce, record.pass_id)
