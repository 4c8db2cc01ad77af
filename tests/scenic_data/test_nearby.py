"""Nearby: cells save work, and change nothing."""

from hypothesis import given
from hypothesis import strategies as st

from scenic_data.checking import load_spots
from scenic_data.finding import UNCERTAINTY
from scenic_data.geo import Point, arcs, direction
from scenic_data.nearby import Nearby

SPOTS = load_spots()
DIRECTIONS = [direction(Point(spot.position.lng, spot.position.lat)) for spot in SPOTS]
UNCERTAIN = [float(UNCERTAINTY[spot.position.precision]) for spot in SPOTS]
NEARBY = Nearby(DIRECTIONS, UNCERTAIN)

IN_THE_TWO_PROVINCES = st.builds(Point, st.floats(97, 111), st.floats(26, 35))
ANYWHERE = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))


@given(IN_THE_TWO_PROVINCES | ANYWHERE, st.integers(1, 30) | st.integers(500, 10**6))
def test_the_nearest_are_those_that_measuring_all_ways_finds(here: Point, count: int) -> None:
    metres = arcs(direction(here), DIRECTIONS)
    farthest = [way + more for way, more in zip(metres, UNCERTAIN, strict=True)]
    in_order = sorted(range(len(SPOTS)), key=farthest.__getitem__)
    assert list(NEARBY.nearest(here, count).items()) == [(n, metres[n]) for n in in_order[:count]]


def test_the_nearest_of_nothing_is_nothing() -> None:
    assert Nearby([], []).nearest(Point(103, 30), 20) == {}


def test_on_the_other_side_of_the_earth_rounding_breaks_nothing() -> None:
    """A chord may come out longer than the diameter there, and no angle has such a sine."""
    for spot in SPOTS:
        antipode = Point(spot.position.lng - 180, -spot.position.lat)
        assert max(NEARBY.nearest(antipode, 10**6).values()) <= 20_015_200
