"""Products, for everybody, from memory."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import BaseModel

from handlers.api import ApiHandler
from handlers.endpoint import Ready, endpoint
from handlers.routing import Route
from handlers.shelf import Shelf
from passes.model import Product
from passes.terms import Payment


class TextOut(BaseModel):
    """The same words in Chinese and English."""

    zh: str
    en: str


class LimitsOut(BaseModel):
    """How often a pass admits; null is without limit."""

    per_spot_day: int | None
    per_spot: int | None
    total: int | None
    days: int | None
    minutes_between: int | None


class ProductOut(BaseModel):
    """What can be held. It is valid on the days from `valid_from` to `valid_until`, or for `days` days."""

    id: str
    version: int
    title: TextOut
    price_fen: int | None
    payment: Payment
    spots: list[str]
    limits: LimitsOut
    days: int | None
    valid_from: date | None
    valid_until: date | None
    example: bool

    @classmethod
    def of(cls, product: Product, spots: Sequence[str]) -> Self:
        """The view of a product that covers these spots now."""
        term = product.terms.term
        return cls(
            id=product.id,
            version=product.version,
            title=TextOut(zh=product.title.zh, en=product.title.en),
            price_fen=product.price_fen,
            payment=product.terms.payment,
            spots=list(spots),
            limits=LimitsOut.model_validate(product.terms.limits, from_attributes=True),
            days=term.days,
            valid_from=term.dates.start if term.dates else None,
            valid_until=term.dates.end if term.dates else None,
            example=product.example,
        )


class ProductsOut(BaseModel):
    """All products."""

    total: int
    items: list[ProductOut]


class Products(ApiHandler):
    """`/api/v1/products`"""

    @endpoint(scope=None, reply=ProductsOut)
    async def get(self) -> Ready:
        """All products, with the spots that each of them opens."""
        shelf = self.services.shelves.now()
        return shelf.kept("products", lambda: _products(shelf))


def _products(shelf: Shelf) -> bytes:
    items = [ProductOut.of(product, shelf.covered[product.id]) for product in shelf.products]
    return ProductsOut(total=len(items), items=items).model_dump_json().encode()


routes = [Route("/api/v1/products", Products, "products")]
