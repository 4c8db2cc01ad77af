"""Filtering: once a day the base filter of all bundles is made anew, by one process, in the
background.

1. Every process learns that a filter is being made, and marks the passes that it issues meanwhile.
2. The filter is made of all passes that there are.
3. Every process learns it, so that no serial is drawn that it refuses; then it is used.

What is marked stands in bundles beside the filter, as it is then.
"""

import asyncio
import logging
import secrets
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from passes.admission.offline.bundle import GOOD_FOR
from passes.admission.offline.cascade import SALT_BYTES, Cascade, made
from passes.admission.offline.flatten import binds
from passes.admission.offline.ports import (
    Filters,
    KeptFilter,
    Marks,
    PassesAtLarge,
    SpotRecords,
)
from passes.admission.offline.standing import Days, codes_are_over, may_enter_free, why_nowhere
from passes.base.cache import CachedCollection
from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.ledger.records import Record
from passes.ledger.tally import Tally
from passes.terms.edition import Edition

log = logging.getLogger(__name__)

KEPT_FOR = GOOD_FOR + timedelta(days=1)
"""For how long a filter may stand in a bundle that is good: a day until the next, and its age."""

MOST_MARKS = 4_000
"""From how many changes on a filter is made before its day is over."""

_AT_LEAST_APART = timedelta(hours=1)
_GIVEN_UP_AFTER = timedelta(minutes=30)
"""After which time another process takes over what one has begun."""

_LATE = timedelta(days=9)
"""How late a record may arrive: a gate decides alone for seven days."""
_CLOCKS_DIFFER = timedelta(minutes=6)
_AT_ONCE = 500
_SEASON = timedelta(days=400)
ANYWHERE = "*"
"""The list of vouchers for which no spot was chosen, though one could be."""


@dataclass(slots=True)
class _Sorted:
    """The serials of all passes that admit nowhere, and of all others; vouchers by the spot that
    they are for; and who has visited today with a pass of so many visits, the rest of whose party
    may follow: their marks stay."""

    refused: "array[int]" = field(default_factory=lambda: array("Q"))
    others: "array[int]" = field(default_factory=lambda: array("Q"))
    bound: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    used_today: set[str] = field(default_factory=set)

    def add(self, held: Pass, tally: Tally | None, days: Days) -> None:
        """Put a pass where it belongs."""
        if tally is not None and tally.day == days.first:
            self.used_today.add(held.id)
            tally = None
        if why_nowhere(held, tally, days) is not None:
            self.refused.append(int(held.id, 16))
            return
        self.others.append(int(held.id, 16))
        if binds(held.edition):
            self.bound[held.chosen_spot or ANYWHERE].append(held.id)


class Filtering:
    """Makes base filters."""

    def __init__(
        self,
        stored: Filters,
        kept: CachedCollection[KeptFilter],
        marks: Marks,
        passes: PassesAtLarge,
        records: SpotRecords,
        editions: Callable[[], Sequence[Edition]],
    ) -> None:
        """`kept` are the filters in memory, `editions` those in memory; the others are stores."""
        self._stored = stored
        self._kept = kept
        self._marks = marks
        self._passes = passes
        self._records = records
        self._editions = editions

    def newest(self) -> KeptFilter | None:
        """The filter that bundles are made with."""
        return next((each for each in reversed(self._kept.all()) if each.ready), None)

    async def is_due(self, now: datetime) -> bool:
        """Whether a filter has to be made: on each business day, and after many changes."""
        newest = self.newest()
        if newest is None or business_day(newest.began_at) < business_day(now):
            return True
        apart = now - newest.began_at >= _AT_LEAST_APART
        return apart and await self._marks.number() > MOST_MARKS

    async def make(
        self,
        now: datetime,
        learned_within: float = 0,
        given_up_after: timedelta = _GIVEN_UP_AFTER,
    ) -> bool:
        """Make a filter, if no other process is at it, or has died over it; whether it was made.

        Within `learned_within` seconds every process knows of it. Five million passes take minutes,
        a few milliseconds at a time, and the memory of their serials.
        """
        if not await self._stored.begin(now, now - given_up_after):
            return False
        try:
            await self._make(now, learned_within)
        finally:
            await self._stored.end()
        return True

    async def _make(self, now: datetime, learned_within: float) -> None:
        settled, before = await self._marks.all(), await self._stored.settled()
        salt = secrets.token_bytes(SALT_BYTES)
        being_made = KeptFilter(salt.hex(), now, Cascade(salt))
        # 1. Who is issued a pass from now on is marked.
        await self._tell(being_made, learned_within)
        # 2. Of all passes that there are.
        today = business_day(now)
        found = await self._sorted(Days(today, today + KEPT_FOR))
        cascade = await asyncio.to_thread(made, found.refused, found.others, salt)
        # 3. Known everywhere, before it is used.
        kept = replace(being_made, cascade=cascade)
        await self._tell(kept, learned_within)
        await self._work_out_spent(now)
        await self._stored.put_bound(found.bound)
        await self._stored.put(replace(kept, ready=True))
        # 4. A change that was marked before the filter of before was begun is in this one: it was
        #    made within seconds after its mark.
        done = dict(settled.items() & before.items())
        await self._marks.remove({k: v for k, v in done.items() if k not in found.used_today})
        await self._stored.put_settled(settled)
        await self._kept.load()
        await self._stored.drop(self._no_longer_used(now))
        await self._kept.load()
        log.info("a filter of %d refused among %d passes", len(found.refused), len(found.others))

    async def _tell(self, kept: KeptFilter, learned_within: float) -> None:
        """Store a filter, and return when every process knows it."""
        await self._stored.put(kept)
        await self._kept.load()
        await asyncio.sleep(learned_within)

    def _no_longer_used(self, now: datetime) -> Collection[str]:
        """The filters that stand in no bundle that is good: the next one was there in time."""
        ready = [each for each in self._kept.all() if each.ready]
        used = {
            each.id for each, following in pairwise(ready) if following.began_at >= now - KEPT_FOR
        }
        used |= {each.id for each in ready[-1:]}
        return [each.id for each in self._kept.all() if each.id not in used]

    async def _sorted(self, days: Days) -> "_Sorted":
        """All passes that are not over."""
        found = _Sorted()
        async for some in self._passes.each():
            await asyncio.sleep(0)  # others get their turn: a cursor gives more than this at once
            living = [held for held in some if not codes_are_over(held, days.first)]
            tallies = await self.tallies(living)
            for held in living:
                found.add(held, tallies.get(held.id), days)
        return found

    async def tallies(self, passes: Sequence[Pass]) -> Mapping[str, Tally]:
        """The tallies of those passes that can be used up."""
        counted = [held.id for held in passes if held.terms.limits.total is not None]
        newest = await self._records.newest_of(counted) if counted else {}
        return {pass_id: record.tally for pass_id, record in newest.items()}

    async def _work_out_spent(self, now: datetime) -> None:
        """At each spot with a limit of its own for all days: who has nothing left there."""
        limited = {
            spot_id
            for edition in self._editions()
            for spot_id in edition.spots
            if edition.terms.limits_at(spot_id).per_spot is not None
        }
        for spot_id in sorted(limited):
            until, spent = await self._stored.spent(spot_id)
            since = now - _SEASON if until is None else until - _LATE
            stored_since = None if until is None else until - _CLOCKS_DIFFER
            newest: dict[str, Record] = {}
            async for record in self._records.at_spot(spot_id, since, stored_since):
                known = newest.get(record.pass_id)
                if known is None or known.n < record.n:
                    newest[record.pass_id] = record
            gone = await self._with_nothing_left(spot_id, newest)
            still = {each for each in spent if each not in newest}
            await self._stored.put_spent(spot_id, now, still | gone)

    async def _with_nothing_left(self, spot_id: str, newest: Mapping[str, Record]) -> set[str]:
        serials, found = list(newest), set()
        for at in range(0, len(serials), _AT_ONCE):
            for held in await self._passes.of(serials[at : at + _AT_ONCE]):
                record = newest[held.id]
                limit = held.terms.limits_at(spot_id).per_spot
                here = record.tally.by_spot.get(spot_id, 0)
                day = business_day(record.at)
                # Who may enter free by law is let in with nothing left.
                free = may_enter_free(held, Days(day, day + KEPT_FOR))
                if limit is not None and here >= limit and not free:
                    found.add(held.id)
        return found


def taken_for_refused(kept: Sequence[KeptFilter], serial: str) -> bool:
    """Whether a filter that may stand in a bundle refuses a serial."""
    return any(each.cascade.refuses(serial) for each in kept)


def is_being_made(kept: Sequence[KeptFilter]) -> bool:
    """Whether a filter is made at present, which may or may not find a pass that is issued now."""
    return not all(each.ready for each in kept)
