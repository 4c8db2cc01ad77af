"""Both drivers: what happens when the database is away, is gone, or does not answer."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pymongo.monitoring import CommandListener

from handlers.web.problems import problem_of
from passes.base.errors import Damaged, Unavailable
from passes.base.text import Text
from passes.store.database import Index
from server.embedded import embedded_database
from server.errors import StartError
from server.mongo import Mongo, MongoCollection
from server.settings import DriverName
from tests.support.processes import children, held

AWAY = "mongodb://127.0.0.1:1/"
SOON = 2.0
"""Seconds: much less than an operation may take, more than a busy machine needs."""

OPERATIONS: dict[str, Callable[[MongoCollection], Awaitable[object]]] = {
    "get": lambda things: things.get({"_id": 1}),
    "find": lambda things: things.find({"_id": 1}),
    "insert": lambda things: things.insert({"a": 1}),
    "update": lambda things: things.update({"_id": 1}, {"$set": {"a": 1}}),
    "update_each": lambda things: things.update_each([({"_id": 1}, {"$set": {"a": 1}})]),
    "delete": lambda things: things.delete({"_id": 1}),
}

pytestmark = pytest.mark.slow
both_drivers = pytest.mark.parametrize("driver", ["pymongo", "motor"])


@asynccontextmanager
async def stopped_database(folder: Path) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """An embedded database of its own, and what makes it answer no more, until the end."""
    before = set(children(os.getpid()))
    async with embedded_database(folder) as uri:
        program = next(
            pid
            for pid in set(children(os.getpid())) - before
            if b"server.guard" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        with ExitStack() as until_the_end:
            yield uri, lambda: until_the_end.enter_context(held([program]))
        os.kill(program, signal.SIGKILL)  # its orderly end after that takes 15 seconds


async def refused_after(operation: Awaitable[object]) -> float:
    """The seconds until the operation raises `Unavailable`."""
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await operation
    return time.monotonic() - start


@both_drivers
async def test_a_database_that_is_away_is_unavailable(driver: DriverName) -> None:
    async with Mongo(AWAY, "nowhere", driver, seconds=0.05) as away:
        await refused_after(away.ping())
        for operation in OPERATIONS.values():
            await refused_after(operation(away.collection("things")))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1",
        "mongodb://",
        "mongodb://127.0.0.1:99999/",
        "mongodb://a:b:c@127.0.0.1/",
    ],
)
async def test_a_wrong_uri_is_refused_in_words(uri: str, io_loop: object) -> None:
    with pytest.raises(StartError, match="BASHU_MONGO_URI cannot be used"):
        Mongo(uri, "bashu", "pymongo")


@both_drivers
async def test_what_waits_for_a_database_that_is_given_up_is_refused_soon(
    driver: DriverName,
) -> None:
    """As when the embedded database dies: it waited for the server selection to time out."""
    away = Mongo(AWAY, "nowhere", driver)
    things = away.collection("things")
    waiting = [
        asyncio.create_task(refused_after(OPERATIONS[name](things)))
        for name in [*OPERATIONS, "insert", "get"] * 8
    ]
    await asyncio.sleep(0)
    away.give_up()
    assert max(await asyncio.gather(*waiting)) < SOON
    assert await refused_after(things.get({})) < SOON
    await away.close()
    await away.close()


@both_drivers
async def test_no_operation_outlasts_its_time_however_many_wait(
    driver: DriverName, tmp_path: Path
) -> None:
    """Motor has ten threads: those who waited for one waited for the timeouts of others, too."""
    seconds = 1.0
    async with (
        stopped_database(tmp_path) as (uri, stop),
        Mongo(uri, "test", driver, seconds=seconds) as mongo,
    ):
        things = mongo.collection("things")
        for operation in OPERATIONS.values():
            await operation(things)
        stop()
        many = [operation(things) for operation in OPERATIONS.values() for _ in range(6)]
        took = await asyncio.gather(*map(refused_after, many))
        assert max(took) < seconds + SOON
        start = time.monotonic()
        await mongo.close()
        assert time.monotonic() - start < SOON, "closing does not wait for it either"


DIFFERENT = Index("by_a", (("a", 1),), serves="a test")
UNIQUE = Index("one_a", (("a", 1),), serves="a test", unique=True)


@both_drivers
async def test_a_damaged_index_is_not_told_to_be_tried_again_later(
    driver: DriverName, mongo_uri: str
) -> None:
    """Trying again heals neither an index of other keys nor one that what is stored breaks."""
    async with Mongo(mongo_uri, f"damaged_{os.getpid()}_{driver}", driver) as mongo:
        things = mongo.collection("things")
        for _ in range(2):
            await things.insert({"a": 1})
        with pytest.raises(Damaged) as refused:
            await things.ensure(UNIQUE)
        assert refused.value.code == "database_damaged"
        assert "try again" not in refused.value.text.en
        await things.ensure(DIFFERENT)
        with pytest.raises(Damaged):
            await things.ensure(replace(DIFFERENT, keys=(("b", 1),)))
        await mongo.drop()


def test_a_damaged_database_sends_nobody_away_for_two_seconds() -> None:
    problem = problem_of(Damaged("database_damaged", Text("数据库故障", "it is damaged")), 500)
    assert problem.status == 503
    assert "Retry-After" not in problem.headers


class Concerns(CommandListener):
    """Notes what was asked of the database beside each command."""

    def __init__(self) -> None:
        self.read: set[object] = set()
        self.written: set[object] = set()

    def started(self, event: object) -> None:
        command = event.command  # type: ignore[attr-defined]
        if "readConcern" in command:
            self.read.add(command["readConcern"]["level"])
        if "writeConcern" in command:
            self.written.add((command["writeConcern"]["w"], command["writeConcern"]["j"]))

    def succeeded(self, event: object) -> None:
        pass

    def failed(self, event: object) -> None:
        pass


@both_drivers
async def test_a_majority_has_what_is_read_and_has_journalled_what_is_written(
    driver: DriverName, mongo_uri: str
) -> None:
    concerns = Concerns()
    async with Mongo(mongo_uri, f"concerns_{os.getpid()}", driver, [concerns]) as mongo:
        things = mongo.collection("things")
        for operation in OPERATIONS.values():
            await operation(things)
        await mongo.drop()
    assert concerns.read == {"majority"}
    assert concerns.written == {("majority", True)}
