"""Search and finding, on all real spots: what people type, and what they must find first."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenic_data.checking import load_spots
from scenic_data.finding import UNCERTAINTY, Facet, Order, Wanted
from scenic_data.geo import Datum, Point, distance
from scenic_data.model import Precision, Spot, Status
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from tests.support.build import EMEISHAN, XIANNVSHAN

REFERENCE = Reference.load()
ALL = Snapshot(load_spots(), REFERENCE)
LESHAN = Point(103.76, 29.55)


def found(snapshot: Snapshot = ALL, **wanted: Any) -> list[Spot]:
    return [snapshot.listed[place] for place in snapshot.find(Wanted(**wanted)).places]


def ids(**wanted: Any) -> list[str]:
    return [spot.id for spot in found(**wanted)]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("峨眉山", EMEISHAN),
        ("峨眉山景区", EMEISHAN),
        ("峨眉", EMEISHAN),
        ("峨嵋山", EMEISHAN),  # another way to write it, which sounds the same
        ("emeishan", EMEISHAN),
        ("EMEISHAN", EMEISHAN),
        ("emei shan", EMEISHAN),
        ("éméishān", EMEISHAN),
        ("É méi  shān", EMEISHAN),
        ("emei", EMEISHAN),
        ("ems", EMEISHAN),
        ("Mount Emei", EMEISHAN),
        ("mount emei", EMEISHAN),
        ("emiesan", None),  # two errors are too many
        ("emeisahn", EMEISHAN),  # two letters in each other's place
        ("emeishn", EMEISHAN),  # one missing
        ("emeisshan", EMEISHAN),  # one too many
        ("emwishan", EMEISHAN),  # one wrong
        ("仙女山", XIANNVSHAN),
        ("xiannüshan", XIANNVSHAN),
        ("xiannvshan", XIANNVSHAN),
        ("青城山", "qingchengshan-dujiangyan"),
        ("都江堰", "dujiangyan"),  # the part, which stands alone at the gate
        ("dujiangyan", "dujiangyan"),
        ("宝顶山", "baodingshan-shike"),
        ("天生三桥", "wulong-tiansheng-sanqiao"),
        ("乐山大佛", "leshan-dafo"),
        ("Giant Buddha", "leshan-dafo"),
        ("Buddha Giant", "leshan-dafo"),
        ("九寨沟", "jiuzhaigou"),
        ("jiuzhiagou", "jiuzhaigou"),
        ("jzg", "jiuzhaigou"),
        ("大足", "dazu-shike"),
        ("ＥＭＥＩ", EMEISHAN),  # full width
        ("!!!", None),
        ("没有这样的地方", None),
        ("\U0001f43c", None),
        ("a" * 50, None),
        ("%_\\", None),
    ],
)
def test_what_is_found_first(q: str, first: str | None) -> None:
    spots = ids(q=q)
    expected = [] if first is None else [first]
    assert spots[:1] == expected


def test_a_name_comes_before_a_category() -> None:
    for q in ("古镇", "博物馆"):
        named = [any(q in name for name in (spot.name.zh, *spot.aliases)) for spot in found(q=q)]
        assert named == sorted(named, reverse=True)
        assert named[0]
        assert not named[-1], "and the others of the category follow"
    assert {spot.category for spot in found(q="hot springs")} == {"hot_spring"}


def test_the_name_of_a_place_finds_the_best_of_that_place_first() -> None:
    for q in ("乐山", "leshan", "乐山市"):
        spots = found(q=q)
        assert {spot.id for spot in spots[:2]} == {"leshan-dafo", EMEISHAN}
        there = [spot.adcode.startswith("5111") for spot in spots]
        assert there == sorted(there, reverse=True), "歌乐山 of Chongqing comes after"
    assert {spot.province for spot in found(q="重庆")} == {"chongqing"}
    assert found(q="重庆")[0].level == "5A"


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("九寨沟景区", "jiuzhaigou"),
        ("峨眉山风景区", EMEISHAN),
        ("峨眉山 门票", EMEISHAN),
        ("重庆洪崖洞", "hongyadong"),
        ("四川九寨沟", "jiuzhaigou"),
        ("武隆天生三桥", "wulong-tiansheng-sanqiao"),
        ("成都5A", "anren-guzhen"),
        ("Jiuzhaigou Valley National Park", "jiuzhaigou"),
        ("Mt Emei", EMEISHAN),
        ("emei mountain", EMEISHAN),
        ("dazu grottoes", "dazu-shike"),
        ("hongyadong cave", "hongyadong"),
        ("big buddha", "leshan-dafo"),
        ("三峡", "wushan-xiaosanxia"),
    ],
)
def test_what_people_add_to_a_name(q: str, first: str) -> None:
    assert ids(q=q)[0] == first


def test_a_place_and_a_kind_without_a_blank() -> None:
    assert {spot.category for spot in found(q="成都温泉")} == {"hot_spring"}
    museums = found(q="重庆博物馆")
    assert len(museums) > 10
    assert {spot.province for spot in museums} == {"chongqing"}


@given(st.text(max_size=50))
def test_any_words_find_something_or_nothing_and_never_fail(q: str) -> None:
    assert len(ids(q=q)) <= len(ALL.listed)


@given(st.sampled_from(ALL.listed))
def test_every_spot_is_found_by_its_name_and_its_slug(spot: Spot) -> None:
    assert spot in found(q=spot.name.zh)
    assert spot in found(q=spot.id.replace("-", ""))


def test_filters_and_their_counts() -> None:
    chongqing = (Facet.PROVINCE, frozenset({"chongqing"}))
    best = (Facet.LEVEL, frozenset({"5A"}))
    wanted = Wanted(chosen=(chongqing, best))
    result = ALL.find(wanted)
    assert len(result.places) == 12
    counts = ALL.count(wanted, result)
    assert counts[Facet.LEVEL] == {"5A": 12, "4A": 163, "3A": 4}, "as if no level were chosen"
    assert sum(counts[Facet.KIND].values()) == 12
    assert counts[Facet.PROVINCE] == {"chongqing": 12, "sichuan": 18}
    assert sum(counts[Facet.CITY].values()) == 12
    assert sum(counts[Facet.DISTRICT].values()) == 12
    assert len(ids(chosen=((Facet.LEVEL, frozenset({"5A", "3A"})),))) == 30 + 85
    assert ids(chosen=((Facet.DISTRICT, frozenset({"511181"})), best)) == [EMEISHAN]
    assert ids(among=frozenset({EMEISHAN, XIANNVSHAN})) == [EMEISHAN, XIANNVSHAN]


def peak_price(spot: Spot) -> int | None:
    return spot.price.peak_fen if spot.price else None


def test_orders() -> None:
    prices = [peak_price(spot) for spot in found(order=Order.PRICE)]
    known = [price for price in prices if price is not None]
    unknown_last = [None] * (len(prices) - len(known))
    assert prices == sorted(known) + unknown_last
    best = (Facet.LEVEL, frozenset({"5A"}))
    names = [spot.name.zh for spot in found(order=Order.NAME, chosen=(best,))]
    assert names[:3] == ["安仁古镇景区", "白帝城·瞿塘峡景区", "北川羌城旅游区"]


def test_near() -> None:
    result = ALL.find(Wanted(near=LESHAN, radius=30_000))
    assert result.metres is not None
    spots = [ALL.listed[place] for place in result.places]
    assert spots[0].id == "leshan-dafo"
    for place, spot in zip(result.places, spots, strict=True):
        metres = result.metres[place]
        assert metres == pytest.approx(
            distance(LESHAN, Point(spot.position.lng, spot.position.lat)), abs=0.01
        )
        assert metres <= 30_000
    farthest = [
        result.metres[place] + UNCERTAINTY[spot.position.precision]
        for place, spot in zip(result.places, spots, strict=True)
    ]
    assert farthest == sorted(farthest)
    assert {spot.position.precision for spot in spots} == set(Precision) - {Precision.CITY}


def test_an_approximate_position_is_never_sorted_as_if_it_were_exact() -> None:
    """Both pins are at the same distance; only one of them is known to be there."""
    exact, seat = (
        ALL.listed[0],
        next(s for s in ALL.listed if s.position.precision is Precision.DISTRICT),
    )
    at = seat.position.model_copy(update={"precision": Precision.SPOT})
    exact = exact.model_copy(update={"position": at, "id": "zz-exact"})
    both = Snapshot([seat, exact], REFERENCE)
    near = found(both, near=Point(at.lng, at.lat))
    assert near == [exact, seat]


@pytest.mark.parametrize(
    ("changes", "day", "is_open"),
    [
        ({}, date(2026, 1, 1), True),
        ({"status": "closed"}, date(2026, 1, 1), False),
        ({"season": ["04-01/11-15"]}, date(2026, 4, 1), True),
        ({"season": ["04-01/11-15"]}, date(2026, 11, 15), True),
        ({"season": ["04-01/11-15"]}, date(2026, 11, 16), False),
        ({"season": ["12-01/02-28"]}, date(2026, 1, 1), True),
        ({"season": ["12-01/02-28"]}, date(2026, 3, 1), False),
        ({"season": ["01-01/03-01", "10-01/12-31"]}, date(2026, 10, 1), True),
        ({"closed_weekdays": [1]}, date(2026, 11, 23), False),
        ({"closed_weekdays": [1]}, date(2026, 11, 24), True),
        (
            {"notices": [{"zh": "封山", "start": "2026-01-01", "closed": True}]},
            date(2026, 1, 1),
            False,
        ),
        (
            {"notices": [{"zh": "封山", "start": "2026-01-02", "closed": True}]},
            date(2026, 1, 1),
            True,
        ),
        (
            {
                "notices": [
                    {"zh": "封山", "start": "2025-01-01", "end": "2025-12-31", "closed": True}
                ]
            },
            date(2026, 1, 1),
            True,
        ),
        ({"notices": [{"zh": "施工", "start": "2026-01-01"}]}, date(2026, 1, 1), True),
    ],
)
def test_open_on(changes: dict[str, object], day: date, is_open: bool) -> None:
    spot = Spot.model_validate(ALL.listed[0].model_dump() | changes)
    assert spot.open_on(day) is is_open
    assert bool(found(Snapshot([spot], REFERENCE), open_on=day)) is is_open


def test_retired_spots_are_not_found() -> None:
    retired = ALL.listed[0].model_copy(update={"status": Status.RETIRED})
    assert found(Snapshot([retired], REFERENCE)) == []


def test_places_by_their_names() -> None:
    places = REFERENCE.places
    for name in ("成都市", "成都", "chengdu", "510100"):
        assert places.cities(name) == {"510100"}
    for name in ("重庆", "chongqing"):
        assert places.cities(name) == {"500000"}
    for name in ("四川", "武隆"):
        assert places.cities(name) == frozenset()
    for name in ("武隆", "武隆区"):
        assert places.districts(name) == {"500156"}
    assert places.districts("石柱") == {"500240"}
    assert places.districts("市中区") == {"511002", "511102"}
    assert places.districts("成都") == frozenset()


def test_positions_are_served_in_the_datum_asked_for() -> None:
    spot = ALL.get(EMEISHAN)
    assert spot is not None
    views = {datum: ALL.detail(spot, datum) for datum in Datum}
    assert views[Datum.WGS84].position.lng == 103.444
    assert views[Datum.WGS84].position.lat == 29.567
    gcj02 = views[Datum.GCJ02].position
    assert (gcj02.lng, gcj02.lat) == pytest.approx((103.44635, 29.56439), abs=2e-3)
    for view in views.values():
        assert view.open_location.longitude == gcj02.lng
        assert view.open_location.latitude == gcj02.lat
        assert view.open_location.name == "峨眉山景区"
        assert view.open_location.address == "四川省乐山市峨眉山市黄湾乡"
