"""Product files: YAML in which operators describe what can be held."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from passes.files.fields import (
    Count,
    CoverageIn,
    Day,
    Days,
    FileModel,
    HoursIn,
    IsoWeekday,
    TitleIn,
    blackout,
    hours,
    read_drafts,
    season,
)
from passes.people.groups import group_named
from passes.terms.edition import Edition, SaleWindow
from passes.terms.holidays import Holiday
from passes.terms.prices import Party, Payment
from passes.terms.publishing import UNPUBLISHED
from passes.terms.terms import Holders, Limits, Pool, Settlement, SpotTimes, Terms
from passes.terms.times import Blackout, Times
from passes.terms.validity import LONGEST_TERM, Starts, Term, Unactivated
from scenic_data.files import DATA
from scenic_data.model import Fen, Slug, YearDays

EXAMPLES = DATA / "products"
"""The products that a new system starts with, marked as examples."""


_TermDays = Annotated[int, Field(strict=True, ge=1, le=LONGEST_TERM.days)]


class _TermIn(FileModel):
    """Either fixed `dates`, or so many `years`, `months` and `days`, added up, from the first day
    of the pass.

    With `activate_within` the holder chooses that day within so many days after issue;
    `unactivated` says what becomes of a pass that nobody activated in time. `starts` says whether
    the days begin at once, on the next day, or with the first visit, within `start_within` days.
    """

    dates: Days | None = None
    years: Annotated[int, Field(strict=True, ge=1, le=10)] | None = None
    months: Annotated[int, Field(strict=True, ge=1, le=120)] | None = None
    days: _TermDays | None = None
    activate_within: _TermDays | None = None
    unactivated: Unactivated = Unactivated.STARTS
    starts: Starts = Starts.AT_ONCE
    start_within: _TermDays | None = None
    pause_days: Annotated[int, Field(strict=True, ge=0, le=366)] = 0
    """For how many days in all the holder may pause it; it ends so many days later."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        has_span = any((self.years, self.months, self.days))
        if (self.dates is None) != has_span:
            raise ValueError("give either `dates`, or some of `years`, `months` and `days`")
        return self

    @model_validator(mode="after")
    def _not_with_dates(self) -> Self:
        for name in ("activate_within", "start_within", "pause_days"):
            if self.dates is not None and getattr(self, name):
                raise ValueError(f"`{name}` does not go with `dates`")
        if self.dates is not None and self.starts is not Starts.AT_ONCE:
            raise ValueError("`starts` does not go with `dates`")
        return self

    @model_validator(mode="after")
    def _first_visit_within(self) -> Self:
        if (self.starts is Starts.FIRST_VISIT) != (self.start_within is not None):
            raise ValueError("`start_within` goes with `starts: first_visit`, and that with it")
        if self.starts is Starts.FIRST_VISIT and self.pause_days:
            raise ValueError("`pause_days` does not go with `starts: first_visit`")
        return self

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        first = date(2000, 1, 1)
        if self.dates is None and self.to_term().starting(first).end > first + LONGEST_TERM:
            raise ValueError("a term has at most ten years")
        return self

    def to_term(self) -> Term:
        dates = None
        if self.dates is not None:
            dates = self.dates.to_range()
        others = self.model_dump(exclude={"dates"})
        return Term(dates=dates, **others)


class _LimitsIn(FileModel):
    """How often a pass admits; null is without limit. The default of `per_spot_day` is 1."""

    per_spot_day: Count | None = 1
    per_spot: Count | None = None
    total: Count | None = None
    days: Count | None = None
    minutes_between: Count | None = None
    per_month: Count | None = None
    """Visits in a month of validity, which begins on the day of the first one."""
    per_year: Count | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class _SpotLimitsIn(FileModel):
    """Limits at one spot; one that is not named is that of all spots. Null is without limit."""

    per_spot_day: Count | None = None
    per_spot: Count | None = None

    def to_limits(self) -> dict[str, int | None]:
        return self.model_dump(exclude_unset=True)


class _SettlementIn(FileModel):
    """What is agreed to be paid to a spot for each admission, in fen; `spots` have other fees."""

    fee_fen: Annotated[Fen, Field(strict=True, le=100_000)] = 0
    spots: dict[Slug, Annotated[Fen, Field(strict=True, le=100_000)]] = Field(default_factory=dict)

    def to_settlement(self) -> Settlement:
        return Settlement(self.fee_fen, self.spots)


class _BlackoutIn(FileModel):
    dates: tuple[Days, ...] = ()
    weekdays: tuple[IsoWeekday, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    """Statutory holidays, on the days that the published calendar gives them."""

    def to_blackout(self) -> Blackout:
        return blackout(self.dates, self.weekdays, self.holidays)


class _PoolIn(CoverageIn):
    """Limits that some spots share: so many `visits` among them, or so many `different` ones."""

    visits: Count | None = None
    different: Count | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.visits is None and self.different is None:
            raise ValueError("give `visits`, `different` or both")
        return self

    def to_pool(self) -> Pool:
        return Pool(self.to_coverage(), self.visits, self.different)


class _SpotTimesIn(CoverageIn):
    """Times of their own for some spots, beside those of the product."""

    blackout: _BlackoutIn = _BlackoutIn()
    season: tuple[YearDays, ...] = ()
    hours: tuple[HoursIn, ...] = ()

    def to_times(self) -> SpotTimes:
        seasons = tuple(map(season, self.season))
        times = Times(self.blackout.to_blackout(), seasons, hours(self.hours))
        return SpotTimes(self.to_coverage(), times)


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


_Age = Annotated[int, Field(strict=True, ge=0, le=120)]


class _HoldersIn(FileModel):
    """Who may hold it: an age in full years, at issue, and any of the groups."""

    from_age: _Age | None = None
    to_age: _Age | None = None
    groups: tuple[str, ...] = ()
    """union_member, union:SLUG, native_of:PROVINCE or resident_of:PROVINCE."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, last = self.from_age, self.to_age
        if first is not None and last is not None and last < first:
            raise ValueError("`to_age` is less than `from_age`")
        return self

    @field_validator("groups")
    @classmethod
    def _known(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(group_named(each) for each in groups)

    def to_holders(self) -> Holders:
        return Holders(self.from_age, self.to_age, frozenset(self.groups))


class _SaleIn(FileModel):
    """The business days on which it is sold, first and last included; either may be left out."""

    start: Day | None = Field(default=None, alias="from")
    end: Day | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is None and self.end is None:
            raise ValueError("give `from`, `until` or both")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("it ends before it begins")
        return self

    def to_window(self) -> SaleWindow:
        return SaleWindow(self.start, self.end)


class ProductIn(FileModel):
    """A product as its file describes it."""

    id: Slug
    title: TitleIn
    term: _TermIn
    coverage: CoverageIn
    limits: _LimitsIn = _LimitsIn()
    overrides: dict[Slug, _SpotLimitsIn] = Field(default_factory=dict)
    """For some spots limits of their own."""
    blackout: _BlackoutIn = _BlackoutIn()
    season: tuple[YearDays, ...] = ()
    """Days of every year on which the pass admits, `04-01/11-15`; always, if there is none."""
    hours: tuple[HoursIn, ...] = ()
    """Hours of the day at which it admits, `09:00-17:30`; always, if there are none."""
    at: tuple[_SpotTimesIn, ...] = ()
    """Days, seasons and hours for some spots, beside the usual ones."""
    pools: tuple[_PoolIn, ...] = ()
    """Limits that some spots share: any 2 of these 8."""
    re_entry: bool = False
    """Whether who has left may come back on the same day."""
    holders: _HoldersIn = _HoldersIn()
    settlement: _SettlementIn = _SettlementIn()
    party: _PartyIn = _PartyIn()
    payment: Payment = Payment.PAID
    price_fen: Annotated[Fen, Field(strict=True, le=10_000_000)] | None = None
    sale: _SaleIn | None = None
    """When it is sold; always, if this is left out."""
    example: bool = False
    """True marks a product that shows what the system can do and was agreed with nobody."""

    def to_product(self) -> Edition:
        """The draft to publish. Its number, version and spots are found when it is published."""
        sale = None
        if self.sale is not None:
            sale = self.sale.to_window()
        return Edition(
            product_id=self.id,
            number=UNPUBLISHED,
            version=UNPUBLISHED,
            title=self.title.to_text(),
            terms=self.to_terms(),
            spots=frozenset(),
            price_fen=self.price_fen,
            example=self.example,
            sale=sale,
        )

    def to_terms(self) -> Terms:
        """What the product lets its holder do."""
        return Terms(
            term=self.term.to_term(),
            coverage=self.coverage.to_coverage(),
            limits=self.limits.to_limits(),
            overrides={slug: limits.to_limits() for slug, limits in self.overrides.items()},
            blackout=self.blackout.to_blackout(),
            season=tuple(map(season, self.season)),
            hours=hours(self.hours),
            at=tuple(each.to_times() for each in self.at),
            pools=tuple(each.to_pool() for each in self.pools),
            re_entry=self.re_entry,
            holders=self.holders.to_holders(),
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
