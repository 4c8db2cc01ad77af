"""The gate program on a machine whose clock is wrong, and is set while it runs.

    python -m tests.support.skewed_gate FILE --server … --journal …

FILE says by how many seconds the clock is ahead; it is read at each look at the clock.
"""

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.gate import clock
from scripts.gate.__main__ import main


def skewed_by(file: Path) -> None:
    """Put the clock of this process wrong, by what stands in a file."""

    def wall() -> datetime:
        ahead = 0.0
        with suppress(OSError, ValueError):  # it is being written
            ahead = float(file.read_text(encoding="ascii"))
        return datetime.now(UTC) + timedelta(seconds=ahead)

    clock.wall = wall


if __name__ == "__main__":
    skewed_by(Path(sys.argv.pop(1)))
    main()
