"""Quotas: how many vouchers of an offer are claimed, in all, on a day, and at a spot on a day.

Each quota has a counter, which grows by a conditional update (`count < limit`), so that it never
passes its limit. It grows before the voucher that it counts is stored, so a crash can leave a
counter too high, never too low. Reconciling corrects it: docs/adr/0012-counters-before-vouchers.md.
"""

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.records import Record, visits, without_undone_later
from passes.offers.eligibility import sold_out
from passes.offers.offer import Offer
from passes.offers.ports import Counter, Counters

CLAIM_TAKES = timedelta(minutes=1)
"""A claim that was counted longer ago than this has stored its voucher, or never will."""

_MOST_SEEN = 10_000
"""How many quotas a process remembers to have seen used up: every spot has one each day."""


@dataclass(frozen=True, slots=True)
class QuotaCounter:
    """The counter of a quota, and its limit; None is without limit."""

    key: str
    limit: int | None

    def left(self, counts: Mapping[str, int]) -> int | None:
        """How many are left, if these are the counts of counters by key."""
        if self.limit is None:
            return None
        return max(0, self.limit - counts.get(self.key, 0))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A counter that did not say how many vouchers there are."""

    key: str
    counted: int
    vouchers: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What reconciling an offer did: the counters that were corrected, how many were `exact`, and
    how many `busy`, which have just been used and should be looked at again later."""

    corrected: tuple[Corrected, ...]
    exact: int
    busy: int


class Quotas:
    """Counts the vouchers of offers."""

    def __init__(self, counters: Counters, passes: Passes, ledger: Ledger) -> None:
        """All are stores."""
        self._counters = counters
        self._passes = passes
        self._ledger = ledger
        self._seen_used_up: set[str] = set()
        """Keys of counters that this process has found at their limit."""

    async def refuse_used_up(self, offer: Offer, spot_id: str | None, now: datetime) -> None:
        """Raises `NotClaimable` if a quota is used up that this process has seen used up before.

        That is one read, and none before a quota is used up. What is remembered decides nothing: a
        voucher that was given back is there for the next who asks.
        """
        today = business_day(now)
        quotas = counted(offer, today, spot_id)
        keys = {counter.key for counter in quotas.values()}
        if self._seen_used_up.isdisjoint(keys):
            return
        counts = await self._counters.counts(keys)
        for quota, counter in quotas.items():
            if counter.left(counts) == 0:
                raise sold_out(offer, quota, today)
        self._seen_used_up -= keys

    async def reserve(self, offer: Offer, spot_id: str | None, now: datetime) -> None:
        """Count a claim for every quota of an offer.

        Raises `NotClaimable` if one of them is used up; then nothing is counted.
        """
        today = business_day(now)
        reserved: list[str] = []
        for quota, counter in counted(offer, today, spot_id).items():
            if not await self._counters.increment(offer.id, counter.key, counter.limit, now):
                for key in reserved:
                    await self._counters.decrement(key, now)
                self._remember_used_up(counter.key)
                raise sold_out(offer, quota, today)
            reserved.append(counter.key)

    def _remember_used_up(self, key: str) -> None:
        if len(self._seen_used_up) >= _MOST_SEEN:
            self._seen_used_up.clear()
        self._seen_used_up.add(key)

    async def about_to_give_back(self, voucher: Pass, now: datetime) -> None:
        """Keep the counters of a voucher from being corrected until it is given back."""
        for key in counters_of(voucher):
            await self._counters.touch(key, now)

    async def give_back(self, voucher: Pass, now: datetime) -> None:
        """Count a voucher no more."""
        for key in counters_of(voucher):
            await self._counters.decrement(key, now)

    async def used(self, offers: Iterable[Offer], today: date) -> Mapping[str, int]:
        """The counts of offers in all and today, by the keys of their counters."""
        keys: list[str] = []
        for offer in offers:
            keys += [counter.key for counter in counted(offer, today, None).values()]
        return await self._counters.counts(keys)

    async def reconcile(self, offer: Offer, now: datetime) -> Reconciled:
        """Make the counters of an offer say how many vouchers there are, also while claims come in.

        A counter is left alone while a claim that it counts may still be under way.
        """
        # 1. The counters, before the vouchers. A claim or cancellation that comes in later changes
        #    a counter, and then the compare-and-set of step 3 corrects nothing.
        counters = await self._counters_of(offer)
        # 2. What they should say.
        should_be = await self._vouchers_of(offer)
        # 3. Each is corrected, if it is wrong and nobody is about to make it right.
        corrected: list[Corrected] = []
        exact = busy = 0
        for key in counters.keys() | should_be.keys():
            counter = counters.get(key) or Counter(key, 0, now - CLAIM_TAKES)
            if counter.count == should_be[key]:
                exact += 1
            elif await self._correct(offer, counter, should_be[key], now):
                corrected.append(Corrected(key, counter.count, should_be[key]))
            else:
                busy += 1
        corrected.sort(key=lambda each: each.key)
        return Reconciled(tuple(corrected), exact, busy)

    async def wrong(self, offer: Offer, now: datetime) -> list[Corrected]:
        """The counters of an offer that do not say how many vouchers there are, but for those that
        have just been used. Nothing is corrected."""
        counters, should_be = await self._counters_of(offer), await self._vouchers_of(offer)
        wrong = []
        for key in sorted(counters.keys() | should_be.keys()):
            counter = counters.get(key) or Counter(key, 0, now - CLAIM_TAKES)
            is_busy = counter.changed_at > now - CLAIM_TAKES
            if counter.count != should_be[key] and not is_busy:
                wrong.append(Corrected(key, counter.count, should_be[key]))
        return wrong

    async def _counters_of(self, offer: Offer) -> dict[str, Counter]:
        return {counter.key: counter for counter in await self._counters.of_offer(offer.id)}

    async def _vouchers_of(self, offer: Offer) -> collections.Counter[str]:
        """What the counters of an offer should say."""
        stored = await self._passes.of_product(offer.id)
        should_be = _count(stored)
        if offer.campaign and offer.quota.per_spot_day is not None:
            should_be += await self._visits_of(stored)
        return should_be

    async def _visits_of(self, vouchers: Sequence[Pass]) -> collections.Counter[str]:
        """How many visits the vouchers of a campaign have made, by the keys of counters."""
        counts = collections.Counter[str]()
        offer_of = {each.id: each.product_id for each in vouchers}
        ledgers: dict[str, list[Record]] = collections.defaultdict(list)
        for record in without_undone_later(await self._ledger.of_passes(offer_of)):
            ledgers[record.pass_id].append(record)
        for pass_id, records in ledgers.items():
            for visit in visits(records):
                day = business_day(visit.at)
                counts[key_of_spot(offer_of[pass_id], day, visit.spot_id)] += 1
        return counts

    async def _correct(self, offer: Offer, counter: Counter, count: int, now: datetime) -> bool:
        """Set a counter; False if it has just been used.

        A claim counts before it stores its voucher, and a cancellation touches the counters before
        it changes the voucher. So if the vouchers were read in the middle of one of them, its
        counter has changed within the last minute, or changes after it was read; in both cases it
        is left alone.
        """
        if counter.changed_at > now - CLAIM_TAKES:
            return False
        return await self._counters.correct(offer.id, counter, count)


def counted(offer: Offer, day: date, spot_id: str | None) -> dict[str, QuotaCounter]:
    """The counters of a claim on a business day, by quota: `total`, `per_day`, and, if it is for
    one spot, `per_spot_day`."""
    quota = offer.quota
    counters = {
        "total": QuotaCounter(_key_in_all(offer.id), quota.total),
        "per_day": QuotaCounter(_key_of_day(offer.id, day), quota.per_day),
    }
    if spot_id is not None and not offer.campaign:
        key = key_of_spot(offer.id, day, spot_id)
        counters["per_spot_day"] = QuotaCounter(key, quota.per_spot_day)
    return counters


def counters_of(voucher: Pass) -> list[str]:
    """The keys of the counters that count a voucher."""
    offer_id, day = voucher.product_id, business_day(voucher.issued_at)
    keys = [_key_in_all(offer_id), _key_of_day(offer_id, day)]
    if voucher.only_spot is not None and voucher.terms.visits_per_spot_day is None:
        keys.append(key_of_spot(offer_id, day, voucher.only_spot))
    return keys


def _count(vouchers: Iterable[Pass]) -> collections.Counter[str]:
    """How many of these vouchers each counter should count."""
    stored = {voucher.id: voucher for voucher in vouchers}
    counts = collections.Counter[str]()
    for voucher in stored.values():
        # A voucher that was reissued counts until its successor is stored, which then counts.
        has_successor = voucher.reissued_as in stored
        if voucher.cancelled_at is None and not has_successor:
            counts.update(counters_of(voucher))
    return counts


def _key_in_all(offer_id: str) -> str:
    return offer_id


def _key_of_day(offer_id: str, day: date) -> str:
    return f"{offer_id}:{day}"


def key_of_spot(offer_id: str, day: date, spot_id: str) -> str:
    """The key of the counter of an offer at a spot on a day."""
    return f"{offer_id}:{day}:{spot_id}"
