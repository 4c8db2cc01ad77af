"""Withdrawing: a product is sold no more, and what was sold stays."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.holding.issuing import NewPass
from passes.terms.edition import Edition, SaleWindow
from passes.terms.validity import DateRange, Term
from tests.support import build
from tests.support.build import HOLDER, NOW, OPERATOR, SEALER, TODAY, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted

DAY = timedelta(days=1)


async def publish(rooms: RoomsUnderTest, draft: Edition) -> None:
    await rooms.terms.publishing.publish([draft], OPERATOR, NOW)
    await rooms.terms.editions.load()


async def issue(rooms: RoomsUnderTest, n: int = 0) -> object:
    """An annual pass for person n, as a process issues it that has loaded what is stored."""
    await rooms.terms.editions.load()
    edition = rooms.terms.editions.current("annual")
    assert edition is not None
    new = NewPass(edition, SEALER.seal(build.person(n)))
    return await rooms.holding.issuing.issue(new, OPERATOR, NOW)


async def test_a_withdrawn_product_is_issued_no_more_until_it_is_resumed(
    rooms: RoomsUnderTest,
) -> None:
    await publish(rooms, build.product())
    withdrawing = rooms.terms.withdrawing
    await withdrawing.withdraw("annual", "sold out", OPERATOR, NOW)
    await withdrawing.withdraw("annual", "again", OPERATOR, NOW)
    with pytest.raises(Conflict, match="is withdrawn") as refused:
        await issue(rooms)
    assert refused.value.code == "product_withdrawn"
    assert await rooms.database.collection("holdings").find({}) == []
    await withdrawing.resume("annual", OPERATOR, NOW)
    await withdrawing.resume("annual", OPERATOR, NOW)
    assert await issue(rooms)
    lines = await rooms.base.audit.about("product:annual")
    assert [line.action for line in lines] == ["publish", "withdraw", "resume"]
    assert lines[1].detail == {"reason": "sold out"}


async def test_a_new_version_of_a_withdrawn_product_is_withdrawn(rooms: RoomsUnderTest) -> None:
    await publish(rooms, build.product())
    await rooms.terms.withdrawing.withdraw("annual", "an error", OPERATOR, NOW)
    await publish(rooms, replace(build.product(), price_fen=100))
    with pytest.raises(Conflict, match="is withdrawn"):
        await issue(rooms)


async def test_passes_of_a_withdrawn_product_are_admitted(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await rooms.terms.withdrawing.withdraw("annual", "sold out", OPERATOR, NOW)
    await rooms.terms.editions.load()
    assert_admitted(await rooms.verdict_on(live_scan(held)))


async def test_only_products_are_withdrawn_and_for_a_reason(rooms: RoomsUnderTest) -> None:
    await rooms.offers.publishing.publish([build.offer()], OPERATOR, NOW)
    withdrawing = rooms.terms.withdrawing
    for name in ("nothing", "bogo"):
        with pytest.raises(Unknown):
            await withdrawing.withdraw(name, "why", OPERATOR, NOW)
        with pytest.raises(Unknown):
            await withdrawing.resume(name, OPERATOR, NOW)
    await publish(rooms, build.product())
    with pytest.raises(Invalid):
        await withdrawing.withdraw("annual", "  ", OPERATOR, NOW)
    assert await rooms.terms.stored_withdrawals.all() == []


@pytest.mark.parametrize(
    ("sale", "told"),
    [
        (SaleWindow(end=TODAY - DAY), "was sold until 2026-06-30"),
        (SaleWindow(start=TODAY + DAY), "is sold from 2026-07-02 on"),
    ],
)
async def test_nothing_is_issued_outside_the_sale_window(
    rooms: RoomsUnderTest, sale: SaleWindow, told: str
) -> None:
    new = await rooms.new(SEALER.seal(HOLDER), replace(build.product(), sale=sale))
    with pytest.raises(Conflict, match=told) as refused:
        await rooms.holding.issuing.issue(new, OPERATOR, NOW)
    assert refused.value.code == "product_not_on_sale"


def test_a_product_is_on_sale_on_both_ends_of_its_window() -> None:
    window = SaleWindow(TODAY, TODAY + DAY)
    days = [TODAY + n * DAY for n in (-1, 0, 1, 2)]
    product = replace(build.product(), sale=window)
    assert [product.on_sale(day) for day in days] == [False, True, True, False]
    assert [day in SaleWindow(end=TODAY) for day in days] == [True, True, False, False]


def test_a_product_whose_dates_are_over_is_not_on_sale() -> None:
    spring = build.product(term=Term(dates=DateRange(date(2026, 3, 1), TODAY)))
    assert spring.on_sale(TODAY)
    assert not spring.on_sale(TODAY + DAY)
