"""A pass that staff revoked in error is its holder's again, and a person still holds one."""

from datetime import timedelta

import pytest

from passes.base.errors import DomainError
from passes.holding.lifecycle import Step
from passes.holding.model import PassState
from passes.people.holder import NOBODY
from tests.support.build import NOW, OPERATOR, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted


async def revoke(rooms: RoomsUnderTest, pass_id: str) -> None:
    await rooms.holding.lifecycle.take(pass_id, Step.REVOKE, OPERATOR, NOW, "误操作")


async def restore(rooms: RoomsUnderTest, pass_id: str) -> PassState:
    return (await rooms.holding.restoring.restore(pass_id, OPERATOR, NOW, "误操作")).state


async def test_a_pass_is_restored_with_its_visits_once(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue()
    await revoke(rooms, held.id)
    assert await restore(rooms, held.id) is PassState.ACTIVE
    assert await restore(rooms, held.id) is PassState.ACTIVE
    assert_admitted(await rooms.verdict_on(live_scan(held)))
    actions = [line.action for line in await rooms.lines_about(f"pass:{held.id}")]
    assert actions == ["issue", "revoke", "restore"]
    with pytest.raises(DomainError, match="in force"):
        await rooms.issue()


async def test_what_was_frozen_is_frozen_again(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue()
    await rooms.holding.lifecycle.take(held.id, Step.FREEZE, OPERATOR, NOW, "核查")
    await revoke(rooms, held.id)
    assert await restore(rooms, held.id) is PassState.FROZEN


async def test_a_voucher_is_restored(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim()
    await revoke(rooms, voucher.id)
    assert await restore(rooms, voucher.id) is PassState.ACTIVE
    with pytest.raises(DomainError, match="each may claim 1"):
        await rooms.claim()


async def test_a_person_who_has_another_pass_by_now_has_no_second_one(
    rooms: RoomsUnderTest,
) -> None:
    first = await rooms.issue()
    await revoke(rooms, first.id)
    second = await rooms.issue()
    with pytest.raises(DomainError, match=second.id):
        await restore(rooms, first.id)
    await revoke(rooms, second.id)
    assert await restore(rooms, first.id) is PassState.ACTIVE
    with pytest.raises(DomainError, match=first.id):
        await restore(rooms, second.id)


ENDED = {
    "reissued": {"reissued_as": "00000000000000b2"},
    "given back": {"cancelled_at": NOW - timedelta(days=1)},
    "erased": {"holder": NOBODY},
}


@pytest.mark.parametrize("changes", ENDED.values(), ids=ENDED.keys())
async def test_only_what_staff_revoked_is_restored(
    rooms: RoomsUnderTest, changes: dict[str, object]
) -> None:
    held = await rooms.issued(state=PassState.REVOKED, **changes)
    with pytest.raises(DomainError, match="cannot be restored"):
        await restore(rooms, held.id)
