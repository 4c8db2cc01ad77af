"""The shelf: catalogue and products put together, as the public addresses serve them.

A shelf is made once from what is in memory and never changes; when something is loaded, a new one takes its place. It
keeps whole replies, so that a question asked again costs no work.
"""

from collections.abc import Callable, Hashable, Sequence
from hashlib import sha256

from handlers.endpoint import Ready
from passes.books import Book
from passes.model import Product
from scenic_data.catalogue import Catalogue
from scenic_data.model import Spot
from scenic_data.snapshot import Snapshot

_KEPT_REPLIES = 512


class Shelf:
    """What there is to see at one moment."""

    def __init__(self, snapshot: Snapshot, products: Sequence[Product]) -> None:
        """Works out which product opens which spots."""
        self.snapshot = snapshot
        self.products = products
        self.covered = {product.id: _covered(product, snapshot) for product in products}
        versions = [(product.id, product.version) for product in products]
        self._etag = sha256(f"{snapshot.etag} {versions}".encode()).hexdigest()[:16]
        self._kept: dict[Hashable, Ready] = {}

    def passes_for(self, spot: Spot) -> list[Product]:
        """The products that open a spot."""
        return [product for product in self.products if product.terms.coverage.covers(spot)]

    def kept(self, question: Hashable, answer: Callable[[], bytes]) -> Ready:
        """The reply to a question, from earlier or made now. Of very many the one not asked for longest is dropped."""
        reply = self._kept.pop(question, None) or Ready(answer(), etag=self._etag)
        self._kept[question] = reply
        if len(self._kept) > _KEPT_REPLIES:
            del self._kept[next(iter(self._kept))]
        return reply


class Shelves:
    """Gives the shelf of this moment."""

    def __init__(self, catalogue: Catalogue, products: Book[Product]) -> None:
        """Both are what the process holds in memory."""
        self._catalogue = catalogue
        self._products = products
        self._shelf = Shelf(catalogue.snapshot, products.all())

    def now(self) -> Shelf:
        """The shelf over what is in memory now."""
        snapshot, products = self._catalogue.snapshot, self._products.all()
        if self._shelf.snapshot is not snapshot or self._shelf.products is not products:
            self._shelf = Shelf(snapshot, products)
        return self._shelf


def _covered(product: Product, snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(spot.id for spot in snapshot.all() if product.terms.coverage.covers(spot))
