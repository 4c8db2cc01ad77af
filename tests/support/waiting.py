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
    """Look again and again until it holds; fail if `what` is still not so after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, _in_vain(what, seconds)
        time.sleep(_BETWEEN_LOOKS)


async def until(
    holds: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = PATIENCE
) -> None:
    """As `wait_until`, while the loop runs on; also for what has to be asked for."""
    deadline = time.monotonic() + seconds
    while not await _so(holds):
        assert time.monotonic() < deadline, _in_vain(what, seconds)
        await asyncio.sleep(_BETWEEN_LOOKS)


async def happens(event: asyncio.Event, what: str, seconds: float = PATIENCE) -> None:
    """Wait for an event; fail if `what` did not happen within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        raise AssertionError(_in_vain(what, seconds)) from None


async def _so(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = holds()
    return answer if isinstance(answer, bool) else await answer


def _in_vain(what: str, seconds: float) -> str:
    return f"waited {seconds:g} s in vain until {what}"
