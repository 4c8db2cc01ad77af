"""Filters: the loop that makes the base filter of bundles, once a day, in one of the processes."""

import asyncio
import logging
from contextlib import suppress

from passes.base.errors import Unavailable
from server.clock import Clock
from server.system import System

log = logging.getLogger(__name__)

_LOOK_SECONDS = 30


async def make_filters(
    system: System, now: Clock, reload_seconds: float, stopping: asyncio.Event
) -> None:
    """Make a filter whenever one is due, until `stopping` is set; to cancel it alone does not do,
    for the driver may swallow that. A fault is only logged, and tried again; while the database
    does not answer, gates go on with the bundles that they have."""
    filtering = system.filters.filtering
    while not stopping.is_set():
        try:
            with suppress(Unavailable):
                if await filtering.is_due(now()):
                    await filtering.make(now(), learned_within=2 * reload_seconds + 1)
        except Exception:
            log.exception("the filter of bundles could not be made; the one before goes on")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _LOOK_SECONDS)
