"""Automatic campaigns: nobody claims them; a visitor who may have one has it when they show it.

The voucher is stored at its first showing, of its code or of a card, under a serial that follows
from offer and person. So showing it twice, at two places at once, gives one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from passes.admission.gates import ShownCard
from passes.admission.ports import AutomaticVouchers
from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.offers.claimants import Claimants
from passes.offers.claiming import Claim, Claiming
from passes.offers.eligibility import objection
from passes.offers.offer import ClaimKind, Offer
from passes.people.visitors import Visitor
from passes.terms.editions import Editions
from passes.terms.terms import SpotFacts


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
        return self._claiming.serial_of_automatic(visitor.lookup, offer)

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


class AutomaticByCard(AutomaticVouchers):
    """The same for people who show their card, who may have no account."""

    def __init__(
        self,
        offers: Callable[[], Sequence[Offer]],
        editions: Editions,
        claimants: Claimants,
        claiming: Claiming,
    ) -> None:
        """`offers` gives all that are in memory."""
        self._offers = offers
        self._editions = editions
        self._claimants = claimants
        self._claiming = claiming

    def automatic(self, product_id: str) -> bool:
        """Whether a product is the voucher of such a campaign."""
        return any(offer.id == product_id for offer in self._campaigns())

    async def drafts(
        self, card: ShownCard, held: Sequence[Pass], spot: SpotFacts, now: datetime
    ) -> Sequence[Pass]:
        """The vouchers, not stored yet, that the holder of a card may have at a spot now."""
        today, serials = business_day(now), {each.id for each in held}
        wanted = {}
        for offer in self._campaigns():
            serial = self._claiming.serial_of_automatic(card.lookup, offer)
            if offer.may_run(today) and offer.runs_at(spot) and serial not in serials:
                wanted[serial] = offer
        if not wanted:
            return []
        claimant = await self._claimants.of_card(card, held, wanted.values(), now)
        drafts = []
        for serial, offer in wanted.items():
            edition = self._editions.current(offer.id)
            if edition is not None and objection(offer, claimant) is None:
                claim = Claim(offer, edition)
                drafts.append(self._claiming.draft_by_card(serial, card, claim, now))
        return drafts

    async def store(self, draft: Pass, by: str, now: datetime) -> Pass | None:
        """The voucher, stored, or as it is there already; None if they may not have it."""
        offer = next((each for each in self._campaigns() if each.id == draft.product_id), None)
        if offer is None:  # it was changed since the draft was made
            return None
        return await self._claiming.claim_by_card(draft, offer, by, now)

    def _campaigns(self) -> list[Offer]:
        return [offer for offer in self._offers() if offer.claim is ClaimKind.AUTOMATIC]
