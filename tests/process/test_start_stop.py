"""The process: real starts, real signals, real kills."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.processes import PROJECT, Run, Start, alive, children, environment
from tests.support.replies import assert_problem


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


async def test_a_first_start_fills_everything_and_a_second_keeps_it(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server()
    assert running.lines[0].startswith("embedded database (SecantusDB) in ")
    api = Api(running.port)
    assert (await api.get("/api/v1/spots")).json["total"] == 557
    (annual,) = (await api.get("/api/v1/products")).json["items"]
    assert annual["example"]
    assert len(annual["spots"]) > 100
    assert (tmp_path / "var" / "keys.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    keys = (tmp_path / "var" / "keys.json").read_bytes()
    gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "turnstile", "--json").json
    enrolled = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json
    issued = scripts(
        "passes",
        "issue",
        "--product",
        annual["id"],
        "--name",
        "测试甲",
        "--id-number",
        "11010119900307002X",
        "--json",
    ).json
    live = scripts("passes", "code", issued["pass_id"], "--json").json
    scan = {"code": live["code"], "nonce": "n1", "scanned_at": "2026-07-01T00:00:00Z"}
    first = await api.post("/api/v1/gate/scans", scan, enrolled["token"])
    assert first.json["verdict"] == "admitted"
    api.close()
    database = children(running.process.pid)
    assert running.stop() == 0
    assert gone(database)

    again = server()
    api = Api(again.port)
    assert (tmp_path / "var" / "keys.json").read_bytes() == keys
    assert (await api.post("/api/v1/gate/scans", scan, enrolled["token"])).json == first.json
    assert (await api.get("/api/v1/products")).json["items"] == [annual]
    api.close()
    assert again.stop(signal.SIGINT) == 0


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    server: Start, scripts: Run
) -> None:
    running = server()
    database = children(running.process.pid)
    assert len(database) == 2
    gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "turnstile", "--json").json
    api = Api(running.port)
    enrolled = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json
    running.stop(signal.SIGKILL)
    api.close()
    assert gone(database), "the embedded database ends with its parent, however that ends"

    again = Api(server().port)
    answer = await again.post(
        "/api/v1/gate/scans",
        {"code": "", "nonce": "n", "scanned_at": "2026-07-01T00:00:00Z"},
        enrolled["token"],
    )
    assert answer.status == 200
    assert answer.json["reason"] == "code_malformed"
    again.close()


def test_a_second_start_on_the_same_data_says_so_and_leaves(server: Start, tmp_path: Path) -> None:
    first = server()
    second = subprocess.run(
        [sys.executable, "run.py", "--port", "0", "--data-dir", str(tmp_path / "var")],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False, env=environment(),
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr.strip() == (
        f"cannot start: the data directory {tmp_path / 'var'} is in use by process {first.process.pid}"
    )
    assert first.process.poll() is None
    assert first.stop() == 0


async def test_with_a_mongodb_of_its_own_it_starts_no_database(
    server: Start, mongo_uri: str, tmp_path: Path
) -> None:
    uri = mongo_uri.replace("/?", "/given?")
    for driver in ("motor", "pymongo"):
        running = server(BASHU_MONGO_URI=uri, BASHU_MONGO_DRIVER=driver)
        assert [line.partition(" ")[0] for line in running.lines] == ["sandbox", "listening"]
        assert children(running.process.pid) == []
        api = Api(running.port)
        assert (await api.get("/api/v1/spots")).json["total"] == 557
        api.close()
        assert running.stop() == 0
    assert not (tmp_path / "var" / "mongodb").exists()


async def test_requests_in_flight_are_finished_before_it_stops(server: Start, scripts: Run) -> None:
    running = server()
    gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "turnstile", "--json").json
    api = Api(running.port)
    token = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json["token"]
    body = json.dumps({"code": "x", "nonce": "NN", "scanned_at": "2026-07-01T00:00:00Z"}).encode()
    head = f"POST /api/v1/gate/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"

    async def sent(n: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One scan over a connection of its own, sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(
            f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body.replace(b"NN", b"%d" % n)
        )
        await writer.drain()
        return reader, writer

    connections = [await sent(n) for n in range(10, 50)]
    running.process.send_signal(signal.SIGTERM)
    replies = await asyncio.gather(
        *(reader.read() for reader, _ in connections), return_exceptions=True
    )
    for _, writer in connections:
        writer.close()
    assert running.process.wait(30) == 0
    whole = [reply for reply in replies if isinstance(reply, bytes) and reply]
    assert len(whole) >= 30
    for reply in whole:
        top, _, content = reply.partition(b"\r\n\r\n")
        assert top.startswith(b"HTTP/1.1 200 "), top
        assert json.loads(content)["verdict"] == "refused"
    api.close()


async def test_callers_that_keep_their_connection_are_told_that_it_ends(server: Start) -> None:
    """Each asks on and on over one connection; whoever has sent a request gets its answer."""
    running = server()
    request = b"GET /api/v1/spots?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n"
    last: list[bytes] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = b""
        while b"Connection: close" not in head:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
            assert json.loads(await reader.readexactly(length))["total"] == 557
        last.append(head)
        assert await reader.read() == b""
        writer.close()

    asking = [asyncio.create_task(ask()) for _ in range(16)]
    await asyncio.sleep(0.5)
    told = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*asking)
    assert await asyncio.to_thread(running.process.wait, 30) == 0
    assert time.monotonic() - told < 10, "not held up until the drain is given up"
    assert len(last) == 16


async def test_a_body_that_is_still_coming_is_waited_for(server: Start) -> None:
    running = server()
    body = b'{"setup_code": "AAAA-AAAA-AAAA"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(
        b"POST /api/v1/gate/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body[:10]
    )
    await asyncio.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(1)
    writer.write(body[10:])
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    assert await asyncio.to_thread(running.process.wait, 30) == 0


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
    assert running.process.wait(30) == 1
    assert "the embedded database has ended with status" in (tmp_path / "server.log").read_text()
    assert "stopped: the embedded database has ended; " in (tmp_path / "server.log").read_text()
    assert gone([guard])
    killed = server()
    killed.process.kill()
    killed.process.wait()
    again = server()
    guard, database = children(again.process.pid)
    os.kill(guard, signal.SIGKILL)
    assert again.process.wait(30) == 1
    assert gone([database]), "nothing is left that would be in the way of the next start"


async def test_several_workers_serve_one_address_and_a_dead_one_is_replaced(
    server: Start, scripts: Run
) -> None:
    running = server("--workers", "2")
    family = children(running.process.pid)
    gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "turnstile", "--json").json
    api = Api(running.port)
    token = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json["token"]

    async def scan(n: int) -> int:
        body = {"code": "x", "nonce": f"n{n}", "scanned_at": "2026-07-01T00:00:00Z"}
        return (await api.post("/api/v1/gate/scans", body, token)).status

    assert set(await asyncio.gather(*(scan(n) for n in range(40)))) == {200}, (
        "known at both workers"
    )
    workers = [
        pid for pid in family if b"server.workers" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while len(children(running.process.pid)) < len(family) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert set(await asyncio.gather(*(scan(n) for n in range(40, 80)))) == {200}
    everybody = children(running.process.pid)
    api.close()
    running.stop(signal.SIGKILL)
    assert gone(everybody), "workers and database end with their parent"


def test_several_workers_stop_together(server: Start) -> None:
    running = server("--workers", "2")
    family = children(running.process.pid)
    assert running.stop() == 0
    assert gone(family)


@pytest.mark.parametrize(
    ("flags", "env", "says"),
    [
        (["--host", "203.0.113.1"], {}, "cannot listen on 203.0.113.1:0: "),
        ([], {"BASHU_MONGO_URI": "http://x"}, "BASHU_MONGO_URI: String should match"),
        ([], {"BASHU_MONGO_URI": "mongodb://:x"}, "BASHU_MONGO_URI cannot be used"),
        ([], {"BASHU_PROT": "8001"}, "there is no BASHU_PROT"),
        ([], {"BASHU_HOST": ""}, "BASHU_HOST: String should have at least 1 character"),
        (["--data-dir", "/proc/self"], {}, "No such file or directory"),
        ([], {"BASHU_MONGO_DRIVER": "odbc"}, "BASHU_MONGO_DRIVER: Input should be"),
        ([], {"BASHU_MONGO_URI": "mongodb://127.0.0.1:1/"}, "the database does not answer"),
        (["--data-dir", "/proc/nowhere"], {}, "the data directory /proc/nowhere cannot be made"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, flags: list[str], env: dict[str, str], says: str
) -> None:
    done = subprocess.run(
        [sys.executable, "run.py", "--port", "0", "--data-dir", str(tmp_path / "var"), *flags],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False, env=environment(**env),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("cannot start: ")
    assert says in last
    assert "Traceback" not in done.stderr


def test_a_lost_key_file_is_not_made_anew(server: Start, tmp_path: Path) -> None:
    assert server().stop() == 0
    (tmp_path / "var" / "keys.json").unlink()
    with pytest.raises(AssertionError, match="there is no key file"):
        server()
    assert not (tmp_path / "var" / "keys.json").exists()
