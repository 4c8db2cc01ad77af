"""Products, for everybody, from memory."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field

from handlers.catalogue.day_view import DayView
from handlers.terms.terms_view import LimitsOut, TermsOut, rules_out
from handlers.web.api import ApiHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import Out, TextOut
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.base.errors import unknown
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.prices import Payment


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
    """As in `terms`, where everything stands."""
    days: int | None = Field(examples=[365])
    valid_from: date | None = Field(examples=[None])
    valid_until: date | None = Field(examples=[None])
    terms: TermsOut
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
            terms=TermsOut.of(product),
            example=product.example,
        )


class ProductPageOut(ProductOut):
    """A product with its terms in words."""

    rules: list[TextOut]
    """使用须知, a sentence each."""

    @classmethod
    def of(cls, product: Edition, spots: Sequence[str]) -> Self:
        """The view of a product that covers these spots now."""
        listed = ProductOut.of(product, spots)
        return cls(**dict(listed), rules=rules_out(product))


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


class ProductEndpoint(ApiHandler):
    """`/api/v1/products/{id}`"""

    @endpoint(scope=None, reply=ProductPageOut)
    async def get(self, product_id: str) -> PreparedReply:
        """One product, with its terms in words."""
        view = self.day_view()
        question = ("product", product_id)
        return view.replies.reply(question, lambda: _product(view, product_id))


def _products(view: DayView) -> bytes:
    items = [ProductOut.of(product, view.covered[product.product_id]) for product in view.products]
    return ProductsOut(total=len(items), items=items).model_dump_json().encode()


def _product(view: DayView, product_id: str) -> bytes:
    """The JSON of a `ProductPageOut`. Raises `Unknown`."""
    for product in view.products:
        if product.product_id == product_id:
            page = ProductPageOut.of(product, view.covered[product_id])
            return page.model_dump_json().encode()
    raise unknown(Text("票种", "product"), product_id)


routes = [
    Route("/api/v1/products", ProductListEndpoint, "products"),
    Route("/api/v1/products/{product_id}", ProductEndpoint, "product"),
]
