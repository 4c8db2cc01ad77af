"""Offer files: YAML in which operators describe one offer or many."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from passes.files.fields import Count, Day, Days, FileModel, TitleIn, read_drafts
from passes.offers.offer import Offer, Quota
from passes.people.groups import Group
from passes.terms.prices import Benefit, BenefitKind, Payment
from passes.terms.publishing import UNPUBLISHED
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from scenic_data.files import DATA
from scenic_data.model import Slug

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
    """An offer as its file describes it."""

    id: Slug
    title: TitleIn
    benefit: _BenefitIn
    spots: tuple[Slug, ...] = Field(min_length=1)
    window: _WindowIn
    blackout: tuple[Days, ...] = ()
    """Days on which it does not run."""
    eligible: tuple[Literal["anyone", "union_member"] | _NativeOf, ...] = Field(min_length=1)
    """Who may claim: any of these."""
    quota: _QuotaIn = _QuotaIn()
    payment: Payment = Payment.AT_WINDOW
    voucher: _VoucherIn
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

    def to_offer(self) -> Offer:
        """The draft to publish."""
        return Offer(
            id=self.id,
            version=UNPUBLISHED,
            title=self.title.to_text(),
            benefit=Benefit(self.benefit.kind, self.benefit.percent),
            spots=frozenset(self.spots),
            window=DateRange(self.window.from_, self.window.until),
            eligible=frozenset(map(_group, self.eligible)),
            voucher_days=self.voucher.valid_days,
            quota=Quota(**self.quota.model_dump()),
            blackout=Blackout(tuple(days.to_range() for days in self.blackout)),
            payment=self.payment,
            real_name=self.real_name,
            with_pass=self.with_pass,
            price_fen=self.price_fen,
            example=self.example,
        )


def _group(written: str | _NativeOf) -> Group:
    if isinstance(written, _NativeOf):
        return Group(f"native_of:{written.native_of}")
    return Group(written)


def offer_schema() -> str:
    """The JSON Schema of an offer, which `scenic_data/data/offer.schema.json` holds for editors."""
    return json.dumps(OfferIn.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def read_offers(files: Iterable[Path]) -> list[Offer]:
    """The drafts in offer files. Raises `Invalid` naming file, record and field of every fault."""
    return read_drafts(files, lambda record: OfferIn.model_validate(record).to_offer(), "offer")
