"""Whether the server is asked, or the gate decides alone.

It goes offline quickly and comes back slowly, and more slowly if it has been coming and going: a
line that answers every other scan is worse than none. Pure: knows no network and no clock.
"""

_LOST_AFTER = 2
"""Scans in a row that got no answer in time."""

_BACK_AFTER = 2
"""Probes in a row that were answered in time."""

_MOST_PROBES = 8
_SOON_SECONDS = 60.0
_STEADY_SECONDS = 600.0


class Hysteresis:
    """Online or offline. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        """Online, until something says otherwise."""
        self.online = True
        self._misses = 0
        self._answers = 0
        self._needed = _BACK_AFTER
        self._back_at = float("-inf")

    def missed(self, at: float, *, cut: bool) -> bool:
        """No answer, or none in time; `cut` if there is no connection: one such is enough.

        True if that makes it offline.
        """
        self._answers = 0
        self._misses += 1
        if not self.online or not (cut or self._misses >= _LOST_AFTER):
            return False
        self.online = False
        if at - self._back_at < _SOON_SECONDS:
            self._needed = min(self._needed * 2, _MOST_PROBES)
        elif at - self._back_at > _STEADY_SECONDS:
            self._needed = _BACK_AFTER
        return True

    def answered(self, at: float) -> bool:
        """An answer in time. True if that makes it online again."""
        self._misses = 0
        if self.online:
            return False
        self._answers += 1
        if self._answers < self._needed:
            return False
        self.online, self._answers, self._back_at = True, 0, at
        return True
