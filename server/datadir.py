"""The data directory: made for its owner alone, and held by one process at a time."""

import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from server.errors import StartError

log = logging.getLogger(__name__)

OTHERS = 0o077
"""What group and everybody else might do with a file; in a data directory, nothing."""

_OURS = ("lock", "keys.", "mongodb")
"""How the names of all that we keep in a data directory begin, and what one is known by."""
_ENGINE_BEFORE_MARKS = "secantusd-py"
"""Who has written a database without a mark: there were none at the beginning."""


class InUse(StartError):
    """Another process holds the data directory."""


def make_data_dir(data_dir: Path) -> None:
    """Make the directory, or see to it that it is for its owner alone.

    One that others may look into is closed, with all that it holds, if it is empty or a data
    directory already; else it may be somebody's home. Raises `StartError`.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if data_dir.stat().st_mode & OTHERS:
            _close_to_others(data_dir)
        _close_what_is_in(data_dir)
    except OSError as error:
        raise StartError(
            f"the data directory {data_dir} cannot be made: {error.strerror}"
        ) from None


def _close_to_others(data_dir: Path) -> None:
    """Take from others the right to look into a directory that is ours. Raises `StartError`."""
    is_empty = not any(data_dir.iterdir())
    is_in_use = any(_kept_in(data_dir))
    is_ours = data_dir.stat().st_uid == os.geteuid()
    if not is_ours or not (is_empty or is_in_use):
        raise StartError(
            f"the data directory {data_dir} can be read by others; use an empty one, "
            f"or run as its owner: chmod 700 {data_dir}"
        )
    data_dir.chmod(0o700)
    log.warning("the data directory %s could be read by others; it is closed to them", data_dir)


def _close_what_is_in(data_dir: Path) -> None:
    """Take from others every right to what we keep in the directory; links are not followed.

    The key file is not touched: one that others could read is refused, for they may have.
    """
    for path in _kept_in(data_dir):
        if path.name != "keys.json":
            _close(path)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                _close(Path(folder, name))


def _kept_in(data_dir: Path) -> Iterator[Path]:
    """What we keep in a data directory."""
    return (path for path in data_dir.iterdir() if path.name.startswith(_OURS))


def _close(path: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):  # gone since, or not ours
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def open_for_owner(file: Path, how: str) -> IO[str]:
    """Open a text file of a data directory; one that is new is for its owner alone."""
    return open(file, how, encoding="utf-8", opener=_owners_alone)


def _owners_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_for_owner(file: Path, text: str) -> None:
    """Put a text file into place in one step, for its owner alone."""
    aside = file.with_suffix(".new")
    with open_for_owner(aside, "w") as out:
        out.write(text)
    aside.replace(file)


def mark_engine(data_dir: Path, engine: str) -> None:
    """Mark the embedded database of the directory as written by `engine`, once.

    Engines do not read each other's files. Raises `StartError` if another engine has written it.
    """
    mark = data_dir / "mongodb.engine"
    if mark.exists():
        written_by = mark.read_text(encoding="utf-8").strip()
    elif (data_dir / "mongodb").exists():
        written_by = _ENGINE_BEFORE_MARKS
    else:
        written_by = engine
    if written_by != engine:
        raise StartError(
            f"the database in {data_dir / 'mongodb'} was written by another engine, {written_by}, "
            f"and {engine} does not read it; use another data directory, or set BASHU_MONGO_URI "
            f"to a running {written_by}"
        )
    if not mark.exists():
        write_for_owner(mark, f"{engine}\n")


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the directory until this process ends, however it ends. Raises `InUse`."""
    with open_for_owner(data_dir / "lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise InUse(f"the data directory {data_dir} is in use by process {pid}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
