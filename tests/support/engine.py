"""The embedded database without its sweeper: tests live on days of their own, and what it would
drop once a minute by today's clock has not ended by theirs.

    python -m tests.support.engine [FLAG…]      as secantusd-py
"""

import sys
from collections.abc import Callable
from pathlib import Path


def without_sweeper(command: Callable[[Path], list[str]]) -> Callable[[Path], list[str]]:
    """What makes the command of the database, with this module as its program."""
    return lambda data_dir: [sys.executable, "-m", __name__, *command(data_dir)[1:]]


if __name__ == "__main__":
    from secantus import cli, storage  # type: ignore[import-untyped]

    storage.Storage._ttl_sweep_loop = lambda _: None
    cli.main()
