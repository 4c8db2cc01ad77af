"""Appending: a record that does not simply follow the newest one is added to a ledger.

Such as an annulment. The whole ledger is read, the record worked out from it, and all of that again
if another gate has appended first. The counters of campaigns go with the visits.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from passes.admission.clocks import CLOCKS_DIFFER
from passes.admission.offline.ports import Marks
from passes.admission.ports import VisitQuotas
from passes.base.calendar import business_day
from passes.base.errors import Unavailable
from passes.base.text import Text
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.records import Record, visits
from passes.ledger.tally import Tally

_TRIES = 100
_NO_LIMIT = 2**31 - 1
"""What has happened is counted, however much of a quota is used."""


@dataclass(frozen=True, slots=True)
class Appended:
    """A record of a ledger, the records before it, and whether it was appended just now."""

    record: Record
    before: Sequence[Record]
    new: bool


class Appending:
    """Appends records to ledgers, and keeps the visits of campaigns counted."""

    def __init__(
        self, passes: Passes, ledger: Ledger, visit_quotas: VisitQuotas, marks: Marks
    ) -> None:
        """All are stores."""
        self._marks = marks
        self._passes = passes
        self._ledger = ledger
        self._visit_quotas = visit_quotas

    async def append(
        self, pass_id: str, made: Callable[[Sequence[Record]], Record], now: datetime
    ) -> Appended:
        """Append what `made` makes of the whole ledger of a pass.

        If `made` returns a record of the ledger, it was done before, and nothing is changed. Raises
        what `made` raises, and `Unavailable` if others append again and again.
        """
        for _ in range(_TRIES):
            ledger = await self._ledger.whole(pass_id)
            record = made(ledger)
            if record in ledger:
                return Appended(record, ledger, new=False)
            before = ledger[-1].tally if ledger else Tally()
            if record.tally.total != before.total:
                # It may be used up by now, or not any more: gates without a line are told.
                await self._marks.mark(pass_id)
            if await self._ledger.append(record):
                await self.count_visits(pass_id, ledger, [*ledger, record], now)
                return Appended(record, ledger, new=True)
            # Another gate has appended to this ledger since it was read: work it out again.
        raise busy()

    async def count_visits(
        self, pass_id: str, before: Sequence[Record], after: Sequence[Record], now: datetime
    ) -> bool:
        """A campaign has as many visits more to give as are not there any more, and fewer by those
        that are new, when what stands of a ledger changes. False if there were not as many left."""
        held = await self._passes.get(pass_id)
        if held is None or held.terms.visits_per_spot_day is None:
            return True
        limit, all_left = held.terms.visits_per_spot_day, True
        were, are = _by_place(before), _by_place(after)
        for spot_id, day in (were - are).elements():
            await self._visit_quotas.give_back(held.product_id, spot_id, day, now)
        for spot_id, day in (are - were).elements():
            place = held.product_id, spot_id, day
            if not await self._visit_quotas.reserve(*place, limit, now):
                all_left = False
                await self._visit_quotas.reserve(*place, _NO_LIMIT, now)
        return all_left


def _by_place(records: Sequence[Record]) -> Counter[tuple[str, date]]:
    """How many visits there were at each spot on each day."""
    return Counter((visit.spot_id, business_day(visit.at)) for visit in visits(records))


def next_at(ledger: Sequence[Record], now: datetime) -> datetime:
    """When a record counts that is added now. Time never runs backwards within one ledger, unless
    its newest record was written by a server whose clock was ahead."""
    newest_at = max((record.at for record in ledger), default=now)
    if newest_at - now > CLOCKS_DIFFER:
        return now
    return max(now, newest_at)


def busy() -> Unavailable:
    """The error that others append to a ledger again and again."""
    text = Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again")
    return Unavailable("busy", text)
