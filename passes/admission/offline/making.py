"""Making: the bundle of a spot, from what is in memory and what is stored.

A process keeps the newest bundle of each spot, and goes on giving it while nothing has changed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from passes.admission.gates import Gate, GateState
from passes.admission.offline.bundle import (
    DAYS,
    GOOD_FOR,
    Bundle,
    BundleKey,
    Package,
    hash_of_spent,
    sign,
)
from passes.admission.offline.filtering import ANYWHERE, Filtering
from passes.admission.offline.flat import Bound, Changes, GateRow
from passes.admission.offline.flatten import binds, flattened
from passes.admission.offline.ports import (
    Filters,
    KeptFilter,
    Marks,
    PassesAtLarge,
    SpotRecords,
)
from passes.admission.offline.standing import Days, states_by_hour, why_nowhere
from passes.admission.stop import Stop
from passes.base.calendar import business_day, start_of
from passes.base.errors import Unavailable, unknown
from passes.base.text import Text
from passes.codes.keys import GateKeys, Keyring
from passes.holding.model import Pass
from passes.ledger.records import Record
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason
from passes.terms.edition import Edition
from passes.terms.holidays import HolidayCalendar
from passes.terms.ports import Spots
from passes.terms.terms import SpotFacts

FRESH = timedelta(seconds=10)
"""For how long a bundle is given again without a look at what has happened."""

SAME_FOR = timedelta(hours=1)
"""For how long it is given again if nothing has."""

_CLOCKS_DIFFER = timedelta(minutes=6)
_CHANGED_WITHIN = timedelta(minutes=1)
"""How long after its mark a change is made at the latest."""

_AT_ONCE = 200
_MOST_AT_ONCE = 20_000
"""Of how many passes a filter is made while a gate waits for its first bundle."""

_SMALL_ONE_TAKES = timedelta(seconds=20)
"""After which time one that was begun for so few is given up: its process has died."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a bundle says, as it is in memory."""

    spots: Spots
    editions: Callable[[], Sequence[Edition]]
    calendar: Callable[[], HolidayCalendar]
    gates: Callable[[], Sequence[Gate]]
    stops: Callable[[], Sequence[Stop]]
    stop_at: Callable[[SpotFacts, datetime], Stop | None]

    def seen(self, spot_id: str) -> tuple[object, ...]:
        """What is another object as soon as something has changed."""
        return self.spots.get(spot_id), self.editions(), self.calendar(), self.gates(), self.stops()


@dataclass(frozen=True, slots=True)
class _Made:
    """A bundle that was made, when it was last found to be still right, and of what."""

    package: Package
    made_at: datetime
    looked_at: datetime
    seen: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """A marked pass as it was read, and why it admits nowhere. `marked_at` is when this process saw
    its mark first."""

    held: Pass
    why: Reason | None
    token: str
    marked_at: datetime
    read_at: datetime

    def is_right(self, token: str, now: datetime) -> bool:
        """Whether it need not be read again: it has no newer mark, the change that was marked was
        made by then, and the days are the same."""
        same_day = business_day(self.read_at) == business_day(now)
        return token == self.token and same_day and self.read_at - self.marked_at >= _CHANGED_WITHIN


class BundleMaking:
    """Makes bundles."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a bundle is made of
        self,
        codes: Keyring,
        bundle_keys: Sequence[BundleKey],
        sources: Sources,
        filtering: Filtering,
        filters: Filters,
        marks: Marks,
        passes: PassesAtLarge,
        records: SpotRecords,
    ) -> None:
        """`codes` and `bundle_keys` are keys; the last ones are stores."""
        self._codes = codes
        self._keys = sorted(bundle_keys, key=lambda key: key.id)
        self._sources = sources
        self._filtering = filtering
        self._filters = filters
        self._passes = passes
        self._made: dict[str, _Made] = {}
        self._making: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._today = _Today(records)
        self._marked = _Marked(marks, passes, filtering)

    def public_keys(self) -> Mapping[int, Ed25519PublicKey]:
        """The keys that sign bundles, by id: what a gate pins when it enrols."""
        return {key.id: key.private.public_key() for key in self._keys}

    async def package(
        self, spot_id: str, token_digest: Callable[[Gate], str | None], now: datetime
    ) -> Package:
        """The bundle of a spot, at most some seconds old.

        `token_digest` gives the SHA-256 of the token of a gate. Raises `Unknown` for a spot that
        has left the catalogue, `Unavailable` until the first filter is made.
        """
        async with self._making[spot_id]:
            made, seen = self._made.get(spot_id), self._sources.seen(spot_id)
            if made is not None and _is_right(made, seen, now):
                return made.package
            bundle = await self._bundle(spot_id, token_digest, now)
            package = await asyncio.to_thread(sign, bundle, self._keys[-1])
            if made is not None and _says_the_same(made, package, now):
                self._made[spot_id] = _Made(made.package, made.made_at, now, seen)
                return made.package
            self._made[spot_id] = _Made(package, now, now, seen)
            return package

    async def _bundle(
        self, spot_id: str, token_digest: Callable[[Gate], str | None], now: datetime
    ) -> Bundle:
        sources, today = self._sources, business_day(now)
        spot = sources.spots.get(spot_id)
        if spot is None:
            raise unknown(Text("景区", "spot"), spot_id)
        base = await self._base(now)
        days = [today + timedelta(days=n) for n in range(DAYS)]
        editions = [each for each in sources.editions() if spot_id in each.spots]
        changed = await self._marked.all(now)
        return Bundle(
            spot_id=spot_id,
            epoch=self._codes.epoch,
            made_at=now,
            rules=flattened(spot, editions, sources.calendar(), sources.stop_at(spot, now), days),
            keys=self._code_keys(days),
            gates=_rows_of(sources.gates(), spot_id, token_digest),
            cascade=base.cascade,
            changes=_changes(changed, base),
            spent=await self._spent(spot_id),
            bound=await self._bound(spot, editions, base, changed),
            hours=states_by_hour(await self._today.at(spot_id, now), spot_id, today),
            bundle_keys=self.public_keys(),
        )

    async def _base(self, now: datetime) -> KeptFilter:
        """The filter to go by. A small system makes the first one at once."""
        base = self._filtering.newest()
        if base is None and await self._passes.number() <= _MOST_AT_ONCE:
            await self._filtering.make(now, given_up_after=_SMALL_ONE_TAKES)
            base = self._filtering.newest()
        if base is None:
            text = Text("离线数据准备中，请稍后重试", "the first bundle is being made; try again")
            raise Unavailable("bundle_not_ready", text)
        return base

    def _code_keys(self, days: Sequence[date]) -> GateKeys:
        """All keys that sign codes, and the day keys; also of the day before, whose last codes are
        shown for some seconds after midnight."""
        held = [days[0] - timedelta(days=1), *days]
        return GateKeys(self._codes.verifiers(), {day: self._codes.day_key(day) for day in held})

    async def _spent(self, spot_id: str) -> frozenset[bytes]:
        _, spent = await self._filters.spent(spot_id)
        return frozenset(hash_of_spent(spot_id, serial) for serial in spent)

    async def _bound(
        self,
        spot: SpotFacts,
        editions: Collection[Edition],
        base: KeptFilter,
        changed: Sequence[_Told],
    ) -> Bound:
        """The vouchers for this spot, its whole, or any spot."""
        since = business_day(base.began_at)
        if not any(map(binds, editions)):
            return Bound(since)
        listed = await self._filters.bound([spot.id, *sorted(spot.tags), ANYWHERE])
        marked = [each.held for each in changed]
        lately = {held.id for held in marked if binds(held.edition) and held.opens(spot)}
        return Bound(since, listed | lately)


class _Marked:
    """The passes whose standing may have changed, for the bundles of all spots. One that was read
    long enough after its mark is not read again."""

    def __init__(self, marks: Marks, passes: PassesAtLarge, filtering: Filtering) -> None:
        self._marks = marks
        self._passes = passes
        self._filtering = filtering
        self._known: dict[str, _Told] = {}

    async def all(self, now: datetime) -> Sequence[_Told]:
        """Every one of them, with why it admits nowhere on the days of a bundle."""
        marks = await self._marks.all()
        known = {serial: self._known[serial] for serial in marks.keys() & self._known.keys()}
        stale = [
            serial
            for serial, token in marks.items()
            if serial not in known or not known[serial].is_right(token, now)
        ]
        for at in range(0, len(stale), _AT_ONCE):
            for told in await self._read(stale[at : at + _AT_ONCE], marks, now):
                known[told.held.id] = told
        self._known = known
        return list(known.values())

    async def _read(
        self, serials: Sequence[str], marks: Mapping[str, str], now: datetime
    ) -> list[_Told]:
        today = business_day(now)
        days = Days(today, today + GOOD_FOR)
        passes = await self._passes.of(serials)
        tallies: Mapping[str, Tally] = await self._filtering.tallies(passes)
        told = []
        for held in passes:
            token, before = marks[held.id], self._known.get(held.id)
            seen_before = before is not None and before.token == token
            marked_at = before.marked_at if before is not None and seen_before else now
            why = why_nowhere(held, tallies.get(held.id), days)
            told.append(_Told(held, why, token, marked_at, now))
        return told


class _Today:
    """The records of today at each spot, of which only new ones are read again."""

    def __init__(self, records: SpotRecords) -> None:
        self._records = records
        self._known: dict[str, tuple[datetime, dict[tuple[str, int], Record]]] = {}

    async def at(self, spot_id: str, now: datetime) -> Collection[Record]:
        """All records at a spot that count today. What is stored late is found, too."""
        begins = start_of(business_day(now))
        looked_at, known = self._known.get(spot_id, (begins, {}))
        if looked_at < begins:
            known = {}  # it is another day
        stored_since = looked_at - _CLOCKS_DIFFER if known else None
        async for record in self._records.at_spot(spot_id, begins, stored_since):
            known[record.pass_id, record.n] = record
        self._known[spot_id] = now, known
        return known.values()


def _is_right(made: _Made, seen: tuple[object, ...], now: datetime) -> bool:
    """Whether a bundle can be given again unseen."""
    same = all(one is other for one, other in zip(made.seen, seen, strict=True))
    return same and timedelta() <= now - made.looked_at < FRESH


def _says_the_same(made: _Made, package: Package, now: datetime) -> bool:
    """Whether a newer bundle is of the same parts, so that no gate needs it yet."""
    return made.package.parts == package.parts and now - made.made_at < SAME_FOR


def _changes(changed: Sequence[_Told], base: KeptFilter) -> Changes:
    refuse = {each.held.id: each.why for each in changed if each.why is not None}
    allow = {each.held.id for each in changed if each.why is None}
    # Of those that the filter lets in anyway nothing has to be said.
    told = {each for each in allow if base.cascade.refuses(each)}
    return Changes(refuse, frozenset(told))


def _rows_of(
    gates: Sequence[Gate], spot_id: str, token_digest: Callable[[Gate], str | None]
) -> tuple[GateRow, ...]:
    return tuple(
        GateRow(
            gate.id,
            gate.kind,
            gate.state,
            tuple(sorted(gate.readers)),
            token_digest(gate) if gate.state is GateState.ENROLLED else None,
        )
        for gate in gates
        if gate.spot_id == spot_id
    )
