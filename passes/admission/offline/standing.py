"""Standing: which passes admit nowhere, as far as a bundle says so, and what happened at a spot
today.

Pure functions over passes and records.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from passes.admission.offline.flat import State
from passes.admission.rules import why_not_active
from passes.base.calendar import SHANGHAI, business_day
from passes.holding.model import Pass
from passes.ledger.records import Record, RecordKind, standing
from passes.ledger.tally import TALLY_VERSION, Tally
from passes.ledger.verdicts import Reason
from passes.people.traits import AgeBand


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a bundle, or of all that are made with a filter: what is said has to hold on
    all of them."""

    first: date
    last: date


def why_nowhere(held: Pass, tally: Tally | None, days: Days) -> Reason | None:
    """Why a pass admits nowhere on all of these days; None if it may on one of them.

    `tally` is that of its visits, or None if it has none.
    """
    if not held.genuine:
        return Reason.CODE_UNKNOWN
    reason = why_not_active(held, days.first)
    if reason is not None:
        begins_by_itself = why_not_active(held, days.last) is None
        return None if begins_by_itself else reason
    if tally is not None and held.used_up(tally) and not may_enter_free(held, days):
        return Reason.NO_VISITS_LEFT
    return None


def may_enter_free(held: Pass, days: Days) -> bool:
    """Whether the holder is of an age at which laws let people in free somewhere. Then a pass
    admits them whose visits are used up."""
    return not {
        held.traits.age_band_on(days.first),
        held.traits.age_band_on(days.last),
    } <= {None, AgeBand.UNDER_60}


def codes_are_over(held: Pass, today: date) -> bool:
    """Whether every code of a pass has ended by its own dates, whatever becomes of the pass."""
    if held.frozen_on is not None:
        return False  # what it has lost is given back when it is unfrozen
    return held.days.end < today


def states_by_hour(
    records: Iterable[Record], spot_id: str, today: date
) -> dict[str, dict[str, State]]:
    """What happened at a spot today, from the records there of today: for each hour the passes that
    have a record in it, as they were at its end."""
    by_pass: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if business_day(record.at) == today:
            by_pass[record.pass_id].append(record)
    hours: defaultdict[str, dict[str, State]] = defaultdict(dict)
    for serial, own in by_pass.items():
        for hour in {_hour_of(record.at) for record in own}:
            until_then = [record for record in own if _hour_of(record.at) <= hour]
            state = _state_after(until_then, spot_id, today)
            if state is not None:
                hours[hour][serial] = state
    return dict(hours)


def _state_after(records: Sequence[Record], spot_id: str, today: date) -> State | None:
    """The state after some records of one pass; None if another version of the program has worked
    out its tally, so that it cannot be told."""
    in_order = sorted(records, key=lambda record: record.n)
    tally = in_order[-1].tally
    if tally.version != TALLY_VERSION:
        return None
    admissions = [each for each in standing(in_order) if each.spot_id == spot_id]

    def here(counts: Mapping[str, int]) -> int:
        return counts.get(spot_id, 0) if tally.day == today else 0

    return State(
        visits=here(tally.on_day),
        here=tally.by_spot.get(spot_id, 0),
        places=here(tally.places),
        away=here(tally.away),
        due=here(tally.due),
        paid=here(tally.paid),
        last_at=tally.last_at,
        steps=frozenset(each.step for each in admissions if each.step is not None),
        free=_free_of(in_order, admissions),
    )


def _free_of(records: Sequence[Record], admissions: Sequence[Record]) -> str | None:
    """The category in which the holder came in free by law, unless they left and may return."""
    came = [each for each in admissions if each.free]
    if not came or came[-1].verdict is None:
        return None
    left = any(
        each.kind is RecordKind.EXITED and each.may_return and each.n > came[-1].n
        for each in records
    )
    return None if left else came[-1].verdict.category


def _hour_of(at: datetime) -> str:
    """`2026-07-01T10`, on the clock of Asia/Shanghai."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%dT%H}"
