"""Positions: against published points, and forth and back to a metre."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenic_data.checking import load_spots
from scenic_data.geo import Datum, Point, distance, from_wgs84, to_wgs84

TIANANMEN = Point(116.404, 39.915)


def test_published_points() -> None:
    """The example that the widely used `coordtransform` gives in its README."""
    assert from_wgs84(TIANANMEN, Datum.GCJ02) == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-9
    )
    assert from_wgs84(TIANANMEN, Datum.BD09) == pytest.approx(
        (116.41662724378733, 39.922699552216216), abs=1e-9
    )
    there_and_on = from_wgs84(to_wgs84(TIANANMEN, Datum.GCJ02), Datum.BD09)
    assert there_and_on == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-7)
    from_baidu = from_wgs84(to_wgs84(TIANANMEN, Datum.BD09), Datum.GCJ02)
    assert from_baidu == pytest.approx((116.39762729119315, 39.90865673957631), abs=1e-7)


@given(st.builds(Point, st.floats(97, 111), st.floats(26, 35)), st.sampled_from(Datum))
def test_forth_and_back_is_the_same_point_to_a_metre(point: Point, datum: Datum) -> None:
    assert distance(to_wgs84(from_wgs84(point, datum), datum), point) < 1


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_every_spot_is_shifted_by_hundreds_of_metres(datum: Datum) -> None:
    """Which is why a position without its datum is worthless."""
    for spot in load_spots():
        point = Point(spot.position.lng, spot.position.lat)
        shift = distance(from_wgs84(point, datum), point)
        assert shift > 200
        assert shift < 1600


def test_distances() -> None:
    assert distance(TIANANMEN, TIANANMEN) == 0
    assert distance(Point(0, 0), Point(0, 1)) == pytest.approx(111_195, abs=1)
    assert distance(Point(0, 0), Point(180, 0)) == pytest.approx(20_015_115, abs=1)
    chengdu, chongqing = Point(104.0668, 30.5728), Point(106.5516, 29.5630)
    assert distance(chengdu, chongqing) == pytest.approx(264_700, rel=0.01)


@pytest.mark.parametrize(
    "point",
    [Point(0, 90), Point(104, 89.9999999999), Point(180, -90), Point(1e-320, 90), Point(0, 0)],
)
@pytest.mark.parametrize("datum", Datum)
def test_outside_china_no_map_is_shifted(point: Point, datum: Datum) -> None:
    assert to_wgs84(point, datum) == point
    assert from_wgs84(point, datum) == point
