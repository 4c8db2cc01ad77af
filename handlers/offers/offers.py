"""Offers, for everybody, from memory."""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from handlers.catalogue.day_view import DayView
from handlers.terms.terms_view import SpanOut, TermsOut, texts_out
from handlers.web.api import ApiHandler
from handlers.web.arguments import invalid_query
from handlers.web.endpoint import endpoint
from handlers.web.models import Out, TextOut
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.base.errors import Fault, unknown
from passes.base.text import Text
from passes.offers.offer import Offer, OfferState
from passes.offers.quotas import counted
from passes.offers.wording import rules_of_offer
from passes.people.groups import Group
from passes.terms.prices import BenefitKind, Payment
from scenic_data.model import Spot


class OffersQuery(BaseModel):
    """Which offers."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    spot: Annotated[str, Field(max_length=40)] | None = Field(default=None, examples=["emeishan"])
    """Only the offers at this spot."""
    province: Literal["sichuan", "chongqing"] | None = None
    """Only the offers at spots of this province."""
    running: bool = False
    """Only the offers that run today."""


class BenefitOut(Out):
    """What a voucher is worth."""

    kind: BenefitKind
    percent: int | None
    """What is taken off the price, for the kind `percent`."""


class QuotaOut(Out):
    """How many vouchers there are; null is without limit."""

    total: int | None = Field(examples=[1200])
    per_day: int | None = Field(examples=[20])
    per_spot_day: int | None
    per_person: int | None = Field(examples=[1])


class RemainingOut(Out):
    """How many vouchers are left, as it was a few seconds ago; null is without limit."""

    total: int | None = Field(examples=[1180])
    today: int | None = Field(examples=[0])

    @classmethod
    def of(cls, offer: Offer, used: Mapping[str, int], today: date) -> Self:
        """What is left of the quota of an offer; `used` are the counts of its counters, by key."""
        counters = counted(offer, today, None)
        total, per_day = counters["total"], counters["per_day"]
        return cls(total=total.left(used), today=per_day.left(used))


class OfferOut(Out):
    """What operators promise visitors for some weeks."""

    id: str = Field(examples=["emeishan-bogo-example"])
    version: int = Field(examples=[1])
    title: TextOut = Field(
        examples=[{"zh": "峨眉山门票买一送一", "en": "Mount Emei: buy one, get one free"}]
    )
    benefit: BenefitOut
    spots: list[str] = Field(examples=[["emeishan"]])
    window: SpanOut
    blackout: list[SpanOut]
    """Days on which it does not run."""
    eligible: list[Group]
    """Who may claim: any of these."""
    quota: QuotaOut
    remaining: RemainingOut
    real_name: bool
    """Whether a visitor has to be known by real name to claim."""
    with_pass: bool
    """Whether holders of a pass that opens one of the spots may claim, too."""
    price_fen: int | None = Field(examples=[16000])
    """What a ticket costs at the window, from which the benefit is taken off."""
    voucher_days: int | None = Field(examples=[30])
    """For how many days a voucher can be used; null is until the window ends."""
    payment: Payment
    state: OfferState
    running: bool
    """Whether it runs today."""
    example: bool
    """Whether it shows what the system can do and was agreed with nobody."""

    @classmethod
    def of(cls, offer: Offer, view: DayView, used: Mapping[str, int]) -> Self:
        """The view of an offer, of which so many vouchers are claimed, by the keys of counters."""
        return cls(
            id=offer.id,
            version=offer.version,
            title=TextOut.of(offer.title),
            benefit=BenefitOut(kind=offer.benefit.kind, percent=offer.benefit.percent),
            spots=sorted(offer.spots),
            window=SpanOut.of(offer.window),
            blackout=[SpanOut.of(days) for days in offer.blackout.dates],
            eligible=sorted(offer.eligible),
            quota=QuotaOut.model_validate(offer.quota, from_attributes=True),
            remaining=RemainingOut.of(offer, used, view.today),
            real_name=offer.real_name,
            with_pass=offer.with_pass,
            price_fen=offer.price_fen,
            voucher_days=offer.voucher_days,
            payment=offer.payment,
            state=offer.state,
            running=offer in view.running,
            example=offer.example,
        )


class OfferPageOut(OfferOut):
    """An offer with the terms of its voucher, and all of it in words."""

    terms: TermsOut
    """Those of a voucher that is claimed today."""
    rules: list[TextOut]
    """使用须知, a sentence each: first of the claim, then of the voucher."""

    @classmethod
    def of(cls, offer: Offer, view: DayView, used: Mapping[str, int]) -> Self:
        """The view of an offer, of which so many vouchers are claimed, by the keys of counters."""
        listed, voucher = OfferOut.of(offer, view, used), view.voucher_of(offer)
        rules = texts_out(rules_of_offer(offer, voucher))
        return cls(**dict(listed), terms=TermsOut.of(voucher), rules=rules)


class OffersOut(Out):
    """The offers that fit."""

    total: int
    items: list[OfferOut]


class OfferListEndpoint(ApiHandler):
    """`/api/v1/offers`"""

    @endpoint(scope=None, query=OffersQuery, reply=OffersOut)
    async def get(self, query: OffersQuery) -> PreparedReply:
        """The offers that have not ended: at a spot, in a province, or running today."""
        view, used = self.day_view(), self.services.quota_counts.counts
        question = ("offers", query)
        return view.replies.reply(question, lambda: _offers(view, query, used), _etag(used))


class OfferEndpoint(ApiHandler):
    """`/api/v1/offers/{id}`"""

    @endpoint(scope=None, reply=OfferPageOut)
    async def get(self, offer_id: str) -> PreparedReply:
        """One offer with its terms in words, also when it has ended."""
        view, used = self.day_view(), self.services.quota_counts.counts
        question = ("offer", offer_id)
        return view.replies.reply(question, lambda: _offer(view, offer_id, used), _etag(used))


def _etag(used: Mapping[str, int]) -> str:
    """What an ETag says of how much of the quotas is used; nothing, if nothing is."""
    if not used:
        return ""
    counts = repr(sorted(used.items()))
    return sha256(counts.encode()).hexdigest()[:8]


def _offers(view: DayView, query: OffersQuery, used: Mapping[str, int]) -> bytes:
    """The JSON of an `OffersOut`. Raises the 422 problem for a spot that there is not."""
    if query.spot is not None and view.snapshot.get(query.spot) is None:
        raise invalid_query([Fault("query.spot", f"there is no spot {query.spot}")])
    spots = _spots_asked_for(view, query)
    offers = view.running if query.running else view.listed
    found = [offer for offer in offers if any(offer.runs_at(spot) for spot in spots)]
    items = [OfferOut.of(offer, view, used) for offer in found]
    return OffersOut(total=len(items), items=items).model_dump_json().encode()


def _spots_asked_for(view: DayView, query: OffersQuery) -> list[Spot]:
    spots = []
    for spot in view.snapshot.all():
        is_the_spot = query.spot in {None, spot.id}
        in_the_province = query.province in {None, spot.province}
        if is_the_spot and in_the_province:
            spots.append(spot)
    return spots


def _offer(view: DayView, offer_id: str, used: Mapping[str, int]) -> bytes:
    """The JSON of an `OfferPageOut`. Raises `Unknown`."""
    for offer in view.offers:
        if offer.id == offer_id:
            return OfferPageOut.of(offer, view, used).model_dump_json().encode()
    raise unknown(Text("优惠活动", "offer"), offer_id)


routes = [
    Route("/api/v1/offers", OfferListEndpoint, "offers"),
    Route("/api/v1/offers/{offer_id}", OfferEndpoint, "offer"),
]
