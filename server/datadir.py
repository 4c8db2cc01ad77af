"""The data directory: made for its owner alone, and held by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import StartError


class InUse(StartError):
    """Another process holds the data directory."""


def make_data_dir(data_dir: Path) -> None:
    """Make the directory if it is missing, for its owner alone. Raises `StartError` if that cannot be."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"the data directory {data_dir} cannot be made: {error.strerror}"
        ) from None


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the directory. The system lets go of it when the process ends, however it ends. Raises `InUse`."""
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
