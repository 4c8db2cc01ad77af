"""Offer files: YAML in which operators describe one offer or many."""

import json
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from passes.base import forms
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
from passes.offers.offer import ClaimKind, Offer, Quota
from passes.people.groups import Group, group_named, native_of, resident_of
from passes.terms.holidays import Holiday
from passes.terms.prices import Benefit, BenefitKind, Payment, SeasonPrice
from passes.terms.publishing import UNPUBLISHED
from passes.terms.terms import Limits, SpotTimes
from passes.terms.times import Times
from passes.terms.validity import DateRange
from scenic_data.files import DATA
from scenic_data.model import Slug, YearDays

EXAMPLES = DATA / "offers"
"""The offers that a new system starts with, marked as examples."""


class _BenefitIn(FileModel):
    """`percent` is what is taken off, for that kind alone."""

    kind: BenefitKind
    percent: Annotated[int, Field(strict=True, ge=1, le=99)] | None = None

    @model_validator(mode="after")
    def _percent_for_its_kind(self) -> Self:
        is_needed = self.kind is BenefitKind.PERCENT
        is_given = self.percent is not None
        if is_needed != is_given:
            raise ValueError("give `percent` for the kind percent, and for no other")
        return self

    def to_benefit(self) -> Benefit:
        return Benefit(self.kind, self.percent)


class _WindowIn(FileModel):
    """The business days on which the offer runs, both included."""

    from_: Day = Field(alias="from")
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.from_:
            raise ValueError("it ends before it begins")
        return self


class _NativeOf(FileModel):
    native_of: Literal["chongqing", "sichuan"]


class _ResidentOf(FileModel):
    resident_of: Literal["chongqing", "sichuan"]


class _UnionIn(FileModel):
    """Members of one union, by its slug."""

    union: Slug


class _CampaignLimitsIn(FileModel):
    """How often one voucher of a campaign admits; each spot once, if nothing else is said."""

    per_spot: Count | None = 1
    per_spot_day: Count | None = 1
    total: Count | None = None
    days: Count | None = None
    minutes_between: Count | None = None
    per_month: Count | None = None

    def to_limits(self) -> Limits:
        return Limits(**self.model_dump())


class _SeasonPriceIn(FileModel):
    """What a ticket costs in a season of every year; the last may have none: the rest of it."""

    fen: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
    season: YearDays | None = None

    def to_price(self) -> SeasonPrice:
        return SeasonPrice(self.fen, None if self.season is None else season(self.season))


class _SpotTimesIn(CoverageIn):
    """Times of their own for some spots of a campaign."""

    blackout: tuple[Days, ...] = ()
    weekdays: tuple[IsoWeekday, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    season: tuple[YearDays, ...] = ()
    hours: tuple[HoursIn, ...] = ()

    def to_times(self) -> SpotTimes:
        closed = blackout(self.blackout, self.weekdays, self.holidays)
        times = Times(closed, tuple(map(season, self.season)), hours(self.hours))
        return SpotTimes(self.to_coverage(), times)


class _QuotaIn(FileModel):
    """How many vouchers there are; null is without limit. The default of `per_person` is 1."""

    total: Count | None = None
    per_day: Count | None = None
    per_spot_day: Count | None = None
    per_person: Count | None = 1

    @model_validator(mode="after")
    def _parts_of_the_whole(self) -> Self:
        if self.total is None:
            return self
        for name in ("per_day", "per_spot_day", "per_person"):
            part = getattr(self, name)
            if part is not None and part > self.total:
                raise ValueError(f"{name} is more than the total")
        return self


class _VoucherIn(FileModel):
    """For how many days a voucher can be used, from the day it is claimed on."""

    valid_days: Annotated[int, Field(strict=True, ge=1, le=366)]


class OfferIn(FileModel):
    """An offer as its file describes it.

    With `limits` it is a campaign: one voucher admits at all of its spots.
    """

    id: Slug
    title: TitleIn
    benefit: _BenefitIn
    spots: tuple[Slug, ...] = Field(default=(), min_length=1)
    """The spots by name; or `coverage`."""
    coverage: CoverageIn | None = None
    window: _WindowIn
    opens: Annotated[str, Field(pattern=forms.CLOCK)] | None = None
    """From which time on it can be claimed on the first day, `09:00`."""
    blackout: tuple[Days, ...] = ()
    """Days on which it does not run."""
    limits: _CampaignLimitsIn | None = None
    benefits: dict[Slug, _BenefitIn] = Field(default_factory=dict)
    """Another benefit at some spots of a campaign."""
    prices: Literal["catalogue"] | dict[Slug, tuple[_SeasonPriceIn, ...]] = Field(
        default_factory=dict
    )
    """What tickets cost at some spots of a campaign; or `catalogue`, where that says so."""
    hours: tuple[HoursIn, ...] = ()
    at: tuple[_SpotTimesIn, ...] = ()
    """Days, seasons and hours of some spots."""
    eligible: tuple[Literal["anyone", "union_member"] | _NativeOf | _ResidentOf | _UnionIn, ...] = (
        Field(min_length=1)
    )
    """Who may claim: any of these."""
    claim: ClaimKind = ClaimKind.VISITOR
    """`automatic`: nobody has to claim it; it is there when they show their code or card."""
    quota: _QuotaIn = _QuotaIn()
    payment: Payment = Payment.AT_WINDOW
    voucher: _VoucherIn | None = None
    """Of a campaign it may be left out: then a voucher can be used until the window ends."""
    real_name: bool = True
    """Whether a visitor has to be known by real name to claim."""
    with_pass: bool = False
    """Whether holders of a pass that opens one of the spots may claim, too."""
    price_fen: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    """What a ticket costs at the window; with it gates tell the amount to take."""
    example: bool = False
    """True marks an offer that shows what the system can do and was agreed with nobody."""

    @model_validator(mode="after")
    def _groups_are_of_known_people(self) -> Self:
        if not self.real_name and self.eligible != ("anyone",):
            raise ValueError("without real_name it can only be for anyone")
        return self

    @model_validator(mode="after")
    def _spots_or_coverage(self) -> Self:
        if bool(self.spots) == (self.coverage is not None):
            raise ValueError("give either `spots` or `coverage`")
        return self

    @model_validator(mode="after")
    def _parts_of_a_campaign(self) -> Self:
        if self.limits is not None:
            return self
        if self.voucher is None:
            raise ValueError("give `voucher: {valid_days: …}`, or `limits` for a campaign")
        for name in ("benefits", "prices", "hours", "at"):
            if getattr(self, name):
                raise ValueError(f"`{name}` goes with `limits`: only a campaign has it")
        return self

    @model_validator(mode="after")
    def _automatic_has_no_counted_claims(self) -> Self:
        if self.claim is ClaimKind.VISITOR:
            return self
        if self.limits is None or not self.real_name:
            raise ValueError("`claim: automatic` needs `limits`, and `real_name`")
        counted = self.quota.total is not None or self.quota.per_day is not None
        if counted or self.quota.per_person != 1:
            raise ValueError(
                "`claim: automatic` goes with no quota of claims: no gate offline could keep it"
            )
        return self

    def to_offer(self) -> Offer:
        """The draft to publish. Its spots are those it names; its coverage is resolved when it is
        published."""
        named = self.coverage or CoverageIn(spots=self.spots)
        return Offer(
            id=self.id,
            version=UNPUBLISHED,
            title=self.title.to_text(),
            benefit=self.benefit.to_benefit(),
            spots=frozenset(named.spots),
            window=DateRange(self.window.from_, self.window.until),
            eligible=frozenset(map(_group, self.eligible)),
            voucher_days=None if self.voucher is None else self.voucher.valid_days,
            quota=Quota(**self.quota.model_dump()),
            blackout=blackout(self.blackout),
            payment=self.payment,
            real_name=self.real_name,
            with_pass=self.with_pass,
            price_fen=self.price_fen,
            example=self.example,
            coverage=named.to_coverage(),
            limits=None if self.limits is None else self.limits.to_limits(),
            benefits={slug: each.to_benefit() for slug, each in self.benefits.items()},
            prices=self._prices(),
            catalogue_prices=self.prices == "catalogue",
            claim=self.claim,
            opens=None if self.opens is None else time.fromisoformat(self.opens),
            hours=hours(self.hours),
            at=tuple(each.to_times() for each in self.at),
        )

    def _prices(self) -> dict[str, tuple[SeasonPrice, ...]]:
        if isinstance(self.prices, str):
            return {}
        return {
            slug: tuple(each.to_price() for each in prices) for slug, prices in self.prices.items()
        }


def _group(written: str | _NativeOf | _ResidentOf | _UnionIn) -> Group:
    match written:
        case _NativeOf():
            return native_of(written.native_of)
        case _ResidentOf():
            return resident_of(written.resident_of)
        case _UnionIn():
            return group_named(f"union:{written.union}")
    return group_named(written)


def offer_schema() -> str:
    """The JSON Schema of an offer, which `scenic_data/data/offer.schema.json` holds for editors."""
    return json.dumps(OfferIn.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def read_offers(files: Iterable[Path]) -> list[Offer]:
    """The drafts in offer files. Raises `Invalid` naming file, record and field of every fault."""
    return read_drafts(files, lambda record: OfferIn.model_validate(record).to_offer(), "offer")
