"""Refresh: the loop that keeps what a process holds in memory up with what is stored."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from passes.base.calendar import business_day
from passes.base.errors import Unavailable
from passes.codes.ports import Process
from server.clock import Clock
from server.expiry import ExpiryWatch
from server.system import System

log = logging.getLogger(__name__)

_TOLD_AGAIN_AFTER = timedelta(seconds=5)


class Refresh:
    """Asks for the versions every few seconds, and loads what has changed.

    It is one small query when nothing has.
    """

    def __init__(self, system: System, now: Clock) -> None:
        """Nothing was seen yet, so the first round loads everything once more."""
        self._system = system
        self._now = now
        self._seen: Mapping[str, int] = {}
        self._watch = ExpiryWatch(system)
        self._id = secrets.token_hex(8)
        self._told: Process | None = None
        self.counts: Mapping[str, int] = {}
        """How much of the quotas of the running offers is used: the same object until it
        changes."""

    async def once(self) -> None:
        """Load what has changed since the last time. Raises `Unavailable`."""
        versions = await self._system.base.versions.all()
        for topic, load in self._system.loaders().items():
            if versions[topic] != self._seen.get(topic):
                await load()
        self._seen = versions

    async def _count(self) -> None:
        """Ask how much of the quotas is used: one small query while any offer runs."""
        today = business_day(self._now())
        running = [offer for offer in self._system.offers.offers.all() if offer.runs_on(today)]
        counts = await self._system.offers.quotas.used(running, today) if running else {}
        if counts != self.counts:
            self.counts = counts

    async def _tell_what_is_known(self) -> None:
        """Store which signing keys this process knows: at once if there are more, and now and then
        to say that it still serves."""
        now, known = self._now(), tuple(self._system.keys.codes.known())
        told = self._told
        if told is not None and told.keys == known and now - told.at < _TOLD_AGAIN_AFTER:
            return
        told = Process(self._id, f"{socket.gethostname()} {os.getpid()}", known, now)
        await self._system.signing.processes.put(told)
        self._told = told

    async def end(self) -> None:
        """Say that this process serves no more. Raises `Unavailable`."""
        await self._system.signing.processes.remove(self._id)

    async def forever(self, seconds: float, stopping: asyncio.Event) -> None:
        """Go on until `stopping` is set.

        While the database does not answer, what is in memory goes on serving. It cannot be stopped
        by cancelling: the driver may swallow the cancellation.
        """
        while not stopping.is_set():
            with suppress(Unavailable):
                await self.round()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), seconds)

    async def round(self) -> None:
        """One turn: refresh, write ledger marks, learn of new keys, and once a day say what ends.

        A fault is only logged.
        """
        try:
            await self.once()
            await self._count()
            await self._system.ledger.records.write_marks()
            self._system.keys.vault.learn()
            self._system.keys.codes.learn()
            await self._tell_what_is_known()
            await self._watch.look(self._now())
        except Unavailable:
            raise
        except Exception:
            log.exception("the refresh failed; what is in memory goes on serving")
