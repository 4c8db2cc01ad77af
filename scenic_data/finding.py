"""Finding: which spots fit what a visitor asks for, in which order, and how many of each kind.

Knows the places of spots in a list, nothing of HTTP or JSON. Some hundred spots are looked through
in a tenth of a millisecond, so there is an index only of words and of what is near.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from scenic_data.geo import Point, arcs, direction
from scenic_data.index import Index
from scenic_data.model import Precision, Spot
from scenic_data.nearby import Nearby
from scenic_data.places import city_of
from scenic_data.reference import Reference
from scenic_data.search import rank
from scenic_data.wording import syllables

UNCERTAINTY = {
    Precision.SPOT: 0,
    Precision.WHOLE: 3_000,
    Precision.DISTRICT: 20_000,
    Precision.CITY: 60_000,
}
"""How many metres a spot may lie from its position: half the width of a usual entry, district, or
city."""


class Facet(StrEnum):
    """By what spots are grouped and counted."""

    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"
    LEVEL = "level"
    CATEGORY = "category"
    KIND = "kind"


_NONE = ""
"""The value of a facet that a spot does not have; it is never chosen and never counted."""

_VALUE: Mapping[Facet, Callable[[Spot], str]] = {
    Facet.PROVINCE: lambda spot: spot.province,
    Facet.CITY: lambda spot: city_of(spot.adcode),
    Facet.DISTRICT: lambda spot: spot.adcode,
    Facet.LEVEL: lambda spot: spot.level.value if spot.level else _NONE,
    Facet.CATEGORY: lambda spot: spot.category or _NONE,
    Facet.KIND: lambda spot: spot.kind.value,
}


class Order(StrEnum):
    """How found spots are sorted; what is equal stands as in `LEVEL`."""

    RELEVANCE = "relevance"
    LEVEL = "level"
    DISTANCE = "distance"
    NAME = "name"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; what is None or empty asks for nothing."""

    q: str | None = None
    chosen: tuple[tuple[Facet, frozenset[str]], ...] = ()
    """Values of facets, any of each."""
    among: frozenset[str] | None = None
    """The ids of the spots that may be found at all."""
    open_on: date | None = None
    near: Point | None = None
    """WGS-84."""
    radius: float | None = None
    """Metres around `near`."""
    order: Order | None = None
    """By default by relevance if words are given, by distance if a position is, or by level."""
    top: int | None = None
    """How many of the first in order are wanted; None for all."""


@dataclass(frozen=True, slots=True)
class Found:
    """What fits. Spots are told by their places in the list."""

    places: Sequence[int]
    """Those that fit, in order; no more than were wanted."""
    total: int
    """How many fit."""
    metres: Mapping[int, float] | None
    """If asked `near`, the way to each of `places`."""
    choice: Sequence[int]
    """Those that fit but for the chosen values of facets, in order of the list."""


class Finder:
    """Finds spots in one list, which stands in the order of `Order.LEVEL`."""

    def __init__(self, spots: Sequence[Spot], reference: Reference) -> None:
        """Everything that does not depend on what is asked is worked out here, once."""
        self._spots = spots
        self._all = list(range(len(spots)))
        self._index = Index(spots, reference)
        self._directions = [
            direction(Point(spot.position.lng, spot.position.lat)) for spot in spots
        ]
        self._uncertain = [float(UNCERTAINTY[spot.position.precision]) for spot in spots]
        self._nearby = Nearby(self._directions, self._uncertain)
        self._values = {facet: [value(spot) for spot in spots] for facet, value in _VALUE.items()}
        self._by_name = _standing([(syllables(spot.name.zh), spot.name.zh) for spot in spots])
        self._by_price = [spot.price.peak_fen if spot.price else _NO_PRICE for spot in spots]

    def find(self, wanted: Wanted) -> Found:
        """The spots that fit. Raises nothing: what fits nothing finds nothing."""
        order = _order(wanted)
        ranks = rank(self._index, wanted.q) if wanted.q is not None else None
        choice = self._fitting(wanted, ranks)
        fits = self._chosen(wanted, choice)
        all_by_distance = order is Order.DISTANCE and fits is self._all and wanted.radius is None
        if all_by_distance and wanted.near is not None:
            return self._nearest(wanted.near, wanted.top)
        metres = self._metres(wanted, choice)
        if metres is not None and wanted.radius is not None:
            choice = [n for n in choice if metres[n] <= wanted.radius]
            fits = self._chosen(wanted, choice)
        key = self._key(order, ranks, metres)
        places = sorted(fits, key=key) if key else fits
        return Found(places[: wanted.top], len(places), metres, choice)

    def count(self, wanted: Wanted, found: Found) -> Mapping[Facet, Mapping[str, int]]:
        """For each facet how many spots would be found with each value.

        What is chosen of that facet itself does not count.
        """
        counts = {
            facet: Counter(
                map(self._values[facet].__getitem__, self._chosen(wanted, found.choice, facet))
            )
            for facet in Facet
        }
        for count in counts.values():
            count.pop(_NONE, None)
        return counts

    def _fitting(self, wanted: Wanted, ranks: Mapping[int, int] | None) -> Sequence[int]:
        """The spots that fit but for facets and distance, in order of the list."""
        fits = self._all if ranks is None else sorted(ranks)
        if wanted.among is not None:
            fits = [n for n in fits if self._spots[n].id in wanted.among]
        if wanted.open_on is not None:
            fits = [n for n in fits if self._spots[n].open_on(wanted.open_on)]
        return fits

    def _chosen(
        self, wanted: Wanted, fits: Sequence[int], but: Facet | None = None
    ) -> Sequence[int]:
        """Of the spots that fit those with the chosen values, of all facets `but` one."""
        for facet, chosen in wanted.chosen:
            if facet is not but:
                values = self._values[facet]
                fits = [n for n in fits if values[n] in chosen]
        return fits

    def _nearest(self, near: Point, top: int | None) -> Found:
        """All spots, the nearest first."""
        count = len(self._all) if top is None else top
        metres = self._nearby.nearest(near, count)
        return Found(list(metres), len(self._all), metres, self._all)

    def _metres(self, wanted: Wanted, fits: Sequence[int]) -> Mapping[int, float] | None:
        if wanted.near is None:
            return None
        there = map(self._directions.__getitem__, fits)
        return dict(zip(fits, arcs(direction(wanted.near), there), strict=True))

    def _key(
        self, order: Order, ranks: Mapping[int, int] | None, metres: Mapping[int, float] | None
    ) -> Callable[[int], Any] | None:
        """What to sort by; what is equal keeps the order of the list, which is that of levels.

        An uncertain position counts as far as its spot may be, never as if it were exact.
        """
        if order is Order.RELEVANCE and ranks is not None:
            return ranks.__getitem__
        if order is Order.DISTANCE and metres is not None:
            return lambda n: metres[n] + self._uncertain[n]
        if order is Order.NAME:
            return self._by_name.__getitem__
        if order is Order.PRICE:
            return self._by_price.__getitem__
        return None


def _order(wanted: Wanted) -> Order:
    if wanted.order is not None:
        return wanted.order
    if wanted.q is not None:
        return Order.RELEVANCE
    return Order.LEVEL if wanted.near is None else Order.DISTANCE


def _standing(keys: Sequence[Any]) -> list[int]:
    """For each key its place among the sorted keys: integers are compared faster."""
    standing = [0] * len(keys)
    for place, n in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        standing[n] = place
    return standing


_NO_PRICE = 1 << 62
"""Spots whose price is not known come last."""
