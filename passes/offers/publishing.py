"""Publishing of offers, each together with the edition that a claim of it gives."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.offers.numbering import new_key
from passes.offers.offer import Offer, OfferState
from passes.offers.ports import Offers
from passes.people.sealing import Vault
from passes.terms.never import never_admits
from passes.terms.ports import Spots
from passes.terms.publishing import ProductPublishing, Published, Publishing
from passes.terms.terms import SpotTimes, missing_from
from passes.terms.validity import Term

_FIELDS = {"term.dates": "window", "coverage": "spots"}
"""What fields of terms are called in the file of an offer, if they are called otherwise."""


class OfferPublishing(Publishing[Offer]):
    """Publishes offers."""

    noun = "offer"

    def __init__(
        self,
        vault: Vault,
        spots: Spots,
        store: Offers,
        vouchers: ProductPublishing,
        audit: Audit,
    ) -> None:
        """The vault seals keys; `spots` is the catalogue in memory, `vouchers` publishes what
        claims give."""
        super().__init__(spots, store, audit)
        self._vault = vault
        self._offers = store
        self._vouchers = vouchers

    async def preview(self, drafts: Sequence[Offer], today: date) -> Published:
        """What publishing would do. Raises `Invalid` naming each offer and field that is wrong."""
        published = await super().preview(drafts, today)
        await self._vouchers.preview([draft.voucher() for draft in drafts], today)
        return published

    async def publish(self, drafts: Sequence[Offer], by: str, now: datetime) -> Published:
        """Publish all drafts, and before them what a claim of each gives."""
        await self.preview(drafts, business_day(now))
        await self._vouchers.publish([draft.voucher() for draft in drafts], by, now)
        return await super().publish(drafts, by, now)

    async def set_state(self, offer_id: str, state: OfferState, by: str, now: datetime) -> Offer:
        """Pause, resume or end an offer, and return it as it is then.

        Doing it again changes nothing. Raises `Unknown`, and `Conflict` for an offer that has ended
        for good, or that somebody else changes at the same moment.
        """
        offer = await self._get(offer_id)
        if offer.state is not state:
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, state.value, f"offer:{offer_id}"))
                await self._change_state(offer, state)
        # Announced in any case: a crash may have come between a change and its announcement.
        await self._offers.announce()
        return replace(offer, state=state)

    async def _get(self, offer_id: str) -> Offer:
        for offer in await self._offers.all():
            if offer.id == offer_id:
                return offer
        raise unknown(Text("优惠活动", "offer"), offer_id)

    async def _change_state(self, offer: Offer, state: OfferState) -> None:
        if offer.state is OfferState.ENDED:
            text = Text("活动已结束", f"offer {offer.id!r} has ended for good")
            raise Conflict("offer_ended", text)
        if not await self._offers.set_state(offer.id, state, before=offer.state):
            text = Text("活动正在变更，请重试", "this offer changes this moment; try again")
            raise Conflict("offer_busy", text)

    def _completed(self, draft: Offer, newest: Offer | None) -> Offer:
        resolved = replace(draft, spots=self._meant(draft.covers), at=self._resolved_times(draft))
        if newest is None:
            return resolved
        return replace(resolved, version=newest.version, state=newest.state, key=newest.key)

    def _resolved_times(self, draft: Offer) -> tuple[SpotTimes, ...]:
        return tuple(replace(each, spots=self._meant(each.coverage)) for each in draft.at)

    def _version_after(
        self,
        newest: Offer | None,
        completed: Offer,
        stored: Iterable[Offer],  # noqa: ARG002 - an offer needs no number
    ) -> Offer:
        if newest is None:
            return replace(completed, version=1, key=new_key(self._vault, completed.id))
        return replace(completed, version=newest.version + 1)

    def _faults(
        self,
        draft: Offer,
        newest: Offer | None,  # noqa: ARG002 - the draft alone tells
    ) -> Sequence[Fault]:
        """Whether its spots and tags exist, and whether what it says of single spots is of its own.

        What else is wrong with its coverage is told of its voucher.
        """
        missing = missing_from(draft.covers, self._all_spots())
        if missing:
            return [Fault(f"{draft.slug}.spots", f"there is no {each}") for each in missing]
        covered = self._meant(draft.covers)
        faults = []
        for name in ("benefits", "prices"):
            for slug in sorted(getattr(draft, name).keys() - covered):
                what = f"the offer does not cover {slug}: name it there, too, or take it out here"
                faults.append(Fault(f"{draft.slug}.{name}.{slug}", what))
        return faults

    def _never(self, draft: Offer, today: date) -> Sequence[Fault]:
        """Vouchers are used within the window, also those of so many days."""
        covered = self._meant(draft.covers)
        if not covered:
            return []
        resolved = replace(draft, at=self._resolved_times(draft))
        terms = replace(resolved.voucher().terms, term=Term(dates=draft.window))
        spots = [spot for each in covered if (spot := self._spots.get(each))]
        return [
            Fault(f"{draft.slug}.{_FIELDS.get(name, name)}", what)
            for name, what in never_admits(terms, spots, today)
        ]
