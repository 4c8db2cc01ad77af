"""The catalogue, for everybody, from memory: no request costs a database call."""

from pydantic import BaseModel, ConfigDict, Field
from tornado.web import url

from handlers.api import ApiHandler
from handlers.endpoint import Ready, endpoint
from passes.errors import unknown
from passes.texts import Text
from scenic_data.views import SpotDetail, SpotSummary


class SpotsQuery(BaseModel):
    """Which page of the list, counted from 1."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(default=1, ge=1, le=10_000)
    limit: int = Field(default=20, ge=1, le=100)


class SpotsOut(BaseModel):
    """A page of spots, best known first, and how many there are in all."""

    total: int
    items: list[SpotSummary]


class Spots(ApiHandler):
    """`/api/v1/spots`"""

    @endpoint(scope=None, query=SpotsQuery, reply=SpotsOut)
    async def get(self, query: SpotsQuery) -> Ready:
        """The spots, page by page."""
        snapshot = self.services.catalogue.snapshot
        total, items = snapshot.page(query.page, query.limit)
        return Ready(b'{"total":%d,"items":[%b]}' % (total, b",".join(items)), etag=snapshot.etag)


class Spot(ApiHandler):
    """`/api/v1/spots/{id}`"""

    @endpoint(scope=None, reply=SpotDetail)
    async def get(self, spot_id: str) -> Ready:
        """One spot, with all that is known of it."""
        snapshot = self.services.catalogue.snapshot
        found = snapshot.detail(spot_id)
        if found is None:
            raise unknown(Text("景区", "spot"), spot_id)
        return Ready(found, etag=snapshot.etag)


routes = [
    url(r"/api/v1/spots", Spots, name="spots"),
    url(r"/api/v1/spots/([^/]+)", Spot, name="spot"),
]
