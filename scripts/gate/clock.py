"""The clock of a gate: what time it is, whatever becomes of the clock of the machine.

The machine's own clock is asked once. From then on time goes on by a steady clock, which nobody can
set, and the server says how far both are apart. Knows nothing of scans.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from passes.base.calendar import to_milliseconds

WRONG = timedelta(minutes=1)
"""From this skew on staff are told to set the clock."""

JUMP = timedelta(seconds=2)
"""By how much the clock of the machine must have been set, so that it is a jump."""

_SLOW_SECONDS = 2.0
"""The time of a server that took longer to answer says too little."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def wall() -> datetime:
    """What the clock of the machine says, in UTC."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds since the machine started, those in which it slept among them."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


def boot_id() -> str:
    """Names this start of the machine; empty where it has no name, then nothing is carried over."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class GateClock:
    """Time, as the server has told it, or else as the machine says it."""

    def __init__(self) -> None:
        """Nobody has told the time yet."""
        self._anchor: tuple[datetime, float] | None = None
        self._floor = datetime.min.replace(tzinfo=UTC)
        self._skew = timedelta()
        self._offset = self._wall_offset()

    def now(self) -> datetime:
        """This instant, in whole milliseconds."""
        if self._anchor is None:
            return to_milliseconds(max(wall() - self._skew, self._floor))
        told, at = self._anchor
        return to_milliseconds(told + timedelta(seconds=steady() - at))

    @property
    def skew_ms(self) -> int:
        """How far the clock of the machine is ahead of the server's, as far as is known."""
        skew = self._skew if self._anchor is None else wall() - self.now()
        return round(skew / timedelta(milliseconds=1))

    @property
    def is_wrong(self) -> bool:
        """Whether somebody should set the clock of the machine."""
        return abs(self.skew_ms) > WRONG / timedelta(milliseconds=1)

    def not_before(self, instant: datetime) -> None:
        """It is known that this instant has passed: an older clock is surely wrong."""
        self._floor = max(self._floor, instant)

    def learn(self, server_time: datetime, asked: float) -> None:
        """The server has said what time it was, some time between `asked`, by the steady clock, and
        now."""
        answered = steady()
        if self._anchor is not None and answered - asked > _SLOW_SECONDS:
            return
        self._anchor = server_time, (asked + answered) / 2

    def jumped(self) -> timedelta | None:
        """How far the clock of the machine was set since this was asked last, if it was."""
        offset = self._wall_offset()
        jump = offset - self._offset
        if abs(jump) < JUMP:
            return None
        self._offset = offset
        return jump

    def kept(self) -> dict[str, Any]:
        """What outlives the program: as JSON."""
        if self._anchor is None:
            return {"skew_ms": self.skew_ms}
        told, at = self._anchor
        anchor = {"boot": boot_id(), "told": told.isoformat(), "at": at}
        return {"skew_ms": self.skew_ms, **anchor}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on with what an earlier run has learnt. The steady clock counts from the start of the
        machine, so that it means nothing after the next one."""
        self._skew = timedelta(milliseconds=kept.get("skew_ms", 0))
        if kept.get("boot") and kept["boot"] == boot_id():
            self._anchor = datetime.fromisoformat(kept["told"]), kept["at"]

    @staticmethod
    def _wall_offset() -> timedelta:
        since_start = timedelta(seconds=steady())
        return wall() - datetime.min.replace(tzinfo=UTC) - since_start
