"""Who may hold a product: people of an age, of a group; checked before anything is stored."""

from dataclasses import replace
from datetime import date

import pytest

from passes.base.errors import Conflict
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.people.groups import UNION_MEMBER, resident_of
from passes.people.identity import Identity
from passes.terms.terms import Holders
from tests.support import build
from tests.support.build import HOLDER, NOW, OPERATOR, SEALER, TODAY, id_number
from tests.support.rooms import RoomsUnderTest

NATIVE = Identity("测试甲", id_number("51110219900307002"), date(1990, 3, 7))


async def issued(rooms: RoomsUnderTest, holders: Holders, identity: Identity = HOLDER) -> Pass:
    """A pass of a product that is for some people alone."""
    edition = await rooms.published(build.product(holders=holders))
    new = NewPass(edition, SEALER.seal(identity), TODAY, identity)
    return await rooms.holding.issuing.issue(new, OPERATOR, NOW)


@pytest.mark.parametrize(
    ("born", "holders", "may"),
    [
        (date(1966, 7, 1), Holders(from_age=60), True),
        (date(1966, 7, 2), Holders(from_age=60), False),
        (date(2008, 7, 1), Holders(to_age=17), False),
        (date(2008, 7, 2), Holders(to_age=17), True),
    ],
)
async def test_an_age_is_that_of_the_first_day(
    rooms: RoomsUnderTest, born: date, holders: Holders, may: bool
) -> None:
    identity = replace(HOLDER, born=born)
    if may:
        held = await issued(rooms, holders, identity)
        assert held.traits.age_band is not None
        return
    with pytest.raises(Conflict) as refused:
        await issued(rooms, holders, identity)
    assert refused.value.code == "holder_not_of_age"
    assert await rooms.database.collection("holdings").find({}) == []


async def test_a_group_is_told_by_its_members(rooms: RoomsUnderTest) -> None:
    for_members = Holders(groups=frozenset({UNION_MEMBER, resident_of("chongqing")}))
    with pytest.raises(Conflict, match="resident_of:chongqing, union_member"):
        await issued(rooms, for_members)
    await rooms.people.members.add(SEALER.lookup(HOLDER.number), UNION_MEMBER)
    assert await issued(rooms, for_members)


async def test_natives_are_told_by_their_number(rooms: RoomsUnderTest) -> None:
    natives = Holders(groups=frozenset({"native_of:sichuan"}))
    with pytest.raises(Conflict):
        await issued(rooms, natives)
    assert await issued(rooms, natives, NATIVE)
