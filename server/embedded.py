"""The embedded database: SecantusDB, a MongoDB-compatible server, as a child process.

For one machine, development and tests. It speaks MongoDB's wire protocol on a free loopback port and is durable on
commit. It is a separate program under its own licence (docs/adr/0001-embedded-database.md): started, never imported.
"""

import asyncio
import logging
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from server.errors import StartError

log = logging.getLogger(__name__)

OPTIONS = "?retryWrites=false&directConnection=true"
"""It is one server without a replica set, so there are no retryable writes."""

_LISTENING = re.compile(rb"listening on (127\.0\.0\.1:\d+)")
_START_SECONDS = 30
_STOP_SECONDS = 20
_BUSY = "resource busy"
_BUSY_SECONDS = 15
_BUSY_PAUSE_SECONDS = 0.3


@asynccontextmanager
async def embedded_database(
    data_dir: Path, ended: Callable[[], None] = lambda: None
) -> AsyncIterator[str]:
    """Run the embedded database over `data_dir/mongodb`; yields its URI, which scripts find in `mongodb.uri`.

    The child ends with this process, however this process ends; should it end before, `ended` is called.
    Raises `StartError` if it does not start.
    """
    log_file, uri_file = data_dir / "mongodb.log", data_dir / "mongodb.uri"
    uri_file.unlink(missing_ok=True)
    if log_file.exists():
        log_file.replace(log_file.with_suffix(".log.old"))
    guard, address = await _started(data_dir, log_file)
    watching = asyncio.create_task(_watch(guard, log_file, ended))
    try:
        uri = f"mongodb://{address}/{OPTIONS}"
        aside = uri_file.with_suffix(".new")
        aside.write_text(uri, encoding="utf-8")
        aside.replace(uri_file)
        yield uri
    finally:
        watching.cancel()
        uri_file.unlink(missing_ok=True)
        await _stop(guard, address)


def running_uri(data_dir: Path) -> str | None:
    """The URI of the embedded database that a running process has started over `data_dir`, if there is one."""
    try:
        return (data_dir / "mongodb.uri").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _command(data_dir: Path) -> list[str]:
    program = Path(sys.executable).parent / "secantusd-py"
    found = str(program) if program.exists() else shutil.which(program.name)
    if found is None:
        raise StartError(
            "the embedded database is not installed; pip install -r requirements.txt, or set BASHU_MONGO_URI"
        )
    home, config = data_dir.absolute() / "mongodb", data_dir.absolute() / "mongodb.toml"
    config.write_text(
        "# Empty, so that no configuration that lies about on the machine is taken.\n",
        encoding="utf-8",
    )
    return [
        *(found, "--config", str(config), "--storage-path", str(home)),
        *("--host", "127.0.0.1", "--port", "0"),
        *("--standalone", "--sync-on-commit", "--cache-size", "256M", "--log-level", "INFO"),
    ]


async def _started(data_dir: Path, log_file: Path) -> tuple[asyncio.subprocess.Process, str]:
    """The guard of a database that listens, and its address. One that is ending by itself is waited for."""
    deadline = asyncio.get_running_loop().time() + _BUSY_SECONDS
    while True:
        with log_file.open("wb") as log_out:
            guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.guard", *_command(data_dir)),
                cwd=Path(__file__).parent.parent,
                stdin=asyncio.subprocess.PIPE,
                stdout=log_out,
                stderr=log_out,
                start_new_session=True,  # a Ctrl-C in the terminal is for the server, which then stops the database
            )
        try:
            return guard, await _listening(guard, log_file)
        except StartError as error:
            await _stop(guard, "")
            if _BUSY not in str(error) or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_BUSY_PAUSE_SECONDS)


async def _watch(
    guard: asyncio.subprocess.Process, log_file: Path, ended: Callable[[], None]
) -> None:
    status = await guard.wait()
    log.critical("the embedded database has ended with status %d; see %s", status, log_file)
    ended()


async def _listening(guard: asyncio.subprocess.Process, log_file: Path) -> str:
    """The address that the database announces in its log."""
    for _ in range(_START_SECONDS * 20):
        if found := _LISTENING.search(log_file.read_bytes()):
            return found[1].decode()
        if guard.returncode is not None:
            break
        await asyncio.sleep(0.05)
    last = (
        log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        or ["it said nothing"]
    )[-1]
    raise StartError(f"the embedded database did not start: {last} (see {log_file})")


async def _stop(guard: asyncio.subprocess.Process, address: str) -> None:
    """Close the pipe, which tells the guard to stop the database, and wait for both."""
    if guard.stdin is not None:
        guard.stdin.close()
    waking = asyncio.create_task(_wake(address))
    try:
        await asyncio.wait_for(guard.wait(), _STOP_SECONDS)
    except TimeoutError:
        guard.kill()
        await guard.wait()
    finally:
        waking.cancel()


async def _wake(address: str) -> None:
    """Connect now and then: a stopping SecantusDB waits 2 s for one more connection, unless there is one."""
    host, _, port = address.partition(":")
    while address:
        await asyncio.sleep(0.05)
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
