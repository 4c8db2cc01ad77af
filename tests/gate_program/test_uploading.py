"""Uploads: in order, some hundreds a call; a poison item keeps nobody back."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from scripts.gate import clock as clocks
from scripts.gate.client import Client, NoAnswer, Refused
from scripts.gate.clock import GateClock
from scripts.gate.journal import Journal, Name, Row
from scripts.gate.uploading import MOST_ITEMS, reckoned, upload_once
from tests.support.build import NOW

GATE = "emeishan-7qx2"


RECORDED: dict[str, Any] = {"result": "recorded", "conflict": None, "error": None}
ANSWERS: dict[str, dict[str, Any]] = {
    "wrong": {"result": "wrong", "error": {"code": "item_invalid"}},
    "later": {"result": "later", "error": {"code": "busy"}},
    "other": {"result": "wrong", "error": {"code": "gate_not_behind"}},
    "gone": {"result": "wrong", "error": {"code": "scan_unknown"}},
    "excess": {"result": "conflict", "conflict": "7KQ2M9XD", "error": None},
}


class Recipient:
    """Takes uploads. Items say by their nonce what it answers: `wrong`, `later`; `poison` is a body
    that it cannot read, `other` an item of another gate, from somebody who is no hub."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200

    def answer(self, handler: RequestHandler) -> None:
        body = json.loads(handler.request.body)
        nonces = [item["nonce"] for item in body["items"]]
        if self.status != 200 or "poison" in nonces:
            handler.set_status(422 if self.status == 200 else self.status)
            handler.finish({"code": "body_invalid", "detail": "wrong"})
            return
        self.bodies.append(body)
        results = [{"nonce": nonce, **ANSWERS.get(nonce, RECORDED)} for nonce in nonces]
        handler.finish({"received_at": NOW.isoformat(), "skew_ms": 0, "items": results})


@asynccontextmanager
async def recipient() -> AsyncIterator[tuple[Recipient, Client]]:
    made = Recipient()

    class Handler(RequestHandler):
        def post(self) -> None:
            made.answer(self)

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/api/v1/gate/scans/batch", Handler)]))
    server.add_sockets(sockets)
    try:
        yield made, Client([f"http://127.0.0.1:{sockets[0].getsockname()[1]}"], "token")
    finally:
        server.stop()
        await server.close_all_connections()


@pytest.fixture
def journal(io_loop: IOLoop, tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "gate.db")
    yield made
    io_loop.run_sync(made.close)


def row(nonce: str, **more: Any) -> Row:
    item = {"kind": "scan", "nonce": nonce, "scanned_at": NOW.isoformat(), **more}
    return Row(Name(GATE, nonce), NOW, item=item)


async def all_of(client: Client, journal: Journal) -> list[int]:
    """How many items each call took."""
    sent = []
    while uploaded := (await upload_once(client, journal, GateClock(), None)).items:
        sent.append(uploaded)
    return sent


async def test_3000_scans_go_in_order_in_six_calls(journal: Journal) -> None:
    await journal.queued(*(row(f"n{n}") for n in range(3000)))
    async with recipient() as (taken, client):
        assert await all_of(client, journal) == [MOST_ITEMS] * 6
    nonces = [item["nonce"] for body in taken.bodies for item in body["items"]]
    assert nonces == [f"n{n}" for n in range(3000)]


async def test_a_long_queue_fits_into_bodies(journal: Journal) -> None:
    await journal.queued(*(row(f"n{n}", code="x" * 1024) for n in range(600)))
    async with recipient() as (taken, client):
        await all_of(client, journal)
    assert sum(len(body["items"]) for body in taken.bodies) == 600
    assert max(len(json.dumps(body)) for body in taken.bodies) <= 512 * 1024


async def test_a_poison_item_is_set_aside_and_the_others_arrive(journal: Journal) -> None:
    nonces = [f"n{n}" for n in range(20)] + ["poison", "wrong"] + [f"m{n}" for n in range(20)]
    await journal.queued(*map(row, nonces))
    async with recipient() as (taken, client):
        await all_of(client, journal)
        assert await journal.length() == 0
    arrived = [item["nonce"] for body in taken.bodies for item in body["items"]]
    assert arrived == [nonce for nonce in nonces if nonce != "poison"]


async def test_what_the_server_wants_later_or_from_another_stays_in_the_queue(
    journal: Journal,
) -> None:
    nonces = ["later", "n1", "other", "excess", "wrong"]
    await journal.queued(*map(row, nonces), row("gone", kind="annul"))
    async with recipient() as (_, client):
        uploaded = await upload_once(client, journal, GateClock(), None)
        again = await upload_once(client, journal, GateClock(), None)
    assert (uploaded.items, uploaded.conflicts, again.items) == (4, ["7KQ2M9XD"], 0)
    assert [each["nonce"] for each in uploaded.wrong] == ["wrong"]
    assert uploaded.is_no_hub
    assert [each.name.nonce for each in await journal.queue(10)] == ["later", "other"]
    assert await journal.prune(NOW + timedelta(days=99)) == 3, "what is wrong stays"


async def test_what_fails_stays_in_the_queue(journal: Journal) -> None:
    await journal.queued(row("n1"))
    async with recipient() as (taken, client):
        for status, raised in ((503, NoAnswer), (401, Refused)):
            taken.status = status
            with pytest.raises(raised):
                await upload_once(client, journal, GateClock(), None)
    with pytest.raises(NoAnswer):
        await upload_once(client, journal, GateClock(), None)
    assert await journal.length() == 1


async def test_instants_are_right_though_the_clock_was_set_meanwhile(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scanned by a clock that was an hour behind, a minute before it was set."""
    monkeypatch.setattr(clocks, "wall", lambda: NOW)
    await journal.queued(row("n1", **reckoned()))
    began = clocks.steady()
    monkeypatch.setattr("scripts.gate.uploading.steady", lambda: began + 60)
    clock = GateClock()
    clock.learn(NOW + timedelta(hours=1), clocks.steady())
    async with recipient() as (taken, client):
        await upload_once(client, journal, clock, None)
    (body,) = taken.bodies
    (item,) = body["items"]
    assert "reckoned" not in item
    sent_at, scanned_at = map(datetime.fromisoformat, (body["sent_at"], item["scanned_at"]))
    late = sent_at - scanned_at
    assert abs(late - timedelta(minutes=1)) < timedelta(seconds=2)
