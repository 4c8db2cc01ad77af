"""`/api/v1/spots`: search, filters, near, facets, datums, gzip, and what a reload changes."""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from scenic_data.model import Precision, Status
from tests.support import build
from tests.support.api import Answer, Api
from tests.support.build import EMEISHAN, XIANNVSHAN
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import SOME_SPOTS, World

SPOTS = "/api/v1/spots"


async def listed(api: Api, **query: Any) -> Any:
    answer = await api.get(f"{SPOTS}?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


async def ids(api: Api, **query: Any) -> list[str]:
    return [spot["id"] for spot in (await listed(api, **query))["items"]]


@pytest.mark.parametrize("q", ["峨眉山", "ems", "é méi shān", "emeisahn", "Mount Emei"])
async def test_search(api: Api, q: str) -> None:
    first, *_ = await ids(api, q=q)
    assert first == EMEISHAN


async def test_filters(api: Api) -> None:
    chongqing = await listed(api, province="chongqing", limit=100)
    assert chongqing["total"] == 13
    assert {spot["province"] for spot in chongqing["items"]} == {"chongqing"}
    assert (await listed(api, province="chongqing,sichuan"))["total"] == 33
    assert await ids(api, district="武隆") == ["wulong-kasite", XIANNVSHAN]
    assert await ids(api, city="乐山", category="world_heritage") == [EMEISHAN, "leshan-dafo"]
    nothing = await listed(api, level="4A,3A")
    assert nothing["total"] == 0
    assert nothing["items"] == []
    assert await ids(api, covered_by="annual") == [EMEISHAN, XIANNVSHAN]
    open_in_autumn = await ids(api, covered_by="annual", province="sichuan", open_on="2026-10-01")
    assert open_in_autumn == [EMEISHAN]


async def test_near(api: Api) -> None:
    around = await listed(api, near="103.76,29.55", radius_km=40)
    assert [spot["id"] for spot in around["items"]] == ["leshan-dafo", EMEISHAN]
    assert [spot["distance_m"] for spot in around["items"]] == [1054, 30623]
    far = await listed(api, near="103.76,29.55", radius_km=40, sort="name")
    assert [spot["id"] for spot in far["items"]] == [EMEISHAN, "leshan-dafo"]
    assert "distance_m" not in (await listed(api))["items"][0]


@pytest.mark.parametrize(("coord", "shift"), [("wgs84", 0), ("gcj02", 300), ("bd09", 900)])
async def test_every_datum_gives_the_same_distances(api: Api, coord: str, shift: float) -> None:
    """A visitor stands at the gate of 峨眉山, whatever their map calls that place."""
    gate = (await api.get(f"{SPOTS}/{EMEISHAN}?coord={coord}")).json["position"]
    assert gate["coord"] == coord
    nearest = (await listed(api, near=f"{gate['lng']},{gate['lat']}", coord=coord))["items"][0]
    assert nearest["position"] == gate
    assert nearest["distance_m"] <= 1
    assert (nearest["position"]["lng"] - 103.444) * 97_000 == pytest.approx(shift, abs=400)


@pytest.mark.parametrize(
    "near",
    [
        "103.7600000000000051,29.5500000000000007",  # all digits that a phone's numbers have
        "103.76, 29.55",
        " 103.76,29.55 ",
        "１０３.76，29.55",
    ],
)
async def test_a_position_with_16_decimals_or_in_another_form_is_that_position(
    api: Api, near: str
) -> None:
    expected = await listed(api, near="103.76,29.55", radius_km=40)
    assert await listed(api, near=near, radius_km=40) == expected


@pytest.mark.parametrize(
    "city",
    [
        "leshan",
        "Leshan",
        "LESHAN",
        "ＬＥＳＨＡＮ",
        "lèshān",
        "Leshan Shi",
        "乐山",
        "樂山",
        "樂山市",
        " 乐山 市 ",
        "511100",
    ],
)
async def test_a_city_is_known_in_every_form(api: Api, city: str) -> None:
    assert await ids(api, city=city) == [EMEISHAN, "leshan-dafo"]
    assert await ids(api, city=f"{city}，成都", level="5a", province="Sichuan") == await ids(
        api, city="511100,510100", level="5A"
    )


@pytest.mark.parametrize("district", ["武隆", "武隆區", "wulong", "Wulong Qu", "WULONG", "500156"])
async def test_a_district_is_known_in_every_form(api: Api, district: str) -> None:
    assert await ids(api, district=district) == ["wulong-kasite", XIANNVSHAN]


@pytest.mark.parametrize("parameter", ["city", "district", "level", "province", "category"])
async def test_a_filter_of_commas_alone_does_not_cost_a_fault_for_each(
    api: Api, parameter: str
) -> None:
    """Fifteen thousand of them held up the event loop for a tenth of a second."""
    for values in ("," * 10_000, ",".join(str(n) for n in range(2_000))):
        answer = await api.get(f"{SPOTS}?{parameter}={values}")
        assert_problem(answer, 422, "query_invalid")
        assert len(answer.json["errors"]) <= 32


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("四川雅安碧峰峡", "bifengxia"),
        ("樂山大佛", "leshan-dafo"),
        ("四川省樂山市市中區樂山大佛景區", "leshan-dafo"),
    ],
)
async def test_words_that_found_a_province_or_nothing(api: Api, q: str, first: str) -> None:
    assert (await ids(api, q=q))[0] == first


async def test_facets_count_what_could_be_chosen_instead(api: Api) -> None:
    counted = await listed(api, province="chongqing", facets=1, limit=1)
    facets = counted["facets"]
    assert facets["province"] == [
        {"value": "sichuan", "name": {"zh": "四川省", "en": "Sichuan"}, "count": 20},
        {"value": "chongqing", "name": {"zh": "重庆市", "en": "Chongqing"}, "count": 13},
    ]
    assert facets["city"] == [
        {"value": "500000", "name": {"zh": "重庆市", "en": "Chongqing"}, "count": 13}
    ]
    assert counted["total"] == 13
    assert sum(value["count"] for value in facets["kind"]) == 13
    assert sum(value["count"] for value in facets["category"]) == 12, "a part has no category"
    assert "district" not in facets
    leshan = (await listed(api, city="511100", facets=1))["facets"]
    assert [value["name"]["zh"] for value in leshan["district"]] == ["市中区", "峨眉山市"]


async def test_detail_tells_what_opens_the_spot_and_how_to_get_there(api: Api) -> None:
    spot = (await api.get(f"{SPOTS}/{XIANNVSHAN}")).json
    assert spot["passes"] == [
        {"id": "annual", "title": {"zh": "年票", "en": "annual pass"}, "example": False}
    ]
    assert set(spot["open_location"]) == {"latitude", "longitude", "name", "address", "scale"}
    assert spot["open_location"]["address"] == "重庆市武隆区"
    assert spot["as_of"] == "2026-11-25"
    assert {"fields", "title", "licence", "trust", "date"} == set(spot["sources"][0])
    assert_fields(spot, reservation=None, season=None, notices=[], images=[])
    other = await api.get(f"{SPOTS}/jiuzhaigou")
    assert other.json["passes"] == []


async def test_an_approximate_position_says_so(api: Api, world: World) -> None:
    of_district = SOME_SPOTS[0].position.model_copy(update={"precision": Precision.DISTRICT})
    approximate = SOME_SPOTS[0].model_copy(update={"position": of_district})
    await world.system.catalogue.replace([approximate])
    await world.system.catalogue.load()
    (spot,) = (await listed(api))["items"]
    assert spot["position"]["note"] == {"zh": "位置仅供参考", "en": "position is approximate"}


@pytest.mark.parametrize("accepts", ["gzip", "br, GZIP;q=0.5"])
async def test_long_replies_are_gzipped_for_those_who_take_it(api: Api, accepts: str) -> None:
    plain = (await api.get(SPOTS)).body
    answer = await api.get(SPOTS, Accept_Encoding=accepts)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == plain
    assert json.loads(plain)["total"] == 33
    await assert_known_again(api, accepts, answer)


@pytest.mark.parametrize("accepts", ["", "gzip;q=0", "br", "gzipp"])
async def test_long_replies_are_not_gzipped_for_others(api: Api, accepts: str) -> None:
    plain = (await api.get(SPOTS)).body
    answer = await api.get(SPOTS, Accept_Encoding=accepts)
    assert "Content-Encoding" not in answer.headers
    assert answer.body == plain
    await assert_known_again(api, accepts, answer)


async def assert_known_again(api: Api, accepts: str, answer: Answer) -> None:
    """The reply is told apart by what is accepted, and not sent again to those who have it."""
    assert answer.headers["Vary"] == "Accept-Encoding"
    same = await api.get(SPOTS, Accept_Encoding=accepts, If_None_Match=answer.headers["Etag"])
    assert same.status == 304
    assert same.body == b""


async def test_a_reload_reaches_every_reply_at_once(api: Api, world: World) -> None:
    before = await api.get(f"{SPOTS}?q=ems")
    detail = await api.get(f"{SPOTS}/{EMEISHAN}")
    spots = {spot.id: spot for spot in SOME_SPOTS}
    retired = spots[EMEISHAN].model_copy(update={"status": Status.RETIRED})
    await world.system.catalogue.replace([*(spots | {EMEISHAN: retired}).values()])
    await world.system.base.versions.bump("spots")
    await world.services.refresh()
    after = await listed(api, q="ems")
    assert after["total"] == before.json["total"] - 1
    assert (await api.get(f"{SPOTS}/{EMEISHAN}")).json == {**detail.json, "status": "retired"}


async def test_replies_that_are_kept_do_not_pile_up(api: Api, world: World) -> None:
    for n in range(600):
        assert (await api.get(f"{SPOTS}?limit=1&near=103.{n:03},29.5")).status == 200
    kept = world.services.day_views.on(build.TODAY).replies._replies
    assert len(kept) == 512


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("province=hubei", "query.province.0"),
        ("province=sichuan,", "query.province.1"),
        ("city=atlantis", "query.city"),
        ("district=x,武隆", "query.district"),
        ("level=6A", "query.level.0"),
        ("category=moon", "query.category"),
        ("covered_by=nothing", "query.covered_by"),
        ("open_on=tomorrow", "query.open_on"),
        ("open_on=2026-02-30", "query.open_on"),
        ("open_on=1767225600", "query.open_on"),
        ("near=1", "query.near"),
        ("near=1,2,3", "query.near"),
        ("near=nan,1", "query.near"),
        ("near=181,1", "query.near"),
        ("near=103,inf", "query.near"),
        ("near=103,29." + "0" * 200, "query.near"),
        ("coord=mars", "query.coord"),
        ("radius_km=5", "query.radius_km"),
        ("near=103,29&radius_km=0", "query.radius_km"),
        ("near=103,29&radius_km=nan", "query.radius_km"),
        ("near=103,29&radius_km=1e9", "query.radius_km"),
        ("sort=distance", "query.sort"),
        ("sort=relevance", "query.sort"),
        ("sort=colour", "query.sort"),
        ("facets=perhaps", "query.facets"),
        ("page=0", "query.page"),
        ("page=-1", "query.page"),
        ("page=3", "query.page"),
        ("page=10001", "query.page"),
        ("limit=0", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=1e2", "query.limit"),
        ("q=", "query.q"),
        ("q=%00", "query.q"),
        ("q=a%0Ab", "query.q"),
        ("q=a%7Fb", "query.q"),
        ("q=" + "a" * 81, "query.q"),
        ("q=" + "a" * 10_000, "query.q"),
        ("city=" + "a" * 10_000, "query.city.0"),
        ("city=" + "," * 100, "query.city.0"),
        ("city=" + ",".join(str(n) for n in range(31)), "query.city"),
        ("&".join(f"unknown{n}=1" for n in range(41)), "query"),
        ("colour=red", "query.colour"),
        ("q=a&q=b", "query.q"),
        ("$where=1", "query.$where"),
    ],
)
async def test_a_wrong_query_is_a_problem_that_names_the_parameter(
    api: Api, query: str, where: str
) -> None:
    answer = await api.get(f"{SPOTS}?{query}")
    assert_problem(answer, 422, "query_invalid")
    assert {fault["where"] for fault in answer.json["errors"]} >= {where}


@pytest.mark.parametrize(
    "q",
    ["(a+)+$", ".*", "$ne", "' OR 1=1 --", "<script>", "%25", "\u202e", "\u0301" * 50, "🐼" * 50],
)
async def test_hostile_words_are_words(api: Api, q: str) -> None:
    assert "total" in await listed(api, q=q)
    assert "total" in await listed(api, q=q, near="103,29", sort="distance")


async def test_bytes_that_are_no_text_are_refused(api: Api) -> None:
    assert (await api.get(f"{SPOTS}?q=%ff%fe")).status == 400
