"""Sessions: carried on by a refresh token that is good once, ended by time or by signing out."""

import asyncio
from datetime import timedelta

from passes.people.sessions import MOST_SESSIONS, REPLY_LOST_WITHIN, SESSION_LIFE
from server.mongo import Mongo
from tests.support.build import NOW
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest


async def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.account()
    carry_on = rooms.people.signing_in.carry_on
    session = await rooms.people.signing_in.begin(visitor, NOW)
    an_hour_later = NOW + timedelta(hours=1)
    second = await carry_on(session.id, 1, an_hour_later)
    assert second is not None
    assert_fields(second, generation=2, ends_at=an_hour_later + SESSION_LIFE)
    reply_was_lost = await carry_on(session.id, 1, an_hour_later + timedelta(seconds=30))
    assert reply_was_lost == second
    late = second.renewed_at + REPLY_LOST_WITHIN
    assert await carry_on(session.id, 1, late) is None
    assert await carry_on(session.id, 2, late) is None, "it has ended for both"
    lines = await rooms.base.audit.about(f"visitor:{visitor.id}")
    assert [line.action for line in lines] == ["sign_up", "refresh_reused"]


async def test_of_refreshes_at_once_all_get_the_same_generation(rooms: RoomsUnderTest) -> None:
    session = await rooms.people.signing_in.begin(await rooms.account(), NOW)
    carry_on = rooms.people.signing_in.carry_on
    done = await asyncio.gather(*(carry_on(session.id, 1, NOW) for _ in range(6)))
    assert None not in done
    generations = {each.generation for each in done if each}
    assert generations == {2}


async def test_a_session_ends_by_itself_or_by_signing_out(rooms: RoomsUnderTest) -> None:
    visitor, signing_in = await rooms.account(), rooms.people.signing_in
    here, there, third = [await signing_in.begin(visitor, NOW) for _ in range(3)]
    assert await signing_in.carry_on(here.id, 1, NOW + SESSION_LIFE) is None
    await signing_in.end(there.id)
    assert await signing_in.carry_on(there.id, 1, NOW) is None
    await signing_in.end_all(visitor.id, NOW)
    assert await signing_in.carry_on(third.id, 1, NOW) is None
    after = await rooms.account()
    assert after.token_version == visitor.token_version + 1


async def test_of_very_many_sessions_the_oldest_end(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    visitor, signing_in = await rooms.account(), rooms.people.signing_in
    begun = []
    for n in range(MOST_SESSIONS + 3):
        at = NOW + timedelta(minutes=n)
        begun.append(await signing_in.begin(visitor, at))
    kept = await rooms.people.sessions.of_visitor(visitor.id)
    assert [session.id for session in kept] == [session.id for session in begun[3:]]
