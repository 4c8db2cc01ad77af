"""Spot withdrawals: that a spot leaves a product, and what becomes of the passes sold with it.

Knows no catalogue and no store; how one is made and taken back is in
`passes.terms.spot_withdrawing`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from passes.base.text import Text


class Policy(StrEnum):
    """What becomes of passes that were sold: they go on admitting there, or end there."""

    SERVE = "serve"
    END = "end"


@dataclass(frozen=True, slots=True)
class SpotWithdrawal:
    """That a spot leaves a product with the business day `start`.

    `spots` are the spot and its parts, `name` is what it was called. `at` is when it was told:
    who was issued a pass later knew of it.
    """

    product_id: str
    spot_id: str
    start: date
    policy: Policy
    at: datetime
    reason: str
    name: Text
    spots: frozenset[str] = frozenset()

    @property
    def ends(self) -> bool:
        """Whether passes that were sold end there, too."""
        return self.policy is Policy.END

    def has_ended(self, spot_id: str, day: date) -> bool:
        """Whether no pass admits at a spot any more on a business day because of it."""
        return self.ends and spot_id in self.spots and day >= self.start
