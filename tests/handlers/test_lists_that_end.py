"""Lists that end: what is sold or offered no more leaves them, and holders see what they have."""

from dataclasses import replace
from datetime import timedelta

from passes.offers.offer import OfferState
from passes.terms.amendments import Amendment
from passes.terms.edition import SaleWindow
from passes.terms.validity import DateRange, Term
from tests.support import build
from tests.support.api import Api
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, offer
from tests.support.fields import assert_fields
from tests.support.world import Clock, World

DAY = timedelta(days=1)


async def ids(api: Api, path: str) -> list[str]:
    answer = await api.get(path)
    assert answer.status == 200, answer.body
    return [item["id"] for item in answer.json["items"]]


async def on_sale_at(api: Api, spot: str) -> list[str]:
    """The products that the page of a spot names."""
    page = await api.get(f"/api/v1/spots/{spot}")
    return [each["id"] for each in page.json["passes"]]


async def test_a_withdrawn_product_leaves_the_lists_and_holders_see_their_passes(
    api: Api, world: World
) -> None:
    held = await world.issue()
    token = await world.known()
    before = await api.get("/api/v1/products")
    assert [item["id"] for item in before.json["items"]] == ["annual"]
    await world.system.terms.withdrawing.withdraw("annual", "sold out", OPERATOR, NOW)
    await world.services.refresh()
    after = await api.get("/api/v1/products", If_None_Match=before.headers["Etag"])
    assert after.status == 200
    assert after.json == {"total": 0, "items": []}
    assert await on_sale_at(api, EMEISHAN) == []
    mine = await api.get("/api/v1/passes", token)
    assert [each["id"] for each in mine.json["items"]] == [held.id]
    covered = await ids(api, "/api/v1/spots?covered_by=annual")
    assert EMEISHAN in covered, "holders still find the spots of their pass"
    await world.system.terms.withdrawing.resume("annual", OPERATOR, NOW)
    await world.services.refresh()
    assert await ids(api, "/api/v1/products") == ["annual"]


async def test_products_are_listed_on_the_days_of_their_sale(
    api: Api, world: World, clock: Clock
) -> None:
    summer = replace(build.product("summer"), sale=SaleWindow(TODAY + DAY, TODAY + 2 * DAY))
    fixed = build.product("fixed", term=Term(dates=DateRange(TODAY, TODAY + DAY)))
    await world.system.terms.publishing.publish([summer, fixed], OPERATOR, NOW)
    await world.services.refresh()
    listed = []
    for _ in range(4):
        listed.append(await ids(api, "/api/v1/products"))
        assert await on_sale_at(api, EMEISHAN) == listed[-1]
        clock.time += DAY
    assert listed == [
        ["annual", "fixed"],
        ["annual", "summer", "fixed"],
        ["annual", "summer"],
        ["annual"],
    ]


async def test_ended_offers_leave_the_lists_and_are_still_found(
    api: Api, world: World, clock: Clock
) -> None:
    short = offer(id="short", window=DateRange(TODAY, TODAY + DAY))
    await world.publish_offers(offer(), short)
    assert await ids(api, "/api/v1/offers") == ["bogo", "short"]
    await world.system.offers.publishing.set_state("bogo", OfferState.ENDED, OPERATOR, NOW)
    await world.services.refresh()
    assert await ids(api, "/api/v1/offers") == ["short"]
    clock.time += 2 * DAY
    assert await ids(api, "/api/v1/offers") == []
    assert await ids(api, "/api/v1/spots?has_offer=1") == []
    for name, state in (("bogo", "ended"), ("short", "published")):
        assert_fields((await api.get(f"/api/v1/offers/{name}")).json, state=state, running=False)


async def test_a_paused_offer_stays_listed(api: Api, world: World) -> None:
    await world.publish_offers(offer())
    await world.system.offers.publishing.set_state("bogo", OfferState.PAUSED, OPERATOR, NOW)
    await world.services.refresh()
    assert await ids(api, "/api/v1/offers") == ["bogo"]


async def test_an_amended_product_is_sent_anew(api: Api, world: World) -> None:
    """The version of the product is the same, and what it opens is not."""
    before = await api.get("/api/v1/products")
    wanted = Amendment("annual", 0, NOW, "one spot more", spots=frozenset({"jiuzhaigou"}))
    await world.system.terms.amending.amend(wanted, OPERATOR, NOW)
    await world.services.refresh()
    after = await api.get("/api/v1/products", If_None_Match=before.headers["Etag"])
    assert after.status == 200
    assert "jiuzhaigou" in after.json["items"][0]["spots"]
