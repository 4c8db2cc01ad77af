"""The query of the catalogue: which parameters there are, and what they ask of it.

Text is brought to one form before it is judged: full width, blanks and the case of a word decide
nothing. What is wrong with a query is found in a bounded time, however long it is.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from handlers.catalogue.day_view import DayView
from handlers.web.arguments import invalid_query
from passes.base import typed
from passes.base.errors import Fault
from scenic_data.finding import Facet, Order, Wanted
from scenic_data.geo import Datum, Point, to_wgs84
from scenic_data.kinds import Kind
from scenic_data.model import Level, Names
from scenic_data.wording import joined
from scenic_data.words import KINDS

_NUMBER = r"-?[0-9]{1,3}(\.[0-9]{1,40})?"  # phones write all digits that a number has
_LONGEST_POSITION = 100
_MOST_VALUES = 30


def _no_controls(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("leave out characters that cannot be seen")
    return text


def _split(written: object) -> object:
    """The values, each once. No more pieces than are needed to see that there are too many."""
    if not isinstance(written, str):
        return written
    pieces = re.split("[,、]", typed.plain(written), maxsplit=_MOST_VALUES + 1)
    return tuple(dict.fromkeys(piece.strip() for piece in pieces))


def _slug(written: object) -> object:
    return typed.slug(written) if isinstance(written, str) else written


def _split_upper(written: object) -> object:
    return _split(typed.plain(written).upper() if isinstance(written, str) else written)


def _split_province(written: object) -> object:
    return _named(_split(written), _PROVINCES)


def _split_kind(written: object) -> object:
    return _named(_split(written), _KINDS)


def _named(values: object, names: Mapping[str, str]) -> object:
    """What the values are called by the system; those that are no name stay as they are."""
    if not isinstance(values, tuple):
        return values
    return tuple(dict.fromkeys(names.get(joined(value), value) for value in values))


_PROVINCES = {
    "四川": "sichuan",
    "四川省": "sichuan",
    "sichuan": "sichuan",
    "重庆": "chongqing",
    "重庆市": "chongqing",
    "chongqing": "chongqing",
}
_KINDS = {
    joined(name): kind.value
    for kind, called in KINDS.items()
    for name in (kind.value, *called.zh.split("、"), called.en or kind.value)
}


def _point(written: object) -> object:
    text = written if isinstance(written, str) and len(written) <= _LONGEST_POSITION else ""
    plain = typed.compact(text).replace("、", ",")
    if not re.fullmatch(f"{_NUMBER},{_NUMBER}", plain):
        raise ValueError("write longitude and latitude in degrees, such as 103.76,29.55")
    lng, lat = map(float, plain.split(","))
    if abs(lng) > 180 or abs(lat) > 90:
        raise ValueError("the longitude lies within -180 and 180, the latitude within -90 and 90")
    return Point(lng, lat)


def _iso_day(written: object) -> object:
    if not isinstance(written, str):
        return written
    plain = typed.compact(written)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", plain):
        raise ValueError("write the day as 2026-10-01")
    return plain


_Word = Annotated[str, Field(min_length=1, max_length=40)]
_Words = Annotated[tuple[_Word, ...], Field(max_length=_MOST_VALUES), BeforeValidator(_split)]
_Id = Annotated[str, Field(max_length=40), BeforeValidator(_slug)]


_YesOrNo = Annotated[bool, BeforeValidator(_slug)]


class CoordQuery(BaseModel):
    """In which datum positions are given."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    coord: Annotated[Datum, BeforeValidator(_slug)] = Datum.WGS84
    """The datum of every position of the reply, and of `near`. Maps of WeChat mini-programs take
    `gcj02`."""


class SpotsQuery(CoordQuery):
    """Which spots, in which order, and which page of them. A filter takes several values, separated
    by commas."""

    q: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_no_controls)] | None = (
        Field(default=None, examples=["峨眉山", "emeishan", "ems", "Mount Emei"])
    )
    """Words: Chinese, pinyin with or without tones and blanks, initials, English, parts of them.

    Traditional characters are read as simplified ones. Before a name may stand where it is.
    """
    province: Annotated[
        tuple[Literal["sichuan", "chongqing"], ...], BeforeValidator(_split_province)
    ] = ()
    """One of the two, or both; 四川 and 重庆 do, too."""
    city: _Words = Field(default=(), examples=[["成都"]])
    """Name, pinyin or adcode: 成都市, 成都, Chengdu or 510100. Traditional characters do, too."""
    district: _Words = Field(default=(), examples=[["武隆区"]])
    """As `city`: 武隆区, 武隆, wulong or 500156. A name of several districts chooses them all."""
    level: Annotated[tuple[Level, ...], BeforeValidator(_split_upper)] = ()
    """A-levels of GB/T 17775."""
    category: _Words = Field(default=(), examples=[["ancient_town"]])
    """As the facet `category` lists them, or its name there; parts of bigger entries have none."""
    kind: Annotated[tuple[Kind, ...], BeforeValidator(_split_kind)] = ()
    """What the spot is, whatever its level; its name, such as 博物馆, does, too."""
    part_of: _Id | None = Field(default=None, examples=["qingchengshan-dujiangyan"])
    """Only the parts of this spot."""
    parts: _YesOrNo = True
    """Whether parts of bigger entries are found, too, beside the entries that name them."""
    covered_by: _Id | None = Field(default=None, examples=["bashu-annual-example"])
    """Only the spots that this product opens."""
    has_offer: _YesOrNo = False
    """Only the spots at which an offer runs today."""
    open_on: Annotated[date, BeforeValidator(_iso_day)] | None = Field(
        default=None, examples=["2026-10-01"]
    )
    """Only spots that are not known to be closed on that day."""
    near: (
        Annotated[
            Point,
            BeforeValidator(_point),
            WithJsonSchema({"type": "string", "pattern": f"^{_NUMBER},{_NUMBER}$"}),
        ]
        | None
    ) = Field(default=None, examples=["103.76,29.55"])
    """Longitude and latitude, in `coord`: every spot then has its distance."""
    radius_km: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = Field(
        default=None, examples=[30]
    )
    """Only spots whose position is within so many kilometres of `near`."""
    sort: Annotated[Order, BeforeValidator(_slug)] | None = None
    """By default `relevance` with `q`, else `distance` with `near`, else `level`. Unknown prices
    come last.

    By distance a spot whose position is only that of its district or city counts as 20 or 60 km
    farther than `distance_m`, because it may be so far away.
    """
    facets: _YesOrNo = False
    """Whether to count the spots by province, city, level, category and kind, and by district once
    a city is chosen."""
    page: int = Field(default=1, ge=1, le=10_000)
    """Counted from 1."""
    limit: int = Field(default=20, ge=1, le=100)
    """Spots on a page."""


def wanted(query: SpotsQuery, view: DayView) -> Wanted:
    """What a query asks of a view.

    Raises the 422 problem naming each parameter that cannot be answered.
    """
    faults: list[Fault] = []
    if query.covered_by is not None and query.covered_by not in view.covered:
        faults.append(Fault("query.covered_by", f"there is no product {query.covered_by}"))
    if query.part_of is not None and view.snapshot.get(query.part_of) is None:
        faults.append(Fault("query.part_of", f"there is no spot {query.part_of}"))
    if query.near is None and query.radius_km is not None:
        faults.append(Fault("query.radius_km", "give near, too: the middle of the circle"))
    if query.near is None and query.sort is Order.DISTANCE:
        faults.append(Fault("query.sort", "for distance give near, too"))
    if query.q is None and query.sort is Order.RELEVANCE:
        faults.append(Fault("query.sort", "for relevance give q, too"))
    chosen, of_facets = _chosen(query, view)
    faults += of_facets
    if faults:
        raise invalid_query(faults)
    return Wanted(
        q=query.q,
        chosen=chosen,
        among=_among(query, view),
        open_on=query.open_on,
        near=None if query.near is None else to_wgs84(query.near, query.coord),
        radius=None if query.radius_km is None else query.radius_km * 1000,
        order=query.sort,
        top=query.page * query.limit,
    )


def _categories(written: str, known: Mapping[str, Names]) -> frozenset[str]:
    """The categories with that key or name."""
    wanted = joined(written)
    return frozenset(
        key
        for key, called in known.items()
        if wanted in {joined(key), joined(called.zh), joined(called.en or key)}
    )


def _among(query: SpotsQuery, view: DayView) -> frozenset[str] | None:
    """The spots that product, offers and parts leave, or None if nothing of these is asked for."""
    sets: list[frozenset[str]] = []
    if query.covered_by is not None:
        sets.append(frozenset(view.covered[query.covered_by]))
    if query.has_offer:
        sets.append(view.with_offer())
    if query.part_of is not None:
        sets.append(view.snapshot.parts_of(query.part_of))
    if not query.parts:
        sets.append(view.snapshot.entries)
    return frozenset.intersection(*sets) if sets else None


def _chosen(
    query: SpotsQuery, view: DayView
) -> tuple[tuple[tuple[Facet, frozenset[str]], ...], list[Fault]]:
    """The values that are chosen of each facet, and a fault for each that does not exist."""
    reference = view.snapshot.reference
    resolve: dict[Facet, Callable[[str], frozenset[str]]] = {
        Facet.PROVINCE: lambda value: frozenset({value}),
        Facet.CITY: reference.places.cities,
        Facet.DISTRICT: reference.places.districts,
        Facet.LEVEL: lambda value: frozenset({value}),
        Facet.CATEGORY: lambda value: _categories(value, reference.categories),
        Facet.KIND: lambda value: frozenset({value}),
    }
    chosen, faults = [], []
    for facet, values_of in resolve.items():
        written: tuple[str, ...] = getattr(query, facet)
        values: frozenset[str] = frozenset()
        for word in written:
            found = values_of(word)
            values |= found
            if not found:
                faults.append(Fault(f"query.{facet}", f"there is no {facet} {word}"))
        if written:
            chosen.append((facet, values))
    return tuple(chosen), faults
