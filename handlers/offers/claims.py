"""Claims: a visitor sees which offers are for them, claims a voucher, and gives an unused one
back."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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
from passes.offers.offer import ClaimKind, Offer
from passes.offers.quotas import counted
from passes.people.visitors import Visitor

CompanionId = Annotated[
    Annotated[str, StringConstraints(max_length=40)] | None,
    Field(default=None, examples=["5c1de0a7b2f94d63"]),
]


class MyOffersQuery(BaseModel):
    """For whom."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    companion: CompanionId = None
    """The id of one of `GET /me/companions`; by default it is the visitor."""


class ClaimIn(In):
    """Where the voucher is to be used."""

    spot: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, examples=["emeishan"]
    )
    """One of the spots of the offer: needed where there are several and the quota is by spot."""
    companion: CompanionId = None
    """For whom it is, if not for the visitor: the id of one of `GET /me/companions`."""


class ObjectionOut(Out):
    """Why a voucher cannot be claimed."""

    code: str = Field(examples=["sold_out_today"])
    message: TextOut = Field(examples=[{"zh": "今日已领完", "en": "all of today are claimed"}])
    claimable_from: datetime | None = Field(examples=[None])
    """From when it can, if time alone will do."""

    @classmethod
    def of(cls, why_not: NotClaimable) -> Self:
        """The view of an objection."""
        message = TextOut.of(why_not.text)
        return cls(code=why_not.code, message=message, claimable_from=why_not.claimable_from)


class ChanceOut(Out):
    """Whether the visitor may claim a voucher of an offer now."""

    offer: str = Field(examples=["emeishan-bogo-example"])
    title: TextOut
    claimable: bool
    why_not: ObjectionOut | None
    claim: ClaimKind
    """`automatic`: it need not be claimed."""
    pass_id: str | None = Field(examples=[None])
    """Of an automatic campaign, the id of the pass to show, made when its code is first asked
    for."""


class ChancesOut(Out):
    """Every offer that has not ended, and whether it is for the visitor who calls."""

    total: int
    items: list[ChanceOut]


class MyOffersEndpoint(VisitorHandler):
    """`/api/v1/me/offers`"""

    @endpoint(scope=VISITOR, query=MyOffersQuery, reply=ChancesOut)
    async def get(self, query: MyOffersQuery) -> ChancesOut:
        """Which offers the visitor may claim now, or claim for a companion, and why not the others.
        Quotas are as they were seconds ago."""
        visitor = await self.claimant(query.companion)
        claimant = await self.rooms.offers.claimants.of(visitor, self.now())
        offers = self.rooms.offers.offers.all()
        not_ended = [offer for offer in offers if offer.may_run(claimant.today)]
        items = [self._chance(offer, claimant, visitor) for offer in not_ended]
        return ChancesOut(total=len(items), items=items)

    def _chance(self, offer: Offer, claimant: Claimant, visitor: Visitor) -> ChanceOut:
        why_not = (
            objection(offer, claimant)
            or self.rooms.offers.claiming.closed(offer, claimant.now)
            or self._used_up(offer, claimant)
        )
        return ChanceOut(
            offer=offer.id,
            title=TextOut.of(offer.title),
            claimable=why_not is None,
            why_not=None if why_not is None else ObjectionOut.of(why_not),
            claim=offer.claim,
            pass_id=self.rooms.offers.automatic.serial(visitor, offer),
        )

    def _used_up(self, offer: Offer, claimant: Claimant) -> NotClaimable | None:
        """The objection that a quota is used up, if one is."""
        counts = self.services.quota_counts.counts
        for quota, counter in counted(offer, claimant.today, None).items():
            if counter.left(counts) == 0:
                return sold_out(offer, quota, claimant.today)
        return None


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
        """Claim a voucher, also for a companion. With the same header `Idempotency-Key` it is the
        same claim, and the same voucher."""
        offer = self.rooms.offers.offers.get(offer_id)
        if offer is None:
            raise unknown(Text("优惠活动", "offer"), offer_id)
        voucher = self.rooms.terms.editions.current(offer_id)
        if voucher is None:  # an offer and its voucher are loaded one after the other
            text = Text("活动正在发布，请重试", "this offer is just being published; try again")
            raise Unavailable("offer_loading", text)
        claim = Claim(offer, voucher, body.spot, idempotency_key(self.request.headers))
        visitor = await self.claimant(body.companion)
        claimed = await self.rooms.offers.claiming.claim(visitor, claim, self.now())
        return await self.view(claimed, body.companion)


class CancelEndpoint(PassHandler):
    """`/api/v1/passes/{id}/cancel`"""

    @endpoint(scope=VISITOR, reply=PassViewOut)
    async def post(self, pass_id: str) -> PassViewOut:
        """Give an unused voucher back, so that somebody else can claim it. Doing it again changes
        nothing."""
        shown = await self.shown(pass_id)
        by = f"visitor:{self.caller.id}"
        cancelled = await self.rooms.offers.cancelling.cancel(shown.held, by, self.now())
        return await self.view_of(shown, cancelled)


routes = [
    Route("/api/v1/me/offers", MyOffersEndpoint, "my-offers"),
    Route("/api/v1/offers/{offer_id}/claim", ClaimEndpoint, "offer-claim"),
    Route("/api/v1/passes/{pass_id}/cancel", CancelEndpoint, "pass-cancel"),
]
