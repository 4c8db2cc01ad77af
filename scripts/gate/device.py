"""What the parts of the program share: which gate it is, its line, and whom it tells."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from passes.base.calendar import business_day
from passes.base.text import Text
from scripts.gate.client import Client, NoAnswer, Refused
from scripts.gate.clock import GateClock, steady
from scripts.gate.enrolment import Enrolment
from scripts.gate.held import Held
from scripts.gate.hysteresis import Hysteresis
from scripts.gate.journal import Journal, NotKept


class Tell(Protocol):
    """Tells a change of state: its name, words, and what a program wants to know of it."""

    def __call__(self, event: str, words: Text, **more: Any) -> None:
        """Tell it."""


@dataclass
class Device:
    """One gate program."""

    enrolment: Enrolment
    client: Client
    journal: Journal
    clock: GateClock
    held: Held
    tell: Tell
    line: Hysteresis = field(default_factory=Hysteresis)
    reachable: bool = True
    """Whether the last call was answered: then uploads go on."""
    stopped: str | None = None
    """Why nobody may be let in, by the word of the server: the code of a problem with the token."""
    last_scan_at: datetime | None = None
    counters: Counter[str] = field(default_factory=Counter)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the line is lost: time to probe."""
    queued: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something waits to be uploaded."""

    def missed(self, error: NoAnswer) -> None:
        """There was no answer, or none in time."""
        self.reachable = False
        if self.line.missed(steady(), cut=error.cut):
            why = str(error)
            words = Text(f"网络中断，转为离线验票：{why}", f"offline, deciding alone: {why}")
            self.tell("offline", words, why=why)
            self.lost.set()

    def answered(self) -> None:
        """There was an answer in time, whatever it said."""
        self.reachable = True
        if self.line.answered(steady()):
            self.tell("online", Text("网络恢复，在线验票", "online again, the server decides"))
            self.queued.set()

    async def served(self, *, disabled: bool) -> None:
        """The server has taken the token of this gate, and says whether it is out of service."""
        why = "gate_disabled" if disabled else None
        if why is not None and self.stopped != why:
            self.tell("stopped", Text("本闸机已停用", "this gate is out of service"), why=why)
        if self.stopped != why:
            await self._stop(why)

    async def refused(self, error: Refused) -> None:
        """The server would not have what this gate asked. A token that is good no more ends the
        gate, with a line and without, until the server takes it again."""
        if error.ends_gate and self.stopped != error.code:
            why = error.code
            words = Text(f"本闸机已停用：{why}", f"this gate admits nobody: {why}")
            self.tell("stopped", words, why=why)
            await self._stop(error.code)

    async def _stop(self, why: str | None) -> None:
        self.stopped = why
        with suppress(NotKept):  # until the program ends it is known all the same
            await self.journal.set(stopped=why)

    @property
    def counted(self) -> dict[str, int]:
        """How many people this gate has let in and out today, and how many more in than out."""
        came, left = self.counters["in"], self.counters["out"]
        return {"in": came, "out": left, "inside": came - left}

    def note(self, answer: Mapping[str, Any], *, leaving: bool) -> None:
        """Count a verdict, for heartbeats."""
        now = self.clock.now()
        if self.last_scan_at is None or business_day(self.last_scan_at) != business_day(now):
            self.counters.clear()
        self.last_scan_at = now
        if answer["verdict"] == "admitted":
            self.counters["out" if leaving else "in"] += answer["admits"]
