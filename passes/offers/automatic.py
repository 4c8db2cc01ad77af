"""Automatic campaigns: nobody claims them; a visitor who may have one has it when they show it.

The voucher is stored at its first showing, under a serial that follows from offer and person. So
showing it twice, at two places at once, gives one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.offers.claiming import Claim, Claiming
from passes.offers.offer import ClaimKind, Offer
from passes.people.visitors import Visitor
from passes.terms.editions import Editions


class Automatic:
    """Finds and makes the vouchers of automatic campaigns."""

    def __init__(
        self, offers: Callable[[], Sequence[Offer]], editions: Editions, claiming: Claiming
    ) -> None:
        """`offers` gives all that are in memory."""
        self._offers = offers
        self._editions = editions
        self._claiming = claiming

    def serial(self, visitor: Visitor, offer: Offer) -> str | None:
        """The id of what a visitor has of an offer; None if it is to be claimed, or if it is not
        known who they are."""
        if offer.claim is not ClaimKind.AUTOMATIC or visitor.person is None:
            return None
        return self._claiming.serial_of_automatic(visitor, offer)

    async def shown(self, visitor: Visitor, pass_id: str, now: datetime) -> Pass | None:
        """The voucher with this id, stored now if it was not yet; None if it is of no automatic
        campaign of this visitor. Raises `NotClaimable` saying why they may not have it."""
        today = business_day(now)
        for offer in self._offers():
            if not offer.may_run(today) or self.serial(visitor, offer) != pass_id:
                continue
            edition = self._editions.current(offer.id)
            if edition is not None:
                return await self._claiming.claim(visitor, Claim(offer, edition), now)
        return None
