"""The catalogue, for everybody, from memory: no request costs a database call."""

from collections.abc import Mapping
from datetime import date
from math import ceil
from typing import Self

from pydantic import Field
from pydantic_core import to_json

from handlers.catalogue.day_view import DayView
from handlers.catalogue.spot_query import CoordQuery, SpotsQuery, wanted
from handlers.web.api import ApiHandler
from handlers.web.arguments import invalid_query
from handlers.web.endpoint import endpoint
from handlers.web.models import Out
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.base.errors import Fault, unknown
from passes.base.text import Text
from passes.offers.offer import Offer
from passes.terms.edition import Edition
from passes.terms.prices import BenefitKind
from scenic_data.finding import Facet, Found
from scenic_data.geo import Datum
from scenic_data.model import Names
from scenic_data.views import SpotDetail, SpotSummary, facet_name


class ItemOut(SpotSummary):
    """A spot that was found."""

    distance_m: int | None = Field(default=None, examples=[1415])
    """Metres from `near`; absent without it. As exact as the position: see `position.precision`."""


class FacetOut(Out):
    """One value of a facet, and how many spots would be found with it."""

    value: str = Field(examples=["510100"])
    """What the filter of that name takes."""
    name: Names
    count: int


class SpotsOut(Out):
    """A page of spots, and how many there are in all."""

    total: int = Field(examples=[740])
    attribution: list[str]
    """What the licences of the sources ask to be named wherever these data are shown."""
    items: list[ItemOut]
    facets: dict[Facet, list[FacetOut]] | None = None
    """With `facets=1`: for each of them the counted values, the most frequent first."""


class CoveringOut(Out):
    """A product that opens the spot."""

    id: str = Field(examples=["bashu-annual-example"])
    title: Names
    example: bool
    """Whether it shows what the system can do and was agreed with nobody."""

    @classmethod
    def of(cls, product: Edition) -> Self:
        """The view of a product."""
        title = Names(zh=product.title.zh, en=product.title.en)
        return cls(id=product.product_id, title=title, example=product.example)


class RunningOut(Out):
    """An offer that runs at the spot today."""

    id: str = Field(examples=["emeishan-bogo-example"])
    title: Names
    benefit: BenefitKind
    until: date
    """Its last business day."""
    example: bool
    """Whether it shows what the system can do and was agreed with nobody."""

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """The view of an offer."""
        return cls(
            id=offer.id,
            title=Names(zh=offer.title.zh, en=offer.title.en),
            benefit=offer.benefit.kind,
            until=offer.window.end,
            example=offer.example,
        )


class SpotOut(SpotDetail):
    """A spot with all that is known of it, and what opens it."""

    passes: list[CoveringOut]
    """The products that open it."""
    offers: list[RunningOut]


class SpotListEndpoint(ApiHandler):
    """`/api/v1/spots`"""

    @endpoint(scope=None, query=SpotsQuery, reply=SpotsOut)
    async def get(self, query: SpotsQuery) -> PreparedReply:
        """Find spots: by words, by place, by kind, by what a pass opens, near a position."""
        view = self.day_view()
        return view.replies.reply(query, lambda: _page(view, query))


class SpotEndpoint(ApiHandler):
    """`/api/v1/spots/{id}`"""

    @endpoint(scope=None, query=CoordQuery, reply=SpotOut)
    async def get(self, spot_id: str, query: CoordQuery) -> PreparedReply:
        """One spot, with all that is known of it. A spot that was retired is still there."""
        view = self.day_view()
        return view.replies.reply((spot_id, query), lambda: _detail(view, spot_id, query.coord))


def _page(view: DayView, query: SpotsQuery) -> bytes:
    """The JSON of a `SpotsOut`, joined from summaries that were serialised when the catalogue was
    loaded. Raises the 422 problem for a page that there is not."""
    asked = wanted(query, view)
    found = view.snapshot.find(asked)
    pages = max(1, ceil(found.total / query.limit))
    if query.page > pages:
        raise invalid_query([Fault("query.page", f"the last page is {pages}")])
    first = (query.page - 1) * query.limit
    items = [_item(view, found, place, query.coord) for place in found.places[first:]]
    facets = b""
    if query.facets:
        counts = view.snapshot.count(asked, found)
        facets = b',"facets":%b' % to_json(_facets(view, query, counts))
    attribution = to_json(view.snapshot.attribution)
    content = b'{"total":%d,"attribution":%b,"items":[%b]%b}'
    return content % (found.total, attribution, b",".join(items), facets)


def _item(view: DayView, found: Found, place: int, datum: Datum) -> bytes:
    """The JSON of an `ItemOut`."""
    summary = view.snapshot.summary(place, datum)
    if not found.metres:
        return summary
    without_brace = summary[:-1]
    return without_brace + b',"distance_m":%d}' % round(found.metres[place])


def _facets(
    view: DayView, query: SpotsQuery, counts: Mapping[Facet, Mapping[str, int]]
) -> Mapping[Facet, list[FacetOut]]:
    """The counted values of each facet, the most frequent first.

    Districts are counted only once a city or a district is chosen: there are hundreds of them.
    """
    shown = list(Facet)
    if not query.city and not query.district:
        shown.remove(Facet.DISTRICT)
    return {facet: _values(view, facet, counts[facet]) for facet in shown}


def _values(view: DayView, facet: Facet, counts: Mapping[str, int]) -> list[FacetOut]:
    by_frequency = sorted(counts, key=lambda value: (-counts[value], value))
    reference = view.snapshot.reference
    return [
        FacetOut(value=value, name=facet_name(facet, value, reference), count=counts[value])
        for value in by_frequency
    ]


def _detail(view: DayView, spot_id: str, datum: Datum) -> bytes:
    """The JSON of a `SpotOut`. Raises `Unknown`."""
    spot = view.snapshot.get(spot_id)
    if spot is None:
        raise unknown(Text("景区", "spot"), spot_id)
    told = SpotOut(
        **dict(view.snapshot.detail(spot, datum)),
        passes=[CoveringOut.of(product) for product in view.passes_for(spot)],
        offers=[RunningOut.of(offer) for offer in view.offers_for(spot)],
    )
    return told.model_dump_json().encode()


routes = [
    Route("/api/v1/spots", SpotListEndpoint, "spots"),
    Route("/api/v1/spots/{spot_id}", SpotEndpoint, "spot"),
]
