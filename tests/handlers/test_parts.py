"""Parts of bigger entries: each a spot of its own at the gate, opened by what covers the whole."""

from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind
from passes.base.text import Text
from passes.files.products import EXAMPLES, read_products
from passes.holding.model import Pass
from passes.offers.offer import Offer
from passes.people.groups import ANYONE
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, IdentityDocument
from passes.terms.edition import Edition
from passes.terms.prices import Benefit, BenefitKind
from passes.terms.terms import Coverage
from passes.terms.validity import DateRange
from scenic_data.checking import load_spots
from tests.support import build
from tests.support.api import Api
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import World

DUJIANGYAN, QINGCHENGSHAN = "dujiangyan", "qingchengshan-qianshan"
WHOLE = "qingchengshan-dujiangyan"
SCANS, SPOTS = "/api/v1/gate/scans", "/api/v1/spots"


async def scanned(api: Api, world: World, held: Pass, spot: str, nonce: str) -> str:
    """The reason of a scan at a new handheld gate of that spot."""
    _, token = await world.gate(spot, GateKind.HANDHELD)
    answer = await api.post(SCANS, world.scan_body(held, nonce, world.printed(held)), token)
    assert answer.status == 200, answer.body
    return str(answer.json["reason"])


async def holder_of(world: World, product: Edition) -> Pass:
    await world.system.terms.publishing.publish([product], "operator:test", build.NOW)
    await world.system.terms.editions.load()
    return await world.issue(product.product_id)


@pytest.mark.parametrize(
    "coverage",
    [
        Coverage(tags=frozenset({"5A"})),
        Coverage(tags=frozenset({"world_heritage_site"})),
        Coverage(tags=frozenset({WHOLE})),
        Coverage(spots=frozenset({WHOLE})),
        Coverage(spots=frozenset({DUJIANGYAN, QINGCHENGSHAN})),
    ],
    ids=["by level", "by heritage", "by the tag of the whole", "by the whole", "by name"],
)
async def test_a_visitor_of_dujiangyan_is_not_there_already_at_qingchengshan(
    api: Api, world: World, coverage: Coverage
) -> None:
    held = await holder_of(world, build.product("both", coverage=coverage))
    assert await scanned(api, world, held, DUJIANGYAN, "a") == "ok"
    assert await scanned(api, world, held, QINGCHENGSHAN, "b") == "ok"
    world.clock.time += timedelta(minutes=5)
    assert await scanned(api, world, held, DUJIANGYAN, "c") == "already_today"
    assert await scanned(api, world, held, QINGCHENGSHAN, "d") == "already_today"


async def test_the_example_annual_pass_opens_both_on_one_day(api: Api, world: World) -> None:
    await world.system.catalogue.replace(load_spots())
    await world.system.catalogue.load()
    (annual,) = read_products(EXAMPLES.glob("*.yaml"))
    held = await holder_of(world, annual)
    reasons = [
        await scanned(api, world, held, spot, f"n{n}")
        for n, spot in enumerate((DUJIANGYAN, QINGCHENGSHAN, build.XIANNVSHAN, build.EMEISHAN))
    ]
    assert reasons == ["ok"] * 4


@pytest.mark.parametrize(
    ("excluded", "at_the_other_part"), [(WHOLE, "spot_not_covered"), (DUJIANGYAN, "ok")]
)
async def test_what_is_excluded_is_excluded_with_its_parts(
    api: Api, world: World, excluded: str, at_the_other_part: str
) -> None:
    coverage = Coverage(tags=frozenset({"5A"}), excluded=frozenset({excluded}))
    held = await holder_of(world, build.product("some", coverage=coverage))
    assert await scanned(api, world, held, DUJIANGYAN, "a") == "spot_not_covered"
    assert await scanned(api, world, held, QINGCHENGSHAN, "b") == at_the_other_part


async def test_a_part_alone_opens_neither_its_whole_nor_its_neighbour(
    api: Api, world: World
) -> None:
    coverage = Coverage(spots=frozenset({DUJIANGYAN}))
    held = await holder_of(world, build.product("one", coverage=coverage))
    assert await scanned(api, world, held, DUJIANGYAN, "a") == "ok"
    assert await scanned(api, world, held, WHOLE, "b") == "spot_not_covered"
    assert await scanned(api, world, held, QINGCHENGSHAN, "c") == "spot_not_covered"


async def test_whole_and_parts_name_each_other(api: Api) -> None:
    whole = (await api.get(f"{SPOTS}/{WHOLE}")).json
    part = (await api.get(f"{SPOTS}/{DUJIANGYAN}")).json
    assert [each["id"] for each in whole["parts"]] == [DUJIANGYAN, QINGCHENGSHAN]
    assert_fields(whole, part_of=None, whole=None, level="5A")
    assert part["part_of"] == WHOLE
    assert part["whole"] == {"id": WHOLE, "name": whole["name"], "level": "5A"}
    assert_fields(part, level=None, category=None, parts=[])
    assert part["kind"] == "scenic_area"
    assert part["ticket"] == "separate"
    assert part["price"]["peak_fen"] == 8000


async def listed(api: Api, query: str) -> Any:
    answer = await api.get(f"{SPOTS}?{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def test_lists_show_entries_and_parts_as_one_asks(api: Api) -> None:
    assert (await listed(api, "limit=1"))["total"] == 33
    entries = await listed(api, "parts=false&limit=100")
    assert entries["total"] == 30
    assert all(spot["part_of"] is None for spot in entries["items"])
    parts = await listed(api, f"part_of={WHOLE}")
    assert [spot["id"] for spot in parts["items"]] == [DUJIANGYAN, QINGCHENGSHAN]
    assert (await listed(api, f"part_of={WHOLE}&parts=false"))["total"] == 0
    assert (await listed(api, "part_of=emeishan"))["total"] == 0
    both = await listed(
        api, f"part_of={WHOLE}&kind=scenic_area,museum&near=103.6,30.9&sort=distance"
    )
    assert {spot["id"] for spot in both["items"]} == {DUJIANGYAN, QINGCHENGSHAN}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("part_of=nowhere", "query.part_of"),
        ("part_of=", "query.part_of"),
        ("part_of=" + "x" * 41, "query.part_of"),
        ("kind=castle", "query.kind.0"),
        ("kind=museum,", "query.kind.1"),
        ("parts=perhaps", "query.parts"),
    ],
)
async def test_a_wrong_question_about_parts_names_the_parameter(
    api: Api, query: str, where: str
) -> None:
    answer = await api.get(f"{SPOTS}?{query}")
    assert_problem(answer, 422, "query_invalid")
    assert {fault["where"] for fault in answer.json["errors"]} == {where}


async def test_products_and_filters_know_that_a_product_opens_the_parts(
    api: Api, world: World
) -> None:
    await world.publish(coverage=Coverage(spots=frozenset({WHOLE})))
    covered = await listed(api, "covered_by=other")
    assert [spot["id"] for spot in covered["items"]] == [WHOLE, DUJIANGYAN, QINGCHENGSHAN]
    part = (await api.get(f"{SPOTS}/{DUJIANGYAN}")).json
    assert [product["id"] for product in part["passes"]] == ["other"]


async def test_an_offer_at_a_whole_is_shown_and_good_at_its_parts(api: Api, world: World) -> None:
    offer = Offer(
        id="both-bogo",
        version=0,
        title=Text("买一送一", "buy one, get one free"),
        benefit=Benefit(BenefitKind.BUY_ONE_GET_ONE),
        spots=frozenset({WHOLE}),
        window=DateRange(build.TODAY, build.TODAY + timedelta(days=10)),
        eligible=frozenset({ANYONE}),
        voucher_days=30,
    )
    await world.system.offers.publishing.publish([offer], "operator:test", world.clock())
    await world.services.refresh()
    part = (await api.get(f"{SPOTS}/{DUJIANGYAN}")).json
    assert [each["id"] for each in part["offers"]] == ["both-bogo"]
    assert (await listed(api, "has_offer=1"))["total"] == 3
    offers = (await api.get(f"/api/v1/offers?spot={DUJIANGYAN}")).json
    assert [each["id"] for each in offers["items"]] == ["both-bogo"]
    assert (await api.get(f"/api/v1/offers?spot={build.EMEISHAN}")).json["total"] == 0
    visitor, token = await world.visitor()
    said = IdentityDocument(DocumentKind.RESIDENT, build.HOLDER.name, build.HOLDER.number)
    await world.system.people.identification.identify(
        visitor, IdentityStatement(said, "2026-11"), world.clock()
    )
    claimed = await api.post("/api/v1/offers/both-bogo/claim", {}, token)
    assert claimed.status == 201, claimed.body
    voucher = await world.system.holding.passes.get(claimed.json["id"])
    assert voucher is not None
    _, window = await world.gate(QINGCHENGSHAN, GateKind.WINDOW)
    answer = await api.post(SCANS, world.scan_body(voucher, "v"), window)
    assert answer.json["verdict"] == "admitted", answer.json


async def test_address_phones_free_entry_and_doubts_are_shown(api: Api) -> None:
    spot = (await api.get(f"{SPOTS}/{build.EMEISHAN}")).json
    address = "四川省乐山市峨眉山市黄湾乡"
    assert spot["address"] == address
    assert spot["open_location"]["address"] == address
    assert spot["phones"] == ["400-819-6333"]
    assert [rule["text"]["zh"] for rule in spot["free_entry"]] == [
        "6周岁（含）以下或身高1.2米（含）以下儿童免费",
        "65周岁（含）以上老年人免费",
        "现役军人免费",
        "残疾军人免费",
    ]
    assert {caveat["fields"]: caveat["why"] for caveat in spot["caveats"]} == {
        "phone": "old",
        "free_entry": "old",
    }
    assert {caveat["date"] for caveat in spot["caveats"]} == {"2019-12", "2012-02"}
    (listed_spot,) = [
        each for each in (await listed(api, "q=emeishan"))["items"] if each["id"] == "emeishan"
    ]
    assert listed_spot["doubtful"] == ["phone", "free_entry"]
    assert listed_spot["phones"] == spot["phones"]


async def test_what_licences_ask_to_be_named_is_named(api: Api, world: World) -> None:
    """GeoNames and Wikipedia ask for it wherever their data are shown (CC BY, CC BY-SA)."""
    assert (await listed(api, "limit=1"))["attribution"] == [], "no 5A spot needs it"
    await world.system.catalogue.replace(load_spots())
    await world.system.catalogue.load()
    wikipedia, geonames, *_ = (await listed(api, "limit=1"))["attribution"]
    assert "Chinese Wikipedia, CC BY-SA 4.0" in wikipedia
    assert "GeoNames (https://www.geonames.org), CC BY 4.0" in geonames
    spot = (await api.get(f"{SPOTS}/zhegushan")).json
    assert spot["attribution"] == [wikipedia]
    assert (await api.get(f"{SPOTS}/{build.EMEISHAN}")).json["attribution"] == []
