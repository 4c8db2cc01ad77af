"""Products, for everybody, from memory."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field

from handlers.catalogue.day_view import DayView
from handlers.web.api import ApiHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import Out, TextOut
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.terms.edition import Edition
from passes.terms.prices import Payment


class LimitsOut(Out):
    """How often a pass admits; null is without limit."""

    per_spot_day: int | None = Field(examples=[1])
    per_spot: int | None = Field(examples=[None])
    """In the whole term."""
    total: int | None = Field(examples=[None])
    """At all spots together."""
    days: int | None = Field(examples=[None])
    """Different days on which it is used."""
    minutes_between: int | None = Field(examples=[None])
    """From one admission to the next, anywhere."""


class ProductOut(Out):
    """What can be held. It is valid from `valid_from` to `valid_until`, or for `days` days; the
    others are null."""

    id: str = Field(examples=["bashu-annual-example"])
    version: int = Field(examples=[1])
    title: TextOut
    price_fen: int | None = Field(examples=[19900])
    payment: Payment
    """Whether the visitor has paid before, or pays at the window."""
    spots: list[str] = Field(examples=[["emeishan", "wulong-xiannvshan"]])
    """The slugs of all spots that it opens."""
    limits: LimitsOut
    days: int | None = Field(examples=[365])
    valid_from: date | None = Field(examples=[None])
    valid_until: date | None = Field(examples=[None])
    example: bool
    """Whether it shows what the system can do and was agreed with nobody."""

    @classmethod
    def of(cls, product: Edition, spots: Sequence[str]) -> Self:
        """The view of a product that covers these spots now."""
        term = product.terms.term
        valid_from = valid_until = None
        if term.dates is not None:
            valid_from, valid_until = term.dates.start, term.dates.end
        return cls(
            id=product.product_id,
            version=product.version,
            title=TextOut.of(product.title),
            price_fen=product.price_fen,
            payment=product.terms.payment,
            spots=list(spots),
            limits=LimitsOut.model_validate(product.terms.limits, from_attributes=True),
            days=term.days,
            valid_from=valid_from,
            valid_until=valid_until,
            example=product.example,
        )


class ProductsOut(Out):
    """The products on sale."""

    total: int
    items: list[ProductOut]


class ProductListEndpoint(ApiHandler):
    """`/api/v1/products`"""

    @endpoint(scope=None, reply=ProductsOut)
    async def get(self) -> PreparedReply:
        """The products on sale, with the spots that each of them opens."""
        view = self.day_view()
        return view.replies.reply("products", lambda: _products(view))


def _products(view: DayView) -> bytes:
    items = [ProductOut.of(product, view.covered[product.product_id]) for product in view.products]
    return ProductsOut(total=len(items), items=items).model_dump_json().encode()


routes = [Route("/api/v1/products", ProductListEndpoint, "products")]
