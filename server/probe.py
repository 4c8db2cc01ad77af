"""Probe: does the database really read and write? A `ping` says little: a database whose disk is
full answers it."""

import asyncio
import secrets
import time

from passes.base.errors import Unavailable
from passes.base.text import Text
from server.mongo import Mongo

FRESH_SECONDS = 1.0
"""How long an answer is remembered, so that however many ask, a process writes at most once a
second."""
PATIENCE_SECONDS = 2.0
"""How long the database may take before it counts as away."""

_MARK = {"_id": "probe"}


class Probe:
    """Writes one document and reads it: at most one trial at a time, and all who ask share its
    answer."""

    def __init__(self, mongo: Mongo) -> None:
        """Nothing was tried yet."""
        self._settings = mongo.collection("settings")
        self._trial: asyncio.Task[bool] | None = None
        self._began = 0.0
        self._ended = 0.0

    async def check(self) -> None:
        """Return if the database reads and writes, or did a second ago. Raises `Unavailable`.

        A trial that takes too long is not cancelled, for drivers may swallow a cancellation. It
        goes on, and until it ends all who ask are told at once that the database does not answer.
        """
        trial = self._trial
        if trial is None or (trial.done() and time.monotonic() > self._ended + FRESH_SECONDS):
            self._began = time.monotonic()
            trial = self._trial = asyncio.create_task(self._try())
        patience = self._began + PATIENCE_SECONDS - time.monotonic()
        await asyncio.wait({trial}, timeout=max(0.0, patience))
        if not (trial.done() and trial.result()):
            text = Text("数据库无响应", "the database does not answer")
            raise Unavailable("database_unavailable", text)

    async def _try(self) -> bool:
        """Whether the database did both. Processes share the document: one may read the mark of
        another."""
        try:
            await self._settings.update(
                _MARK, {"$set": {"mark": secrets.token_hex(8)}}, upsert=True
            )
            return await self._settings.get(_MARK) is not None
        except Unavailable:
            return False
        finally:
            self._ended = time.monotonic()
