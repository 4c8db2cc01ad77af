"""Products, offers and passes tell visitors the terms they are bound by, in data and in words."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from passes.offers.offer import ClaimKind, Quota
from passes.people.groups import UNION_MEMBER, native_of
from passes.terms.amendments import Amendment
from passes.terms.holidays import Holiday
from passes.terms.prices import Benefit, BenefitKind, Payment
from passes.terms.spot_withdrawals import Policy
from passes.terms.terms import Coverage, Holders, Limits, Pool, Settlement, SpotTimes
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange, Starts, Term
from tests.support import build
from tests.support.api import Api
from tests.support.build import EMEISHAN, HOLDER, NOW, OPERATOR, TODAY, XIANNVSHAN
from tests.support.replies import assert_problem
from tests.support.world import Clock, World

BOTH = Coverage(frozenset({EMEISHAN, XIANNVSHAN}))


def zh(reply: Any) -> list[str]:
    return [rule["zh"] for rule in reply["rules"]]


async def amend(world: World, **changes: Any) -> None:
    """Amend the annual pass, and load it as every process does."""
    usual = Amendment("annual", 0, NOW, "closed for a month")
    await world.system.terms.amending.amend(replace(usual, **changes), OPERATOR, NOW)
    await world.services.refresh()


async def test_a_product_tells_its_rules(api: Api, world: World) -> None:
    product = await api.get("/api/v1/products/annual")
    assert product.status == 200
    assert product.json["rules"] == [
        {
            "zh": "自出票当日（或约定日期）起365天内有效。",
            "en": "It is valid for 365 days, beginning with the day of issue or an agreed day.",
        },
        {"zh": "适用于2个景区（点）。", "en": "It is good at 2 spots."},
        {"zh": "每个景区（点）每天限入园1次。", "en": "It admits once a day at each spot."},
        {"zh": "每次限1人入园。", "en": "Each visit admits 1 person."},
        {"zh": "入园时无需另行购票。", "en": "No ticket has to be bought at the spot."},
    ]
    nothing = await api.get("/api/v1/products/nothing")
    assert_problem(nothing, 404, "product_unknown")


async def test_the_list_of_products_has_terms_without_the_words(api: Api) -> None:
    (listed,) = (await api.get("/api/v1/products")).json["items"]
    one = (await api.get("/api/v1/products/annual")).json
    assert listed["terms"] == one["terms"]
    assert "rules" not in listed


async def test_terms_in_data_tell_everything_but_what_spots_are_paid(
    api: Api, world: World
) -> None:
    span = DateRange(date(2026, 10, 1), date(2026, 10, 7))
    await world.publish(
        term=Term(months=6, activate_within=90, starts=Starts.NEXT_DAY, pause_days=30),
        coverage=BOTH,
        limits=Limits(per_spot=4, per_month=3, per_year=9),
        overrides={EMEISHAN: {"per_spot": 1}},
        pools=(Pool(BOTH, visits=5, different=2),),
        blackout=Blackout((span,), frozenset({7, 6}), frozenset({Holiday.LABOUR_DAY.value})),
        season=(Season("03-01", "11-30"),),
        hours=(Hours(time(9), time(17, 30)),),
        at=(SpotTimes(Coverage(frozenset({EMEISHAN})), Times(Blackout(weekdays=frozenset({1})))),),
        re_entry=True,
        holders=Holders(from_age=18, groups=frozenset({"union_member"})),
        settlement=Settlement(fee_fen=4321),
    )
    product = await api.get("/api/v1/products/other")
    always: dict[str, list[object]] = {
        "blackout": [],
        "weekdays": [],
        "holidays": [],
        "season": [],
        "hours": [],
    }
    assert product.json["terms"] == {
        "valid_from": None,
        "valid_until": None,
        "years": None,
        "months": 6,
        "days": None,
        "starts": "next_day",
        "start_within": None,
        "activate_within": 90,
        "unactivated": "starts",
        "pause_days": 30,
        "extended_by": 0,
        "limits": {
            "per_spot_day": 1,
            "per_spot": 4,
            "total": None,
            "days": None,
            "minutes_between": None,
            "per_month": 3,
            "per_year": 9,
        },
        "overrides": {EMEISHAN: {"per_spot": 1}},
        "pools": [{"spots": [EMEISHAN, XIANNVSHAN], "visits": 5, "different": 2}],
        "times": {
            "blackout": [{"start": "2026-10-01", "end": "2026-10-07"}],
            "weekdays": [6, 7],
            "holidays": ["labour_day"],
            "season": [{"start": "03-01", "end": "11-30"}],
            "hours": [{"opens": "09:00", "closes": "17:30"}],
        },
        "at": [{"spots": [EMEISHAN], "times": always | {"weekdays": [1]}}],
        "admits": 1,
        "pays": 1,
        "payment": "paid",
        "re_entry": True,
        "benefit": None,
        "benefits": {},
        "visits_per_spot_day": None,
        "holders": {"from_age": 18, "to_age": None, "groups": ["union_member"]},
    }
    assert b"4321" not in product.body


async def test_an_amended_product_is_told_anew_at_once(api: Api, world: World) -> None:
    before = await api.get("/api/v1/products/annual")
    await amend(world, days=30)
    after = await api.get("/api/v1/products/annual", If_None_Match=before.headers["Etag"])
    assert after.status == 200, "the ETag of a reply names the amendments, too"
    assert after.json["terms"]["extended_by"] == 30
    assert "有效期已统一延长30天。" in zh(after.json)
    await amend(world, spots=frozenset({"dazu-shike"}))
    again = await api.get("/api/v1/products/annual", If_None_Match=after.headers["Etag"])
    assert "适用于3个景区（点）。" in zh(again.json)


async def test_a_pass_tells_the_rules_of_the_edition_it_was_sold_with(
    api: Api, world: World
) -> None:
    token = await world.known()
    held = await world.issue(person=HOLDER)
    stricter = build.product(limits=Limits(per_spot=2))
    await world.system.terms.publishing.publish([stricter], OPERATOR, NOW)
    await world.services.refresh()
    product = (await api.get("/api/v1/products/annual")).json
    mine = (await api.get(f"/api/v1/passes/{held.id}", token)).json
    assert product["version"] == 2
    assert "每个景区（点）有效期内限入园2次。" in zh(product)
    assert "每个景区（点）有效期内限入园2次。" not in zh(mine)
    assert mine["terms"]["limits"]["per_spot"] is None
    await amend(world, days=30, versions=frozenset({1}))
    amended = (await api.get(f"/api/v1/passes/{held.id}", token)).json
    assert amended["terms"]["extended_by"] == 30
    assert "有效期已统一延长30天。" in zh(amended)
    assert amended["valid_until"] == "2027-07-30"
    (listed,) = (await api.get("/api/v1/passes", token)).json["items"]
    assert listed["terms"] == amended["terms"]
    assert "rules" not in listed


async def test_an_offer_tells_how_it_is_claimed_and_what_its_voucher_allows(
    api: Api, world: World
) -> None:
    offer = build.offer(
        eligible=frozenset({native_of("sichuan"), UNION_MEMBER}),
        quota=Quota(total=1200, per_day=20, per_spot_day=5, per_person=2),
        price_fen=16000,
        opens=time(9),
        blackout=Blackout((DateRange(date(2026, 10, 1), date(2026, 10, 7)),)),
    )
    await world.publish_offers(replace(offer, version=0))
    await world.services.refresh()
    told = (await api.get("/api/v1/offers/bogo")).json
    assert zh(told) == [
        "2026年7月1日09:00至2026年12月31日可领取。",
        "不可使用的日期暂停领取。",
        "22:00后领取的，有效天数自次日起算。",
        "限四川籍人士（以身份证号码为准）或工会会员享受。",
        "须先完成实名认证。",
        "已持有适用景区年票的，不能再领取。",
        "共1200张，领完即止。",
        "每天限领20张。",
        "每个景区（点）每天限领5张。",
        "每人限领2张。",
        "自领取当日起30天内有效，最晚至活动结束日。",
        "适用于1个景区（点）。",
        "累计限入园1次。",
        "2026年10月1日至2026年10月7日不可使用。",
        "凭本券购票享买一送一，2人入园只需1人购票。",
        "须购票的，请先到售票窗口付款再入园。",
        "购票者每人160元。",
    ]
    assert told["rules"][0]["en"] == (
        "It can be claimed from 09:00 on 1 July 2026 to 31 December 2026."
    )
    assert told["terms"]["benefit"] == "buy_one_get_one"
    (listed,) = (await api.get("/api/v1/offers")).json["items"]
    assert "rules" not in listed
    assert "terms" not in listed


async def test_an_automatic_campaign_says_that_nothing_has_to_be_claimed(
    api: Api, world: World
) -> None:
    campaign = build.offer(
        version=0,
        spots=frozenset({EMEISHAN, XIANNVSHAN}),
        limits=Limits(per_spot=1),
        quota=Quota(per_spot_day=200),
        claim=ClaimKind.AUTOMATIC,
        benefits={EMEISHAN: Benefit(BenefitKind.FREE)},
        voucher_days=None,
        payment=Payment.AT_WINDOW,
        with_pass=True,
    )
    await world.publish_offers(campaign)
    await world.services.refresh()
    told = (await api.get("/api/v1/offers/bogo")).json
    assert zh(told) == [
        "无需领取，入园时出示本人身份证或入园码即可。",
        "须先完成实名认证。",
        "2026年7月1日至2026年12月31日有效。",
        "适用于2个景区（点）。",
        "每个景区（点）有效期内限入园1次。",
        "每个景区（点）每天共200个名额，用完即止。",
        "凭本券购票享买一送一，2人入园只需1人购票。",
        "其中1个景区（点）：凭本券免票入园。",
        "须购票的，请先到售票窗口付款再入园。",
    ]
    assert told["terms"]["benefits"] == {EMEISHAN: "free"}
    assert told["terms"]["admits"] is None


async def test_a_voucher_for_one_spot_is_told_the_rules_of_that_spot(
    api: Api, world: World
) -> None:
    token = await world.known()
    closed = SpotTimes(
        Coverage(frozenset({XIANNVSHAN})), Times(Blackout((DateRange(TODAY, TODAY),)))
    )
    offer = build.offer(
        version=0,
        spots=frozenset({EMEISHAN, XIANNVSHAN}),
        quota=Quota(per_spot_day=5),
        at=(closed,),
    )
    await world.publish_offers(offer)
    await world.services.refresh()
    claimed = await api.post("/api/v1/offers/bogo/claim", {"spot": EMEISHAN}, token)
    assert claimed.status == 201, claimed.body
    told = (await api.get(f"/api/v1/passes/{claimed.json['id']}", token)).json
    assert "适用于1个景区（点）。" in zh(told)
    assert not any("其中" in rule for rule in zh(told))


async def test_holders_are_told_that_a_spot_leaves_their_pass(
    api: Api, world: World, clock: Clock
) -> None:
    held = await world.issue()
    token = await world.known()
    assert (await api.get(f"/api/v1/passes/{held.id}", token)).json["notices"] == []
    leaving = build.spot_withdrawal()
    await world.system.terms.spot_withdrawing.withdraw(leaving, OPERATOR)
    await world.services.refresh()
    told = (await api.get(f"/api/v1/passes/{held.id}", token)).json
    leaves = "峨眉山景区自2026年7月11日起退出，此后不能入园，此前售出的票也不例外。"
    assert told["notices"] == [
        {
            "spot": EMEISHAN,
            "name": {"zh": "峨眉山景区", "en": "Mount Emei"},
            "start": "2026-07-11",
            "policy": "end",
            "may_rescind": True,
            "text": {
                "zh": f"{leaves}您可凭付款凭证向售票单位退票，剩余天数的票款退还付款方。",
                "en": "Mount Emei leaves on 11 July 2026; from then on it does not admit there,"
                " whenever the pass was sold. You may give the pass back to whoever sold it; the"
                " price of the days that are left is refunded to whoever paid.",
            },
        }
    ]
    assert leaves in zh(told)
    product = (await api.get("/api/v1/products/annual")).json
    assert leaves in zh(product)
    assert product["spots"] == [EMEISHAN, XIANNVSHAN]
    clock.time += timedelta(days=10)
    assert (await api.get("/api/v1/products/annual")).json["spots"] == [XIANNVSHAN]
    listed = await api.get("/api/v1/spots?covered_by=annual")
    assert [spot["id"] for spot in listed.json["items"]] == [XIANNVSHAN]


async def test_a_spot_that_serves_the_sold_passes_is_told_so(api: Api, world: World) -> None:
    await world.issue()
    token = await world.known()
    leaving = build.spot_withdrawal(policy=Policy.SERVE)
    await world.system.terms.spot_withdrawing.withdraw(leaving, OPERATOR)
    await world.services.refresh()
    (notice,) = (await api.get("/api/v1/passes", token)).json["items"][0]["notices"]
    assert notice["may_rescind"] is False
    assert notice["text"] == {
        "zh": "峨眉山景区自2026年7月11日起退出，此前售出的票在有效期内仍可入园。",
        "en": "Mount Emei leaves on 11 July 2026; passes that were sold before go on admitting"
        " there.",
    }
