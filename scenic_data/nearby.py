"""Nearby: the spots nearest to a position, without measuring the way to every spot each time.

The earth is cut into cells. Around the middle of a cell all spots are sorted once; an LRU cache
keeps that order for 256 cells. A way from a position in the cell differs from that from its middle
by no more than the two lie apart (the triangle inequality), so only those spots are measured that
may be among the nearest. The result is exact.

Knows of a spot where it is, and how far from there it may be.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import floor
from operator import add

from scenic_data.geo import Direction, Point, arcs, direction

_CELL = 0.4  # degrees
_REACH = 32_000.0  # metres from the middle of a cell to its corners, at most: at the equator
_KEPT_CELLS = 256  # of some ten kilobytes: wherever spots are


class Nearby:
    """The nearest of a list of positions."""

    def __init__(self, directions: Sequence[Direction], uncertain: Sequence[float]) -> None:
        """`uncertain` tells how many metres each may lie from its position."""
        self._directions = directions
        self._uncertain = uncertain
        self._around = lru_cache(maxsize=_KEPT_CELLS)(self._sorted_around)

    def nearest(self, here: Point, count: int) -> dict[int, float]:
        """The `count` nearest to a WGS-84 position: places in the list with metres, in order.

        An uncertain position counts as far as the spot may be, never as if it were exact. Of two as
        far the one that stands first in the list comes first.
        """
        order, farthest = self._around(floor(here.lng / _CELL), floor(here.lat / _CELL))
        last = farthest[min(count, len(order)) - 1] if order else 0
        places = sorted(order[: bisect_right(farthest, last + 2 * _REACH)])
        there = map(self._directions.__getitem__, places)
        metres = dict(zip(places, arcs(direction(here), there), strict=True))
        places.sort(key=lambda n: metres[n] + self._uncertain[n])
        return {n: metres[n] for n in places[:count]}

    def _sorted_around(self, column: int, row: int) -> tuple[Sequence[int], Sequence[float]]:
        """The places by how far they may be from the middle of a cell, and how far that is."""
        middle = direction(Point((column + 0.5) * _CELL, (row + 0.5) * _CELL))
        farthest = list(map(add, arcs(middle, self._directions), self._uncertain))
        order = sorted(range(len(farthest)), key=farthest.__getitem__)
        return order, array("d", map(farthest.__getitem__, order))
