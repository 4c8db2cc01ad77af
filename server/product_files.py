"""Product files: YAML in which operators describe what can be held, checked wholly before anything is published."""

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from passes.codes import FIRST_DAY, LAST_DAY
from passes.errors import Fault, Invalid
from passes.model import Product
from passes.publishing import UNPUBLISHED
from passes.terms import LONGEST_TERM, Blackout, Coverage, DateRange, Limits, Party, Payment, Term, Terms
from passes.texts import Text
from scenic_data.files import DATA, DataError, load_yaml
from scenic_data.model import Fen, Name, Slug
from scenic_data.validation import faults_of

EXAMPLES = DATA / "products"
"""The products that a new system starts with, marked as examples."""

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Weekday = Annotated[int, Field(strict=True, ge=1, le=7)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _TitleIn(_Strict):
    zh: Name
    en: Name


class _DaysIn(_Strict):
    """A span of business days, written `2026-10-01/2026-10-07`, or one day."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("it ends before it begins")
        return self

    def to_range(self) -> DateRange:
        return DateRange(self.start, self.end)


def _split_days(written: object) -> object:
    if not isinstance(written, str) or not re.fullmatch(_DAYS_PATTERN, written):
        raise ValueError("write days as 2026-10-01/2026-10-07, or one as 2026-10-01")
    start, _, end = written.partition("/")
    return {"start": start, "end": end or start}


_DAYS_PATTERN = r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$"
Days = Annotated[
    _DaysIn,
    BeforeValidator(_split_days),
    WithJsonSchema({"type": "string", "pattern": _DAYS_PATTERN, "description": "First and last day, or one day."}),
]


class _TermIn(_Strict):
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


class _CoverageIn(_Strict):
    spots: tuple[Slug, ...] = ()
    tags: tuple[str, ...] = ()
    excluded: tuple[Slug, ...] = ()

    def to_coverage(self) -> Coverage:
        return Coverage(frozenset(self.spots), frozenset(self.tags), frozenset(self.excluded))


class _LimitsIn(_Strict):
    """How often a pass admits; a limit that is null or absent does not limit, but for one visit per spot and day."""

    per_spot_day: Count | None = 1
    per_spot: Count | None = None
    total: Count | None = None
    days: Count | None = None
    minutes_between: Count | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class _BlackoutIn(_Strict):
    dates: tuple[Days, ...] = ()
    weekdays: tuple[Weekday, ...] = ()

    def to_blackout(self) -> Blackout:
        return Blackout(tuple(days.to_range() for days in self.dates), frozenset(self.weekdays))


class _PartyIn(_Strict):
    admits: Annotated[int, Field(strict=True, ge=1, le=255)] = 1
    pays: Annotated[int, Field(strict=True, ge=0, le=255)] = 1

    @model_validator(mode="after")
    def _not_more_pay(self) -> Self:
        if self.pays > self.admits:
            raise ValueError("more people pay than are admitted")
        return self

    def to_party(self) -> Party:
        return Party(self.admits, self.pays)


class ProductIn(_Strict):
    """A product as its file describes it."""

    id: Slug
    title: _TitleIn
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
            title=Text(self.title.zh, self.title.en),
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
    """The drafts in product files, one each. Raises `Invalid` naming file and field of every fault."""
    drafts, faults = [], []
    for file in files:
        try:
            drafts.append(ProductIn.model_validate(load_yaml(file)).to_product())
        except DataError as error:
            faults += [Fault(file.name, told.partition(": ")[2]) for told in error.faults]
        except ValidationError as error:
            faults += [Fault(f"{file.name}: {path or 'file'}", what) for path, what in faults_of(error)]
    if faults:
        raise Invalid("product_invalid", Text("票种文件有误", "a product file cannot be used"), faults)
    return drafts
