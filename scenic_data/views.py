"""What the public sees of a spot: a summary in lists, everything on its own page. What is not known
is null."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from scenic_data.doubts import Doubt, doubts
from scenic_data.finding import Facet
from scenic_data.geo import Datum, Point, from_wgs84
from scenic_data.kinds import FreeEntry, Kind, Ticket
from scenic_data.model import Level, Names, Notice, Precision, Price, Spot, Status, Trust
from scenic_data.reference import KnownSource, Reference, Source
from scenic_data.words import DOUBTS, KINDS, POSITION_NOTES, free_entry

_DIGITS = 6  # of a degree: a decimetre
_MAP_SCALE = {Precision.SPOT: 16, Precision.WHOLE: 14, Precision.DISTRICT: 11, Precision.CITY: 9}


class _View(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class PositionView(_View):
    """A position in degrees. If `precision` is not `spot` it is only that of a district or city, as
    `note` says."""

    lng: float = Field(examples=[103.444])
    lat: float = Field(examples=[29.567])
    coord: Datum = Field(examples=["wgs84"])
    """The datum of the two numbers."""
    precision: Precision
    note: Names | None = Field(examples=[None])


class RelativeView(_View):
    """A spot as another one names it that it belongs together with."""

    id: str = Field(examples=["qingchengshan-dujiangyan"])
    name: Names
    level: Level | None


class SpotSummary(_View):
    """A spot in a list."""

    id: str = Field(examples=["emeishan"])
    name: Names
    kind: Kind
    level: Level | None
    """The A-level that the spot itself has; that of a part's whole stands in `whole`."""
    category: str | None = Field(examples=["world_heritage"])
    """A value of the facet `category`."""
    province: str = Field(examples=["sichuan"])
    """`sichuan` or `chongqing`."""
    city: str = Field(examples=["乐山市"])
    district: str | None = Field(examples=["峨眉山市"])
    position: PositionView
    address: str | None = Field(examples=["四川省乐山市峨眉山市黄湾乡"])
    phones: tuple[str, ...] = Field(examples=[["400-819-6333"]])
    price: Price | None
    ticket: Ticket | None
    """For a part which ticket opens it: one of its own, one for several parts, or none."""
    status: Status
    part_of: str | None
    """The id of the whole."""
    whole: RelativeView | None
    """The bigger entry that the spot is a part of. What covers it covers its parts; gates stand at
    the parts."""
    parts: list[RelativeView]
    """The parts of the spot, each with a ticket or gate of its own."""
    doubtful: list[str] = Field(examples=[["price"]])
    """The groups of fields to show with care; `caveats` of the spot itself say why."""


class SourceView(Source):
    """Where some fields come from. An operator's correction may name a source that has no more than
    a title."""

    fields: str = Field(examples=["level"])
    """The group of fields."""


class CaveatView(_View):
    """Why a group of fields is to be shown with care, and the words to show beside it."""

    fields: str = Field(examples=["price"])
    """The group of fields."""
    why: Doubt
    """`coarse`: a position that is not that of the spot; `old`: from years ago; `unsure`: not
    confirmed."""
    date: str | None = Field(examples=["2023-01"])
    """Of the newest source of these fields, where one has a date."""
    text: Names


class FreeEntryView(FreeEntry):
    """A group of people who enter free by law, in data and in words."""

    text: Names


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
    free_entry: list[FreeEntryView]
    """Who enters free by law, as far as a source says it of this spot."""
    world_heritage: bool | None
    images: tuple[str, ...]
    open_location: OpenLocation
    sources: list[SourceView]
    notes: dict[str, str]
    """A remark on a group of fields, such as what a price does not contain."""
    confidence: dict[str, Trust]
    """How far each group of fields can be trusted."""
    caveats: list[CaveatView]
    attribution: list[str]
    """What the licences of the sources ask to be named beside the data."""
    as_of: date
    """The day on which the facts were gathered or last corrected."""


@dataclass(frozen=True, slots=True)
class Family:
    """The spots that one belongs together with."""

    whole: Spot | None = None
    parts: tuple[Spot, ...] = ()


def summary(spot: Spot, family: Family, reference: Reference, datum: Datum) -> SpotSummary:
    """The view of a spot in a list."""
    return SpotSummary(**_common(spot, family, reference, datum))


def detail(spot: Spot, family: Family, reference: Reference, datum: Datum) -> SpotDetail:
    """The whole view of a spot."""
    common = _common(spot, family, reference, datum)
    own = {
        name: getattr(spot, name) for name in SpotDetail.model_fields if name in Spot.model_fields
    }
    made = {
        "open_location": _open_location(spot, common),
        "free_entry": [
            FreeEntryView(**rule.model_dump(), text=free_entry(rule)) for rule in spot.free_entry
        ],
        "sources": list(_sources(spot, reference.sources)),
        "caveats": list(_caveats(spot, reference.sources)),
        "attribution": list(attribution([spot], reference.sources)),
    }
    return SpotDetail(**own | common | made)


def attribution(spots: Iterable[Spot], known: Mapping[str, KnownSource]) -> tuple[str, ...]:
    """What the licences of the sources of some spots ask to be named, once each."""
    used = {key for spot in spots for keys in spot.sources.values() for key in _keys(keys)}
    asked = [
        source.attribution for key, source in known.items() if key in used and source.attribution
    ]
    return tuple(dict.fromkeys(asked))


def facet_name(facet: Facet, value: str, reference: Reference) -> Names:
    """What people call a value of a facet."""
    if facet is Facet.CATEGORY:
        return reference.categories[value]
    if facet is Facet.LEVEL:
        return Names(zh=value, en=value)
    if facet is Facet.KIND:
        return KINDS[Kind(value)]
    row = reference.places.row({"sichuan": "510000", "chongqing": "500000"}.get(value, value))
    return Names(zh=row.name, en=row.pinyin.title() or None)


def _common(spot: Spot, family: Family, reference: Reference, datum: Datum) -> dict[str, Any]:
    place = reference.places.at(spot.adcode)
    precision = spot.position.precision
    position = PositionView(
        **_rounded(spot, datum),
        coord=datum,
        precision=precision,
        note=POSITION_NOTES.get(precision),
    )
    own = {
        name: getattr(spot, name) for name in SpotSummary.model_fields if name in Spot.model_fields
    }
    made = {
        "province": spot.province,
        "city": place.city,
        "district": place.district,
        "position": position,
        "whole": None if family.whole is None else _relative(family.whole),
        "parts": [_relative(part) for part in family.parts],
        "doubtful": list(doubts(spot, reference.sources)),
    }
    return own | made


def _relative(spot: Spot) -> RelativeView:
    return RelativeView(id=spot.id, name=spot.name, level=spot.level)


def _rounded(spot: Spot, datum: Datum) -> dict[str, float]:
    shifted = from_wgs84(Point(spot.position.lng, spot.position.lat), datum)
    return {"lng": round(shifted.lng, _DIGITS), "lat": round(shifted.lat, _DIGITS)}


def _open_location(spot: Spot, common: Mapping[str, Any]) -> OpenLocation:
    at = _rounded(spot, Datum.GCJ02)
    return OpenLocation(
        latitude=at["lat"],
        longitude=at["lng"],
        name=spot.name.zh,
        address=spot.address or f"{common['city']}{common['district'] or ''}",
        scale=_MAP_SCALE[spot.position.precision],
    )


def _sources(spot: Spot, known: Mapping[str, Source]) -> Iterator[SourceView]:
    for fields, keys in spot.sources.items():
        for key in _keys(keys):
            source = known.get(key, Source(title=key))
            yield SourceView(fields=fields, **source.model_dump(exclude={"attribution"}))


def _caveats(spot: Spot, known: Mapping[str, KnownSource]) -> Iterator[CaveatView]:
    for fields, (why, newest) in doubts(spot, known).items():
        yield CaveatView(fields=fields, why=why, date=newest, text=DOUBTS[why])


def _keys(keys: str | tuple[str, ...]) -> tuple[str, ...]:
    return (keys,) if isinstance(keys, str) else keys
