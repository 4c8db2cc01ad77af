"""Closures: what products and offers lose when spots close or are retired.

Coverage of what was sold never changes by itself, so a spot that closes stays in it, and gates
refuse there. Whoever corrects the catalogue should know for whom.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.holding.ports import Passes
from passes.offers.offer import Offer
from passes.terms.edition import Edition
from passes.terms.editions import Editions


class AffectedKind(StrEnum):
    """What is affected."""

    PRODUCT = "product"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class Affected:
    """A product or an offer that loses `spots`, and has so many open ones `left`.

    `passes` are those in force, or vouchers, that open one of these spots.
    """

    kind: AffectedKind
    id: str
    spots: tuple[str, ...]
    left: int
    passes: int

    def __str__(self) -> str:
        lost = ", ".join(self.spots)
        return (
            f"{self.kind.value} {self.id} loses {lost}; open spots left: {self.left}, "
            f"passes in force there: {self.passes}"
        )


class Closures:
    """Finds what is on sale, running or held and names spots that close."""

    def __init__(
        self, editions: Editions, offers: Callable[[], Sequence[Offer]], passes: Passes
    ) -> None:
        """`offers` gives all that are in memory; `passes` is a store."""
        self._editions = editions
        self._offers = offers
        self._passes = passes

    async def of(
        self, closing: frozenset[str], still_open: frozenset[str], today: date
    ) -> Sequence[Affected]:
        """Every product and offer that loses spots when these close; `still_open` are the others.

        What is neither sold nor offered any more is told while passes of it are in force.
        """
        affected = []
        offered = {offer.id for offer in self._offers() if offer.may_run(today)}
        for product_id, named in _named(self._editions.all(), closing).items():
            newest = self._editions.current(product_id)
            if newest is None:
                continue
            in_force = [
                held
                for held in await self._passes.of_product(product_id)
                if held.in_force_on(today) and not closing.isdisjoint(held.spots)
            ]
            kind, is_public = AffectedKind.PRODUCT, newest.on_sale(today)
            if newest.offer:
                kind, is_public = AffectedKind.OFFER, product_id in offered
            if is_public or in_force:
                left = len(newest.spots & still_open)
                affected.append(
                    Affected(kind, product_id, tuple(sorted(named)), left, len(in_force))
                )
        return affected


def _named(editions: Iterable[Edition], closing: frozenset[str]) -> Mapping[str, set[str]]:
    """By product those of the spots that any of its versions opens."""
    named: dict[str, set[str]] = {}
    for edition in editions:
        if not closing.isdisjoint(edition.spots):
            named.setdefault(edition.product_id, set()).update(edition.spots & closing)
    return named
