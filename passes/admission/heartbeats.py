"""Heartbeats: what a gate says of itself, every minute or so. It decides nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SILENT_AFTER = timedelta(minutes=5)
"""A gate that has sent heartbeats, and none for so long, is silent."""


@dataclass(frozen=True, slots=True)
class BundleHeld:
    """Which bundle a gate holds."""

    epoch: int
    number: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Counters:
    """How many people a gate has let in and out today, and how many of them are inside."""

    came: int = 0
    left: int = 0
    inside: int = 0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a gate, `id`, has said of itself last, and when (`at`, by our clock).

    `queued` scans wait to be uploaded. `skew_ms` is how far the gate measures its own clock to be
    ahead of ours.
    """

    id: str
    at: datetime
    version: str = ""
    queued: int = 0
    skew_ms: int = 0
    bundle: BundleHeld | None = None
    last_scan_at: datetime | None = None
    counters: Counters = Counters()
    lanes: tuple[str, ...] = ()

    def fresh(self, now: datetime) -> bool:
        """Whether the gate has just spoken."""
        return now - self.at < SILENT_AFTER
