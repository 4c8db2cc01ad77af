"""Visits of campaigns: how many a spot takes on a day, of all vouchers of a campaign together.

A gate counts one before it stores an admission, and gives it back if it is not stored, or annulled.
A crash in between leaves a counter too high, never too low: see `passes.offers.quotas`.
"""

from datetime import date, datetime

from passes.admission.ports import VisitQuotas
from passes.offers.ports import Counters
from passes.offers.quotas import key_of_spot


class CampaignVisits(VisitQuotas):
    """Counts the visits of campaigns."""

    def __init__(self, counters: Counters) -> None:
        """`counters` is a store."""
        self._counters = counters

    async def reserve(
        self, offer_id: str, spot_id: str, day: date, limit: int, now: datetime
    ) -> bool:
        """Count one more visit; False, and nothing is counted, at the limit."""
        key = key_of_spot(offer_id, day, spot_id)
        return await self._counters.increment(offer_id, key, limit, now)

    async def give_back(self, offer_id: str, spot_id: str, day: date, now: datetime) -> None:
        """Count one visit less."""
        await self._counters.decrement(key_of_spot(offer_id, day, spot_id), now)
