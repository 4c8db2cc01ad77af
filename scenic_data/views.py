"""What the public sees of a spot: a summary in lists, everything on its own page."""

from pydantic import BaseModel

from scenic_data.model import Level, Names, Position, Price, Spot, Status, Trust
from scenic_data.places import Places


class SpotSummary(BaseModel):
    """A spot in a list. `province` is a slug, `city` and `district` are Chinese names."""

    id: str
    name: Names
    level: Level
    category: str
    province: str
    city: str
    district: str | None
    position: Position


class SpotDetail(SpotSummary):
    """A spot with all that is known of it; what is not known is null."""

    aliases: tuple[str, ...]
    adcode: str
    price: Price | None
    open_hours: str | None
    world_heritage: bool | None
    status: Status
    sources: dict[str, str | tuple[str, ...]]
    notes: dict[str, str]
    confidence: dict[str, Trust]


def detail(spot: Spot, places: Places) -> SpotDetail:
    """The whole view of a spot."""
    place = places.at(spot.adcode)
    return SpotDetail(
        **{name: getattr(spot, name) for name in SpotDetail.model_fields if name not in {"city", "district"}},
        city=place.city,
        district=place.district,
    )


def summary(whole: SpotDetail) -> SpotSummary:
    """The part of a view that lists show."""
    return SpotSummary(**{name: getattr(whole, name) for name in SpotSummary.model_fields})
