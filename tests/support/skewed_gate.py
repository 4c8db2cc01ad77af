"""The gate program, on a machine whose clock is wrong by as many seconds as stand in the file that
`GATE_CLOCK` names, from one moment to the next.

    GATE_CLOCK=FILE python -m tests.support.skewed_gate …
"""

import os
import runpy
from datetime import datetime, timedelta
from pathlib import Path

from scripts.gate import clock


def main() -> None:
    """Run the program with that clock."""
    file, right = Path(os.environ["GATE_CLOCK"]), clock.wall

    def wrong() -> datetime:
        return right() + timedelta(seconds=float(file.read_text() or 0))

    clock.wall = wrong
    runpy.run_module("scripts.gate", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
