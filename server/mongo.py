"""MongoDB: the only module that names a driver.

Motor by default, PyMongo's own async client with `BASHU_MONGO_DRIVER=pymongo`; ADR 0002 says when that becomes the
default. The stores see neither, but `Database`: the operations that both drivers share, with driver errors turned
into domain errors.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from motor.motor_tornado import MotorClient
from pymongo import AsyncMongoClient, IndexModel, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidURI,
    PyMongoError,
    WriteError,
)
from pymongo.monitoring import CommandListener

from passes.base.errors import Unavailable
from passes.base.text import Text
from passes.store.database import Document, Index, Sort
from server.errors import StartError
from server.settings import DriverName

log = logging.getLogger(__name__)

_CURSOR_BATCH = 500
_DUPLICATE_KEY = 11000

_OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "w": "majority",
    "journal": True,
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 20_000,
    "appname": "bashu-pass",
}


class Mongo:
    """A connected MongoDB database. Belongs to the event loop that runs when it is made."""

    def __init__(
        self, uri: str, name: str, driver: DriverName, listeners: Sequence[CommandListener] = ()
    ) -> None:
        """`name` counts if the URI names no database. Raises `StartError` for a URI that cannot be used."""
        make: Callable[..., Any] = MotorClient if driver == "motor" else AsyncMongoClient
        try:
            self._client = make(uri, event_listeners=listeners, **_OPTIONS)
            self._database: Any = self._client.get_default_database(name)
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise StartError(f"BASHU_MONGO_URI cannot be used: {error}") from None

    def collection(self, name: str) -> "MongoCollection":
        """The collection of that name."""
        return MongoCollection(self._database[name])

    async def ping(self) -> None:
        """Return if the database answers. Raises `Unavailable`."""
        async with _answering():
            await self._database.command("ping")

    async def drop(self) -> None:
        """Delete the whole database; for tests and benchmarks."""
        async with _answering():
            await self._client.drop_database(self._database.name)

    async def close(self) -> None:
        """Close all connections. Motor's `close` returns nothing, PyMongo's must be awaited."""
        closing = self._client.close()
        if closing is not None:
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class MongoCollection:
    """One collection, with the operations of `passes.store.database.Collection`."""

    def __init__(self, collection: Any) -> None:
        """`collection` is that of either driver."""
        self._collection = collection

    async def get(self, where: Document) -> Document | None:
        """One document."""
        async with _answering():
            found: Document | None = await self._collection.find_one(where)
            return found

    async def find(self, where: Document, sort: Sort = (), limit: int = 0) -> list[Document]:
        """Documents in order, all of them if `limit` is 0."""
        async with _answering():
            cursor = self._collection.find(where, limit=limit, sort=list(sort) or None)
            found: list[Document] = await cursor.to_list(None)
            return found

    async def each(self, where: Document) -> AsyncIterator[Document]:
        """Documents one after the other, through a cursor, as they are found."""
        async with _answering():
            async for document in self._collection.find(where, batch_size=_CURSOR_BATCH):
                yield document

    async def count(self) -> int:
        """About how many documents there are."""
        async with _answering():
            return int(await self._collection.estimated_document_count())

    async def insert(self, document: Document) -> bool:
        """Insert; False if a unique key is taken."""
        async with _answering():
            try:
                await self._collection.insert_one(document)
            except DuplicateKeyError:
                return False
            return True

    async def insert_each(self, documents: Sequence[Document]) -> Sequence[bool]:
        """Insert many documents in one round trip; for each False if a unique key is taken."""
        if len(documents) == 1:
            return [await self.insert(documents[0])]
        async with _answering():
            try:
                await self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                return _stored(len(documents), error)
            return [True] * len(documents)

    async def update(self, where: Document, change: Document, *, upsert: bool = False) -> bool:
        """Change one document; False if there is none like that, or a unique key is taken."""
        async with _answering():
            try:
                done = await self._collection.update_one(where, change, upsert=upsert)
            except DuplicateKeyError:
                return False
            return bool(done.matched_count or done.upserted_id is not None)

    async def update_each(self, changes: Iterable[tuple[Document, Document]]) -> None:
        """Change many documents, each by its own filter, in one round trip; those not found are passed over."""
        operations = [UpdateOne(where, change) for where, change in changes]
        if operations:
            async with _answering():
                await self._collection.bulk_write(operations, ordered=False)

    async def delete(self, where: Document) -> None:
        """Delete every document like that."""
        async with _answering():
            await self._collection.delete_many(where)

    async def ensure(self, index: Index) -> None:
        """Make the index if it is missing."""
        options: dict[str, Any] = {"unique": True} if index.unique else {}
        if index.expire_seconds is not None:
            options["expireAfterSeconds"] = index.expire_seconds
        async with _answering():
            await self._collection.create_indexes(
                [IndexModel(list(index.keys), name=index.name, **options)]
            )


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
async def _answering() -> AsyncIterator[None]:
    """Whatever the driver raises for want of an answer becomes `Unavailable`."""
    try:
        yield
    except (DuplicateKeyError, BulkWriteError):
        raise
    except PyMongoError as error:
        log.warning("the database did not answer as it should: %s: %s", type(error).__name__, error)
        raise Unavailable(
            "database_unavailable",
            Text("系统繁忙，请稍后重试", "the database does not answer; try again later"),
        ) from error
