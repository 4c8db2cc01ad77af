"""Editions: a product is what can be held, an edition is one published version of its terms.

An edition is never changed, only followed by the next. A pass names the edition it was issued
under, so its terms stay as they were sold.
"""

from dataclasses import dataclass

from passes.base.text import Text
from passes.terms.terms import SpotFacts, Terms


@dataclass(frozen=True, slots=True)
class Edition:
    """One published version of a product.

    `number`, 1 to 65535, stands for it inside codes and is never given to another edition.
    `spots` are the ids of the spots that its terms cover, worked out when it was published: a
    spot that loses its 5A later stays in the passes that were sold with it.
    """

    product_id: str
    version: int
    number: int
    title: Text
    terms: Terms
    spots: frozenset[str]
    price_fen: int | None = None
    example: bool = False
    offer: bool = False
    """Whether it is what a claim of the offer with this id gives: a voucher, not for sale."""
    benefit: str | None = None
    """For a voucher, what it is worth: `buy_one_get_one`, `percent:50` or `free`."""
    extended_by: int = 0
    """By how many days amendments have prolonged the passes that name it; always 0 as stored."""

    def benefit_at(self, spot: SpotFacts | None) -> str | None:
        """What a voucher is worth at a spot; None for a pass that is no voucher."""
        benefits = self.terms.benefits
        if benefits is None or spot is None:
            return self.benefit
        return str(benefits.at(spot))

    @property
    def slug(self) -> str:
        """The id under which its file publishes it."""
        return self.product_id
