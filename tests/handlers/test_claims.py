"""Claims over HTTP: from the file of an offer to the window that takes the money."""

from datetime import date, timedelta

from passes.admission.gates import GateKind
from passes.offers.offer import Benefit, BenefitKind, Offer, Quota
from passes.people.accounts import IdentityStatement
from passes.people.identity import Document, DocumentKind
from passes.terms.terms import DateRange, Payment
from server.refresh import Refresh
from tests.support import build
from tests.support.api import Api
from tests.support.build import offer
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import Clock, World


async def published(world: World, *offers: Offer) -> None:
    await world.system.offers.publishing.publish(offers, "operator:test", build.NOW)
    await world.system.offers.offers.load()
    await world.system.terms.editions.load()


async def known(world: World, n: int = 0) -> str:
    """The token of visitor n, who has said who they are."""
    visitor, token = await world.visitor(f"v{n}")
    person = build.person(n)
    said = Document(DocumentKind.RESIDENT, person.name, person.number)
    await world.system.people.accounts.identify(
        visitor, IdentityStatement(said, "2026-11"), world.clock()
    )
    return token


async def test_a_voucher_is_claimed_refused_at_the_turnstile_and_paid_at_the_window(
    api: Api, world: World
) -> None:
    await published(world, offer(price_fen=16000))
    token = await known(world)
    answer = await api.post("/api/v1/offers/bogo/claim", {}, token)
    assert answer.status == 201
    voucher = answer.json
    assert voucher["product"] == "bogo"
    assert voucher["title"]["zh"] == "买一送一"
    assert voucher["admits"] == 2
    assert voucher["payment"] == "at_window"
    assert voucher["can"] == ["freeze", "cancel"]
    code = (await api.get(f"/api/v1/passes/{voucher['id']}/code", token)).json["text"]
    body = {"code": code, "nonce": "a", "scanned_at": build.NOW.isoformat()}
    _, turnstile = await world.gate()
    refused = (await api.post("/api/v1/gate/scans", body, turnstile)).json
    assert refused["reason"] == "pay_at_window"
    assert refused["speak"] == "请到窗口付款"
    _, window = await world.gate(kind=GateKind.WINDOW)
    first = (await api.post("/api/v1/gate/scans", body | {"nonce": "b", "party": 1}, window)).json
    assert_fields(
        first,
        admits=1,
        pays=1,
        amount_fen=16000,
        speak="请收160元",
    )
    second = (await api.post("/api/v1/gate/scans", body | {"nonce": "c"}, window)).json
    assert_fields(
        second,
        verdict="admitted",
        admits=1,
        pays=0,
        amount_fen=0,
    )
    third = (await api.post("/api/v1/gate/scans", body | {"nonce": "d"}, window)).json
    assert third["reason"] in {"already_today", "no_visits_left"}
    assert (await api.post(f"/api/v1/passes/{voucher['id']}/cancel", token=token)).json[
        "code"
    ] == "not_cancellable"
    used = (await api.get(f"/api/v1/passes/{voucher['id']}", token)).json
    assert_fields(
        used,
        visits=1,
        spots=["emeishan"],
        can=["freeze"],
    )
    assert (await api.send("DELETE", "/api/v1/me", None, token, {})).status == 200, (
        "nothing is left to be given up"
    )


async def test_a_prepaid_voucher_opens_a_turnstile(api: Api, world: World) -> None:
    free = offer(payment=Payment.PAID, benefit=Benefit(BenefitKind.FREE))
    await published(world, free)
    token = await known(world)
    voucher = (await api.post("/api/v1/offers/bogo/claim", {}, token)).json
    code = (await api.get(f"/api/v1/passes/{voucher['id']}/code", token)).json["text"]
    _, turnstile = await world.gate()
    body = {"code": code, "nonce": "a", "scanned_at": build.NOW.isoformat()}
    verdict = (await api.post("/api/v1/gate/scans", body, turnstile)).json
    assert_fields(
        verdict,
        verdict="admitted",
        admits=1,
        pays=0,
        amount_fen=None,
    )


async def test_the_same_key_is_the_same_claim(api: Api, world: World) -> None:
    await published(world, offer(quota=Quota(per_person=None)), offer(id="other"))
    token = await known(world)
    first = await api.post("/api/v1/offers/bogo/claim", {}, token, Idempotency_Key="k1")
    again = await api.post("/api/v1/offers/bogo/claim", {}, token, Idempotency_Key="k1")
    assert again.status == 201
    assert again.body == first.body
    assert (await api.post("/api/v1/offers/bogo/claim", {}, token)).json["id"] != first.json["id"]
    reused = await api.post("/api/v1/offers/other/claim", {}, token, Idempotency_Key="k1")
    assert_problem(reused, 409, "idempotency_key_reused")
    wrong = await api.post("/api/v1/offers/bogo/claim", {}, token, Idempotency_Key="k" * 129)
    assert_problem(wrong, 400, "idempotency_key_invalid")


async def test_why_not_and_from_when(api: Api, world: World) -> None:
    await published(world, offer(quota=Quota(per_day=1)))
    stranger = (await world.visitor("stranger"))[1]
    answer = await api.post("/api/v1/offers/bogo/claim", {}, stranger)
    assert_problem(answer, 409, "real_name_needed")
    assert (await api.post("/api/v1/offers/bogo/claim", {}, await known(world))).status == 201
    answer = await api.post(
        "/api/v1/offers/bogo/claim", {}, await known(world, 1), Accept_Language="en"
    )
    assert answer.status == 409
    assert answer.json["code"] == "sold_out_today"
    assert answer.json["claimable_from"] == "2026-07-01T16:00:00+00:00"
    assert answer.json["detail"] == "all of today are claimed; try again on 2026-07-02"
    for path, body, status, code in (
        ("nothing", {}, 404, "offer_unknown"),
        ("bogo", {"spot": "nowhere"}, 422, "spot_needed"),
        ("bogo", {"spots": "emeishan"}, 422, "body_invalid"),
    ):
        refused = await api.post(f"/api/v1/offers/{path}/claim", body, stranger)
        assert_problem(refused, status, code)


async def test_a_visitor_sees_which_offers_are_for_them(
    api: Api, world: World, refresh: Refresh
) -> None:
    await published(
        world,
        offer(quota=Quota(per_day=1)),
        offer(id="later", window=DateRange(date(2026, 9, 1), date(2026, 9, 9))),
        offer(id="mine"),
    )
    token = await known(world)
    await api.post("/api/v1/offers/bogo/claim", {}, await known(world, 1))
    await api.post("/api/v1/offers/mine/claim", {}, token)
    await refresh.round()
    chances = {
        each["offer"]: each for each in (await api.get("/api/v1/me/offers", token)).json["items"]
    }
    assert {
        name: each["why_not"] and each["why_not"]["code"] for name, each in chances.items()
    } == {
        "bogo": "sold_out_today",
        "later": "offer_not_running",
        "mine": "already_claimed",
    }
    assert chances["later"]["why_not"]["claimable_from"] == "2026-08-31T16:00:00Z"
    (other,) = [each for each in (await api.get("/api/v1/me/offers", await known(world, 2))).json["items"]
                if each["offer"] == "mine"]  # fmt: skip
    assert other["claimable"]
    assert other["why_not"] is None


async def test_everybody_sees_what_is_left_a_few_seconds_later(
    api: Api, world: World, refresh: Refresh
) -> None:
    await published(world, offer())
    await refresh.round()
    before = await api.get("/api/v1/offers/bogo")
    assert before.json["remaining"] == {"total": 5, "today": 3}
    await api.post("/api/v1/offers/bogo/claim", {}, await known(world))
    assert (
        await api.get("/api/v1/offers/bogo", If_None_Match=before.headers["Etag"])
    ).status == 304
    await refresh.round()
    after = await api.get("/api/v1/offers/bogo", If_None_Match=before.headers["Etag"])
    assert after.status == 200
    assert after.json["remaining"] == {"total": 4, "today": 2}
    (listed,) = (await api.get("/api/v1/offers?running=true")).json["items"]
    assert listed["remaining"] == {"total": 4, "today": 2}


async def test_a_voucher_is_no_product_on_sale(api: Api, world: World) -> None:
    await published(world, offer())
    assert [item["id"] for item in (await api.get("/api/v1/products")).json["items"]] == ["annual"]
    assert (await api.get("/api/v1/products/bogo")).status == 404
    detail = (await api.get(f"/api/v1/spots/{build.EMEISHAN}")).json
    assert [each["id"] for each in detail["passes"]] == ["annual"]


async def test_a_voucher_that_is_given_back_can_be_claimed_again(
    api: Api, world: World, clock: Clock
) -> None:
    await published(world, offer(quota=Quota(total=1)))
    token, other = await known(world), await known(world, 1)
    voucher = (await api.post("/api/v1/offers/bogo/claim", {}, token)).json
    assert (await api.post(f"/api/v1/passes/{voucher['id']}/cancel", token=other)).status == 404
    back = await api.post(f"/api/v1/passes/{voucher['id']}/cancel", token=token)
    assert back.status == 200
    assert back.json["state"] == "revoked"
    assert back.json["can"] == []
    clock.time += timedelta(seconds=10)
    assert (await api.post("/api/v1/offers/bogo/claim", {}, other)).status == 201
