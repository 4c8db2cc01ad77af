"""What is sealed opens in the document it was stored in, and in no copy of it."""

import logging

import pytest
from cryptography.exceptions import InvalidTag

from passes.people.holder import Holder
from passes.store.database import Document
from tests.support import build
from tests.support.build import CHILD, HOLDER, NOW, OPERATOR, SEALER
from tests.support.rooms import RoomsUnderTest


async def read_by(rooms: RoomsUnderTest, openid: str) -> str:
    """The name that `GET /me` would tell an account."""
    visitor = await rooms.account(openid)
    assert visitor.identity is not None
    return SEALER.open(visitor.identity).name


async def document(rooms: RoomsUnderTest, collection: str, id: str) -> Document:
    found = await rooms.database.collection(collection).get({"_id": id})
    assert found is not None
    return found


async def test_a_thief_reads_the_name_of_a_pass_through_an_account_of_their_own(
    rooms: RoomsUnderTest,
) -> None:
    held, thief = await rooms.issue(), await rooms.account("thief")
    stolen = (await document(rooms, "passes", held.id))["holder"]
    users = rooms.database.collection("users")
    await users.update({"_id": thief.id}, {"$set": {"identity": stolen}})
    with pytest.raises(InvalidTag):
        await read_by(rooms, "thief")
    # Nor by saying in the document where it comes from.
    claimed = {**stolen, "place": f"holder:{held.id}"}
    await users.update({"_id": thief.id}, {"$set": {"identity": claimed}})
    with pytest.raises(InvalidTag):
        await read_by(rooms, "thief")


async def test_a_thief_reads_the_name_of_an_account_through_another(rooms: RoomsUnderTest) -> None:
    victim, thief = await rooms.known(), await rooms.account("thief")
    stolen = (await document(rooms, "users", victim.id))["identity"]
    users = rooms.database.collection("users")
    await users.update({"_id": thief.id}, {"$set": {"identity": stolen}})
    with pytest.raises(InvalidTag):
        await read_by(rooms, "thief")
    assert await read_by(rooms, "甲") == HOLDER.name


async def test_a_guardian_is_read_as_the_person_of_an_account(rooms: RoomsUnderTest) -> None:
    child = await rooms.known(document=CHILD, guardian=build.document())
    assert child.consent is not None
    assert child.consent.guardian is not None
    assert SEALER.open(child.consent.guardian) == HOLDER
    guardian = (await document(rooms, "users", child.id))["consent"]["guardian"]
    users = rooms.database.collection("users")
    await users.update({"_id": child.id}, {"$set": {"identity": guardian}})
    with pytest.raises(InvalidTag):
        await read_by(rooms, "甲")


async def opens(rooms: RoomsUnderTest, pass_id: str) -> Holder:
    held = await rooms.holding.passes.get(pass_id)
    assert held is not None
    SEALER.open(held.holder)
    return held.holder


async def test_copies_that_are_made_on_purpose_open(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim(of=build.offer(real_name=True))
    await opens(rooms, voucher.id)
    reissued = await rooms.holding.reissuing.reissue(voucher.id, OPERATOR, NOW)
    holder = await opens(rooms, reissued.id)
    assert holder.sealed != (await opens(rooms, voucher.id)).sealed
    again = await rooms.holding.reissuing.reissue(voucher.id, OPERATOR, NOW)
    assert again.holder == holder


async def test_a_copy_of_what_does_not_open_goes_on_and_does_not_open_either(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    held, other = await rooms.issue(), await rooms.issue(person=build.person(1))
    stolen = (await document(rooms, "passes", held.id))["holder"]["sealed"]
    await rooms.change_stored(other.id, **{"holder.sealed": stolen})
    with caplog.at_level(logging.ERROR, "passes.store.binding"):
        reissued = await rooms.holding.reissuing.reissue(other.id, OPERATOR, NOW)
    assert f"holder:{other.id}" in caplog.text
    with pytest.raises(InvalidTag):
        await opens(rooms, reissued.id)
