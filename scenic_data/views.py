"""What the public sees of a spot: a summary in lists, everything on its own page. What is not known is null."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from scenic_data.finding import Facet
from scenic_data.geo import Datum, Point, from_wgs84
from scenic_data.model import Level, Names, Notice, Precision, Price, Spot, Status, Trust
from scenic_data.reference import Reference, Source

APPROXIMATE = Names(zh="位置仅供参考", en="position is approximate")

_DIGITS = 6  # of a degree: a decimetre
_MAP_SCALE = {Precision.SPOT: 16, Precision.DISTRICT: 11, Precision.CITY: 9}


class _View(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class PositionView(_View):
    """A position in degrees. If `precision` is not `spot` it is only that of a district or city, as `note` says."""

    lng: float = Field(examples=[103.444])
    lat: float = Field(examples=[29.567])
    coord: Datum = Field(examples=["wgs84"])
    """The datum of the two numbers."""
    precision: Precision
    note: Names | None = Field(examples=[None])


class SpotSummary(_View):
    """A spot in a list."""

    id: str = Field(examples=["emeishan"])
    name: Names
    level: Level
    category: str = Field(examples=["world_heritage"])
    """A value of the facet `category`."""
    province: str = Field(examples=["sichuan"])
    """`sichuan` or `chongqing`."""
    city: str = Field(examples=["乐山市"])
    district: str | None = Field(examples=["峨眉山市"])
    position: PositionView
    price: Price | None
    status: Status


class SourceView(Source):
    """Where some fields come from. An operator's correction may name a source that has no more than a title."""

    fields: str = Field(examples=["level"])
    """The group of fields."""


class OpenLocation(_View):
    """The arguments of `wx.openLocation`, which takes GCJ-02."""

    latitude: float = Field(examples=[29.56439])
    longitude: float = Field(examples=[103.44635])
    name: str = Field(examples=["峨眉山景区"])
    address: str = Field(examples=["乐山市峨眉山市"])
    scale: int = Field(examples=[16])
    """Of the map, from 5 to 18: wide where the position is approximate."""


class SpotDetail(SpotSummary):
    """A spot with all that is known of it."""

    aliases: tuple[str, ...]
    adcode: str = Field(examples=["511181"])
    open_hours: str | None
    season: tuple[str, ...] | None
    """Days of every year on which it is open, `04-01/11-15`."""
    closed_weekdays: tuple[int, ...]
    """ISO numbers of the days on which it is closed every week; Monday is 1."""
    reservation: bool | None
    """Whether a visit must be booked before."""
    notices: tuple[Notice, ...]
    world_heritage: bool | None
    images: tuple[str, ...]
    open_location: OpenLocation
    sources: list[SourceView]
    notes: dict[str, str]
    """A remark on a group of fields, such as what a price does not contain."""
    confidence: dict[str, Trust]
    """How far each group of fields can be trusted."""
    as_of: date
    """The day on which the facts were gathered or last corrected."""


def summary(spot: Spot, reference: Reference, datum: Datum) -> SpotSummary:
    """The view of a spot in a list."""
    return SpotSummary(**_common(spot, reference, datum))


def detail(spot: Spot, reference: Reference, datum: Datum) -> SpotDetail:
    """The whole view of a spot."""
    common = _common(spot, reference, datum)
    own = {
        name: getattr(spot, name) for name in SpotDetail.model_fields if name in Spot.model_fields
    }
    made = {
        "open_location": _open_location(spot, common),
        "sources": list(_sources(spot, reference.sources)),
    }
    return SpotDetail(**own | common | made)


def facet_name(facet: Facet, value: str, reference: Reference) -> Names:
    """What people call a value of a facet."""
    if facet is Facet.CATEGORY:
        return reference.categories[value]
    if facet is Facet.LEVEL:
        return Names(zh=value, en=value)
    row = reference.places.row({"sichuan": "510000", "chongqing": "500000"}.get(value, value))
    return Names(zh=row.name, en=row.pinyin.title() or None)


def _common(spot: Spot, reference: Reference, datum: Datum) -> dict[str, Any]:
    place = reference.places.at(spot.adcode)
    precision = spot.position.precision
    position = PositionView(
        **_rounded(spot, datum),
        coord=datum,
        precision=precision,
        note=None if precision is Precision.SPOT else APPROXIMATE,
    )
    own = {
        name: getattr(spot, name) for name in SpotSummary.model_fields if name in Spot.model_fields
    }
    return own | {
        "province": spot.province,
        "city": place.city,
        "district": place.district,
        "position": position,
    }


def _rounded(spot: Spot, datum: Datum) -> dict[str, float]:
    shifted = from_wgs84(Point(spot.position.lng, spot.position.lat), datum)
    return {"lng": round(shifted.lng, _DIGITS), "lat": round(shifted.lat, _DIGITS)}


def _open_location(spot: Spot, common: Mapping[str, Any]) -> OpenLocation:
    at = _rounded(spot, Datum.GCJ02)
    return OpenLocation(
        latitude=at["lat"],
        longitude=at["lng"],
        name=spot.name.zh,
        address=f"{common['city']}{common['district'] or ''}",
        scale=_MAP_SCALE[spot.position.precision],
    )


def _sources(spot: Spot, known: Mapping[str, Source]) -> Iterator[SourceView]:
    for fields, keys in spot.sources.items():
        for key in [keys] if isinstance(keys, str) else keys:
            source = known.get(key, Source(title=key))
            yield SourceView(fields=fields, **source.model_dump())
