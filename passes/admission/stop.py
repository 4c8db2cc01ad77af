"""The stop of a spot, as a plain value that the rules ask."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """That nobody is let in at a spot, `id`, from an instant until another.

    It stays after its end, so that the same decision sent again is known. In an `emergency` the
    doors are open and nothing is counted.
    """

    id: str
    since: datetime
    until: datetime
    reason: str
    by: str
    nonce: str = ""
    emergency: bool = False


def in_force(stop: Stop, now: datetime) -> bool:
    """Whether it holds at that moment."""
    return now < stop.until
