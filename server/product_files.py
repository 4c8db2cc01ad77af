"""Product files: YAML in which operators describe what can be held, checked wholly before anything is published."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from passes.model import Product
from passes.publishing import UNPUBLISHED
from passes.terms import LONGEST_TERM, Blackout, Coverage, Limits, Party, Payment, Term, Terms
from scenic_data.files import DATA
from scenic_data.model import Fen, Slug
from server.file_fields import Count, Days, Strict, TitleIn, Weekday, read_drafts

EXAMPLES = DATA / "products"
"""The products that a new system starts with, marked as examples."""


class _TermIn(Strict):
    """Either fixed `dates` or so many `days` from the first day of the pass."""

    dates: Days | None = None
    days: Annotated[int, Field(strict=True, ge=1, le=LONGEST_TERM.days)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.dates is None) == (self.days is None):
            raise ValueError("give either `dates` or `days`")
        return self

    def to_term(self) -> Term:
        return Term(self.dates.to_range() if self.dates else None, self.days)


class _CoverageIn(Strict):
    spots: tuple[Slug, ...] = ()
    tags: tuple[str, ...] = ()
    excluded: tuple[Slug, ...] = ()

    def to_coverage(self) -> Coverage:
        return Coverage(frozenset(self.spots), frozenset(self.tags), frozenset(self.excluded))


class _LimitsIn(Strict):
    """How often a pass admits; a limit that is null or absent does not limit, but for one visit per spot and day."""

    per_spot_day: Count | None = 1
    per_spot: Count | None = None
    total: Count | None = None
    days: Count | None = None
    minutes_between: Count | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class _BlackoutIn(Strict):
    dates: tuple[Days, ...] = ()
    weekdays: tuple[Weekday, ...] = ()

    def to_blackout(self) -> Blackout:
        return Blackout(tuple(days.to_range() for days in self.dates), frozenset(self.weekdays))


class _PartyIn(Strict):
    admits: Annotated[int, Field(strict=True, ge=1, le=255)] = 1
    pays: Annotated[int, Field(strict=True, ge=0, le=255)] = 1

    @model_validator(mode="after")
    def _not_more_pay(self) -> Self:
        if self.pays > self.admits:
            raise ValueError("more people pay than are admitted")
        return self

    def to_party(self) -> Party:
        return Party(self.admits, self.pays)


class ProductIn(Strict):
    """A product as its file describes it."""

    id: Slug
    title: TitleIn
    term: _TermIn
    coverage: _CoverageIn
    limits: _LimitsIn = _LimitsIn()
    blackout: _BlackoutIn = _BlackoutIn()
    party: _PartyIn = _PartyIn()
    payment: Payment = Payment.PAID
    price_fen: Annotated[Fen, Field(strict=True, le=10_000_000)] | None = None
    example: bool = False
    """True marks a product that shows what the system can do and was agreed with nobody."""

    def to_product(self) -> Product:
        """The draft to publish."""
        return Product(
            id=self.id,
            number=UNPUBLISHED,
            version=UNPUBLISHED,
            title=self.title.to_text(),
            terms=Terms(
                term=self.term.to_term(),
                coverage=self.coverage.to_coverage(),
                limits=self.limits.to_limits(),
                blackout=self.blackout.to_blackout(),
                party=self.party.to_party(),
                payment=self.payment,
            ),
            price_fen=self.price_fen,
            example=self.example,
        )


def product_schema() -> str:
    """The JSON Schema of product files, for editors; `scenic_data/data/product.schema.json` holds it."""
    return json.dumps(ProductIn.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def read_products(files: Iterable[Path]) -> list[Product]:
    """The drafts in product files. Raises `Invalid` naming file and field of every fault."""
    return read_drafts(files, lambda record: ProductIn.model_validate(record).to_product(), "product")
