"""Editions: a product is what can be held, an edition is one published version of its terms.

An edition is never changed, only followed by the next. A pass names the edition it was issued
under, so its terms stay as they were sold.
"""

from dataclasses import dataclass, field
from datetime import date

from passes.base.stored import IN_MEMORY
from passes.base.text import Text
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.terms import SpotFacts, Terms


@dataclass(frozen=True, slots=True)
class SaleWindow:
    """The business days on which a product is sold, both included; None leaves an end open."""

    start: date | None = None
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        begun = self.start is None or self.start <= day
        over = self.end is not None and self.end < day
        return begun and not over


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

    sale: SaleWindow | None = None
    """When it is sold; always, if there is none."""
    withdrawn: bool = False
    """Whether operators sell it no more; always False as stored (`passes.terms.withdrawing`)."""
    spot_withdrawals: tuple[SpotWithdrawal, ...] = field(default=(), metadata=IN_MEMORY)
    """The spots that leave the product, in the order of their days."""

    def on_sale(self, day: date) -> bool:
        """Whether it is sold on that business day: not withdrawn, in its window, not over."""
        in_window = self.sale is None or day in self.sale
        dates = self.terms.term.dates
        is_over = dates is not None and dates.end < day
        return in_window and not self.withdrawn and not is_over

    def has_ended_at(self, spot_id: str, day: date) -> bool:
        """Whether a spot that it opens has left it for good, on that business day."""
        return any(each.has_ended(spot_id, day) for each in self.spot_withdrawals)

    def spots_on(self, day: date) -> frozenset[str]:
        """The spots that it opens on a business day: without those that have left it."""
        if not self.spot_withdrawals:
            return self.spots
        return frozenset(each for each in self.spots if not self.has_ended_at(each, day))

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
