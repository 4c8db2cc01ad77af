"""The nouns of the domain: product, pass, holder, gate, scan.

Plain frozen values; a change makes a new one. What happens at gates is in `ledger`, `rules` and `admission`.
"""

from dataclasses import dataclass

from passes.base.text import Text
from passes.terms.terms import Terms


@dataclass(frozen=True, slots=True)
class Product:
    """What can be held. `number` stands for it inside codes and is never given to another product."""

    id: str
    number: int
    version: int
    title: Text
    terms: Terms
    price_fen: int | None = None
    example: bool = False
    offer: bool = False
    """Whether it is the voucher of the offer with the same id, which is claimed, not sold."""
