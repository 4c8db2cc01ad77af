"""The words for terms: exact for the examples, and complete for any terms."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.base.text import Text
from passes.files.offers import EXAMPLES as OFFER_EXAMPLES
from passes.files.offers import read_offers
from passes.files.products import EXAMPLES as PRODUCT_EXAMPLES
from passes.files.products import read_products
from passes.rooms import Rooms
from passes.terms.amendments import Amendment, amended
from passes.terms.edition import Edition
from passes.terms.holidays import HOLIDAY_NAMES, Holiday
from passes.terms.prices import Benefit, BenefitKind, Party, Payment, SeasonPrice
from passes.terms.terms import Benefits, Coverage, Holders, Limits, Pool, SpotTimes, Terms
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange, Starts, Term, Unactivated
from passes.terms.wording import rules_of
from scenic_data.checking import load_spots
from scenic_data.files import DATA
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, KEYS, NOW, OPERATOR, PRIVACY_VERSION, VAULT, XIANNVSHAN

SPOTS = frozenset({EMEISHAN, XIANNVSHAN, "dazu-shike"})


def edition(**terms: Any) -> Edition:
    """An edition of three spots with these terms."""
    return replace(build.product(**terms), spots=SPOTS)


def zh(published: Edition) -> list[str]:
    return [rule.zh for rule in rules_of(published)]


def en(published: Edition) -> list[str]:
    return [rule.en for rule in rules_of(published)]


async def published_examples(mongo: Mongo) -> dict[str, Edition]:
    """The shipped products and offers, published over the shipped catalogue."""
    snapshot = Snapshot(load_spots(), Reference.load(DATA))
    rooms = Rooms(mongo, KEYS, VAULT, snapshot, PRIVACY_VERSION)
    examples = DATA / "examples"
    products = [*PRODUCT_EXAMPLES.glob("*.yaml"), examples / "zhigong-example.yaml"]
    offers = [*OFFER_EXAMPLES.glob("*.yaml"), examples / "huimin-example.yaml"]
    await rooms.terms.publishing.publish(read_products(products), OPERATOR, NOW)
    await rooms.offers.publishing.publish(read_offers(offers), OPERATOR, NOW)
    await rooms.terms.editions.load()
    return {each.product_id: each for each in rooms.terms.editions.all_current()}


async def test_the_rules_of_the_examples_word_by_word(mongo: Mongo) -> None:
    examples = await published_examples(mongo)
    annual, zhigong = examples["bashu-annual-example"], examples["zhigong-example"]
    assert zh(annual) == [
        "自出票当日（或约定日期）起365天内有效。",
        f"适用于{len(annual.spots)}个景区（点）。",
        "每个景区（点）每天限入园1次。",
        "每次限1人入园。",
        "入园时无需另行购票。",
    ]
    assert en(annual) == [
        "It is valid for 365 days, beginning with the day of issue or an agreed day.",
        f"It is good at {len(annual.spots)} spots.",
        "It admits once a day at each spot.",
        "Each visit admits 1 person.",
        "No ticket has to be bought at the spot.",
    ]
    assert zh(zhigong) == [
        "自激活当日（或约定日期）起1年内有效。",
        "请在出票后180天内激活。",
        "逾期未激活的，自期满次日起自动生效。",
        f"适用于{len(zhigong.spots)}个景区（点）。",
        "每个景区（点）每天限入园1次。",
        "每个景区（点）有效期内限入园6次。",
        "其中1个景区（点）：有效期内限入园1次。",
        "其中4个景区（点）：春节、劳动节、国庆节放假期间不可使用，以国家公布的放假安排为准。",
        "每次限1人入园。",
        "入园时无需另行购票。",
        "限工会会员持有。",
    ]
    assert en(zhigong)[-4:] == [
        "At 4 of the spots it does not admit on the days off for Spring Festival, Labour Day and"
        " National Day, as the State Council announces them.",
        "Each visit admits 1 person.",
        "No ticket has to be bought at the spot.",
        "It is for members of a union.",
    ]


async def test_the_rules_of_the_example_offers_word_by_word(mongo: Mongo) -> None:
    examples = await published_examples(mongo)
    emeishan, dazu = examples["emeishan-bogo-example"], examples["dazu-half-example"]
    assert zh(emeishan) == [
        "自领取当日起30天内有效，最晚至活动结束日。",
        f"适用于{len(emeishan.spots)}个景区（点）。",
        "累计限入园1次。",
        "2026年10月1日至2026年10月7日、2027年2月6日至2027年2月12日不可使用。",
        "凭本券购票享买一送一，2人入园只需1人购票。",
        "须购票的，请先到售票窗口付款再入园。",
    ]
    assert en(emeishan)[3:] == [
        "It does not admit from 1 October 2026 to 7 October 2026 and from 6 February 2027 to 12"
        " February 2027.",
        "The voucher gives one ticket free with one that is bought: 2 people come in and 1 pays.",
        "Whoever has to pay does so at the ticket window.",
    ]
    assert zh(dazu)[-2:] == ["凭本券购票享5折优惠。", "须购票的，请先到售票窗口付款再入园。"]
    huimin = examples["huimin-example"]
    assert zh(huimin) == [
        "2026年11月1日至2027年4月30日有效。",
        f"适用于{len(huimin.spots)}个景区（点）。",
        "每个景区（点）有效期内限入园1次。",
        "其中4个景区（点）：2027年2月6日至2027年2月12日不可使用。",
        "每个景区（点）每天共200个名额，用完即止。",
        "凭本券购票享5折优惠。",
        "其中2个景区（点）：凭本券购票享买一送一，2人入园只需1人购票。",
        "其中1个景区（点）：凭本券免票入园。",
        "须购票的，请先到售票窗口付款再入园。",
        "优惠按景区公布的门票价格计算。",
    ]


@pytest.mark.parametrize(
    ("terms", "told_zh", "told_en"),
    [
        (
            {"term": Term(years=1, days=30)},
            "自出票当日（或约定日期）起1年零30天内有效。",
            "It is valid for 1 year and 30 days, beginning with the day of issue or an agreed day.",
        ),
        (
            {"term": Term(months=6, starts=Starts.NEXT_DAY, activate_within=90)},
            "自激活次日（或约定日期）起6个月内有效。",
            "It is valid for 6 months, beginning with the day after activation or an agreed day.",
        ),
        (
            {"term": Term(days=3, starts=Starts.FIRST_VISIT, start_within=90)},
            "首次入园须在出票后90天内，逾期作废。",
            "The first visit has to be within 90 days after the day of issue, or it lapses.",
        ),
        (
            {"term": Term(days=3, starts=Starts.FIRST_VISIT, start_within=90)},
            "自首次入园当日起3天内有效。",
            "It is valid for 3 days, beginning with the day of the first visit.",
        ),
        (
            {"term": Term(days=9, activate_within=1, unactivated=Unactivated.LAPSES)},
            "逾期未激活的，自动作废。",
            "If it is not activated in time, it lapses.",
        ),
        (
            {"term": Term(years=1, pause_days=30)},
            "冻结期间有效期顺延，累计最多30天。",
            "While it is frozen its validity is prolonged, by 30 days at most.",
        ),
        (
            {"limits": Limits(per_spot_day=None)},
            "入园次数不限。",
            "The number of visits is not limited.",
        ),
        (
            {"overrides": {EMEISHAN: {"per_spot_day": None, "per_spot": 2}}},
            "其中1个景区（点）：有效期内限入园2次，每天入园次数不限。",
            "At 1 of the spots it admits twice in all and it admits any number of times a day.",
        ),
        (
            {"pools": (Pool(Coverage(), visits=5, different=2, spots=SPOTS),)},
            "指定的3个景区（点）中任选2个，合计限入园5次。",
            "Among 3 spots named for this it admits at any 2, 5 times in all.",
        ),
        (
            {"season": (Season("11-15", "03-31"),)},
            "仅限每年11月15日至次年3月31日使用。",
            "It admits only from 15 November to 31 March of each year.",
        ),
        (
            {"blackout": Blackout(weekdays=frozenset({7, 6}))},
            "每周六、周日不可使用。",
            "It does not admit on Saturdays and Sundays.",
        ),
        (
            {"blackout": Blackout((DateRange(date(2026, 5, 1), date(2026, 5, 1)),))},
            "2026年5月1日不可使用。",
            "It does not admit on 1 May 2026.",
        ),
        (
            {"hours": (Hours(time(9), time(11, 30)), Hours(time(13), time(17)))},
            "入园时间为09:00至11:30、13:00至17:00。",
            "It admits from 09:00 to 11:30 and from 13:00 to 17:00.",
        ),
        (
            {"party": Party(2, 1, each_fen=1250), "payment": Payment.AT_WINDOW},
            "每次最多2人入园，其中1人须购票。",
            "Each visit admits up to 2 people for the price of 1.",
        ),
        (
            {"party": Party(2, 1, each_fen=1250), "payment": Payment.AT_WINDOW},
            "购票者每人12.50元。",
            "Each of those who pay pays 12.50 yuan.",
        ),
        (
            {"party": Party(1, 0), "payment": Payment.AT_WINDOW},
            "入园免票。",
            "Entry is free.",
        ),
        (
            {"re_entry": True},
            "出园登记后，当天可再次入园，不另计次数。",
            "Whoever leaves through a gate may come back on the same day without another visit.",
        ),
        (
            {"holders": Holders(from_age=60)},
            "限年满60周岁的人士持有，年龄以出票当日为准。",
            "It is for people of 60 years or more on the day of issue.",
        ),
        (
            {"holders": Holders(to_age=17)},
            "限17周岁及以下的人士持有，年龄以出票当日为准。",
            "It is for people of 17 years or less on the day of issue.",
        ),
        (
            {"holders": Holders(groups=frozenset({"native_of:sichuan", "resident_of:chongqing"}))},
            "限四川籍人士（以身份证号码为准）或重庆居民持有。",
            "It is for natives of Sichuan by their ID number or residents of Chongqing.",
        ),
        (
            {"holders": Holders(groups=frozenset({"union:demo"}))},
            "限指定工会（demo）会员持有。",
            "It is for members of the union demo.",
        ),
    ],
)
def test_a_rule_word_by_word(terms: dict[str, Any], told_zh: str, told_en: str) -> None:
    rules = rules_of(edition(**terms))
    assert Text(told_zh, told_en) in rules, rules


def test_times_at_all_spots_of_an_edition_need_no_count() -> None:
    weekend = SpotTimes(Coverage(), Times(Blackout(weekdays=frozenset({6}))), SPOTS)
    assert "每周六不可使用。" in zh(edition(at=(weekend,)))


def test_what_belongs_to_spots_that_are_not_held_is_not_told() -> None:
    only = frozenset({EMEISHAN})
    elsewhere = frozenset({XIANNVSHAN})
    times = SpotTimes(Coverage(), Times(hours=(Hours(time(9), time(10)),)), elsewhere)
    whole = edition(
        at=(times,),
        pools=(Pool(Coverage(), visits=7, spots=elsewhere),),
        overrides={XIANNVSHAN: {"per_spot": 8}},
    )
    told = "".join(zh(replace(whole, spots=only)))
    assert "09:00" not in told
    assert "7次" not in told
    assert "8次" not in told


def test_an_amendment_is_told() -> None:
    sold = replace(edition(limits=Limits(per_spot=1)), version=1)
    more = Amendment(
        "annual", 1, NOW, "closed", frozenset({1}), 30, frozenset({"sanxingdui"}), {"per_spot": 2}
    )
    now = zh(amended(sold, [more]))
    assert "有效期已统一延长30天。" in now
    assert "适用于4个景区（点）。" in now
    assert "每个景区（点）有效期内限入园2次。" in now


def test_a_price_is_told_for_a_campaign_by_its_benefits() -> None:
    benefits = Benefits(
        Benefit(BenefitKind.PERCENT, 15),
        by_spot={EMEISHAN: Benefit(BenefitKind.PERCENT, 15)},
        prices={EMEISHAN: (SeasonPrice(16000),)},
    )
    campaign = edition(benefits=benefits, payment=Payment.AT_WINDOW)
    told = zh(campaign)
    assert "凭本券购票享8.5折优惠。" in told
    assert not any("其中" in rule for rule in told), "the same benefit is no other one"


counts = st.none() | st.integers(1, 400)
days = st.dates(date(2026, 1, 1), date(2030, 12, 31))
spans = st.builds(
    lambda day, more: DateRange(day, day + timedelta(days=more)), days, st.integers(0, 40)
)
month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day:%m-%d}")
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
some_spots = st.frozensets(st.sampled_from(sorted(SPOTS)), min_size=1)
blackouts = st.builds(
    Blackout,
    st.lists(spans, max_size=2).map(tuple),
    st.frozensets(st.integers(1, 7), max_size=6),
    st.frozensets(st.sampled_from([each.value for each in Holiday])),
)
seasons = st.lists(st.builds(Season, month_days, month_days), max_size=2).map(tuple)
hours = st.lists(st.builds(Hours, clocks, clocks), max_size=2).map(tuple)
times = st.builds(Times, blackouts, seasons, hours)
limits = st.builds(Limits, counts, counts, counts, counts, counts, counts, counts)
pools = st.builds(Pool, st.just(Coverage()), st.integers(1, 400), counts, some_spots)
overrides = st.dictionaries(
    st.sampled_from(sorted(SPOTS)),
    st.fixed_dictionaries({}, optional={"per_spot_day": counts, "per_spot": counts}),
)
parties = st.builds(Party, st.integers(1, 9), st.just(1))


def numbers_of(own: Times) -> list[str]:
    """What has to be said of times, in Chinese."""
    said = [HOLIDAY_NAMES[Holiday(name)].zh for name in own.blackout.holidays]
    said += [f"周{'一二三四五六日'[number - 1]}" for number in own.blackout.weekdays]
    for span in own.blackout.dates:
        said += [f"{day.year}年{day.month}月{day.day}日" for day in (span.start, span.end)]
    for season in own.season:
        said += [f"{int(end[:2])}月{int(end[3:])}日" for end in (season.start, season.end)]
    for each in own.hours:
        said += [f"{clock:%H:%M}" for clock in (each.opens, each.closes)]
    return said


any_terms = st.builds(
    Terms,
    term=st.just(Term(years=3, months=7, days=11, pause_days=13)),
    coverage=st.just(Coverage()),
    limits=limits,
    overrides=overrides,
    blackout=blackouts,
    season=seasons,
    hours=hours,
    at=st.builds(SpotTimes, st.just(Coverage()), times, some_spots).map(lambda each: (each,)),
    pools=st.lists(pools, max_size=2).map(tuple),
    party=parties,
)


@settings(max_examples=50)
@given(any_terms)
def test_whatever_is_set_is_told_with_its_number(terms: Terms) -> None:
    rules = rules_of(replace(edition(), terms=terms))
    limits = terms.limits
    told = "".join(rule.zh for rule in rules)
    expected = ["3年", "7个月", "11天", "13天", "3个景区（点）", f"{terms.party.admits}人"]
    named = [limits.total, limits.per_spot, limits.per_month, limits.per_year, limits.per_spot_day]
    for special in terms.overrides.values():
        named += special.values()
    named += [pool.visits for pool in terms.pools]
    expected += [f"{count}次" for count in named if count is not None]
    expected += [f"{pool.different}个" for pool in terms.pools if pool.different is not None]
    if limits.days is not None:
        expected.append(f"{limits.days}天")
    if limits.minutes_between is not None:
        expected.append(f"{limits.minutes_between}分钟")
    expected += numbers_of(terms.times) + numbers_of(terms.at[0].times)
    assert [each for each in expected if each not in told] == [], told
    for rule in rules:
        assert rule.zh.endswith("。")
        assert rule.zh.count("。") == 1, rule.zh
        assert rule.en.endswith(".")
        assert rule.en[0].isupper()
        assert "None" not in rule.zh + rule.en
