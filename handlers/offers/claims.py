"""Claims: a visitor sees which offers are for them, claims a voucher, and gives an unused one back."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.holding.pass_views import PassViewOut
from handlers.holding.passes import PassHandler
from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.arguments import idempotency_key
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out, TextOut
from handlers.web.routing import Route
from passes.base.errors import Unavailable, unknown
from passes.base.text import Text
from passes.offers.claiming import Claim
from passes.offers.eligibility import Claimant, NotClaimable, objection, sold_out
from passes.offers.offer import Offer
from passes.offers.quotas import counted


class ClaimIn(In):
    """Where the voucher is to be used."""

    spot: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, examples=["emeishan"]
    )
    """One of the spots of the offer: needed where there are several and the quota is by spot."""


class ObjectionOut(Out):
    """Why a voucher cannot be claimed."""

    code: str = Field(examples=["sold_out_today"])
    message: TextOut = Field(examples=[{"zh": "今日已领完", "en": "all of today are claimed"}])
    claimable_from: datetime | None = Field(examples=[None])
    """From when it can, if time alone will do."""


class ChanceOut(Out):
    """Whether the visitor may claim a voucher of an offer now."""

    offer: str = Field(examples=["emeishan-bogo-example"])
    title: TextOut
    claimable: bool
    why_not: ObjectionOut | None


class ChancesOut(Out):
    """Every offer that has not ended, and whether it is for the visitor who calls."""

    total: int
    items: list[ChanceOut]


class MyOffersEndpoint(VisitorHandler):
    """`/api/v1/me/offers`"""

    @endpoint(scope=VISITOR, reply=ChancesOut)
    async def get(self) -> ChancesOut:
        """Which offers the visitor may claim now, and why not the others. Quotas are as they were seconds ago."""
        claimant = await self.rooms.offers.claimants.of(await self.visitor(), self.now())
        items = [
            self._chance(offer, claimant)
            for offer in self.rooms.offers.offers.all()
            if offer.may_run(claimant.today)
        ]
        return ChancesOut(total=len(items), items=items)

    def _chance(self, offer: Offer, claimant: Claimant) -> ChanceOut:
        why = objection(offer, claimant) or self._used_up(offer, claimant)
        title = TextOut(zh=offer.title.zh, en=offer.title.en)
        return ChanceOut(
            offer=offer.id, title=title, claimable=why is None, why_not=_view(why) if why else None
        )

    def _used_up(self, offer: Offer, claimant: Claimant) -> NotClaimable | None:
        """The objection that a quota is used up, if one is."""
        counts = self.services.quota_counts.counts
        for quota, counter in counted(offer, claimant.today, None).items():
            if counter.left(counts) == 0:
                return sold_out(offer, quota, claimant.today)
        return None


def _view(why: NotClaimable) -> ObjectionOut:
    message = TextOut(zh=why.text.zh, en=why.text.en)
    return ObjectionOut(code=why.code, message=message, claimable_from=why.claimable_from)


class ClaimEndpoint(VisitorHandler):
    """`/api/v1/offers/{id}/claim`"""

    @endpoint(
        scope=VISITOR,
        body=ClaimIn,
        reply=PassViewOut,
        status=HTTPStatus.CREATED,
        limit="claim",
        idempotent=True,
    )
    async def post(self, offer_id: str, body: ClaimIn) -> PassViewOut:
        """Claim a voucher. With the same header `Idempotency-Key` it is the same claim, and the same voucher."""
        offer, voucher = (
            self.rooms.offers.offers.get(offer_id),
            self.rooms.terms.editions.current(offer_id),
        )
        if offer is None:
            raise unknown(Text("优惠活动", "offer"), offer_id)
        if voucher is None:
            raise Unavailable(
                "offer_loading", Text("活动正在发布，请重试", "this offer is just being published")
            )
        claim = Claim(offer, voucher, body.spot, idempotency_key(self.request.headers))
        return await self.view(
            await self.rooms.offers.claiming.claim(await self.visitor(), claim, self.now())
        )


class CancelEndpoint(PassHandler):
    """`/api/v1/passes/{id}/cancel`"""

    @endpoint(scope=VISITOR, reply=PassViewOut)
    async def post(self, pass_id: str) -> PassViewOut:
        """Give an unused voucher back, so that somebody else can claim it. Doing it again changes nothing."""
        held = await self.held(pass_id)
        return await self.view(
            await self.rooms.offers.cancelling.cancel(held, f"visitor:{self.caller.id}", self.now())
        )


routes = [
    Route("/api/v1/me/offers", MyOffersEndpoint, "my-offers"),
    Route("/api/v1/offers/{offer_id}/claim", ClaimEndpoint, "offer-claim"),
    Route("/api/v1/passes/{pass_id}/cancel", CancelEndpoint, "pass-cancel"),
]
