"""The journal of a gate: what it keeps in one SQLite file, on disk before the door opens.

A scan is a row, named by its gate and nonce. What is to be uploaded goes in the order of the rows.
One thread does all the work: the loop waits for the disk, and serves others meanwhile (ADR 41).
Knows no rules and no network.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from passes.base.unreadable import system_words

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS parts (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS scans (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    gate TEXT NOT NULL,
    nonce TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL,
    digest TEXT,
    answer TEXT,
    item TEXT,
    serial TEXT,
    entry TEXT,
    settled_at TEXT,
    result TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS by_name ON scans (gate, nonce, kind);
CREATE INDEX IF NOT EXISTS by_serial ON scans (serial, n) WHERE entry IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_state ON scans (state, n) WHERE state IN ('asked', 'queued');
CREATE INDEX IF NOT EXISTS by_settling ON scans (settled_at) WHERE settled_at IS NOT NULL;
"""


class NotKept(Exception):
    """The disk does not take it, or give it back: full, read-only or broken. Nothing may open."""


class InUse(Exception):
    """Another program has this journal open, or it is no journal."""


class State(StrEnum):
    """Where a row is in its life."""

    ASKED = "asked"
    """The server is asked, and has not answered yet: no door has opened."""
    ANSWERED = "answered"
    """The server has answered, and knows it."""
    QUEUED = "queued"
    """Decided here, to be uploaded."""
    UPLOADED = "uploaded"
    """The server has taken it."""
    WRONG = "wrong"
    """The server never will; kept for people to look at."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a scan is called."""

    gate: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a scan, an annulment or an admission by hand.

    `digest` recognises what was shown, `answer` is what the gate was told, `item` is to be
    uploaded, and `entry` is what later decisions about the pass `serial` have to know.
    """

    name: Name
    at: datetime
    kind: str = "scan"
    digest: str | None = None
    answer: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    serial: str | None = None
    entry: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A row that waits to be uploaded."""

    n: int
    name: Name
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """A scan that was answered, when, and whether the server knows of it."""

    at: datetime
    answer: dict[str, Any]
    serial: str | None
    is_known_to_server: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What a scan of a pass has added, and when the server said that it knows it; None if it has
    not."""

    name: Name
    entry: dict[str, Any]
    settled_at: datetime | None


class Journal:
    """One file. A method that writes returns when it is on disk. All raise `NotKept`."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises `InUse`, `NotKept`."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._db = self._thread.submit(_opened, path).result()

    async def close(self) -> None:
        """Nothing is written any more."""
        await self._run(self._db.close)
        self._thread.shutdown()

    # Settings: the token, the name of the device, what else outlives the program.

    def settings(self) -> dict[str, Any]:
        """All of them; read once, before anybody is served."""
        rows = self._thread.submit(
            lambda: self._db.execute("SELECT name, value FROM settings").fetchall()
        ).result()
        return {name: json.loads(value) for name, value in rows}

    async def set(self, **settings: Any) -> None:
        """Keep settings, all or none; None removes one."""
        gone = [(name,) for name, value in settings.items() if value is None]
        kept = [(name, _json(value)) for name, value in settings.items() if value is not None]

        def write() -> None:
            self._db.executemany("DELETE FROM settings WHERE name = ?", gone)
            self._db.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", kept)

        await self._write(write)

    async def clear(self) -> None:
        """Forget a gate that this device was: its scans, its bundle and its settings."""

        def write() -> None:
            self._db.execute("DELETE FROM settings WHERE name <> 'enrolling'")
            self._db.execute("DELETE FROM parts")
            self._db.execute("DELETE FROM scans")

        await self._write(write)

    # Parts of bundles, by their SHA-256 in hexadecimal digits.

    async def parts(self) -> dict[str, bytes]:
        """Those that are kept."""
        rows = await self._run(lambda: self._db.execute("SELECT * FROM parts").fetchall())
        return dict(rows)

    async def keep_bundle(self, head: bytes, parts: dict[str, bytes]) -> None:
        """A bundle takes the place of the one before: its head, and all its parts. Those that have
        not changed are not written again: a new bundle comes every minute."""

        def write() -> None:
            kept = {sha256 for (sha256,) in self._db.execute("SELECT sha256 FROM parts")}
            gone, new = kept - parts.keys(), parts.keys() - kept
            self._db.executemany("DELETE FROM parts WHERE sha256 = ?", ((each,) for each in gone))
            self._db.executemany(
                "INSERT INTO parts VALUES (?, ?)", ((each, parts[each]) for each in new)
            )
            value = _json({"head": head.hex()})
            self._db.execute("INSERT OR REPLACE INTO settings VALUES ('bundle', ?)", (value,))

        await self._write(write)

    # Scans.

    async def asked(self, row: Row) -> None:
        """The server is about to be asked."""
        await self._write(lambda: self._put(row, State.ASKED, None))

    async def answered(self, row: Row) -> None:
        """The server has answered."""
        await self._write(lambda: self._put(row, State.ANSWERED, row.at))

    async def queued(self, *rows: Row) -> None:
        """Decided here; to be uploaded, in this order."""

        def write() -> None:
            for row in rows:
                self._put(row, State.QUEUED, None)

        await self._write(write)

    async def taken(self, row: Row) -> None:
        """What another program has decided is to be uploaded from here. It takes the place of what
        was decided here under the same name: whoever has the door knows better."""
        name = row.name.gate, row.name.nonce, row.kind

        def write() -> None:
            self._db.execute("DELETE FROM scans WHERE gate = ? AND nonce = ? AND kind = ?", name)
            self._put(row, State.QUEUED, None)

        await self._write(write)

    async def forget(self, name: Name) -> None:
        """The server would not have it."""
        await self._write(
            lambda: self._db.execute(
                "DELETE FROM scans WHERE gate = ? AND nonce = ? AND state = ?",
                (name.gate, name.nonce, State.ASKED),
            )
        )

    async def answer_to(self, name: Name, digest: str) -> dict[str, Any] | None:
        """What this scan of the same thing was answered, if it was."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT answer FROM scans WHERE gate = ? AND nonce = ? AND kind = 'scan'"
                " AND digest = ? AND answer IS NOT NULL",
                (name.gate, name.nonce, digest),
            ).fetchall()
        )
        return json.loads(rows[0][0]) if rows else None

    async def of_pass(self, serial: str) -> list[Entry]:
        """What was remembered of a pass and is not annulled, the oldest first."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT gate, nonce, entry, settled_at FROM scans AS each"
                " WHERE serial = ? AND entry IS NOT NULL AND NOT EXISTS ("
                "  SELECT 1 FROM scans AS annulment WHERE annulment.gate = each.gate"
                "  AND annulment.nonce = each.nonce AND annulment.kind = 'annul')"
                " ORDER BY n",
                (serial,),
            ).fetchall()
        )
        return [
            Entry(Name(gate, nonce), json.loads(entry), _instant(settled))
            for gate, nonce, entry, settled in rows
        ]

    async def scan_of(self, name: Name) -> Decided | None:
        """A scan that was answered."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT at, answer, serial, state FROM scans WHERE gate = ? AND nonce = ?"
                " AND kind = 'scan' AND answer IS NOT NULL",
                (name.gate, name.nonce),
            ).fetchall()
        )
        for at, answer, serial, state in rows:
            known = state != State.QUEUED
            return Decided(datetime.fromisoformat(at), json.loads(answer), serial, known)
        return None

    async def last_granted(self, gate: str) -> str | None:
        """The nonce of the newest scan of a gate that was granted."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT nonce FROM scans WHERE gate = ? AND kind = 'scan'"
                " AND json_extract(answer, '$.reason') = 'ok' ORDER BY n DESC LIMIT 1",
                (gate,),
            ).fetchall()
        )
        return rows[0][0] if rows else None

    async def unanswered(self, gate: str) -> list[Name]:
        """Scans of a gate whose answer nobody has seen, because the program ended."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT gate, nonce FROM scans WHERE state = ? AND gate = ? ORDER BY n",
                (State.ASKED, gate),
            ).fetchall()
        )
        return [Name(*each) for each in rows]

    async def is_asked(self, name: Name) -> bool:
        """Whether the server was asked about a scan, and nobody has seen its answer."""
        return name in await self.unanswered(name.gate)

    # Uploading.

    async def queue(self, most: int) -> list[Queued]:
        """The oldest that wait."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT n, gate, nonce, item FROM scans WHERE state = ? ORDER BY n LIMIT ?",
                (State.QUEUED, most),
            ).fetchall()
        )
        return [Queued(n, Name(gate, nonce), json.loads(item)) for n, gate, nonce, item in rows]

    async def length(self) -> int:
        """How many wait."""
        rows = await self._run(
            lambda: self._db.execute(
                "SELECT count(*) FROM scans WHERE state = ?", (State.QUEUED,)
            ).fetchall()
        )
        return int(rows[0][0])

    async def uploaded(
        self, results: Iterable[tuple[int, dict[str, Any], bool]], at: datetime
    ) -> None:
        """The server, whose clock says `at`, has answered for these rows. What was shown is wiped,
        but of those that it calls wrong."""
        changes = [
            (State.WRONG if wrong else State.UPLOADED, at.isoformat(), _json(result), wrong, n)
            for n, result, wrong in results
        ]
        await self._write(
            lambda: self._db.executemany(
                "UPDATE scans SET state = ?, settled_at = ?, result = ?,"
                " item = CASE WHEN ? THEN item END WHERE n = ?",
                changes,
            )
        )

    async def prune(self, before: datetime) -> int:
        """Remove what the server has taken before an instant, and what it was asked for a gate that
        did not ask again; how much that was."""
        instant = before.isoformat()
        return await self._write(
            lambda: (
                self._db.execute(
                    "DELETE FROM scans WHERE settled_at < ? AND state <> ? OR state = ? AND at < ?",
                    (instant, State.WRONG, State.ASKED, instant),
                ).rowcount
            )
        )

    async def newest_at(self) -> datetime | None:
        """When the newest row was made."""
        rows = await self._run(lambda: self._db.execute("SELECT max(at) FROM scans").fetchall())
        return _instant(rows[0][0])

    def _put(self, row: Row, state: State, settled_at: datetime | None) -> None:
        """Add a row, or take the place of the one that was asked."""
        name = row.name.gate, row.name.nonce
        self._db.execute(
            "DELETE FROM scans WHERE gate = ? AND nonce = ? AND kind = ? AND state = ?",
            (*name, row.kind, State.ASKED),
        )
        values = (
            *(*name, row.kind, row.at.isoformat(), state, row.digest),
            *(_json_or_none(row.answer), _json_or_none(row.item), row.serial),
            *(_json_or_none(row.entry), settled_at and settled_at.isoformat()),
        )
        self._db.execute(
            "INSERT OR IGNORE INTO scans (gate, nonce, kind, at, state, digest, answer, item,"
            " serial, entry, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    async def _write(self, work: Callable[[], T]) -> T:
        """Do some work as one transaction, which is on disk when this returns."""

        def transaction() -> T:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                return work()

        return await self._run(transaction)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise NotKept(str(error)) from None


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # one program, one journal
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 4194304")
        db.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise InUse(str(error)) from None
    except OSError as error:
        raise NotKept(system_words(error)) from None
    return db


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_or_none(value: Any) -> str | None:
    return None if value is None else _json(value)


def _instant(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
