"""Positions: the three datums that Chinese maps use, and distances.

WGS-84 is what satellites give and what is stored. GCJ-02 is what maps in China must show (AMap,
Tencent and the map of WeChat mini-programs), BD-09 is Baidu's shift of it. The shift of GCJ-02 is
not published by its makers; the formula is the one that public converters agree on. It holds within
China only, where all our spots are.
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import repeat
from math import asin, atan2, cos, degrees, dist, hypot, pi, radians, sin, sqrt
from typing import NamedTuple

_KRASOVSKY_A = 6378245.0  # metres, semi-major axis
_KRASOVSKY_E2 = 0.00669342162296594323  # eccentricity squared
_EARTH_DIAMETER = 2 * 6_371_008.8  # metres, mean
_BAIDU_PI = pi * 3000 / 180
_CLOSE_ENOUGH = 1e-8  # degrees, about a millimetre


class Datum(StrEnum):
    """What a position refers to."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class Point(NamedTuple):
    """A position in degrees."""

    lng: float
    lat: float


Direction = tuple[float, float, float]


def from_wgs84(point: Point, datum: Datum) -> Point:
    """A WGS-84 position in another datum; the same one outside China, where maps do not shift."""
    if datum is Datum.WGS84 or not _in_china(point):
        return point
    gcj02 = _shifted(point)
    return gcj02 if datum is Datum.GCJ02 else _to_baidu(gcj02)


def to_wgs84(point: Point, datum: Datum) -> Point:
    """A position of some datum in WGS-84: the point that `from_wgs84` takes there, to a
    centimetre."""
    if datum is Datum.WGS84 or not _in_china(point):
        return point
    target = point if datum is Datum.GCJ02 else _from_baidu(point)
    guess = target
    for _ in range(10):
        there = _shifted(guess)
        wrong = Point(there.lng - target.lng, there.lat - target.lat)
        if hypot(*wrong) < _CLOSE_ENOUGH:
            break
        guess = Point(guess.lng - wrong.lng, guess.lat - wrong.lat)
    return guess


def distance(one: Point, other: Point) -> float:
    """Metres between two positions of the same datum, over the sphere; within 0.6 % of the
    ellipsoid."""
    return arcs(direction(one), [direction(other)])[0]


def direction(point: Point) -> Direction:
    """The unit vector from the centre of the earth to a position: what distances to many others are
    made of."""
    lng, lat = radians(point.lng), radians(point.lat)
    return cos(lat) * cos(lng), cos(lat) * sin(lng), sin(lat)


def arcs(one: Direction, others: Iterable[Direction]) -> list[float]:
    """Metres over the sphere from one direction to others.

    Exact for short ways, too: it starts from the chord.
    """
    chords = list(map(dist, repeat(one), others))
    try:
        return [_EARTH_DIAMETER * asin(chord / 2) for chord in chords]
    except ValueError:  # on the other side of the earth, rounding may make a chord longer than 2
        return [_EARTH_DIAMETER * asin(min(1.0, chord / 2)) for chord in chords]


def _in_china(point: Point) -> bool:
    """Within the rectangle that public converters take for China."""
    return 72.004 <= point.lng <= 137.8347 and 0.8293 <= point.lat <= 55.8271


def _shifted(point: Point) -> Point:
    """WGS-84 → GCJ-02."""
    x, y = point.lng - 105.0, point.lat - 35.0
    waves = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves * 2 / 3
    north += (
        (20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30))
        * 2
        / 3
    )
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves * 2 / 3
    east += (
        (20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi))
        * 2
        / 3
    )
    lat = radians(point.lat)
    w = sqrt(1 - _KRASOVSKY_E2 * sin(lat) ** 2)
    return Point(
        point.lng + degrees(east / (_KRASOVSKY_A / w * cos(lat))),
        point.lat + degrees(north / (_KRASOVSKY_A * (1 - _KRASOVSKY_E2) / w**3)),
    )


def _to_baidu(point: Point) -> Point:
    """GCJ-02 → BD-09."""
    radius = hypot(point.lng, point.lat) + 0.00002 * sin(point.lat * _BAIDU_PI)
    angle = atan2(point.lat, point.lng) + 0.000003 * cos(point.lng * _BAIDU_PI)
    return Point(radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006)


def _from_baidu(point: Point) -> Point:
    """BD-09 → GCJ-02, to some decimetres."""
    lng, lat = point.lng - 0.0065, point.lat - 0.006
    radius = hypot(lng, lat) - 0.00002 * sin(lat * _BAIDU_PI)
    angle = atan2(lat, lng) - 0.000003 * cos(lng * _BAIDU_PI)
    return Point(radius * cos(angle), radius * sin(angle))
