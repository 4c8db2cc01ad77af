"""Troubles of a trial: who dies, which line is cut, whose clock jumps, and when. Pure.

All follows from the seed.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens."""

    KILL = "kill"
    """SIGKILL; started again when the trouble is over."""
    CUT = "cut"
    """The line is pulled out."""
    SILENCE = "silence"
    """The line holds everything back."""
    DEAFEN = "deafen"
    """The line holds the replies back, so that what has arrived is sent again."""
    SLOW = "slow"
    """The line takes a while."""
    SKEW = "skew"
    """The clock jumps, and stays wrong."""
    FILL = "fill"
    """The disk is full."""
    ECHO = "echo"
    """Scans are uploaded once more, shuffled; some of them before their gate does it."""


@dataclass(frozen=True)
class Trouble:
    """One trouble."""

    at: float
    """Seconds from the beginning of the trial."""
    kind: Kind
    whom: str
    lasts: float
    """Seconds until it is over; a clock stays wrong."""
    amount: float
    """Seconds by which a clock is wrong; seconds by which a line is late."""


_BETWEEN = (0.2, 1.0)
"""Seconds from one trouble to the next."""
_LULL = (3.0, 8.0)
"""Seconds after one of each kind, so that everybody comes back."""
_LASTS = (0.3, 5.0)
_SLOW = (0.1, 3.0)
_SKEWS = (-7200.0, -300.0, -20.0, 0.0, 20.0, 300.0, 7200.0, 3 * 86400.0)


def troubles(seed: int, seconds: float, victims: Mapping[Kind, Sequence[str]]) -> list[Trouble]:
    """Troubles for so many seconds: one of every kind, then a lull, and so on."""
    chance = random.Random(seed)
    script: list[Trouble] = []
    at = 0.0
    while True:
        for kind in chance.sample(sorted(victims), len(victims)):
            at += chance.uniform(*_BETWEEN)
            if at >= seconds:
                return script
            amount = chance.choice(_SKEWS) if kind is Kind.SKEW else chance.uniform(*_SLOW)
            lasts = min(chance.uniform(*_LASTS), seconds - at)
            script.append(Trouble(at, kind, chance.choice(victims[kind]), lasts, amount))
        at += chance.uniform(*_LULL)
