"""Grouping: who waits goes together, who asks alone waits for nothing, and nobody is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from passes.base.errors import Unavailable
from passes.base.text import Text
from passes.store.grouping import Grouped
from server.mongo import Mongo
from tests.support.waiting import until


class Commands:
    """Answers questions by doubling them, one command at a time, each as long as it is held."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.under_way = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.failing = False

    async def send(self, questions: Sequence[int]) -> Sequence[int]:
        self.sent.append(list(questions))
        self.under_way += 1
        assert self.under_way == 1
        await self.may_end.wait()
        self.under_way -= 1
        if self.failing:
            raise Unavailable("database_unavailable", Text("无", "away"))
        return [2 * question for question in questions]


async def sending(commands: Commands, grouped: Grouped[int, int]) -> "asyncio.Task[int]":
    """A question, 1, whose command is on its way and does not end yet."""
    commands.may_end.clear()
    first = asyncio.create_task(grouped.ask(1))
    await until(lambda: commands.under_way == 1, "the command is on its way")
    return first


async def test_one_who_asks_alone_goes_at_once() -> None:
    commands = Commands()
    grouped = Grouped(commands.send)
    assert await grouped.ask(1) == 2
    assert await grouped.ask(2) == 4
    assert commands.sent == [[1], [2]]


async def test_those_who_ask_meanwhile_go_together() -> None:
    commands = Commands()
    grouped = Grouped(commands.send)
    first = await sending(commands, grouped)
    others = [asyncio.create_task(grouped.ask(n)) for n in (2, 3, 3)]
    await until(lambda: len(grouped._waiting) == 3, "the questions wait")
    commands.may_end.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 6]
    assert commands.sent == [[1], [2, 3, 3]]


async def test_a_group_has_a_largest_size() -> None:
    commands = Commands()
    grouped = Grouped(commands.send, most=3)
    answers = await asyncio.gather(*(grouped.ask(n) for n in range(8)))
    assert answers == [2 * n for n in range(8)]
    assert [len(group) for group in commands.sent] == [3, 3, 2]


async def test_a_failure_reaches_its_group_and_nobody_else() -> None:
    commands = Commands()
    grouped = Grouped(commands.send)
    first = await sending(commands, grouped)
    second = asyncio.create_task(grouped.ask(2))
    await until(lambda: len(grouped._waiting) == 1, "the questions wait")
    commands.failing = True
    commands.may_end.set()
    for task in (first, second):
        with pytest.raises(Unavailable):
            await task
    commands.failing = False
    assert await grouped.ask(3) == 6


async def test_a_caller_who_is_cancelled_takes_an_unsent_question_back_and_harms_nobody() -> None:
    commands = Commands()
    grouped = Grouped(commands.send)
    sent = await sending(commands, grouped)
    unsent, other = (asyncio.create_task(grouped.ask(n)) for n in (2, 3))
    await until(lambda: len(grouped._waiting) == 2, "the questions wait")
    for task in (sent, unsent):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    commands.may_end.set()
    assert await other == 6
    assert commands.sent == [[1], [3]]


async def test_who_has_given_up_is_not_told_of_a_failure() -> None:
    commands = Commands()
    grouped = Grouped(commands.send)
    sent = await sending(commands, grouped)
    sent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sent
    commands.failing = True
    commands.may_end.set()
    await until(lambda: commands.under_way == 0, "the command ends")
    commands.failing = False
    assert await grouped.ask(2) == 4


async def test_of_inserts_together_each_is_told_whether_it_was_stored(any_mongo: Mongo) -> None:
    collection = any_mongo.collection("admissions")
    await collection.insert({"_id": "b"})
    documents = [{"_id": key} for key in ("a", "b", "c", "c")]
    assert await collection.insert_each(documents) == [True, False, True, False]
    stored = await collection.find({}, [("_id", 1)])
    assert [document["_id"] for document in stored] == ["a", "b", "c"]


async def test_an_insert_that_cannot_be_stored_is_not_taken_for_a_key_that_is_taken(
    any_mongo: Mongo,
) -> None:
    too_large = {"_id": "large", "content": b"x" * 17_000_000}
    with pytest.raises(Exception, match=r"BSON|large|database"):
        await any_mongo.collection("admissions").insert_each([{"_id": "a"}, too_large])
