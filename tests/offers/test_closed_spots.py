"""Vouchers for closed spots: nobody claims what they could use nowhere."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Offer, Quota
from passes.terms.terms import Limits
from passes.terms.validity import DateRange
from tests.support.build import EMEISHAN, TODAY, XIANNVSHAN, offer
from tests.support.rooms import RoomsUnderTest

BOTH = frozenset({EMEISHAN, XIANNVSHAN})
CAMPAIGN = offer(spots=BOTH, limits=Limits(per_spot=1))
CLOSED: list[dict[str, Any]] = [
    {"status": "closed"},
    {"status": "retired"},
    {"season": ["11-01/12-31"]},
    {"notices": [{"zh": "维修", "start": "2026-06-01", "closed": True}]},
]


async def assert_closed(rooms: RoomsUnderTest, of: Offer, **more: Any) -> None:
    with pytest.raises(NotClaimable) as refused:
        await rooms.claim(0, of, **more)
    assert refused.value.code == "spot_closed"
    assert await rooms.counts() == {}, "a refused claim uses up no quota"


@pytest.mark.parametrize("changes", CLOSED)
async def test_a_voucher_for_a_closed_spot_is_not_claimable(
    rooms: RoomsUnderTest, changes: dict[str, Any]
) -> None:
    rooms.spots.change(EMEISHAN, **changes)
    await assert_closed(rooms, offer())


async def test_a_voucher_for_one_of_several_spots_is_not_claimable_if_that_is_closed(
    rooms: RoomsUnderTest,
) -> None:
    by_spot = offer(spots=BOTH, quota=Quota(per_spot_day=3))
    rooms.spots.change(EMEISHAN, status="closed")
    await assert_closed(rooms, by_spot, spot_id=EMEISHAN)
    assert (await rooms.claim(0, by_spot, spot_id=XIANNVSHAN)).chosen_spot == XIANNVSHAN


async def test_a_campaign_is_claimable_while_one_of_its_spots_is_open(
    rooms: RoomsUnderTest,
) -> None:
    rooms.spots.change(EMEISHAN, status="closed")
    assert (await rooms.claim(1, CAMPAIGN)).voucher
    rooms.spots.change(XIANNVSHAN, status="retired")
    with pytest.raises(NotClaimable, match="takes visitors"):
        await rooms.claim(2, CAMPAIGN)


async def test_a_part_that_is_open_keeps_the_voucher_of_a_closed_whole_claimable(
    rooms: RoomsUnderTest,
) -> None:
    rooms.spots.change(EMEISHAN, status="closed")
    whole = rooms.spots.get(EMEISHAN)
    part = rooms.spots.get(XIANNVSHAN).within(whole)
    rooms.spots.put(part)
    assert (await rooms.claim(0, offer(spots=BOTH), spot_id=EMEISHAN)).voucher


async def test_a_spot_that_opens_within_the_days_of_the_voucher_is_no_obstacle(
    rooms: RoomsUnderTest,
) -> None:
    storm = {"zh": "大雪封山", "start": "2026-07-01", "end": "2026-07-03", "closed": True}
    rooms.spots.change(EMEISHAN, notices=[storm])
    assert (await rooms.claim(0)).voucher
    short = replace(offer(id="short"), window=DateRange(TODAY, date(2026, 7, 3)))
    with pytest.raises(NotClaimable, match="takes visitors"):
        await rooms.claim(1, short)
