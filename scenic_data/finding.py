"""Finding: which spots fit what a visitor asks for, in which order, and how many of each kind there are.

Knows the places of spots in a list, nothing of HTTP or JSON. Some hundred spots are looked through in a fraction of a
millisecond, so there is no index but that of words.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from scenic_data.geo import Point, arcs, direction
from scenic_data.model import Precision, Spot
from scenic_data.places import city_of
from scenic_data.reference import Reference
from scenic_data.search import SearchIndex, syllables

UNCERTAINTY = {Precision.SPOT: 0, Precision.DISTRICT: 20_000, Precision.CITY: 60_000}
"""How many metres a spot may lie from its position: half the width of a usual district, or city."""


class Facet(StrEnum):
    """By what spots are grouped and counted."""

    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"
    LEVEL = "level"
    CATEGORY = "category"


_VALUE: Mapping[Facet, Callable[[Spot], str]] = {
    Facet.PROVINCE: lambda spot: spot.province,
    Facet.CITY: lambda spot: city_of(spot.adcode),
    Facet.DISTRICT: lambda spot: spot.adcode,
    Facet.LEVEL: lambda spot: spot.level.value,
    Facet.CATEGORY: lambda spot: spot.category,
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
    """What is asked for; what is None or empty asks for nothing. `chosen` are values of facets, any of each."""

    q: str | None = None
    chosen: tuple[tuple[Facet, frozenset[str]], ...] = ()
    among: frozenset[str] | None = None
    """The ids of the spots that may be found at all."""
    open_on: date | None = None
    near: Point | None = None
    """WGS-84."""
    radius: float | None = None
    """Metres around `near`."""
    order: Order | None = None
    """By default by relevance if words are given, else by distance if a position is, else by level."""


@dataclass(frozen=True, slots=True)
class Found:
    """The places in the list of the spots that fit, in order; if asked `near`, metres to each of them by its place.

    `choice` are those that fit but for the chosen values of facets, in order of the list.
    """

    places: Sequence[int]
    metres: Mapping[int, float] | None
    choice: list[int]


class Finder:
    """Finds spots in one list, which stands in the order of `Order.LEVEL`."""

    def __init__(self, spots: Sequence[Spot], reference: Reference) -> None:
        """Everything that does not depend on what is asked is worked out here, once."""
        self._spots = spots
        self._index = SearchIndex(spots, reference)
        self._directions = [
            direction(Point(spot.position.lng, spot.position.lat)) for spot in spots
        ]
        self._uncertain = [UNCERTAINTY[spot.position.precision] for spot in spots]
        self._values = {facet: [value(spot) for spot in spots] for facet, value in _VALUE.items()}
        self._by_name = [(syllables(spot.name.zh), spot.name.zh) for spot in spots]
        self._by_price = [spot.price.peak_fen if spot.price else _NO_PRICE for spot in spots]

    def find(self, wanted: Wanted) -> Found:
        """The spots that fit. Raises nothing: what fits nothing finds nothing."""
        ranks = self._index.rank(wanted.q) if wanted.q is not None else None
        choice = self._fitting(wanted, ranks)
        metres = self._metres(wanted, choice)
        if metres is not None and wanted.radius is not None:
            choice = [n for n in choice if metres[n] <= wanted.radius]
        fits = self._chosen(wanted, choice)
        key = self._key(wanted, ranks, metres)
        return Found(sorted(fits, key=key) if key else fits, metres, choice)

    def count(self, wanted: Wanted, found: Found) -> Mapping[Facet, Mapping[str, int]]:
        """For each facet how many spots would be found with each value, whatever is chosen of that facet itself."""
        return {
            facet: Counter(
                self._values[facet][n] for n in self._chosen(wanted, found.choice, facet)
            )
            for facet in Facet
        }

    def _fitting(self, wanted: Wanted, ranks: Mapping[int, int] | None) -> list[int]:
        """The spots that fit but for facets and distance, in order of the list."""
        fits = list(range(len(self._spots))) if ranks is None else sorted(ranks)
        if wanted.among is not None:
            fits = [n for n in fits if self._spots[n].id in wanted.among]
        if wanted.open_on is not None:
            fits = [n for n in fits if self._spots[n].open_on(wanted.open_on)]
        return fits

    def _chosen(self, wanted: Wanted, fits: list[int], but: Facet | None = None) -> list[int]:
        """Of the spots that fit those with the chosen values; the choice of the facet `but` is left out."""
        for facet, chosen in wanted.chosen:
            if facet is not but:
                values = self._values[facet]
                fits = [n for n in fits if values[n] in chosen]
        return fits

    def _metres(self, wanted: Wanted, fits: Sequence[int]) -> dict[int, float] | None:
        if wanted.near is None:
            return None
        there = map(self._directions.__getitem__, fits)
        return dict(zip(fits, arcs(direction(wanted.near), there), strict=True))

    def _key(
        self, wanted: Wanted, ranks: Mapping[int, int] | None, metres: Mapping[int, float] | None
    ) -> Callable[[int], Any] | None:
        """What to sort by; what is equal keeps the order of the list.

        An uncertain position counts as far as its spot may be, never as if it were exact.
        """
        order = wanted.order or (
            Order.RELEVANCE if ranks else Order.DISTANCE if metres else Order.LEVEL
        )
        if order is Order.RELEVANCE and ranks is not None:
            return ranks.__getitem__
        if order is Order.DISTANCE and metres is not None:
            return {n: far + self._uncertain[n] for n, far in metres.items()}.__getitem__
        if order is Order.NAME:
            return self._by_name.__getitem__
        if order is Order.PRICE:
            return self._by_price.__getitem__
        return None


_NO_PRICE = 1 << 62
"""Spots whose price is not known come last."""
