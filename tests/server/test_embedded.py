"""The embedded database lets in nobody without its password, from the first moment on."""

import asyncio
import re
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from server.datadir import mark_engine
from server.embedded import ENGINE, embedded_database
from server.mongo import Mongo
from tests.support.waiting import until

pytestmark = pytest.mark.slow

WRITES_A_FILE = "secantusAdmin.backupArchive"


def refusal(uri: str, command: str, **arguments: Any) -> str:
    """Why a command is refused, or what it answers."""
    with MongoClient[Mapping[str, Any]](uri, serverSelectionTimeoutMS=2000) as client:
        try:
            return str(client.admin.command(command, **arguments))
        except OperationFailure as error:
            return str(error.code)
        except PyMongoError as error:
            return type(error).__name__


def without_password(uri: str) -> str:
    _, _, address = uri.partition("@")
    return f"mongodb://{address}".replace("&authSource=admin", "")


UNAUTHORIZED, AUTHENTICATION_FAILED = "13", "18"


async def test_a_neighbour_overwrites_files_through_the_embedded_database(tmp_path: Path) -> None:
    """It listened on loopback without a password, and its commands write any file of its user."""
    target = tmp_path / "target.tar.gz"
    async with embedded_database(tmp_path) as uri:
        stranger = without_password(uri)
        for each in (stranger, uri):
            assert await asyncio.to_thread(
                refusal, each, WRITES_A_FILE, outputPath=str(target)
            ) == (UNAUTHORIZED)
        assert await asyncio.to_thread(refusal, stranger, "listDatabases") == UNAUTHORIZED
        assert await asyncio.to_thread(refusal, stranger, "createUser", pwd="x") == UNAUTHORIZED
    assert not target.exists()


async def test_a_first_start_is_open_until_there_is_a_password(tmp_path: Path) -> None:
    """Somebody who waits for the port finds nothing open there, with or without TLS."""
    log, answers = tmp_path / "mongodb.log", []
    seen: list[str] = []

    def address() -> str | None:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        found = re.search(r"listening on (\S+)", text)
        return found[1] if found and found[1] not in seen else None

    async def rival() -> None:
        while len(seen) < 2:  # the first start listens twice
            await until(lambda: address() is not None, "the database listens")
            seen.append(address() or "")
            tries = ("", "&tls=true&tlsInsecure=true")
            for options in tries:
                uri = f"mongodb://{seen[-1]}/?directConnection=true{options}"
                answers.append(await asyncio.to_thread(refusal, uri, "listDatabases"))

    trying = asyncio.create_task(rival())
    async with embedded_database(tmp_path):
        await trying
    refused = {UNAUTHORIZED, "ServerSelectionTimeoutError", "AutoReconnect", "NetworkTimeout"}
    assert set(answers) <= refused, answers
    assert UNAUTHORIZED in answers, "the second is reached"


async def test_the_password_is_for_the_owner_alone_and_stays(tmp_path: Path) -> None:
    password = tmp_path / "mongodb" / "password"
    async with embedded_database(tmp_path) as uri:
        first = password.read_text(encoding="utf-8")
        assert first in uri
        assert (tmp_path / "mongodb.uri").read_text(encoding="utf-8") == uri
        for file in (password, tmp_path / "mongodb.uri"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert first not in (tmp_path / "mongodb.log").read_text(encoding="utf-8")
        async with Mongo(uri, "kept", "pymongo") as mongo:
            await mongo.collection("things").insert({"_id": 1})
    assert not (tmp_path / "mongodb.pem").exists(), "it is of no use any more"
    async with embedded_database(tmp_path) as uri, Mongo(uri, "kept", "motor") as mongo:
        assert first in uri
        assert await mongo.collection("things").find({}) == [{"_id": 1}]


async def test_a_first_start_that_was_cut_short_locks_nobody_out(tmp_path: Path) -> None:
    """After a crash the database knows a password that nobody has kept."""
    async with embedded_database(tmp_path) as before:
        pass
    (tmp_path / "mongodb" / "password").unlink()
    async with embedded_database(tmp_path) as uri, Mongo(uri, "kept", "pymongo") as mongo:
        await mongo.ping()
        assert await mongo.collection("things").find({}) == []
        _, _, address = uri.partition("@")
        old, _, _ = before.partition("@")
        answer = await asyncio.to_thread(refusal, f"{old}@{address}", "listDatabases")
        assert answer == AUTHENTICATION_FAILED


async def test_users_planted_while_there_was_no_password_are_gone(tmp_path: Path) -> None:
    """A version before let in everybody, who could have made users for later."""
    mark_engine(tmp_path, ENGINE)
    async with an_open_database(tmp_path) as address:
        for database in ("admin", "other"):
            with MongoClient[Mapping[str, Any]](
                f"mongodb://{address}/?directConnection=true"
            ) as old:
                old[database].command(
                    "createUser", "planted", pwd="secret", roles=[{"role": "root", "db": "admin"}]
                )
    async with embedded_database(tmp_path) as uri:
        _, _, address = uri.partition("@")
        address = address.partition("/")[0]
        for database in ("admin", "other"):
            planted = (
                f"mongodb://planted:secret@{address}/?directConnection=true&authSource={database}"
            )
            answer = await asyncio.to_thread(refusal, planted, "listDatabases")
            assert answer == AUTHENTICATION_FAILED


@asynccontextmanager
async def an_open_database(data_dir: Path) -> AsyncIterator[str]:
    """The database as a version before has started it; yields its address."""
    log = data_dir / "open.log"
    program = Path(sys.executable).parent / ENGINE
    arguments = ["--storage-path", str(data_dir / "mongodb"), "--host", "127.0.0.1", "--port", "0"]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            str(program), *arguments, "--standalone", "--log-level", "INFO", stdout=out, stderr=out
        )
    try:
        found = re.compile(r"listening on (\S+)")
        await until(lambda: found.search(log.read_text("utf-8")) is not None, "it listens")
        listening = found.search(log.read_text("utf-8"))
        assert listening is not None
        yield listening[1]
    finally:
        process.terminate()
        await process.wait()
