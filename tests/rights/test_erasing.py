"""Erasing: all that is held about a visitor goes, whatever happens at the same moment."""

import asyncio
from datetime import timedelta

import pytest

from passes.base.errors import Conflict
from passes.holding.model import PassState
from passes.people.holder import NOBODY
from passes.people.visitors import Visitor
from tests.support import build
from tests.support.build import CHILD, NOW
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest

SAID = build.statement()


async def test_erasing_leaves_no_trace_of_the_person(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.known(document=CHILD, guardian=SAID.document)
    await rooms.people.accounts.set_phone(visitor, "10012345678", NOW)
    await rooms.people.signing_in.begin(visitor, NOW)
    held = await rooms.issue_to(visitor)
    with pytest.raises(Conflict, match=f"passes.{held.id}"):
        await rooms.rights.erasing.erase(visitor, give_up_passes=False, now=NOW)
    assert await rooms.people.visitors.get(visitor.id) == await rooms.account()
    given_up = await rooms.rights.erasing.erase(await rooms.account(), give_up_passes=True, now=NOW)
    assert [each.id for each in given_up] == [held.id]
    kept = await rooms.holding.passes.get(held.id)
    assert kept is not None
    assert kept.state == PassState.REVOKED
    assert kept.holder == NOBODY
    for name in ("users", "bindings", "sessions", "holdings"):
        assert await rooms.database.collection(name).find({}) == [], name
    again = await rooms.known(document=CHILD, guardian=SAID.document)
    assert again.id != visitor.id
    assert await rooms.holding.wallet.of_visitor(again) == []


async def test_an_account_that_is_erased_does_not_come_back(rooms: RoomsUnderTest) -> None:
    """Whoever signs in at the same moment gets another account.

    Or the one that is going, and no token for it.
    """
    for n in range(10):
        visitor = await rooms.account(f"v{n}")
        _, *signed_in = await asyncio.gather(
            rooms.rights.erasing.erase(visitor, give_up_passes=False, now=NOW),
            *(rooms.people.accounts.of_openid(f"v{n}", NOW) for _ in range(4)),
            return_exceptions=True,
        )
        assert await rooms.people.visitors.get(visitor.id) is None
        again = await rooms.account(f"v{n}")
        assert again.id != visitor.id
        accounts = {each.id for each in signed_in if isinstance(each, Visitor)}
        assert accounts <= {visitor.id, again.id}


async def test_a_pass_that_is_over_does_not_hinder_erasing(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.known()
    held = await rooms.issue_to(visitor)
    later = NOW + timedelta(days=400)
    assert await rooms.rights.erasing.erase(visitor, give_up_passes=False, now=later) == []
    kept = await rooms.holding.passes.get(held.id)
    assert kept is not None
    assert kept.holder == NOBODY


async def test_an_account_that_is_erased_while_somebody_signs_in_stays_erased(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two devices sign in for the first time at once; one erases the account a moment later."""
    rival = RoomsUnderTest(rooms.database)

    async def sign_in_and_erase() -> None:
        visitor = await rival.account()
        await rival.rights.erasing.erase(visitor, give_up_passes=False, now=NOW)

    overtake(monkeypatch, rooms.people.visitors, "add", sign_in_and_erase)
    with pytest.raises(Conflict, match="erased this moment"):
        await rooms.account()
    assert await rooms.database.collection("users").find({}) == []
    again = await rooms.account()
    assert again.identity is None


async def test_a_visitor_who_is_erased_while_they_say_who_they_are_binds_nobody(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await rooms.account()

    async def erase() -> None:
        await rooms.rights.erasing.erase(visitor, give_up_passes=False, now=NOW)

    overtake(monkeypatch, rooms.base.audit, "settle", erase)
    with pytest.raises(Conflict, match="erased this moment"):
        await rooms.people.identification.identify(visitor, SAID, NOW)
    assert await rooms.database.collection("bindings").find({}) == []
    other = await rooms.known("乙")
    assert other.identity is not None, "the person is free"
