"""App tokens: the access token of the mini-program at WeChat, one for all processes.

One process fetches it at a time, under a lease (WeChat: `getStableAccessToken`).
"""

from dataclasses import dataclass
from datetime import date, datetime

from passes.people.sealing import Sealed


@dataclass(frozen=True, slots=True)
class AppToken:
    """The token of an app, sealed, as it is stored; `number` grows with each that is fetched.

    Nobody may fetch the next before `leased_until`, except the process that holds the lease.
    `forced` counts the tokens that were fetched on the day `forced_on` though the one before had
    not ended, the last of them at `forced_at`: WeChat allows so many a day.
    """

    number: int = 0
    token: Sealed | None = None
    ends_at: datetime | None = None
    leased_until: datetime | None = None
    forced_on: date | None = None
    forced: int = 0
    forced_at: datetime | None = None
