"""Claims over HTTP: from the file of an offer to the window that takes the money."""

from datetime import date, datetime, timedelta
from typing import Any

from passes.admission.gates import GateKind
from passes.ledger.verdicts import Reason
from passes.offers.offer import Quota
from passes.terms.prices import Benefit, BenefitKind, Payment
from passes.terms.validity import DateRange
from scenic_data.model import Status
from server.refresh import Refresh
from tests.support import build
from tests.support.api import Api
from tests.support.build import offer
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused, reason_of
from tests.support.world import Clock, World

CLAIM = "/api/v1/offers/bogo/claim"
SCANS = "/api/v1/gate/scans"


async def claimed(api: Api, token: str) -> Any:
    """A voucher of the offer `bogo`."""
    answer = await api.post(CLAIM, {}, token)
    assert answer.status == 201, answer.body
    return answer.json


async def shown_code(api: Api, voucher: Any, token: str) -> dict[str, str]:
    """What a gate sends when it reads the code of a voucher, but for the nonce."""
    code = (await api.get(f"/api/v1/passes/{voucher['id']}/code", token)).json["text"]
    return {"code": code, "scanned_at": build.NOW.isoformat()}


async def test_a_voucher_is_claimed_refused_at_the_turnstile_and_paid_at_the_window(
    api: Api, world: World
) -> None:
    await world.publish_offers(offer(price_fen=16000))
    token = await world.known()
    voucher = await claimed(api, token)
    assert_fields(voucher, product="bogo", admits=2, payment="at_window", can=["freeze", "cancel"])
    assert voucher["title"]["zh"] == "买一送一"
    shown = await shown_code(api, voucher, token)
    _, turnstile = await world.gate()
    refused = await api.post(SCANS, shown | {"nonce": "a"}, turnstile)
    assert_refused(refused, Reason.PAY_AT_WINDOW, speak="请到窗口付款")
    _, window = await world.gate(kind=GateKind.WINDOW)
    first = await api.post(SCANS, shown | {"nonce": "b", "party": 1}, window)
    assert_admitted(first, admits=1, pays=1, amount_fen=16000, speak="核对证件，请收160元")
    second = await api.post(SCANS, shown | {"nonce": "c"}, window)
    assert_admitted(second, admits=1, pays=0, amount_fen=0)
    third = await api.post(SCANS, shown | {"nonce": "d", "party": 1}, window)
    assert reason_of(third) in {Reason.ALREADY_TODAY, Reason.NO_VISITS_LEFT}
    cancelled = await api.post(f"/api/v1/passes/{voucher['id']}/cancel", token=token)
    assert_problem(cancelled, 409, "not_cancellable")
    used = await api.get(f"/api/v1/passes/{voucher['id']}", token)
    assert_fields(used.json, visits=1, spots=["emeishan"], can=["freeze"])
    erased = await api.delete("/api/v1/me", token)
    assert erased.status == 200, "nothing is left to be given up"


async def test_a_prepaid_voucher_needs_no_window_but_a_look_at_the_card(
    api: Api, world: World
) -> None:
    await world.publish_offers(offer(payment=Payment.PAID, benefit=Benefit(BenefitKind.FREE)))
    token = await world.known()
    shown = await shown_code(api, await claimed(api, token), token)
    _, turnstile = await world.gate()
    refused = await api.post(SCANS, shown | {"nonce": "a"}, turnstile)
    assert_refused(refused, Reason.CHECK_IDENTITY)
    _, handheld = await world.gate(kind=GateKind.HANDHELD)
    verdict = await api.post(SCANS, shown | {"nonce": "b"}, handheld)
    assert_admitted(verdict, admits=1, pays=0, amount_fen=None, check_identity=True)


async def test_the_same_key_is_the_same_claim(api: Api, world: World) -> None:
    await world.publish_offers(offer(quota=Quota(per_person=None)), offer(id="other"))
    token = await world.known()
    first = await api.post(CLAIM, {}, token, Idempotency_Key="k1")
    again = await api.post(CLAIM, {}, token, Idempotency_Key="k1")
    assert again.status == 201
    assert again.body == first.body
    without_key = await claimed(api, token)
    assert without_key["id"] != first.json["id"]
    reused = await api.post("/api/v1/offers/other/claim", {}, token, Idempotency_Key="k1")
    assert_problem(reused, 409, "idempotency_key_reused")
    wrong = await api.post(CLAIM, {}, token, Idempotency_Key="k" * 129)
    assert_problem(wrong, 400, "idempotency_key_invalid")


async def test_why_not_and_from_when(api: Api, world: World) -> None:
    await world.publish_offers(offer(quota=Quota(per_day=1)))
    _, stranger = await world.visitor("stranger")
    assert_problem(await api.post(CLAIM, {}, stranger), 409, "real_name_needed")
    await claimed(api, await world.known())
    answer = await api.post(CLAIM, {}, await world.known(1), Accept_Language="en")
    assert_problem(answer, 409, "sold_out_today")
    assert answer.json["claimable_from"] == "2026-07-01T16:00:00+00:00"
    assert answer.json["detail"] == "all of today are claimed; try again on 2026-07-02"
    for path, body, status, code in (
        ("nothing", {}, 404, "offer_unknown"),
        ("bogo", {"spot": "nowhere"}, 422, "spot_needed"),
        ("bogo", {"spots": "emeishan"}, 422, "body_invalid"),
    ):
        refused = await api.post(f"/api/v1/offers/{path}/claim", body, stranger)
        assert_problem(refused, status, code)


async def chances(api: Api, token: str) -> dict[str, Any]:
    """By offer: whether it is for that visitor, and why not."""
    answer = await api.get("/api/v1/me/offers", token)
    return {each["offer"]: each for each in answer.json["items"]}


async def test_a_visitor_sees_which_offers_are_for_them(
    api: Api, world: World, refresh: Refresh
) -> None:
    await world.publish_offers(
        offer(quota=Quota(per_day=1)),
        offer(id="later", window=DateRange(date(2026, 9, 1), date(2026, 9, 9))),
        offer(id="mine"),
    )
    token = await world.known()
    await claimed(api, await world.known(1))
    await api.post("/api/v1/offers/mine/claim", {}, token)
    await refresh.round()
    of_mine = await chances(api, token)
    why_not = {name: each["why_not"]["code"] for name, each in of_mine.items()}
    assert why_not == {
        "bogo": "sold_out_today",
        "later": "offer_not_running",
        "mine": "already_claimed",
    }
    from_when = datetime.fromisoformat(of_mine["later"]["why_not"]["claimable_from"])
    assert from_when == datetime.fromisoformat("2026-09-01T00:00:00+08:00")
    of_another = await chances(api, await world.known(2))
    assert_fields(of_another["mine"], claimable=True, why_not=None)


async def test_a_visitor_sees_that_the_spot_of_an_offer_is_closed(api: Api, world: World) -> None:
    await world.publish_offers(offer())
    await world.change_spot(build.EMEISHAN, status=Status.CLOSED)
    token = await world.known()
    assert (await chances(api, token))["bogo"]["why_not"]["code"] == "spot_closed"
    assert_problem(await api.post("/api/v1/offers/bogo/claim", {}, token), 409, "spot_closed")


async def test_everybody_sees_what_is_left_a_few_seconds_later(
    api: Api, world: World, refresh: Refresh
) -> None:
    await world.publish_offers(offer())
    await refresh.round()
    before = await api.get("/api/v1/offers/bogo")
    assert before.json["remaining"] == {"total": 5, "today": 3}
    await claimed(api, await world.known())
    at_once = await api.get("/api/v1/offers/bogo", If_None_Match=before.headers["Etag"])
    assert at_once.status == 304
    await refresh.round()
    after = await api.get("/api/v1/offers/bogo", If_None_Match=before.headers["Etag"])
    assert after.status == 200
    assert after.json["remaining"] == {"total": 4, "today": 2}
    (listed,) = (await api.get("/api/v1/offers?running=true")).json["items"]
    assert listed["remaining"] == {"total": 4, "today": 2}


async def test_a_voucher_is_no_product_on_sale(api: Api, world: World) -> None:
    await world.publish_offers(offer())
    products = await api.get("/api/v1/products")
    assert [item["id"] for item in products.json["items"]] == ["annual"]
    assert_problem(await api.get("/api/v1/products/bogo"), 404, "product_unknown")
    spot = await api.get(f"/api/v1/spots/{build.EMEISHAN}")
    assert [each["id"] for each in spot.json["passes"]] == ["annual"]


async def test_a_voucher_that_is_given_back_can_be_claimed_again(
    api: Api, world: World, clock: Clock
) -> None:
    await world.publish_offers(offer(quota=Quota(total=1)))
    token, other = await world.known(), await world.known(1)
    voucher = await claimed(api, token)
    cancel = f"/api/v1/passes/{voucher['id']}/cancel"
    assert_problem(await api.post(cancel, token=other), 404, "pass_unknown")
    back = await api.post(cancel, token=token)
    assert back.status == 200
    assert_fields(back.json, state="revoked", can=[])
    clock.time += timedelta(seconds=10)
    await claimed(api, other)
