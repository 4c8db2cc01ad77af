"""Clocks: whether that of this server can be right, by what the clocks of gates say.

One gate with a wrong clock is the gate's affair. When most gates disagree with the server, its own
clock is in doubt, and somebody has to look. Knows nothing of scans but when they were made.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

DIFFERENT = timedelta(minutes=2)
"""From how much on two clocks disagree."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of servers may differ. A record that lies further in the future was written by
one that was wrong."""

ENOUGH_GATES = 3
_MOST_GATES = 1_000
_REMEMBERED_FOR = timedelta(minutes=10)
_SAID_AGAIN_AFTER = timedelta(minutes=10)


class GateClocks:
    """The newest skew of each gate that has scanned in the last minutes."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._skews: OrderedDict[str, tuple[datetime, timedelta]] = OrderedDict()
        self._said_at: datetime | None = None

    def note(self, gate_id: str, scanned_at: datetime, now: datetime) -> bool:
        """Note what the clock of a gate said; True if somebody should be told, now, that most gates
        disagree with this server."""
        skew = scanned_at - now
        self._skews[gate_id] = now, skew
        self._skews.move_to_end(gate_id)
        while len(self._skews) > _MOST_GATES or self._oldest_is_over(now):
            self._skews.popitem(last=False)
        if abs(skew) <= DIFFERENT:
            return False  # all are looked through only for one that is wrong
        recently = self._said_at is not None and abs(now - self._said_at) < _SAID_AGAIN_AFTER
        if recently or not self._most_disagree():
            return False
        self._said_at = now
        return True

    def _oldest_is_over(self, now: datetime) -> bool:
        noted_at, _ = next(iter(self._skews.values()))
        return abs(now - noted_at) > _REMEMBERED_FOR

    def _most_disagree(self) -> bool:
        wrong = sum(abs(skew) > DIFFERENT for _, skew in self._skews.values())
        return wrong >= ENOUGH_GATES and wrong * 2 > len(self._skews)
