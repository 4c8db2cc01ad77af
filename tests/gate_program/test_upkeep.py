"""Beside the scans: the line is lost and comes back, the queue is uploaded, the bundle and the
token are renewed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from passes.admission.offline.bundle import Bundle, BundleKey, encode, sign
from scripts.gate.journal import Name, Row
from tests.support.build import NOW
from tests.support.bundles import BUNDLE_KEY, bundle
from tests.support.gate_programs import Program, clock_at, gate_program
from tests.support.line import Line, line_to
from tests.support.waiting import until
from tests.support.world import World


@dataclass
class Server:
    """Answers what a gate program asks beside its scans, as docs/gate-protocol.md has it."""

    bundle: Bundle = field(default_factory=bundle)
    key: BundleKey = BUNDLE_KEY
    status: int = 200
    disabled: bool = False
    beats: list[dict[str, Any]] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)
    renewals: list[dict[str, Any]] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    """How many bytes each bundle had."""

    def answer(self, handler: RequestHandler, path: str) -> None:
        handler.set_status(self.status)
        if self.status != 200:
            handler.finish({"code": "token_withdrawn", "detail": "ended"})
            return
        body = json.loads(handler.request.body or b"{}")
        package = sign(self.bundle, self.key)
        now = {"server_time": NOW.isoformat(), "received_at": NOW.isoformat()}
        if path == "heartbeat":
            self.beats.append(body)
            commands = {"disabled": self.disabled, "renew_token": False, "stop": None}
            handler.finish({**now, "commands": commands, "bundle_etag": package.etag})
        elif path == "bundle":
            have = frozenset(handler.get_query_argument("have", "").split(","))
            self.fetched.append(len(encode(package, have)))
            handler.finish(encode(package, have))
        elif path == "renew":
            self.renewals.append(body)
            ends = (NOW + timedelta(days=366)).isoformat()
            handler.finish({"token": "fresh", "token_expires_at": ends})
        else:
            nonces = [item["nonce"] for item in body["items"]]
            self.uploaded += nonces
            results = [{"nonce": nonce, "result": "recorded", "conflict": None} for nonce in nonces]
            handler.finish({**now, "items": results})


@asynccontextmanager
async def kept_up(world: World, folder: Path) -> AsyncIterator[tuple[Server, Line, Program]]:
    """A server, a line to it, and a program whose upkeep has not begun."""
    made = Server()

    class Handler(RequestHandler):
        def post(self, path: str) -> None:
            made.answer(self, path.rpartition("/")[2])

        get = post

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/api/v1/gate/(.*)", Handler)]))
    server.add_sockets(sockets)
    try:
        async with (
            line_to(sockets[0].getsockname()[1]) as line,
            gate_program(world, line, folder) as program,
        ):
            yield made, line, program
    finally:
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[None]:
    task = asyncio.create_task(program.upkeep.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_line_comes_back_and_the_queue_goes_up_meanwhile(
    world: World, tmp_path: Path
) -> None:
    held = [await world.issue() for _ in range(5)]
    async with kept_up(world, tmp_path) as (server, line, program), running(program):
        await until(lambda: "bundle" in program.told, "a bundle is held")
        line.cut()
        await until(lambda: "offline" in program.told, "a beat finds out that the line is cut")
        for each in held:
            assert await program.verdict(world.live(each)) == "ok offline"
        assert server.uploaded == []
        line.heal()
        await until(lambda: "online" in program.told, "a probe finds out that it is back")
        await until(lambda: len(server.uploaded) == 5, "the queue has arrived")
        await until(lambda: server.beats[-1]["queued"] == 0, "and nothing waits")
        assert program.told.count("offline") == program.told.count("online") == 1


async def test_a_beat_says_how_the_gate_is(world: World, tmp_path: Path) -> None:
    held = await world.issue()
    async with kept_up(world, tmp_path) as (server, _, program):
        await program.upkeep.beat()
        program.device.line.online = False
        assert await program.verdict(world.live(held)) == "ok offline"
        await program.upkeep.beat()
        first, second = server.beats
        assert first["bundle"] is None
        assert second == {
            "version": "bashu-gate 1.0",
            "queued": 1,
            "skew_ms": second["skew_ms"],
            "bundle": {"epoch": 0, "number": 1782871200000, "made_at": NOW.isoformat()},
            "last_scan_at": second["last_scan_at"],
            "counters": {"in": 1, "out": 0, "inside": 1},
        }


async def test_a_bundle_comes_by_parts_and_survives_a_start(world: World, tmp_path: Path) -> None:
    async with kept_up(world, tmp_path) as (server, _, program):
        await program.upkeep.beat()
        await program.upkeep.beat()
        assert len(server.fetched) == 1, "it has not changed"
        server.bundle = bundle(made_at=NOW + timedelta(minutes=5))
        await program.upkeep.beat()
        first, second = server.fetched
        assert second < first / 2, "the parts that it has are not sent again"
        held = program.device.held
        assert held.bundle is not None
        assert held.bundle.made_at == NOW + timedelta(minutes=5)
        after = type(held)(program.device.enrolment)
        await after.restore(program.device.journal)
        assert after.etag == held.etag


async def test_an_older_bundle_and_one_of_somebody_else_are_not_taken(
    world: World, tmp_path: Path
) -> None:
    async with kept_up(world, tmp_path) as (server, _, program):
        await program.upkeep.beat()
        held = program.device.held.etag
        stranger = BundleKey(1, Ed25519PrivateKey.generate())
        for made_at, key in ((NOW - timedelta(hours=1), BUNDLE_KEY), (NOW, stranger)):
            server.bundle, server.key = bundle(made_at=made_at, epoch=0), key
            await program.upkeep.beat()
            assert program.device.held.etag == held
        assert program.told.count("upkeep") == 1, "it is told, once"


async def test_a_token_is_renewed_before_it_ends_and_the_same_device_asks_again(
    world: World, tmp_path: Path
) -> None:
    async with kept_up(world, tmp_path) as (server, line, program):
        device = program.device
        ends = NOW + timedelta(days=29)
        device.enrolment = replace(device.enrolment, token_expires_at=ends)
        line.deafen()
        asking = asyncio.create_task(program.upkeep.beat())
        await until(lambda: len(server.beats) == 1, "a beat has arrived")
        line.heal()
        await asking
        assert device.client.token == "fresh"
        assert device.journal.settings()["gate"]["token"] == "fresh"
        (asked,) = server.renewals
        assert len(asked["device"]) == 32
        await program.upkeep.beat()
        assert len(server.renewals) == 1


async def test_a_withdrawn_token_stops_the_gate_until_the_server_takes_it_again(
    world: World, tmp_path: Path
) -> None:
    held = await world.issue()
    async with kept_up(world, tmp_path) as (server, line, program):
        await program.upkeep.beat()
        server.status = 401
        await program.upkeep.beat()
        line.cut()
        assert await program.verdict(world.live(held)) == "undecided token_withdrawn"
        assert "stopped" in program.device.journal.settings()
        line.heal()
        server.status, server.disabled = 200, True
        await program.upkeep.beat()
        program.device.line.online = False
        assert await program.verdict(world.live(held)) == "undecided gate_disabled"
        server.disabled = False
        await program.upkeep.beat()
        program.device.line.online = False
        assert await program.verdict(world.live(held)) == "ok offline"


async def test_staff_are_told_of_an_old_bundle_and_a_wrong_clock_once(
    world: World, tmp_path: Path
) -> None:
    async with kept_up(world, tmp_path) as (_, line, program):
        await program.upkeep.beat()
        line.cut()
        program.device.clock = clock_at(NOW + timedelta(hours=25))
        for _ in range(3):
            await program.upkeep.beat()
        assert sorted(program.told) == ["bundle", "bundle_old", "clock_wrong", "offline"]


async def test_what_was_uploaded_is_forgotten_after_eight_days(
    world: World, tmp_path: Path
) -> None:
    async with kept_up(world, tmp_path) as (_, _, program):
        journal = program.device.journal
        name = Name(program.device.enrolment.gate_id, "old")
        await journal.queued(Row(name, NOW, item={"nonce": "old"}, serial="a", entry={}))
        (old,) = await journal.queue(1)
        await journal.uploaded([(old.n, {}, False)], NOW - timedelta(days=8, seconds=1))
        await program.upkeep.beat()
        assert await journal.of_pass("a") == []
