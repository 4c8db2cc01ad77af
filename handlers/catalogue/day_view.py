"""The day view: catalogue, products and offers as the public sees them on one business day.

A view is made once from what is in memory and never changes; when something is loaded, or the day
is over, a new one takes its place. With it goes the cache of the replies that were made from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from operator import is_not

from handlers.web.reply_cache import ReplyCache
from passes.base.cache import CachedCollection
from passes.offers.offer import Offer
from passes.terms.edition import Edition
from passes.terms.editions import Editions
from scenic_data.catalogue import Catalogue
from scenic_data.model import Spot
from scenic_data.snapshot import Snapshot


class DayView:
    """What there is to see on one day."""

    def __init__(
        self,
        snapshot: Snapshot,
        editions: Sequence[Edition],
        offers: Sequence[Offer],
        today: date,
        build: str,
    ) -> None:
        """`editions` are the newest of each product; those of vouchers are seen as their offers.

        Lists have only `products` on sale, and `listed` offers, which have not ended. What is not
        in them any more is still found by its id: there are passes of it.

        `build` names the code that makes replies.
        """
        self.parts = snapshot, editions, offers
        self.snapshot = snapshot
        published = [edition for edition in editions if not edition.offer]
        self.products = [edition for edition in published if edition.on_sale(today)]
        self._vouchers = {edition.product_id: edition for edition in editions if edition.offer}
        self.offers = offers
        self.today = today
        self.listed = [offer for offer in offers if offer.may_run(today)]
        self.running = [offer for offer in offers if offer.runs_on(today)]
        self.covered = {
            edition.product_id: _in_catalogue(edition, snapshot, today) for edition in published
        }
        self._with_offer = frozenset(spot.id for spot in snapshot.all() if self.offers_for(spot))
        self.replies = ReplyCache(self._etag(build))

    def passes_for(self, spot: Spot) -> list[Edition]:
        """The products on sale that open a spot."""
        return [edition for edition in self.products if spot.id in edition.spots_on(self.today)]

    def offers_for(self, spot: Spot) -> list[Offer]:
        """The offers that run at a spot today."""
        return [offer for offer in self.running if offer.runs_at(spot)]

    def with_offer(self) -> frozenset[str]:
        """The ids of the spots at which an offer runs today."""
        return self._with_offer

    def voucher_of(self, offer: Offer) -> Edition:
        """What a claim of an offer gives, as amended.

        An offer may be loaded a moment before it; then as it was drafted.
        """
        published = self._vouchers.get(offer.id)
        if published is None:
            return replace(offer.voucher(), spots=offer.spots)
        return published

    def _etag(self, build: str) -> str:
        """A digest of all that a reply can depend on."""
        _, editions, _ = self.parts
        published = [_state_of(edition) for edition in editions]
        on_sale = [edition.product_id for edition in self.products]
        offered = [
            (offer.id, offer.version, offer.state, offer in self.running, offer in self.listed)
            for offer in self.offers
        ]
        state = f"{build} {self.snapshot.etag} {published} {on_sale} {self.covered} {offered}"
        return sha256(state.encode()).hexdigest()[:16]


class DayViews:
    """Gives the view of a day."""

    def __init__(
        self,
        catalogue: Catalogue,
        editions: Editions,
        offers: CachedCollection[Offer],
        build: str,
    ) -> None:
        """All are what the process holds in memory. `build` names the code that makes replies:
        another version of it may say the same in another way, so it is part of every ETag."""
        self._catalogue = catalogue
        self._editions = editions
        self._offers = offers
        self._build = build
        self._view: DayView | None = None

    def on(self, day: date) -> DayView:
        """The view over what is in memory now."""
        parts = self._catalogue.snapshot, self._editions.all_current(), self._offers.all()
        view = self._view
        # Each part is the same object until it is loaded again.
        if view is None or view.today != day or any(map(is_not, parts, view.parts)):
            view = DayView(*parts, day, self._build)
            self._view = view
        return view


def _state_of(edition: Edition) -> tuple[object, ...]:
    """What tells an edition from itself with other amendments, which only add, or with other spots
    that leave it."""
    return (
        edition.product_id,
        edition.version,
        edition.extended_by,
        len(edition.spots),
        edition.terms.limits,
        [(each.spot_id, each.start, each.policy.value) for each in edition.spot_withdrawals],
    )


def _in_catalogue(edition: Edition, snapshot: Snapshot, today: date) -> tuple[str, ...]:
    """The spots of an edition that are in the catalogue and have not left it, best known first."""
    opened = edition.spots_on(today)
    return tuple(spot.id for spot in snapshot.all() if spot.id in opened)
