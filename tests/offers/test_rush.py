"""A rush: far more claimants than vouchers, and what each claim costs the database.

400 visitors with real names, and 20,000 with `--long`, for a quarter as many vouchers.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Offer, Quota
from passes.people.identity import Identity
from passes.people.visitors import Visitor
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, TODAY, XIANNVSHAN, id_number
from tests.support.commands import Commands, counted_rooms
from tests.support.rooms import RoomsUnderTest
from tests.support.trials import Rounds

AT_ONCE = 50
Counted = tuple[RoomsUnderTest, Commands]


@pytest.fixture
def counted(io_loop: IOLoop, mongo_uri: str) -> Iterator[Counted]:
    yield from counted_rooms(io_loop, mongo_uri, "pymongo")


def campaign(total: int, **quota: Any) -> Offer:
    """A campaign over two spots with so many vouchers."""
    return build.offer(
        spots=frozenset({EMEISHAN, XIANNVSHAN}),
        limits=Limits(per_spot_day=1, per_spot=1),
        quota=Quota(total=total, **{"per_day": total, "per_spot_day": 100} | quota),
    )


def claimant(n: int) -> Identity:
    """One of more fictitious people than there are numbers for one day of birth."""
    born = date(1960, 1, 1) + timedelta(days=n // 900)
    return Identity("测试甲", id_number(f"110101{born:%Y%m%d}{2 + n % 900:03}"), born)


async def in_turn(rooms: RoomsUnderTest, many: range) -> AsyncIterator[list[Visitor]]:
    """Visitors who have said who they are, some at a time."""
    for start in range(0, len(many), AT_ONCE):
        part = many[start : start + AT_ONCE]
        yield await asyncio.gather(*(rooms.known(f"v{n}", person=claimant(n)) for n in part))


@pytest.mark.timeout(seconds=3600)
async def test_of_very_many_claimants_exactly_as_many_get_a_voucher_as_there_are(
    counted: Counted, rounds: Rounds
) -> None:
    rooms, _ = counted
    many = rounds(400, many=20_000)
    visitors = [each async for part in in_turn(rooms, many) for each in part]
    offer = campaign(len(many) // 4)
    claim = await rooms.wanted(offer)
    waiting = iter(visitors)
    told: Counter[str] = Counter()
    left_when_refused: list[int] = []

    async def claim_in_turn() -> None:
        for visitor in waiting:
            try:
                await rooms.offers.claiming.claim(visitor, claim, NOW)
                told["voucher"] += 1
            except NotClaimable as refused:
                told[refused.code] += 1
                left_when_refused.append(len(many) // 4 - told["voucher"])

    await asyncio.gather(*(claim_in_turn() for _ in range(AT_ONCE)))
    assert told == {"voucher": len(many) // 4, "sold_out": len(many) - len(many) // 4}
    # Whoever was refused while vouchers were left was so because others were just getting them.
    assert max(left_when_refused) < AT_ONCE
    vouchers = await rooms.vouchers()
    assert len({each.holder.lookup for each in vouchers}) == len(vouchers) == len(many) // 4
    assert await rooms.counts() == {"bogo": len(many) // 4, f"bogo:{TODAY}": len(many) // 4}


async def test_a_claim_costs_the_database_so_many_commands(counted: Counted) -> None:
    rooms, commands = counted
    offer = campaign(2)
    claim = await rooms.wanted(offer)

    async def cost(n: int) -> dict[str, int]:
        visitor = await rooms.known(f"v{n}", person=claimant(n))
        commands.sent.clear()
        with suppress(NotClaimable):
            await rooms.offers.claiming.claim(visitor, claim, NOW)
        return dict(commands.sent)

    assert await cost(0) == {"find": 8, "update": 3, "insert": 6}, "the first of all"
    assert await cost(1) == {"find": 8, "update": 3, "insert": 4}, "any other"
    assert await cost(2) == {"find": 4, "update": 2, "insert": 1}, "the first who is refused"
    assert await cost(3) == {"find": 1}, "all after that"
    await rooms.offers.cancelling.cancel((await rooms.vouchers())[0], "visitor:v", NOW)
    assert await cost(4) == {"find": 9, "update": 3, "insert": 4}, "given back, claimed at once"
    assert len(await rooms.vouchers()) == 2
