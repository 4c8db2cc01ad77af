"""RateLimiter: how often a visitor, or an address, may call what costs much or tells something.

In memory, for each process alone, and bounded: of very many callers those that have not called for
longest are forgotten. Each caller has one number, the theoretical arrival time of the generic cell
rate algorithm (GCRA): the moment at which all of their calls are paid off.

A clock that is set back locks nobody out: limits have a time of their own, which stands still while
the clock goes back, and then goes on with it.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from handlers.web.access import Caller, Origin
from passes.base.errors import TooOften
from passes.base.text import Text
from server.addresses import Addresses, Network

_MOST_CALLERS = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls at once, and one more every so many seconds."""

    burst: int
    seconds: float


RATES = {
    "login": (None, Rate(300, 0.2)),
    "identity": (Rate(10, 60), Rate(100, 1)),
    "claim": (Rate(10, 6), Rate(600, 0.1)),
    "reissue": (Rate(20, 3600), Rate(600, 0.1)),
    "lookup": (Rate(20, 1), Rate(1200, 0.05)),
    "card": (Rate(120, 0.5), Rate(1200, 0.05)),
    "renew": (Rate(10, 60), Rate(1000, 0.1)),
    "picture": (Rate(60, 1), Rate(1000, 0.02)),
}
"""For each name of `@endpoint(limit=…)` the rates of a visitor, or gate, and of an address. Many
share the address of a mobile network, so that of an address is meant for machines."""


class RateLimiter:
    """Counts calls."""

    def __init__(self, proxies: Iterable[Network] = (), most_callers: int = _MOST_CALLERS) -> None:
        """`proxies` are believed what they say of a caller's address."""
        self._addresses = Addresses(proxies)
        self._most_callers = most_callers
        self._paid_off: OrderedDict[str, float] = OrderedDict()
        self._latest = 0.0
        self._set_back = 0.0
        """By how many seconds in all the clock has been set back."""

    def check(self, name: str, caller: Caller, origin: Origin, now: datetime) -> None:
        """Count a call. Raises `TooOften`, and counts nothing, if it is one too many."""
        of_visitor, of_address = RATES[name]
        counted = [(f"{name} {self._addresses.of_caller(origin)}", of_address)]
        if of_visitor is not None and caller.id:
            counted.append((f"{name} visitor {caller.id}", of_visitor))
        at = self._own_time(now)
        waits = [self._wait(key, rate, at) for key, rate in counted]
        if max(waits) > 0:
            raise TooOften(
                "too_often",
                Text("操作过于频繁，请稍后再试", "too many calls; try again later"),
                math.ceil(max(waits)),
            )
        for key, rate in counted:
            self._paid_off[key] = max(self._paid_off.pop(key, 0), at) + rate.seconds
        while len(self._paid_off) > self._most_callers:
            self._paid_off.popitem(last=False)

    def _own_time(self, now: datetime) -> float:
        """Seconds that never become fewer, whatever the clock does."""
        at = now.timestamp() + self._set_back
        if at < self._latest:
            self._set_back += self._latest - at
            at = self._latest
        self._latest = at
        return at

    def _wait(self, key: str, rate: Rate, at: float) -> float:
        """For how many seconds the next call has to wait; none if that is not above 0."""
        return self._paid_off.get(key, 0) - at - (rate.burst - 1) * rate.seconds
