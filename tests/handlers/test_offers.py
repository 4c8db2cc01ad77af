"""`/api/v1/offers`, and what offers add to the catalogue."""

from datetime import date, timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.offers.offer import Offer, OfferState, Quota
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from tests.support import build
from tests.support.api import Api
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import Clock, World


def offer(id: str = "emeishan-bogo", **changes: Any) -> Offer:
    """An offer at 峨眉山 that does not run on 3 July."""
    third = date(2026, 7, 3)
    usual = {
        "version": 0,
        "window": DateRange(TODAY, TODAY + timedelta(days=10)),
        "blackout": Blackout((DateRange(third, third),)),
        "quota": Quota(),
    }
    return build.offer(id=id, **usual | changes)


async def publish(world: World, *offers: Offer) -> None:
    await world.publish_offers(*offers)
    await world.services.refresh()


async def ids(api: Api, path: str) -> list[str]:
    answer = await api.get(path)
    assert answer.status == 200, answer.body
    return [item["id"] for item in answer.json["items"]]


async def test_offers_are_read_by_spot_province_and_day(
    api: Api, world: World, clock: Clock
) -> None:
    later = DateRange(TODAY + timedelta(days=5), TODAY + timedelta(days=9))
    await publish(world, offer(), offer("wulong-free", spots=frozenset({XIANNVSHAN}), window=later))
    assert await ids(api, "/api/v1/offers") == ["emeishan-bogo", "wulong-free"]
    assert await ids(api, "/api/v1/offers?running=1") == ["emeishan-bogo"]
    assert await ids(api, "/api/v1/offers?province=chongqing") == ["wulong-free"]
    assert await ids(api, f"/api/v1/offers?spot={EMEISHAN}&province=chongqing") == []
    one = (await api.get("/api/v1/offers/wulong-free")).json
    assert_fields(one, running=False, state="published", spots=[XIANNVSHAN])
    assert one["window"] == {"start": "2026-07-06", "end": "2026-07-10"}
    clock.time += timedelta(days=5)
    assert await ids(api, "/api/v1/offers?running=1") == ["emeishan-bogo", "wulong-free"]


async def test_the_catalogue_shows_where_an_offer_runs_and_follows_the_day(
    api: Api, world: World, clock: Clock
) -> None:
    assert await ids(api, "/api/v1/spots?has_offer=1") == []
    await publish(world, offer())
    assert await ids(api, "/api/v1/spots?has_offer=1") == [EMEISHAN]
    assert await ids(api, "/api/v1/spots?has_offer=1&covered_by=annual&province=chongqing") == []
    before = await api.get(f"/api/v1/spots/{EMEISHAN}")
    assert before.json["offers"] == [
        {
            "id": "emeishan-bogo",
            "title": {"zh": "买一送一", "en": "buy one, get one free"},
            "benefit": "buy_one_get_one",
            "until": "2026-07-11",
            "example": False,
        }
    ]
    clock.time += timedelta(days=2)
    assert await ids(api, "/api/v1/spots?has_offer=1") == [], "3 July is a blackout"
    after = await api.get(f"/api/v1/spots/{EMEISHAN}", If_None_Match=before.headers["Etag"])
    assert after.status == 200
    assert after.json["offers"] == []


async def test_an_offer_is_paused_resumed_and_ended_for_good(api: Api, world: World) -> None:
    await publish(world, offer())
    publishing = world.system.offers.publishing
    for state, runs in (
        (OfferState.PAUSED, []),
        (OfferState.PAUSED, []),
        (OfferState.PUBLISHED, ["emeishan-bogo"]),
    ):
        changed = await publishing.set_state("emeishan-bogo", state, OPERATOR, NOW)
        assert changed.state is state
        await world.services.refresh()
        assert await ids(api, "/api/v1/offers?running=1") == runs
    await publishing.set_state("emeishan-bogo", OfferState.PAUSED, OPERATOR, NOW)
    await publish(world, offer(voucher_days=20))
    republished = await api.get("/api/v1/offers/emeishan-bogo")
    assert republished.json["state"] == "paused", "a new version does not resume it"
    await publishing.set_state("emeishan-bogo", OfferState.ENDED, OPERATOR, NOW)
    with pytest.raises(Conflict):
        await publishing.set_state("emeishan-bogo", OfferState.PUBLISHED, OPERATOR, NOW)
    with pytest.raises(Unknown):
        await publishing.set_state("nothing", OfferState.PAUSED, OPERATOR, NOW)


async def test_publishing_is_checked_versioned_and_repeatable(world: World) -> None:
    publishing = world.system.offers.publishing
    broken = offer("b", spots=frozenset({"nowhere"}))
    with pytest.raises(Invalid, match="there is no spot nowhere"):
        await publishing.publish([offer(), broken], OPERATOR, NOW)
    assert await world.system.offers.stored.all() == []
    first = await publishing.publish([offer()], OPERATOR, NOW)
    assert first.created == ("emeishan-bogo",)
    again = await publishing.publish([offer()], OPERATOR, NOW)
    assert again.unchanged == ("emeishan-bogo",)
    changed = await publishing.preview(
        [offer(voucher_days=7, spots=frozenset({XIANNVSHAN}))], TODAY
    )
    assert dict(changed.changes) == {
        "emeishan-bogo": (
            ("spots", frozenset({EMEISHAN}), frozenset({XIANNVSHAN})),
            ("voucher_days", 30, 7),
        )
    }
    (stored,) = await world.system.offers.stored.all()
    assert stored.key is not None
    assert stored == offer(version=1, key=stored.key)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/offers/nothing", 404, "offer_unknown"),
        ("/api/v1/offers?spot=nowhere", 422, "query_invalid"),
        ("/api/v1/offers?province=hubei", 422, "query_invalid"),
        ("/api/v1/offers?running=perhaps", 422, "query_invalid"),
        ("/api/v1/offers?x=1", 422, "query_invalid"),
        ("/api/v1/spots?has_offer=perhaps", 422, "query_invalid"),
    ],
)
async def test_wrong_questions(api: Api, path: str, status: int, code: str) -> None:
    answer = await api.get(path)
    assert_problem(answer, status, code)


async def test_an_offer_that_is_ended_while_a_new_version_is_published_stays_ended(
    world: World,
) -> None:
    """The operator ends it after the publisher has read it, and before the publisher writes."""
    publishing, store = world.system.offers.publishing, world.system.offers.stored
    await publishing.publish([offer()], OPERATOR, NOW)
    await publishing.set_state("emeishan-bogo", OfferState.ENDED, OPERATOR, NOW)
    assert await store.put(offer(version=2, voucher_days=5, state=OfferState.PUBLISHED))
    (stored,) = await store.all()
    assert_fields(stored, version=2, voucher_days=5, state=OfferState.ENDED)


async def test_publishing_again_reaches_processes_that_a_crash_left_behind(
    api: Api, world: World
) -> None:
    """The version was stored, and the process died before it told the others."""
    await world.services.refresh()
    await world.system.offers.stored.put(offer(version=1))
    await world.services.refresh()
    before = await api.get("/api/v1/offers/emeishan-bogo")
    assert_problem(before, 404, "offer_unknown")
    again = await world.system.offers.publishing.publish([offer()], OPERATOR, NOW)
    assert again.unchanged == ("emeishan-bogo",)
    await world.services.refresh()
    after = await api.get("/api/v1/offers/emeishan-bogo")
    assert after.status == 200
