"""People who may hold no pass for a time: nothing is issued to them, and they claim nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from passes.base.errors import DomainError
from passes.offers.eligibility import NotClaimable
from passes.people.barring import Bar
from tests.support.build import HOLDER, NOW, OPERATOR, SEALER
from tests.support.rooms import RoomsUnderTest

UNTIL = NOW + timedelta(days=30)
BAR = Bar(SEALER.seal(HOLDER).lookup, UNTIL, "多次冒用", OPERATOR, NOW)


async def test_nothing_is_issued_and_nothing_claimed_until_it_ends(rooms: RoomsUnderTest) -> None:
    await rooms.people.barring.bar(BAR)
    with pytest.raises(DomainError) as refused:
        await rooms.issue()
    assert refused.value.code == "holder_barred"
    with pytest.raises(NotClaimable) as not_claimable:
        await rooms.claim()
    assert not_claimable.value.claimable_from == UNTIL
    await rooms.claim(1)  # somebody else
    (line,) = await rooms.lines_about(f"person:{BAR.name}")
    assert (line.by, line.action, line.detail["reason"]) == (OPERATOR, "bar", "多次冒用")
    await rooms.issue(at=UNTIL)


async def test_it_is_changed_and_lifted(rooms: RoomsUnderTest) -> None:
    barring = rooms.people.barring
    await barring.bar(BAR)
    shorter = replace(BAR, until=NOW + timedelta(days=1))
    await barring.bar(shorter)
    assert await barring.all(NOW) == [shorter]
    assert await barring.all(UNTIL) == []
    assert await barring.unbar(BAR.id, OPERATOR, NOW) == shorter
    with pytest.raises(DomainError, match="not barred"):
        await barring.unbar(BAR.id, OPERATOR, NOW)
    await rooms.issue()


@pytest.mark.parametrize("wrong", [replace(BAR, reason=" "), replace(BAR, until=NOW)])
async def test_it_needs_a_reason_and_an_end_to_come(rooms: RoomsUnderTest, wrong: Bar) -> None:
    with pytest.raises(DomainError, match="cannot be a bar"):
        await rooms.people.barring.bar(wrong)
    assert await rooms.people.barring.all(NOW) == []
