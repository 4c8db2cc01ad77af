"""Terms that can never admit are told by field."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from passes.base.errors import Invalid
from passes.offers.offer import Offer, OfferState
from passes.terms.edition import Edition, SaleWindow
from passes.terms.never import never_admits
from passes.terms.publishing import shrinking
from passes.terms.terms import Coverage, Pool, SpotTimes, Terms
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange, Term
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN
from tests.support.rooms import RoomsUnderTest

YEAR = Terms(Term(years=1), Coverage(frozenset({"a", "b"})))
MAY = replace(YEAR, term=Term(dates=DateRange(date(2027, 5, 1), date(2027, 5, 31))))
TWO = Pool(Coverage(), spots=frozenset({"a", "b"}))
A = frozenset({"a"})
OPEN = [build.spot("a"), build.spot("b")]
MORNING = Times(hours=(Hours(time(8), time(12)),))
AFTERNOON = Times(hours=(Hours(time(12), time(18)),))
SUMMER, WINTER = (Season("06-01", "08-31"),), (Season("12-01", "02-28"),)
ALL_MAY = Blackout(dates=(DateRange(date(2027, 4, 1), date(2027, 6, 1)),))
OVER = DateRange(date(2026, 3, 1), date(2026, 6, 30))


def at_a(times: Times) -> SpotTimes:
    return SpotTimes(Coverage(A), times, spots=A)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(YEAR, blackout=Blackout(weekdays=frozenset(range(1, 8)))), "blackout"),
        (replace(MAY, blackout=ALL_MAY), "blackout"),
        (replace(MAY, season=(Season("10-01", "03-31"),)), "blackout"),
        (replace(YEAR, term=Term(dates=OVER)), "term.dates"),
        (replace(YEAR, at=(at_a(Times(Blackout(weekdays=frozenset(range(1, 8))))),)), "at.0"),
        (replace(MAY, at=(at_a(MORNING), at_a(Times(ALL_MAY)))), "at.1"),
        (replace(YEAR, season=SUMMER, at=(at_a(Times(season=WINTER)),)), "at.0"),
        (replace(YEAR, at=(at_a(Times(season=SUMMER)), at_a(Times(season=WINTER)))), "at.1"),
        (replace(YEAR, hours=MORNING.hours, at=(at_a(AFTERNOON),)), "at.0"),
        (replace(YEAR, at=(at_a(MORNING), at_a(AFTERNOON))), "at.1"),
        (replace(YEAR, at=(SpotTimes(Coverage(), MORNING),)), "at.0"),
        (replace(YEAR, pools=(replace(TWO, different=3),)), "pools.0"),
        (replace(YEAR, pools=(replace(TWO, different=2, visits=1),)), "pools.0"),
        (replace(YEAR, pools=(replace(TWO, spots=frozenset(), visits=1),)), "pools.0"),
    ],
)
def test_terms_that_never_admit_are_told_by_field(terms: Terms, field: str) -> None:
    assert [name for name, _ in never_admits(terms, OPEN, TODAY)] == [field]


def test_terms_that_admit_on_one_day_are_not_told() -> None:
    leap_day = replace(YEAR, season=(Season("02-29", "02-29"),))
    met = replace(YEAR, hours=(Hours(time(11), time(13)),), at=(at_a(MORNING),))
    last_day = replace(YEAR, term=Term(dates=replace(OVER, end=TODAY)))
    two = replace(YEAR, pools=(replace(TWO, different=2, visits=2),))
    for terms in (YEAR, MAY, leap_day, met, last_day, two):
        assert never_admits(terms, OPEN, TODAY) == []


def test_days_that_are_over_do_not_count() -> None:
    dates = DateRange(date(2026, 6, 1), date(2026, 7, 3))
    rest = Blackout(dates=(DateRange(TODAY, date(2026, 7, 3)),))
    terms = replace(YEAR, term=Term(dates=dates), blackout=rest)
    assert [name for name, _ in never_admits(terms, OPEN, TODAY)] == ["blackout"]


@pytest.mark.parametrize("status", ["closed", "retired"])
def test_only_closed_and_retired_spots_are_told(status: str) -> None:
    closed = [build.spot("a", status=status), build.spot("b", status="retired")]
    assert [name for name, _ in never_admits(YEAR, closed, TODAY)] == ["coverage"]
    assert never_admits(YEAR, [closed[0], build.spot("b")], TODAY) == []


async def faults_of(rooms: RoomsUnderTest, *drafts: Edition) -> list[str]:
    """What is wrong with drafts of products; nothing of them is stored."""
    with pytest.raises(Invalid) as refused:
        await rooms.terms.publishing.publish(drafts, OPERATOR, NOW)
    assert await rooms.terms.stored.all() == []
    return [str(fault) for fault in refused.value.faults]


async def test_products_that_can_never_admit_are_not_published(rooms: RoomsUnderTest) -> None:
    over = build.product("over", term=Term(dates=OVER))
    unsold = replace(
        build.product("unsold", term=Term(dates=DateRange(TODAY, TODAY))),
        sale=SaleWindow(start=date(2026, 8, 1)),
    )
    assert await faults_of(rooms, over, unsold) == [
        "over.term.dates: they were over on 2026-06-30",
        "unsold.sale: it begins when the dates are over",
    ]
    rooms.spots.change(EMEISHAN, status="closed")
    rooms.spots.change(XIANNVSHAN, status="retired")
    assert await faults_of(rooms, build.product()) == [
        "annual.coverage: every spot that it covers is closed or retired"
    ]


async def test_the_same_file_is_published_again_when_its_dates_are_over(
    rooms: RoomsUnderTest,
) -> None:
    july = build.product(term=Term(dates=DateRange(TODAY, date(2026, 7, 31))))
    publish = rooms.terms.publishing.publish
    await publish([july], OPERATOR, NOW)
    in_august = NOW.replace(month=8)
    assert (await publish([july], OPERATOR, in_august)).unchanged == ("annual",)
    with pytest.raises(Invalid, match="they were over"):
        await publish([replace(july, price_fen=1)], OPERATOR, in_august)


SHUT: list[tuple[dict[str, Any], str]] = [
    ({"window": OVER}, "bogo.window: they were over on 2026-06-30"),
    (
        {"blackout": Blackout(dates=(DateRange(TODAY, date(2026, 12, 31)),))},
        "bogo.blackout: every day is blacked out or out of season",
    ),
    (
        {
            "at": (
                SpotTimes(
                    Coverage(frozenset({EMEISHAN})), Times(season=(Season("03-01", "04-01"),))
                ),
            )
        },
        "bogo.at.0: no day is left for emeishan",
    ),
]


@pytest.mark.parametrize(("changes", "told"), SHUT)
@pytest.mark.parametrize("voucher_days", [None, 30])
async def test_offers_whose_vouchers_can_never_admit_are_not_published(
    rooms: RoomsUnderTest, changes: dict[str, Any], told: str, voucher_days: int | None
) -> None:
    """A voucher of so many days is used within the window, too."""
    draft = build.offer(voucher_days=voucher_days, **changes)
    with pytest.raises(Invalid) as refused:
        await rooms.offers.publishing.publish([draft], OPERATOR, NOW)
    assert [str(fault) for fault in refused.value.faults] == [told]
    assert await rooms.terms.stored.all() == []


async def test_an_offer_of_closed_spots_alone_is_not_published(rooms: RoomsUnderTest) -> None:
    rooms.spots.change(EMEISHAN, status="closed")
    with pytest.raises(Invalid, match="every spot that it covers"):
        await rooms.offers.publishing.publish([build.offer()], OPERATOR, NOW)


async def test_an_ended_offer_is_published_again_unchanged(rooms: RoomsUnderTest) -> None:
    publishing, draft = rooms.offers.publishing, build.offer()
    await publishing.publish([draft], OPERATOR, NOW)
    await publishing.set_state("bogo", OfferState.ENDED, OPERATOR, NOW)
    later = NOW.replace(year=2027)
    assert (await publishing.publish([draft], OPERATOR, later)).unchanged == ("bogo",)


def many(n: int) -> Coverage:
    return Coverage(frozenset(f"spot-{number}" for number in range(n)))


@pytest.mark.parametrize(("left", "told"), [(5, []), (4, ["annual: coverage from 10 to 4 spots"])])
async def test_coverage_that_shrinks_by_more_than_half_is_told(
    rooms: RoomsUnderTest, left: int, told: list[str]
) -> None:
    for number in range(10):
        rooms.spots.put(build.spot(f"spot-{number}"))
    await rooms.terms.publishing.publish([build.product(coverage=many(10))], OPERATOR, NOW)
    preview = await rooms.terms.publishing.preview([build.product(coverage=many(left))], TODAY)
    assert [str(fault) for fault in shrinking(preview)] == told


async def test_the_spots_of_an_offer_that_shrink_are_told(rooms: RoomsUnderTest) -> None:
    for number in range(10):
        rooms.spots.put(build.spot(f"spot-{number}"))
    wide, narrow = offer_over(10), offer_over(3)
    await rooms.offers.publishing.publish([wide], OPERATOR, NOW)
    preview = await rooms.offers.publishing.preview([narrow], TODAY)
    assert [str(fault) for fault in shrinking(preview)] == ["bogo: coverage from 10 to 3 spots"]


def offer_over(n: int) -> Offer:
    return build.offer(spots=many(n).spots)
