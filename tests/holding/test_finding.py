"""Finding: whoever calls is found by what they say, and who looked is known."""

from datetime import timedelta
from typing import Any

import pytest

from passes.base.audit import AuditQuery
from passes.base.errors import Invalid
from passes.holding.finding import Found, Search
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.people.groups import group_named
from passes.people.identity import Identity
from passes.store.indexes import INDEXES
from server.mongo import Mongo
from tests.support import build
from tests.support.build import HOLDER, NOW, OPERATOR, SEALER
from tests.support.rooms import RoomsUnderTest

LOOKUP = SEALER.lookup(HOLDER.number)
EMEI = group_named("union:emei")
OTHER = Identity("测试乙", build.person(1).number, HOLDER.born)
"""Somebody else, under another name."""


async def found(rooms: RoomsUnderTest, **asked: Any) -> Found:
    return await rooms.holding.finding.find(Search(**asked), OPERATOR, NOW)


async def ids(rooms: RoomsUnderTest, **asked: Any) -> set[str]:
    return {match.held.id for match in (await found(rooms, **asked)).matches}


async def two(rooms: RoomsUnderTest) -> tuple[Pass, Pass]:
    """The passes of two people, of whom the first is in a union."""
    mine, theirs = await rooms.issue(), await rooms.issue(person=OTHER)
    await rooms.people.memberships.join([LOOKUP], EMEI, OPERATOR, NOW)
    return mine, theirs


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "测试甲"},
        {"name": " 测 试 甲"},
        {"lookup": LOOKUP},
        {"lookup": LOOKUP, "name": "测试甲", "group": EMEI},
        {"group": EMEI},
        {"name": "测试甲", "product_id": "annual", "state": PassState.ACTIVE},
    ],
)
async def test_a_pass_is_found_by_what_its_holder_says(
    rooms: RoomsUnderTest, asked: dict[str, Any]
) -> None:
    mine, _ = await two(rooms)
    assert await ids(rooms, **asked) == {mine.id}


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "测试丙"},
        {"lookup": SEALER.lookup(build.person(7).number)},
        {"name": "测试乙", "group": EMEI},
        {"name": "测试甲", "product_id": "another"},
        {"name": "测试甲", "state": PassState.FROZEN},
        {"group": group_named("union:another")},
        {"accounts": ()},
    ],
)
async def test_what_does_not_fit_is_not_found(rooms: RoomsUnderTest, asked: dict[str, Any]) -> None:
    await two(rooms)
    assert await ids(rooms, **asked) == set()


async def test_people_of_one_bucket_are_told_apart_by_their_name(rooms: RoomsUnderTest) -> None:
    """Without opening what is sealed: the key of the vault is gone here."""
    mine, theirs = await two(rooms)
    bucket = SEALER.name_bucket(HOLDER.name)
    await rooms.tamper_with(theirs.id, **{"holder.name_bucket": bucket, "holder.sealed": None})
    assert len(await rooms.holding.passes.of_name_bucket(bucket)) == 2
    assert await ids(rooms, name=HOLDER.name) == {mine.id}


async def test_a_document_is_believed_and_another_name_is_told(rooms: RoomsUnderTest) -> None:
    mine, _ = await two(rooms)
    (match,) = (await found(rooms, lookup=LOOKUP, name="测试乙")).matches
    assert (match.held.id, match.bears_name) == (mine.id, False)


async def test_an_account_is_found_by_its_phone_number(rooms: RoomsUnderTest) -> None:
    mine, _ = await two(rooms)
    accounts = rooms.people.accounts
    visitor = await rooms.known()
    await accounts.set_phone(visitor, "+8613800000000", NOW)
    (of_phone,) = await accounts.of_phone("+8613800000000")
    assert await accounts.of_phone("+8613800000001") == []
    assert await ids(rooms, accounts=[of_phone]) == {mine.id}
    await accounts.erase(visitor)
    assert await accounts.of_phone("+8613800000000") == []


async def test_no_more_are_shown_than_asked_for(rooms: RoomsUnderTest) -> None:
    await rooms.issue()
    await rooms.issue(person=build.person(1))
    all_of_them = await found(rooms, name=HOLDER.name)
    assert (len(all_of_them.matches), all_of_them.more) == (2, False)
    one = await found(rooms, name=HOLDER.name, most=1)
    assert (len(one.matches), one.more) == (1, True)


@pytest.mark.parametrize("asked", [{}, {"product_id": "annual"}, {"name": "?"}])
async def test_nobody_is_searched_for_by_nothing(
    rooms: RoomsUnderTest, asked: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await found(rooms, **asked)


async def test_who_looked_for_whom_is_written_down_and_not_what_they_typed(
    rooms: RoomsUnderTest,
) -> None:
    mine, theirs = await two(rooms)
    await found(rooms, lookup=LOOKUP, name=HOLDER.name)
    (line,) = [each for each in await rooms.lines_about(f"pass:{mine.id}") if each.action == "find"]
    assert line.by == OPERATOR
    (search,) = await rooms.lines_about(OPERATOR)
    assert (search.action, search.detail) == ("find", {"by": "document, name", "found": "1"})
    assert not [
        each for each in await rooms.lines_about(f"pass:{theirs.id}") if each.action == "find"
    ]
    everything = str(await rooms.database.collection("audit_log").find({}))
    for typed in (HOLDER.name, HOLDER.number, LOOKUP):
        assert typed not in everything
    told = await rooms.admission.histories.whole(mine)
    assert [event.what for event in told] == ["issue"], "it is nothing that happened to the pass"


async def test_nothing_is_shown_if_it_cannot_be_written_down(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two(rooms)

    async def away(_: object) -> str:
        raise OSError("away")

    monkeypatch.setattr(rooms.base.audit, "write", away)
    with pytest.raises(OSError, match="away"):
        await found(rooms, name=HOLDER.name)


async def test_audit_lines_are_told_by_subject_or_person_and_day(rooms: RoomsUnderTest) -> None:
    mine, _ = await two(rooms)
    later = NOW + timedelta(days=1)
    await rooms.holding.lifecycle.take(mine.id, Step.FREEZE, "operator:乙", later, "lost")

    async def told(**asked: Any) -> list[str]:
        query = AuditQuery(**{"most": 10, **asked})
        return [line.action for line in await rooms.base.audit.between(query)]

    about = f"pass:{mine.id}"
    assert await told(subject=about) == ["issue", "freeze"]
    assert await told(subject=about, most=1) == ["freeze"]
    assert await told(subject=about, since=later) == ["freeze"]
    assert await told(subject=about, until=later) == ["issue"]
    assert await told(by="operator:乙") == ["freeze"]
    assert sorted(await told(by=OPERATOR, since=NOW)) == ["issue", "issue", "join"]


QUERIES = {
    ("passes", "holder"): {"holder.lookup": "a"},
    ("passes", "name_bucket"): {"holder.name_bucket": "a"},
    ("users", "phone"): {"phone.lookup": "a"},
    ("members", "group"): {"group": "a"},
    ("members", "person"): {"lookup": "a"},
    ("cases", "case_of_pass"): {"pass_id": {"$in": ["a", "b"]}},
    ("audit_log", "subject_at"): {"subject": "a", "at": {"$gte": NOW}},
    ("audit_log", "by_at"): {"by": "a", "at": {"$gte": NOW, "$lt": NOW}},
}


@pytest.mark.parametrize(("place", "where"), QUERIES.items())
async def test_every_query_of_an_operator_uses_its_index(
    mongo: Mongo, place: tuple[str, str], where: dict[str, Any]
) -> None:
    collection, index = place
    assert index in {each.name for each in INDEXES[collection]}
    explain = {"explain": {"find": collection, "filter": where}}
    plan = (await mongo._database.command(explain))["queryPlanner"]["winningPlan"]
    while plan["stage"] != "IXSCAN":
        plan = plan["inputStage"]
    assert plan["indexName"] == index
