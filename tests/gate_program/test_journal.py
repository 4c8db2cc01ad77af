"""The journal: what it keeps outlives the program, and what it cannot keep it says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from scripts.gate.journal import InUse, Journal, Name, NotKept, Row
from tests.support.build import NOW

SCAN = Name("emeishan-7qx2", "n1")
SERIAL = "70a69d540b54f65e"


def row(nonce: str, serial: str = SERIAL, kind: str = "scan") -> Row:
    name = Name(SCAN.gate, nonce)
    return Row(
        name, NOW, kind, "d", {"verdict": "admitted"}, {"nonce": nonce}, serial, {"people": 1}
    )


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    journal = Journal(path / "gate.db")
    try:
        yield journal
    finally:
        await journal.close()


async def bounded(journal: Journal, pages: int) -> None:
    """Bound the file to so many pages, or to what it has if that is more."""
    await journal._run(lambda: journal._db.execute(f"PRAGMA max_page_count = {pages}").fetchall())


async def test_what_is_kept_outlives_the_program(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.set(token="t", device="d", gone=1)
        await journal.set(gone=None)
        await journal.queued(row("n1"), row("n2"))
        await journal.keep_bundle(b"head", {"ab": b"part"})
    async with opened(tmp_path) as journal:
        settings = journal.settings()
        assert settings == {"token": "t", "device": "d", "bundle": {"head": b"head".hex()}}
        assert await journal.parts() == {"ab": b"part"}
        assert [each.name.nonce for each in await journal.queue(10)] == ["n1", "n2"]
        assert [each.name.nonce for each in await journal.of_pass(SERIAL)] == ["n1", "n2"]


async def test_used_serials_are_remembered_after_upload_and_pruned_at_last(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.queued(row("n1"), row("n2"))
        (first, _) = await journal.queue(2)
        await journal.uploaded([(first.n, {"result": "recorded"}, False)], NOW)
        assert await journal.length() == 1
        uploaded, waiting = await journal.of_pass(SERIAL)
        assert (uploaded.settled_at, waiting.settled_at) == (NOW, None)
        assert await journal.prune(NOW) == 0
        assert await journal.prune(NOW + timedelta(seconds=1)) == 1
        assert [each.name.nonce for each in await journal.of_pass(SERIAL)] == ["n2"]


async def test_an_annulled_admission_counts_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.queued(row("n1"), row("n2"))
        await journal.queued(row("n1", kind="annul"))
        assert [each.name.nonce for each in await journal.of_pass(SERIAL)] == ["n2"]


async def test_a_scan_that_was_asked_becomes_one_row(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.asked(Row(SCAN, NOW))
        assert await journal.unanswered(SCAN.gate) == [SCAN]
        assert await journal.answer_to(SCAN, "d") is None
        await journal.answered(row("n1"))
        assert await journal.unanswered(SCAN.gate) == []
        assert await journal.length() == 0
        assert await journal.answer_to(SCAN, "d") == {"verdict": "admitted"}
        assert await journal.answer_to(SCAN, "another code") is None
        await journal.queued(row("n1"))
        assert await journal.length() == 0, "what stands there is not decided again"


async def test_a_full_disk_keeps_nothing_by_halves(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.queued(row("n1"))
        await bounded(journal, 1)
        with pytest.raises(NotKept, match="full"):
            await journal.queued(*(row(f"n{n}") for n in range(2, 500)))
        assert await journal.length() == 1
        await bounded(journal, 1_000_000)
        await journal.queued(row("n2"))
        assert await journal.length() == 2


async def test_one_journal_is_of_one_program(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(InUse):
            Journal(tmp_path / "gate.db")
    (tmp_path / "photo.db").write_bytes(b"x" * 5000)
    with pytest.raises(InUse):
        Journal(tmp_path / "photo.db")


async def test_a_journal_is_for_the_eyes_of_its_owner(tmp_path: Path) -> None:
    async with opened(tmp_path):
        assert (tmp_path / "gate.db").stat().st_mode & 0o077 == 0
