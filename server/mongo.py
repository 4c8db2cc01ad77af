"""MongoDB: the only module that names a driver.

PyMongo's own async client by default, Motor with `BASHU_MONGO_DRIVER=motor` (ADR 0002). The stores
see neither, but `Database`: the operations that both drivers share, with driver errors turned into
domain errors.

Neither driver can be relied on to end an operation that is cancelled: on Python 3.11 PyMongo's
server selection may swallow the cancellation, and Motor's thread goes on. So an operation ends by
its own deadline, or because its client is closed; loops around operations end by an event; and
nothing here is called under `asyncio.wait_for`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pymongo
from pymongo import AsyncMongoClient, IndexModel, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WriteError,
)
from pymongo.monitoring import CommandListener

from passes.base.errors import Damaged, Unavailable
from passes.base.text import Text
from passes.store.database import Document, Index, Sort
from server.errors import StartError
from server.settings import DriverName

log = logging.getLogger(__name__)

_CURSOR_BATCH = 500
_DUPLICATE_KEY = 11000
_ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase")
SERVING_SECONDS = 4.5
"""How long one operation may take where somebody waits for a reply."""
PATIENT_SECONDS = 60.0
"""How long one operation of a command may take: reports read everything."""

_INDEX_SECONDS = 600.0
"""How long a database may take to make an index of what it has, or to delete it."""

_HOW_TO_WRITE_A_URI = (
    "write mongodb://USER:PASSWORD@HOST:PORT/DATABASE, with options after ?; in a password"
    " @ : / ? # % are written %40 %3A %2F %3F %23 %25"
)

_CLOSE_SECONDS = 0.1
"""How long closing may look for a server to say goodbye to. Drivers look every half second."""

_OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "w": "majority",
    "journal": True,
    "readConcernLevel": "majority",
    "serverSelectionTimeoutMS": 4_500,
    "connectTimeoutMS": 4_500,
    "appname": "bashu-pass",
}


def _client_class(driver: DriverName) -> Callable[..., Any]:
    """What makes a client of a driver. Motor is imported only where it is chosen."""
    if driver == "pymongo":
        return AsyncMongoClient
    from motor.motor_tornado import MotorClient  # noqa: PLC0415

    return MotorClient


class Mongo:
    """A connected MongoDB database. Belongs to the event loop that runs when it is made."""

    def __init__(
        self,
        uri: str,
        name: str,
        driver: DriverName,
        listeners: Sequence[CommandListener] = (),
        seconds: float = SERVING_SECONDS,
    ) -> None:
        """`name` counts if the URI names none; an operation may take so many `seconds`.

        Raises `StartError` for a URI that cannot be used.
        """
        try:
            self._client = _client_class(driver)(
                uri, event_listeners=listeners, timeoutMS=seconds * 1000, **_OPTIONS
            )
            self._database: Any = self._client.get_default_database(name)
        except (InvalidURI, ConfigurationError, ValueError):
            raise StartError(f"BASHU_MONGO_URI cannot be used: {_HOW_TO_WRITE_A_URI}") from None
        self._seconds = seconds
        self._closing: asyncio.Task[None] | None = None

    def collection(self, name: str) -> "MongoCollection":
        """The collection of that name."""
        return MongoCollection(self._database[name], self._seconds)

    async def ping(self) -> None:
        """Return if the database answers. Raises `Unavailable`."""
        async with _answering(min(self._seconds, SERVING_SECONDS)):
            await self._database.command("ping")

    async def clock(self) -> datetime:
        """The time by the clock of the database."""
        async with _answering(self._seconds):
            told: datetime = (await self._database.command("hello"))["localTime"]
            return told.replace(tzinfo=UTC)

    async def engine(self) -> str:
        """Which database it is, in words: `MongoDB 8.0.4`."""
        async with _answering(self._seconds):
            told = await self._database.command("buildInfo")
        embedded = told.get("secantusVersion")
        if embedded is not None:
            return f"SecantusDB {embedded}, which speaks as MongoDB {told['version']}"
        return f"MongoDB {told['version']}"

    async def drop(self) -> None:
        """Delete the whole database; for tests and benchmarks."""
        async with _answering(_INDEX_SECONDS):
            await self._client.drop_database(self._database.name)

    def give_up(self) -> None:
        """Wait for the database no longer: it is known to be gone.

        Operations that wait for it raise `Unavailable` within about a second, later ones at once.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def close(self) -> None:
        """Close all connections, within about a second even if the database does not answer."""
        self.give_up()
        if self._closing is not None:
            await self._closing

    async def _close(self) -> None:
        with pymongo.timeout(_CLOSE_SECONDS):
            if isinstance(self._client, AsyncMongoClient):
                await self._client.close()
            else:
                await asyncio.to_thread(self._client.close)  # Motor's would hold up the event loop

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class MongoCollection:
    """One collection, with the operations of `passes.store.database.Collection`."""

    def __init__(self, collection: Any, seconds: float) -> None:
        """`collection` is that of either driver; an operation may take so many `seconds`."""
        self._collection = collection
        self._seconds = seconds

    async def get(self, where: Document) -> Document | None:
        """One document."""
        async with _answering(self._seconds):
            found: Document | None = await self._collection.find_one(where)
            return found

    async def find(self, where: Document, sort: Sort = (), limit: int = 0) -> list[Document]:
        """Documents in order, all of them if `limit` is 0."""
        async with _answering(self._seconds):
            cursor = self._collection.find(where, limit=limit, sort=list(sort) or None)
            found: list[Document] = await cursor.to_list(None)
            return found

    async def each(self, where: Document, seconds: float | None = None) -> AsyncIterator[Document]:
        """Documents one after the other, through a cursor, as they are found; a batch may take as
        long as any operation, or so many `seconds`."""
        cursor = self._collection.find(where, batch_size=_CURSOR_BATCH)
        batch: list[Document] = []
        while batch or cursor.alive:
            for document in batch:  # outside of the deadline, which is that of one batch
                yield document
            async with _answering(seconds or self._seconds):
                batch = await cursor.to_list(_CURSOR_BATCH)

    async def count(self) -> int:
        """About how many documents there are."""
        async with _answering(self._seconds):
            return int(await self._collection.estimated_document_count())

    async def insert(self, document: Document) -> bool:
        """Insert; False if a unique key is taken."""
        async with _answering(self._seconds):
            try:
                await self._collection.insert_one(document)
            except DuplicateKeyError:
                return False
            return True

    async def insert_each(self, documents: Sequence[Document]) -> Sequence[bool]:
        """Insert many documents in one round trip; for each False if a unique key is taken."""
        if len(documents) == 1:
            return [await self.insert(documents[0])]
        async with _answering(self._seconds):
            try:
                await self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                return _stored(len(documents), error)
            return [True] * len(documents)

    async def update(self, where: Document, change: Document, *, upsert: bool = False) -> bool:
        """Change one document; False if there is none like that, or a unique key is taken."""
        async with _answering(self._seconds):
            try:
                done = await self._collection.update_one(where, change, upsert=upsert)
            except DuplicateKeyError:
                return False
            return bool(done.matched_count or done.upserted_id is not None)

    async def update_each(self, changes: Iterable[tuple[Document, Document]]) -> None:
        """Change many documents, each by its own filter, in one round trip; those not found are
        passed over."""
        operations = [UpdateOne(where, change) for where, change in changes]
        if operations:
            async with _answering(self._seconds):
                await self._collection.bulk_write(operations, ordered=False)

    async def delete(self, where: Document) -> None:
        """Delete every document like that."""
        async with _answering(self._seconds):
            await self._collection.delete_many(where)

    async def ensure(self, index: Index) -> None:
        """Make the index if it is missing."""
        options: dict[str, Any] = {"unique": True} if index.unique else {}
        if index.expire_seconds is not None:
            options["expireAfterSeconds"] = index.expire_seconds
        model = IndexModel(list(index.keys), name=index.name, **options)
        async with _answering(_INDEX_SECONDS):
            try:
                await self._collection.create_indexes([model])
            except DuplicateKeyError as error:
                raise _damaged(error) from error

    async def indexes(self) -> dict[str, dict[str, Any]]:
        """The indexes that there are, by name: `key`, `unique`, `expireAfterSeconds`."""
        async with _answering(self._seconds):
            found: dict[str, dict[str, Any]] = await self._collection.index_information()
            return found

    async def drop_index(self, name: str) -> None:
        """Drop the index of that name, if there is one."""
        async with _answering(_INDEX_SECONDS):
            if name in await self._collection.index_information():
                await self._collection.drop_index(name)


async def set_password(uri: str, certificate: Path, user: str, password: str) -> None:
    """Give a database without passwords its one user, with a new password.

    `certificate` is shown to the database, and is the only one that is trusted. Raises
    `Unavailable`.
    """
    path = str(certificate)
    tls: dict[str, Any] = {"tls": True, "tlsCAFile": path, "tlsCertificateKeyFile": path}
    settings: dict[str, Any] = {"pwd": password, "roles": list(_ROLES)}
    made: AsyncMongoClient[Document] = AsyncMongoClient(uri, **tls, **_OPTIONS)
    async with made as client, _answering(SERVING_SECONDS):
        # Whoever could reach it while it asked for no password may have made users there, too.
        found = [each["db"] async for each in client.admin["system.users"].find({})]
        for database in {"admin", *found}:
            await client[database].command("dropAllUsersFromDatabase")
            await client[database].command("dropAllRolesFromDatabase")
        await client.admin.command("createUser", user, **settings)


def _stored(count: int, error: BulkWriteError) -> Sequence[bool]:
    """Which of so many documents were stored, by what an unordered bulk write reports.

    Raises the error anew if that is not known, or for another reason than a key that is taken.
    """
    refused = error.details.get("writeErrors", [])
    unsure = error.details.get("writeConcernErrors")
    if unsure or any(each["code"] != _DUPLICATE_KEY for each in refused):
        raise WriteError("a bulk write was not stored as it should", details=error.details)
    taken = {each["index"] for each in refused}
    return [number not in taken for number in range(count)]


@asynccontextmanager
async def _answering(seconds: float) -> AsyncIterator[None]:
    """What the driver raises for want of an answer, in so many seconds, becomes `Unavailable`.

    The deadline is set here, not by the client's `timeoutMS` alone: with Motor an operation first
    waits for one of a few threads, and that time has to count, too.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except (DuplicateKeyError, BulkWriteError):
        raise
    except PyMongoError as error:
        if _heals(error):
            raise _no_answer(error) from error
        raise _damaged(error) from error


def _no_answer(error: PyMongoError) -> Unavailable:
    log.warning("the database did not answer as it should: %s: %s", type(error).__name__, error)
    text = Text("系统繁忙，请稍后重试", "the database does not answer; try again later")
    return Unavailable("database_unavailable", text)


def _damaged(error: PyMongoError) -> Damaged:
    log.error("the database cannot do its work: %s: %s", type(error).__name__, error)
    text = Text(
        "数据库故障，请联系运营人员查看服务器日志",
        "the database cannot do its work; the log of the server says why, an operator has to help",
    )
    return Damaged("database_damaged", text)


def _heals(error: PyMongoError) -> bool:
    """Whether the next try may succeed: nobody answered in time, or a server is just changing.

    What a server answers otherwise (a damaged or different index, a right that is missing) stays
    until somebody corrects it.
    """
    if not isinstance(error, OperationFailure) or error.timeout or error.code is None:
        return True
    if any(error.has_error_label(label) for label in _LABELS_OF_PASSING):
        return True
    return error.code in _CODES_OF_PASSING


_LABELS_OF_PASSING = ("RetryableWriteError", "TransientTransactionError", "RetryableError")
_CODES_OF_PASSING = frozenset(
    # by MongoDB's error_codes.yml: a server is not reached, stops, steps down, waits or is too busy
    {6, 7, 24, 46, 50, 64, 89, 91, 100, 112, 134, 189, 262, 317, 358}
    | {9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436}
)
