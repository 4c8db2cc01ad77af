"""The data directory: made for its owner alone, and held by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import StartError

_ENGINE_BEFORE_MARKS = "secantusd-py"
"""Who has written a database without a mark: there were none at the beginning."""


class InUse(StartError):
    """Another process holds the data directory."""


def make_data_dir(data_dir: Path) -> None:
    """Make the directory for its owner alone, if it is missing. Raises `StartError`."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"the data directory {data_dir} cannot be made: {error.strerror}"
        ) from None


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
        aside = mark.with_suffix(".new")
        aside.write_text(f"{engine}\n", encoding="utf-8")
        aside.replace(mark)


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the directory until this process ends, however it ends. Raises `InUse`."""
    with (data_dir / "lock").open("a+", encoding="utf-8") as lock:
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
