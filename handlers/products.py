"""Products, for everybody, from memory."""

from datetime import date
from typing import Self

from pydantic import BaseModel
from tornado.web import url

from handlers.api import ApiHandler
from handlers.endpoint import endpoint
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
    def of(cls, product: Product, spots: list[str]) -> Self:
        """The view of a product that covers these spots now."""
        term = product.terms.term
        return cls(
            id=product.id,
            version=product.version,
            title=TextOut(zh=product.title.zh, en=product.title.en),
            price_fen=product.price_fen,
            payment=product.terms.payment,
            spots=spots,
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
    async def get(self) -> ProductsOut:
        """All products, with the spots that each of them opens."""
        items = [ProductOut.of(product, self._covered(product)) for product in self.services.products.all()]
        return ProductsOut(total=len(items), items=items)

    def _covered(self, product: Product) -> list[str]:
        snapshot = self.services.catalogue.snapshot
        spots = (snapshot.get(spot_id) for spot_id in snapshot.ids())
        return [spot.id for spot in spots if spot and product.terms.coverage.covers(spot)]


routes = [url(r"/api/v1/products", Products, name="products")]
