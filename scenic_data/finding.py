"""Finding: which spots fit what a visitor asks for, in which order, and how many of each kind there are.

Knows positions in a list of spots, nothing of HTTP or JSON. Some hundred spots are looked through in a fraction of a
millisecond, so there is no index but sets.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scenic_data.geo import Point, arc, direction
from scenic_data.model import Precision, Spot
from scenic_data.places import city_of
from scenic_data.reference import Reference
from scenic_data.search import Index, syllables

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
    """The places in the list of the spots that fit, in order, and metres to each spot of the list if asked `near`."""

    places: Sequence[int]
    metres: Sequence[float] | None
    counts: Mapping[Facet, Mapping[str, int]]
    """For each facet how many would fit with each value, whatever is chosen of that facet itself."""


class Finder:
    """Finds spots in one list, which stands in the order of `Order.LEVEL`."""

    def __init__(self, spots: Sequence[Spot], reference: Reference) -> None:
        """Everything that does not depend on what is asked is worked out here, once."""
        self._spots = spots
        self._all = frozenset(range(len(spots)))
        self._index = Index(spots, reference)
        self._directions = [direction(Point(spot.position.lng, spot.position.lat)) for spot in spots]
        self._uncertain = [UNCERTAINTY[spot.position.precision] for spot in spots]
        self._values = {facet: [value(spot) for spot in spots] for facet, value in _VALUE.items()}
        self._by_name = [(syllables(spot.name.zh), spot.name.zh) for spot in spots]
        self._by_price = [spot.price.peak_fen if spot.price else _NO_PRICE for spot in spots]

    def find(self, wanted: Wanted) -> Found:
        """The spots that fit. Raises nothing: what fits nothing finds nothing."""
        ranks = self._index.rank(wanted.q) if wanted.q is not None else None
        metres = self._metres(wanted.near)
        fits: Set[int] = self._all if ranks is None else ranks.keys()
        if wanted.among is not None:
            fits = {n for n in fits if self._spots[n].id in wanted.among}
        if wanted.open_on is not None:
            fits = {n for n in fits if self._spots[n].open_on(wanted.open_on)}
        if metres is not None and wanted.radius is not None:
            fits = {n for n in fits if metres[n] <= wanted.radius}
        matched = self._chosen(wanted, fits)
        order = wanted.order or (Order.RELEVANCE if ranks else Order.DISTANCE if metres else Order.LEVEL)
        return Found(
            sorted(matched, key=self._key(order, ranks, metres)),
            metres,
            {
                facet: Counter(map(self._values[facet].__getitem__, self._chosen(wanted, fits, facet)))
                for facet in Facet
            },
        )

    def _metres(self, near: Point | None) -> list[float] | None:
        if near is None:
            return None
        here = direction(near)
        return [arc(here, there) for there in self._directions]

    def _chosen(self, wanted: Wanted, fits: Set[int], but: Facet | None = None) -> Set[int]:
        """Of the spots that fit those with the chosen values; the choice of the facet `but` is left out."""
        for facet, chosen in wanted.chosen:
            if facet is not but:
                values = self._values[facet]
                fits = {n for n in fits if values[n] in chosen}
        return fits

    def _key(
        self, order: Order, ranks: Mapping[int, int] | None, metres: Sequence[float] | None
    ) -> Callable[[int], tuple[object, int]]:
        """What an order sorts by. An uncertain position counts as far as its spot may be, never as if it were exact."""
        if order is Order.RELEVANCE and ranks is not None:
            return lambda n: (ranks[n], n)
        if order is Order.DISTANCE and metres is not None:
            return lambda n: (metres[n] + self._uncertain[n], n)
        if order is Order.NAME:
            return lambda n: (self._by_name[n], n)
        if order is Order.PRICE:
            return lambda n: (self._by_price[n], n)
        return lambda n: (0, n)


_NO_PRICE = 1 << 62
"""Spots whose price is not known come last."""
