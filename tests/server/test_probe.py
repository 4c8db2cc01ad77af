"""The probe: one document written and read, whatever the number of those who ask."""

import asyncio
import time

import pytest

from passes.base.errors import Unavailable
from server.mongo import Mongo
from server.probe import FRESH_SECONDS, PATIENCE_SECONDS, Probe
from tests.support.waiting import until


class Counted:
    """A database that counts what is written to it, and takes its time."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.written = 0

    def collection(self, name: str) -> "Counted":
        self._collection = self._mongo.collection(name)
        return self

    async def update(self, *what: object, upsert: bool) -> bool:
        self.written += 1
        return await self._collection.update(*what, upsert=upsert)  # type: ignore[arg-type]

    async def get(self, where: dict[str, object]) -> object:
        return await self._collection.get(where)


async def test_many_who_ask_cost_one_write_a_second(any_mongo: Mongo) -> None:
    counted = Counted(any_mongo)
    probe = Probe(counted)  # type: ignore[arg-type]
    await asyncio.gather(*(probe.check() for _ in range(50)))
    await probe.check()
    assert counted.written == 1
    start = time.monotonic()

    async def is_written_again() -> bool:
        await probe.check()
        return counted.written > 1

    await until(is_written_again, "the probe is written again", 10 * FRESH_SECONDS)
    assert counted.written == 2
    assert time.monotonic() - start > FRESH_SECONDS / 2


@pytest.mark.slow
async def test_one_that_is_slow_to_fail_is_waited_for_once() -> None:
    """`asyncio.wait_for` waited for the driver to give up: its server selection may go on."""
    async with Mongo("mongodb://127.0.0.1:1/", "nowhere", "pymongo") as away:
        probe = Probe(away)
        start = time.monotonic()
        with pytest.raises(Unavailable):
            await probe.check()
        assert time.monotonic() - start < PATIENCE_SECONDS + 1
        later = time.monotonic()
        for _ in range(20):
            with pytest.raises(Unavailable):
                await probe.check()
        assert time.monotonic() - later < 1, "who asks later is told at once"
