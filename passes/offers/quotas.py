"""Quotas: how many vouchers of an offer are claimed, in all, on a day, and at a spot on a day.

A counter grows by a conditional update, so that it never passes its limit, and before the voucher that it counts. What
a crash leaves counted is found by reconciling.
"""

from collections import Counter as Count
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.offers.eligibility import sold_out
from passes.offers.offer import Offer
from passes.offers.ports import Counter, Counters

CLAIM_TAKES = timedelta(minutes=1)
"""A claim that was counted longer ago than this has stored its voucher, or never will."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A counter that did not say how many vouchers there are."""

    key: str
    counted: int
    vouchers: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What reconciling an offer did; `busy` are counters that have just been used, to be looked at again later."""

    corrected: tuple[Corrected, ...]
    exact: int
    busy: int


class Quotas:
    """Counts the vouchers of offers."""

    def __init__(self, counters: Counters, passes: Passes) -> None:
        """Both are stores."""
        self._counters = counters
        self._passes = passes

    async def reserve(self, offer: Offer, spot_id: str | None, now: datetime) -> None:
        """Count a claim. Raises `NotClaimable` if any quota is used up, and has counted nothing then."""
        taken: list[str] = []
        for quota, (key, limit) in counted(offer, business_day(now), spot_id).items():
            if not await self._counters.increment(offer.id, key, limit, now):
                for each in taken:
                    await self._counters.decrement(each, now)
                raise sold_out(offer, quota, business_day(now))
            taken.append(key)

    async def about_to_give_back(self, voucher: Pass, now: datetime) -> None:
        """Keep the counters of a voucher from being corrected until it is given back."""
        for key in counters_of(voucher):
            await self._counters.touch(key, now)

    async def give_back(self, voucher: Pass, now: datetime) -> None:
        """Count a voucher no more."""
        for key in counters_of(voucher):
            await self._counters.decrement(key, now)

    async def used(self, offers: Iterable[Offer], today: date) -> Mapping[str, int]:
        """The counters of offers in all and today, by their keys."""
        keys = [key for offer in offers for key, _ in counted(offer, today, None).values()]
        return await self._counters.counts(keys)

    async def reconcile(self, offer: Offer, now: datetime) -> Reconciled:
        """Make the counters of an offer say how many vouchers there are, also while claims come in.

        A counter is left alone while a claim that it counts may still be under way.
        """
        before = {counter.key: counter for counter in await self._counters.of_offer(offer.id)}
        stored = {voucher.id: voucher for voucher in await self._passes.of_product(offer.id)}
        vouchers = Count(
            key
            for voucher in stored.values()
            if voucher.cancelled_at is None
            and voucher.reissued_as not in stored  # a successor may just be coming
            for key in counters_of(voucher)
        )
        corrected, busy = [], 0
        for key in before.keys() | vouchers.keys():
            counter = before.get(key) or Counter(key, 0, now - CLAIM_TAKES)
            if counter.count == vouchers[key]:
                continue
            quiet = counter.changed_at <= now - CLAIM_TAKES
            if quiet and await self._counters.correct(offer.id, counter, vouchers[key]):
                corrected.append(Corrected(key, counter.count, vouchers[key]))
            else:
                busy += 1
        exact = len(before.keys() | vouchers.keys()) - len(corrected) - busy
        return Reconciled(tuple(sorted(corrected, key=lambda each: each.key)), exact, busy)


def counted(offer: Offer, day: date, spot_id: str | None) -> dict[str, tuple[str, int | None]]:
    """For each quota for which a claim counts: its counter, and its limit."""
    limits = (offer.quota.total, offer.quota.per_day, offer.quota.per_spot_day)
    keys = _keys(offer.id, day, spot_id)
    return dict(
        zip(("total", "per_day", "per_spot_day"), zip(keys, limits, strict=False), strict=False)
    )


def counters_of(voucher: Pass) -> list[str]:
    """The counters that count a voucher."""
    return _keys(voucher.product_id, business_day(voucher.issued_at), voucher.only_spot)


def _keys(offer_id: str, day: date, spot_id: str | None) -> list[str]:
    in_all, of_day = offer_id, f"{offer_id}:{day}"
    return [in_all, of_day] if spot_id is None else [in_all, of_day, f"{of_day}:{spot_id}"]
