"""The embedded database: SecantusDB, a MongoDB-compatible server, as a child process.

For one machine, development and tests. It speaks MongoDB's wire protocol on a free loopback port,
asks for a password and is durable on commit. It is a separate program under its own licence
(docs/adr/0001-embedded-database.md): started, never imported.

The password is made at the first start. The engine knows no other way to get its first user than a
client that asks for none, so that start listens with TLS and lets in nobody but the holder of a
certificate which is made for that moment (docs/adr/0022-password-of-the-embedded-database.md).
"""

import asyncio
import re
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from passes.base.errors import Unavailable
from server import clock
from server.datadir import OTHERS, mark_engine, write_for_owner
from server.errors import StartError
from server.guard import KILL
from server.mongo import set_password

ENGINE = "secantusd-py"
"""The program, and what marks a data directory as its own."""
OPTIONS = "?retryWrites=false&directConnection=true&authSource=admin"
"""One server without a replica set, so there are no retryable writes (ADR 1 has figures)."""
USER = "bashu"
"""The one user of the database. It may read and write, but not call the administrative commands of
the engine, which write files."""

_LISTENING = re.compile(rb"listening on (127\.0\.0\.1:\d+)")
_PANIC = re.compile(rb"^_wiredtiger\.WiredTigerError: WT_PANIC", re.MULTILINE)
"""What it logs when its storage has failed, as on a full disk. It goes on accepting, but refuses
every operation from then on; only a new start heals it."""
_LOOK_SECONDS = 0.2
_START_SECONDS = 30
_STOP_SECONDS = 20
_BUSY = "resource busy"
_BUSY_SECONDS = 15
_BUSY_PAUSE_SECONDS = 0.3


@asynccontextmanager
async def embedded_database(
    data_dir: Path, gone: Callable[[str], None] = lambda _: None
) -> AsyncIterator[str]:
    """Run the embedded database over `data_dir/mongodb`; yields its URI.

    Scripts find the URI in `mongodb.uri`. The child ends with this process, however this process
    ends. Should it end or panic before, `gone` is called with what happened, in words. Raises
    `StartError` if it does not start, or the data are those of another engine.
    """
    mark_engine(data_dir, ENGINE)
    log_file, uri_file = data_dir / "mongodb.log", data_dir / "mongodb.uri"
    uri_file.unlink(missing_ok=True)
    if log_file.exists():
        log_file.replace(log_file.with_suffix(".log.old"))
    password = _kept_password(data_dir) or await _made_password(data_dir, log_file)
    guard, address = await _started([*_command(data_dir), "--auth"], log_file)
    watching = asyncio.create_task(_watch(guard, log_file, gone))
    try:
        uri = f"mongodb://{USER}:{password}@{address}/{OPTIONS}"
        write_for_owner(uri_file, uri)
        yield uri
    finally:
        watching.cancel()
        uri_file.unlink(missing_ok=True)
        await _stop(guard, address)


def running_uri(data_dir: Path) -> str | None:
    """The URI of the embedded database that a running process has started, if there is one."""
    try:
        return (data_dir / "mongodb.uri").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _password_file(data_dir: Path) -> Path:
    """It stands among the engine's own files, so that a copy of these brings its password along."""
    return data_dir / "mongodb" / "password"


def _kept_password(data_dir: Path) -> str | None:
    """The password of a database that has one. Another one has been used by a version before, or
    its first start was cut short."""
    try:
        return _password_file(data_dir).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


async def _made_password(data_dir: Path, log_file: Path) -> str:
    """A new password, once the database knows it.

    Only the holder of the private key can talk to the database meanwhile, so there is no moment at
    which others can. After a crash the next start does it again.
    """
    from server.certificate import loopback_certificate  # noqa: PLC0415 - at a first start alone

    password = secrets.token_urlsafe(32)
    certificate = data_dir / "mongodb.pem"
    write_for_owner(certificate, loopback_certificate(clock.now()))
    path = str(certificate)
    tls = ("--tls-cert-file", path, "--tls-key-file", path, "--tls-ca-file", path)
    command = [*_command(data_dir), *tls, "--tls-require-client-cert"]
    guard, address = await _started(command, log_file)
    try:
        await set_password(f"mongodb://{address}/{OPTIONS}", certificate, USER, password)
    except Unavailable:
        raise StartError(
            f"the embedded database did not take its password (see {log_file})"
        ) from None
    finally:
        await _stop(guard, address)
        certificate.unlink(missing_ok=True)
    # Only now, for a database that does not know its password would never open again.
    write_for_owner(_password_file(data_dir), password)
    return password


def _command(data_dir: Path) -> list[str]:
    program = Path(sys.executable).parent / ENGINE
    found = str(program) if program.exists() else shutil.which(program.name)
    if found is None:
        raise StartError(
            "the embedded database is not installed; pip install -r requirements.txt, "
            "or set BASHU_MONGO_URI"
        )
    home, config = data_dir.absolute() / "mongodb", data_dir.absolute() / "mongodb.toml"
    write_for_owner(
        config, "# Empty, so that no configuration that lies about on the machine is taken.\n"
    )
    return [
        *(found, "--config", str(config), "--storage-path", str(home)),
        *("--host", "127.0.0.1", "--port", "0"),
        *("--standalone", "--sync-on-commit", "--cache-size", "256M", "--log-level", "INFO"),
    ]


async def _started(
    command: Sequence[str], log_file: Path
) -> tuple[asyncio.subprocess.Process, str]:
    """The guard of a database that listens, and its address. One that is just ending is awaited."""
    deadline = asyncio.get_running_loop().time() + _BUSY_SECONDS
    while True:
        write_for_owner(log_file, "")
        with log_file.open("wb") as log_out:
            guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.guard", *command),
                cwd=Path(__file__).parent.parent,
                stdin=asyncio.subprocess.PIPE,
                stdout=log_out,
                stderr=log_out,
                umask=OTHERS,
                start_new_session=True,  # Ctrl-C is for the server, which then stops the database
            )
        try:
            return guard, await _listening(guard, log_file)
        except StartError as error:
            await _stop(guard, "")
            if _BUSY not in str(error) or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_BUSY_PAUSE_SECONDS)


async def _watch(
    guard: asyncio.subprocess.Process, log_file: Path, gone: Callable[[str], None]
) -> None:
    """Say when the database has ended, or has panicked; one that has panicked is killed."""
    ended = asyncio.create_task(guard.wait())
    with log_file.open("rb") as log_out:
        unfinished = b""
        while not ended.done():
            await asyncio.wait({ended}, timeout=_LOOK_SECONDS)
            lines, _, unfinished = (unfinished + log_out.read()).rpartition(b"\n")
            if _PANIC.search(lines):
                gone(
                    "the embedded database has panicked, as it does when its disk is full "
                    f"(see {log_file})"
                )
                _kill(guard)
                return
    gone(f"the embedded database has ended with status {ended.result()} (see {log_file})")


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


def _kill(guard: asyncio.subprocess.Process) -> None:
    """Tell the guard to kill the database at once."""
    if guard.stdin is not None:
        guard.stdin.write(KILL)


async def _wake(address: str) -> None:
    """Connect now and then: a stopping SecantusDB waits 2 s for one more connection."""
    host, _, port = address.partition(":")
    while address:
        await asyncio.sleep(0.05)
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
