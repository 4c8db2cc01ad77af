"""The process: real starts, real signals, real kills."""

import asyncio
import json
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from tornado.netutil import bind_sockets

from passes.ledger.verdicts import Reason
from server import workers
from server.clock import now
from server.ending import Ending
from server.errors import StartError
from server.mongo import Mongo
from server.settings import load_settings
from server.system import open_system
from tests.support.api import Api
from tests.support.operators import enrolled_gate, issue
from tests.support.processes import SECONDS, Run, Start, assert_gone, children, workers_of
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused
from tests.support.waiting import happens, until

SCANS = "/api/v1/gate/scans"


@pytest.mark.first_start
async def test_a_first_start_fills_everything_and_a_second_keeps_it(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server()
    assert running.lines[0].startswith("embedded database (SecantusDB) in ")
    api = Api(running.port)
    spots = await api.get("/api/v1/spots")
    assert spots.json["total"] == 740
    (annual,) = (await api.get("/api/v1/products")).json["items"]
    assert annual["example"]
    assert len(annual["spots"]) > 100
    assert (tmp_path / "var" / "keys.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    keys = (tmp_path / "var" / "keys.json").read_bytes()
    token = await enrolled_gate(api, scripts)
    issued = issue(scripts, product=annual["id"]).json
    live = scripts("passes", "code", issued["pass_id"], "--json").json
    scan = {"code": live["code"], "nonce": "n1", "scanned_at": "2026-07-01T00:00:00Z"}
    first = await api.post(SCANS, scan, token)
    assert_admitted(first)
    api.close()
    database = children(running.process.pid)
    assert running.stop() == 0
    assert_gone(database)

    again = server()
    api = Api(again.port)
    assert (tmp_path / "var" / "keys.json").read_bytes() == keys
    retried = await api.post(SCANS, scan, token)
    assert retried.json == first.json
    products = await api.get("/api/v1/products")
    assert products.json["items"] == [annual]
    api.close()
    assert again.stop(signal.SIGINT) == 0


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    server: Start, scripts: Run
) -> None:
    running = server()
    database = children(running.process.pid)
    assert len(database) == 2
    api = Api(running.port)
    token = await enrolled_gate(api, scripts)
    running.stop(signal.SIGKILL)
    api.close()
    assert_gone(database)  # however its parent ends

    again = Api(server().port)
    scan = {"code": "", "nonce": "n", "scanned_at": "2026-07-01T00:00:00Z"}
    assert_refused(await again.post(SCANS, scan, token), Reason.CODE_MALFORMED)
    again.close()


def test_a_second_start_on_the_same_data_says_so_and_leaves(
    server: Start, run: Run, tmp_path: Path
) -> None:
    first = server()
    second = run()
    assert second.status == 1
    in_use = f"the data directory {tmp_path / 'var'} is in use by process {first.process.pid}"
    assert second.err.strip() == f"cannot start: {in_use}"
    assert first.process.poll() is None
    assert first.stop() == 0


@pytest.mark.first_start
async def test_with_a_mongodb_of_its_own_it_starts_no_database(
    server: Start, mongo_uri: str, tmp_path: Path
) -> None:
    uri = mongo_uri.replace("/?", "/given?")
    for driver in ("motor", "pymongo"):
        running = server(BASHU_MONGO_URI=uri, BASHU_MONGO_DRIVER=driver)
        assert [line.partition(" ")[0] for line in running.lines] == ["sandbox", "listening"]
        assert children(running.process.pid) == []
        api = Api(running.port)
        spots = await api.get("/api/v1/spots")
        assert spots.json["total"] == 740
        products = await api.get("/api/v1/products")
        assert products.json["items"] == [], "examples are published only where they are asked for"
        api.close()
        assert running.stop() == 0
    assert not (tmp_path / "var" / "mongodb").exists()


async def test_requests_in_flight_are_finished_before_it_stops(server: Start, scripts: Run) -> None:
    running = server()
    api = Api(running.port)
    token = await enrolled_gate(api, scripts)

    async def sent(n: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One scan over a connection of its own, sent."""
        scan = {"code": "x", "nonce": str(n), "scanned_at": "2026-07-01T00:00:00Z"}
        body = json.dumps(scan)
        head = (
            f"POST {SCANS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write((head + body).encode())
        await writer.drain()
        return reader, writer

    connections = [await sent(n) for n in range(10, 50)]
    running.process.send_signal(signal.SIGTERM)
    replies = await asyncio.gather(
        *(reader.read() for reader, _ in connections), return_exceptions=True
    )
    for _, writer in connections:
        writer.close()
    assert running.process.wait(SECONDS) == 0
    whole = [reply for reply in replies if isinstance(reply, bytes) and reply]
    assert len(whole) >= 30
    for reply in whole:
        top, _, content = reply.partition(b"\r\n\r\n")
        assert top.startswith(b"HTTP/1.1 200 "), top
        assert_refused(json.loads(content), Reason.CODE_MALFORMED)
    api.close()


async def test_callers_that_keep_their_connection_are_told_that_it_ends(server: Start) -> None:
    """Each asks on and on over one connection; whoever has sent a request gets its answer."""
    running = server()
    request = b"GET /api/v1/spots?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n"
    last: list[bytes] = []
    asked: set[asyncio.Task[None] | None] = set()

    async def everybody_has_asked() -> bool:
        return len(asked) == len(asking)

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = b""
        while b"Connection: close" not in head:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
            assert json.loads(await reader.readexactly(length))["total"] == 740
            asked.add(asyncio.current_task())
        last.append(head)
        assert await reader.read() == b""
        writer.close()

    asking = [asyncio.create_task(ask()) for _ in range(16)]
    await until(everybody_has_asked, "everybody has had an answer")
    told = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*asking)
    assert await asyncio.to_thread(running.process.wait, SECONDS) == 0
    assert time.monotonic() - told < 10, "not held up until the drain is given up"
    assert len(last) == 16


async def test_a_body_that_is_still_coming_is_waited_for(server: Start) -> None:
    running = server()
    body = b'{"setup_code": "AAAA-AAAA-AAAA"}'
    head = (
        f"POST /api/v1/gate/enrol HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head.encode() + body[:10])
    assert (await reader.readline()).startswith(b"HTTP/1.1 100 "), "it has read the head"
    await reader.readline()
    running.process.send_signal(signal.SIGTERM)
    await until(partial(is_refused, running.port), "it takes no more connections")
    writer.write(body[10:])
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    assert await asyncio.to_thread(running.process.wait, SECONDS) == 0


async def is_refused(port: int) -> bool:
    """Whether nobody listens on a loopback port any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False


async def test_a_body_far_too_large_is_told_so(server: Start) -> None:
    running = server()
    api = Api(running.port)
    for size in (70_000, 5_000_000):
        answer = await api.post("/api/v1/gate/enrol", b"x" * size)
        assert_problem(answer, 413, "body_too_large")
    api.close()
    assert running.stop() == 0


def test_without_its_database_it_ends_and_can_be_started_again_at_once(
    server: Start, tmp_path: Path
) -> None:
    running = server()
    guard, database = children(running.process.pid)
    os.kill(database, signal.SIGKILL)
    assert running.process.wait(SECONDS) == 1
    assert "the embedded database has ended with status" in (tmp_path / "server.log").read_text()
    assert "stopped: the embedded database has ended with" in (tmp_path / "server.log").read_text()
    assert_gone([guard])
    killed = server()
    killed.process.kill()
    killed.process.wait()
    again = server()
    guard, database = children(again.process.pid)
    os.kill(guard, signal.SIGKILL)
    assert again.process.wait(SECONDS) == 1
    assert_gone([database])  # nothing is left that would be in the way of the next start


async def test_several_workers_serve_one_address_and_a_dead_one_is_replaced(
    server: Start, scripts: Run
) -> None:
    running = server("--workers", "2")
    api = Api(running.port)
    token = await enrolled_gate(api, scripts)

    async def scan(n: int) -> int:
        body = {"code": "x", "nonce": f"n{n}", "scanned_at": "2026-07-01T00:00:00Z"}
        return (await api.post(SCANS, body, token)).status

    known_at_both = await asyncio.gather(*(scan(n) for n in range(40)))
    assert set(known_at_both) == {200}
    dead, other = workers_of(running)
    os.kill(dead, signal.SIGKILL)

    async def is_replaced() -> bool:
        workers = workers_of(running)
        return len(workers) == 2 and other in workers and dead not in workers

    await until(is_replaced, "the dead worker is replaced")
    statuses = await asyncio.gather(*(scan(n) for n in range(40, 80)))
    assert set(statuses) == {200}
    everybody = children(running.process.pid)
    api.close()
    running.stop(signal.SIGKILL)
    assert_gone(everybody)  # workers and database end with their parent


async def test_workers_that_cannot_start_are_given_up(
    mongo_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """They were started for ever, once a second, while the port accepted and nobody answered.

    The parent is this process, which does not pause for half a minute between the tries.
    """
    monkeypatch.setattr(workers, "_PAUSES", (0.01,) * 5)
    uri = mongo_uri.replace("/?", "/given_up?")
    settings = load_settings(data_dir=tmp_path, workers=2)
    async with Mongo(uri, "given_up", "pymongo") as mongo:
        await open_system(settings, mongo, now(), serves=False)
        others, ready = children(os.getpid()), asyncio.Event()
        sockets = bind_sockets(0, "127.0.0.1")
        supervising = asyncio.create_task(
            workers.supervise(uri, settings, sockets, ready.set, Ending())
        )
        await happens(ready, "both workers accept")
        everybody = [pid for pid in children(os.getpid()) if pid not in others]
        assert len(everybody) == 2
        (tmp_path / "keys.json").unlink()
        os.kill(everybody[0], signal.SIGKILL)
        with pytest.raises(StartError, match="a worker has failed 6 times in a row; the log says"):
            await supervising
        await mongo.drop()
    assert caplog.text.count("started anew in") == 5
    assert capfd.readouterr().err.count("this worker cannot start: there is no key file") == 5
    assert_gone(everybody)


@pytest.mark.first_start
async def test_a_flag_keeps_examples_out_of_the_embedded_database(server: Start) -> None:
    running = server("--no-examples")
    api = Api(running.port)
    assert (await api.get("/api/v1/products")).json["total"] == 0
    assert (await api.get("/api/v1/offers")).json["total"] == 0
    api.close()
    assert running.stop() == 0


def test_several_workers_stop_together(server: Start) -> None:
    running = server("--workers", "2")
    family = children(running.process.pid)
    assert running.stop() == 0
    assert_gone(family)


@pytest.mark.parametrize(
    ("flags", "env", "says"),
    [
        (
            ["--host", "203.0.113.1"],
            {"BASHU_SANDBOX": "true"},
            "cannot listen on 203.0.113.1:0: ",
        ),
        (["--host", "0.0.0.0"], {}, "on 0.0.0.0 anybody could sign in as any visitor"),
        (["--host", "::"], {}, "or BASHU_SANDBOX=true"),
        ([], {"BASHU_MONGO_URI": "http://x"}, "BASHU_MONGO_URI: write an address"),
        ([], {"BASHU_MONGO_URI": "mongodb://:x"}, "BASHU_MONGO_URI cannot be used"),
        ([], {"BASHU_PROT": "8001"}, "there is no BASHU_PROT"),
        ([], {"BASHU_HOST": ""}, "BASHU_HOST: is empty"),
        (["--data-dir", "/proc/self"], {}, "/proc/self can be read by others; use an empty one"),
        ([], {"BASHU_MONGO_DRIVER": "odbc"}, "BASHU_MONGO_DRIVER: write one of"),
        ([], {"BASHU_MONGO_URI": "mongodb://127.0.0.1:1/"}, "the database does not answer"),
        (["--data-dir", "/proc/nowhere"], {}, "the data directory /proc/nowhere cannot be made"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    run: Run, flags: list[str], env: dict[str, str], says: str
) -> None:
    done = run(*flags, **env)
    assert done.status == 1
    assert done.out == ""
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("cannot start: ")
    assert says in last
    assert "Traceback" not in done.err


@pytest.mark.first_start
def test_a_data_directory_that_others_could_read_is_closed_to_them(
    server: Start, tmp_path: Path
) -> None:
    """One of mode 0755 stayed so, with the log and the address of the database in it."""
    data = tmp_path / "var"
    data.mkdir()
    data.chmod(0o755)
    umask = os.umask(0o022)
    try:
        assert server().stop() == 0
    finally:
        os.umask(umask)
    assert modes_open_to_others(data) == {}
    data.chmod(0o755)
    for path in data.rglob("*"):
        if path.name != "keys.json":
            path.chmod(0o755)
    running = server()
    assert modes_open_to_others(data) == {}
    assert "could be read by others; it is closed to them" in (tmp_path / "server.log").read_text()
    assert running.stop() == 0


def modes_open_to_others(folder: Path) -> dict[str, str]:
    """Whatever somebody else has a right to, with its mode."""
    modes = {str(path): path.lstat().st_mode for path in (folder, *folder.rglob("*"))}
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


def test_the_data_of_another_engine_are_refused(server: Start, tmp_path: Path) -> None:
    assert server().stop() == 0
    mark = tmp_path / "var" / "mongodb.engine"
    assert mark.read_text() == "secantusd-py\n"
    mark.write_text("secantusd-rs\n")
    with pytest.raises(AssertionError, match=r"cannot start: .* another engine, secantusd-rs"):
        server()
    mark.unlink()
    assert server().stop() == 0, "a directory from before there were marks"
    assert mark.read_text() == "secantusd-py\n"


def test_a_lost_key_file_is_not_made_anew(server: Start, tmp_path: Path) -> None:
    assert server().stop() == 0
    (tmp_path / "var" / "keys.json").unlink()
    with pytest.raises(AssertionError, match="there is no key file"):
        server()
    assert not (tmp_path / "var" / "keys.json").exists()
