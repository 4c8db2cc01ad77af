"""How many commands the database gets from rooms under test."""

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from typing import cast

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from tornado.ioloop import IOLoop

from passes.store.indexes import ensure_indexes
from server.mongo import PATIENT_SECONDS, Mongo
from server.settings import DriverName
from tests.support.rooms import RoomsUnderTest

_names = (f"commands{os.getpid()}_{n}" for n in itertools.count())


class Commands(CommandListener):
    """Counts the commands that a client sends."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        self.sent[event.command_name] += 1

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def counted_rooms(
    io_loop: IOLoop, uri: str, driver: DriverName
) -> Iterator[tuple[RoomsUnderTest, Commands]]:
    """Rooms over an empty database, and the commands that they send."""
    commands = Commands()

    async def connect() -> Mongo:
        mongo = Mongo(uri, next(_names), driver, [commands], PATIENT_SECONDS)
        await ensure_indexes(mongo)
        return mongo

    mongo = cast(Mongo, io_loop.run_sync(connect))
    yield RoomsUnderTest(mongo), commands
    io_loop.run_sync(mongo.drop)
    io_loop.run_sync(mongo.close)
