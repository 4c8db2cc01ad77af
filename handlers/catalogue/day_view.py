"""The shelf: catalogue, products and offers put together, as the public addresses serve them on one business day.

A shelf is made once from what is in memory and never changes; when something is loaded, or the day is over, a new one
takes its place. It keeps whole replies, so that a question asked again costs no work.
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from hashlib import sha256
from operator import is_not
from pathlib import Path

from handlers.web.endpoint import Ready
from passes.base.cache import Book
from passes.offers.offer import Offer
from passes.terms.product import Product
from scenic_data.catalogue import Catalogue
from scenic_data.model import Spot
from scenic_data.snapshot import Snapshot

_KEPT_REPLIES = 512
_PACKAGES = ("handlers", "scenic_data")
_CODE = sha256(
    b"".join(
        file.read_bytes()
        for package in _PACKAGES
        for file in sorted((Path(__file__).parents[1] / package).glob("*.py"))
    )
).hexdigest()
"""What makes replies: another version of it may say the same in another way, so it is part of every ETag."""


class Shelf:
    """What there is to see on one day."""

    def __init__(
        self, snapshot: Snapshot, products: Sequence[Product], offers: Sequence[Offer], today: date
    ) -> None:
        """Works out which product opens which spots, and which offers run. Vouchers are seen as their offers."""
        self.parts = snapshot, products, offers
        self.snapshot = snapshot
        self.products = products = [product for product in products if not product.offer]
        self.offers = offers
        self.today = today
        self.running = [offer for offer in offers if offer.runs_on(today)]
        self.covered = {product.id: _covered(product, snapshot) for product in products}
        published = [(product.id, product.version) for product in products]
        offered = [
            (offer.id, offer.version, offer.state, offer in self.running) for offer in offers
        ]
        self._etag = sha256(f"{_CODE} {snapshot.etag} {published} {offered}".encode()).hexdigest()[
            :16
        ]
        self._kept: dict[Hashable, Ready] = {}

    def passes_for(self, spot: Spot) -> list[Product]:
        """The products that open a spot."""
        return [product for product in self.products if product.terms.coverage.covers(spot)]

    def offers_for(self, spot: Spot) -> list[Offer]:
        """The offers that run at a spot today."""
        return [offer for offer in self.running if spot.id in offer.spots]

    def with_offer(self) -> frozenset[str]:
        """The ids of the spots at which an offer runs today."""
        return frozenset().union(*(offer.spots for offer in self.running))

    def kept(self, question: Hashable, answer: Callable[[], bytes], etag: str = "") -> Ready:
        """The reply to a question, from earlier or made now. Of very many the one not asked for longest is dropped.

        `etag` tells what the answer depends on beside what is on the shelf.
        """
        question = question, etag
        reply = self._kept.pop(question, None) or Ready(answer(), etag=self._etag + etag)
        self._kept[question] = reply
        if len(self._kept) > _KEPT_REPLIES:
            del self._kept[next(iter(self._kept))]
        return reply


class Shelves:
    """Gives the shelf of a day."""

    def __init__(self, catalogue: Catalogue, products: Book[Product], offers: Book[Offer]) -> None:
        """All are what the process holds in memory."""
        self._catalogue = catalogue
        self._products = products
        self._offers = offers
        self._shelf: Shelf | None = None

    def on(self, day: date) -> Shelf:
        """The shelf over what is in memory now."""
        parts = self._catalogue.snapshot, self._products.all(), self._offers.all()
        shelf = self._shelf
        if shelf is None or shelf.today != day or any(map(is_not, parts, shelf.parts)):
            shelf = self._shelf = Shelf(*parts, day)
        return shelf


def _covered(product: Product, snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(spot.id for spot in snapshot.all() if product.terms.coverage.covers(spot))
