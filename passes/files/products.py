"""Product files: YAML in which operators describe what can be held."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from passes.base import typed
from passes.files.fields import Count, Days, FileModel, IsoWeekday, TitleIn, read_drafts
from passes.terms.edition import Edition
from passes.terms.publishing import UNPUBLISHED
from passes.terms.terms import (
    LONGEST_TERM,
    Blackout,
    Coverage,
    Limits,
    Party,
    Payment,
    Season,
    Settlement,
    SpotLimits,
    Term,
    Terms,
    Unactivated,
)
from scenic_data.files import DATA
from scenic_data.model import Fen, Slug, YearDays

EXAMPLES = DATA / "products"
"""The products that a new system starts with, marked as examples."""


class _TermIn(FileModel):
    """Either fixed `dates`, or so many `days` from the first day of the pass.

    With `activate_within` the holder chooses that day within so many days after issue;
    `unactivated` says what becomes of a pass that nobody activated in time.
    """

    dates: Days | None = None
    days: Annotated[int, Field(strict=True, ge=1, le=LONGEST_TERM.days)] | None = None
    activate_within: Annotated[int, Field(strict=True, ge=1, le=LONGEST_TERM.days)] | None = None
    unactivated: Unactivated = Unactivated.STARTS

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.dates is None) == (self.days is None):
            raise ValueError("give either `dates` or `days`")
        return self

    @model_validator(mode="after")
    def _activation_of_days(self) -> Self:
        if self.activate_within is not None and self.days is None:
            raise ValueError("`activate_within` goes with `days`")
        return self

    def to_term(self) -> Term:
        dates = None
        if self.dates is not None:
            dates = self.dates.to_range()
        return Term(dates, self.days, self.activate_within, self.unactivated)


def _tag(written: object) -> object:
    """A tag in its one form: levels are in capitals, everything else in small letters."""
    if not isinstance(written, str):
        return written
    small = typed.slug(written)
    is_level = re.fullmatch("[1-5]a", small) is not None
    return small.upper() if is_level else small


class _CoverageIn(FileModel):
    spots: tuple[Slug, ...] = ()
    tags: tuple[Annotated[str, BeforeValidator(_tag)], ...] = ()
    excluded: tuple[Slug, ...] = ()

    def to_coverage(self) -> Coverage:
        return Coverage(frozenset(self.spots), frozenset(self.tags), frozenset(self.excluded))


class _LimitsIn(FileModel):
    """How often a pass admits; null is without limit. The default of `per_spot_day` is 1."""

    per_spot_day: Count | None = 1
    per_spot: Count | None = None
    total: Count | None = None
    days: Count | None = None
    minutes_between: Count | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class _SpotLimitsIn(FileModel):
    """Limits at one spot instead of the usual ones."""

    per_spot_day: Count | None = 1
    per_spot: Count | None = None

    def to_limits(self) -> SpotLimits:
        return SpotLimits(self.per_spot_day, self.per_spot)


class _SettlementIn(FileModel):
    """What is agreed to be paid to a spot for each admission, in fen; `spots` have other fees."""

    fee_fen: Annotated[Fen, Field(strict=True, le=100_000)] = 0
    spots: dict[Slug, Annotated[Fen, Field(strict=True, le=100_000)]] = Field(default_factory=dict)

    def to_settlement(self) -> Settlement:
        return Settlement(self.fee_fen, self.spots)


class _BlackoutIn(FileModel):
    dates: tuple[Days, ...] = ()
    weekdays: tuple[IsoWeekday, ...] = ()

    def to_blackout(self) -> Blackout:
        dates = tuple(days.to_range() for days in self.dates)
        return Blackout(dates, frozenset(self.weekdays))


class _PartyIn(FileModel):
    admits: Annotated[int, Field(strict=True, ge=1, le=255)] = 1
    pays: Annotated[int, Field(strict=True, ge=0, le=255)] = 1

    @model_validator(mode="after")
    def _not_more_pay(self) -> Self:
        if self.pays > self.admits:
            raise ValueError("more people pay than are admitted")
        return self

    def to_party(self) -> Party:
        return Party(self.admits, self.pays)


class ProductIn(FileModel):
    """A product as its file describes it."""

    id: Slug
    title: TitleIn
    term: _TermIn
    coverage: _CoverageIn
    limits: _LimitsIn = _LimitsIn()
    overrides: dict[Slug, _SpotLimitsIn] = Field(default_factory=dict)
    """For some spots limits of their own."""
    blackout: _BlackoutIn = _BlackoutIn()
    season: tuple[YearDays, ...] = ()
    """Days of every year on which the pass admits, `04-01/11-15`; always, if there is none."""
    settlement: _SettlementIn = _SettlementIn()
    party: _PartyIn = _PartyIn()
    payment: Payment = Payment.PAID
    price_fen: Annotated[Fen, Field(strict=True, le=10_000_000)] | None = None
    example: bool = False
    """True marks a product that shows what the system can do and was agreed with nobody."""

    def to_product(self) -> Edition:
        """The draft to publish. Its number, version and spots are found when it is published."""
        return Edition(
            product_id=self.id,
            number=UNPUBLISHED,
            version=UNPUBLISHED,
            title=self.title.to_text(),
            terms=self.to_terms(),
            spots=frozenset(),
            price_fen=self.price_fen,
            example=self.example,
        )

    def to_terms(self) -> Terms:
        """What the product lets its holder do."""
        return Terms(
            term=self.term.to_term(),
            coverage=self.coverage.to_coverage(),
            limits=self.limits.to_limits(),
            overrides={slug: limits.to_limits() for slug, limits in self.overrides.items()},
            blackout=self.blackout.to_blackout(),
            season=tuple(Season(*written.split("/")) for written in self.season),
            settlement=self.settlement.to_settlement(),
            party=self.party.to_party(),
            payment=self.payment,
        )


def product_schema() -> str:
    """The JSON Schema of product files, which `scenic_data/data/product.schema.json` holds."""
    return json.dumps(ProductIn.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def read_products(files: Iterable[Path]) -> list[Edition]:
    """The drafts in product files. Raises `Invalid` naming file and field of every fault."""
    return read_drafts(
        files, lambda record: ProductIn.model_validate(record).to_product(), "product"
    )
