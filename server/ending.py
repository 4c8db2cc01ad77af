"""Ending: why a process is to end, and when. Knows neither the server nor the database.

There are two reasons. Somebody asked, by SIGTERM or SIGINT: what has arrived is finished in order.
Or the embedded database is gone: nothing can be stored any more, so the process gives up what waits
for the database and ends, and whatever supervises it starts it anew.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

CEILING_SECONDS = 3.0
"""How long after the death of its database a process may live. The orderly end takes about one
second; on a machine with much else to do, more."""


class Ending:
    """Is set once, and stays set. Belongs to the event loop that runs when it is made."""

    def __init__(self) -> None:
        """Nobody has asked, and the database is there."""
        self.why_gone = ""
        """What became of the database, in words; empty while it is there."""
        self._begun = asyncio.Event()
        self._gone = asyncio.Event()
        self._give_up: list[Callable[[], None]] = []

    def ask(self) -> None:
        """Finish in order."""
        self._begun.set()

    def database_gone(self, why: str) -> None:
        """Finish without the database. The first reason is kept.

        A process that neither serves nor ends would be the worst of all, so from now on a thread
        watches: if the process still lives after `CEILING_SECONDS`, it ends at once with status 1.
        """
        if self.why_gone:
            return
        log.critical("%s; this process ends", why)
        self.why_gone = why
        threading.Thread(target=_end_at_last, args=(why,), daemon=True).start()
        for give_up in self._give_up:
            give_up()
        self._gone.set()
        self._begun.set()

    def when_gone(self, give_up: Callable[[], None]) -> None:
        """Call `give_up` when the database is gone; now, if it is."""
        self._give_up.append(give_up)
        if self.why_gone:
            give_up()

    async def begun(self) -> None:
        """Return once the process is to end, for either reason."""
        await self._begun.wait()

    async def gone(self) -> None:
        """Return once the database is gone."""
        await self._gone.wait()

    async def cuts_short(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work, but cancel it once the process is to end. Raises what the work raises.

        The work must not call the database: a driver may swallow the cancellation.
        """
        doing, begun = asyncio.create_task(work), asyncio.create_task(self.begun())
        await asyncio.wait({doing, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing


def ending_by_signal() -> Ending:
    """An ending that SIGTERM and SIGINT ask for."""
    ending = Ending()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ending.ask)
    return ending


def _end_at_last(why: str) -> None:
    """The last resort. Writes past `logging`, for the thread that hangs may hold its lock."""
    time.sleep(CEILING_SECONDS)
    os.write(2, f"stopped: {why}; what was running did not end by itself\n".encode())
    os._exit(1)
