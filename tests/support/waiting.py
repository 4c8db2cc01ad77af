"""Waiting until something holds: never for a fixed time, never for ever.

Whoever waits says what for, so that a test that waits in vain fails with what did not happen.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""Seconds after which something has not happened. A loaded machine needs many of them; a test that
passes needs none."""

_BETWEEN_LOOKS = 0.02


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again until it holds; fail with `what` did not happen after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not so: {what}"
        time.sleep(_BETWEEN_LOOKS)


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = PATIENCE) -> None:
    """As `wait_until`, for what has to be asked for; the loop runs on meanwhile."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not so: {what}"
        await asyncio.sleep(_BETWEEN_LOOKS)
