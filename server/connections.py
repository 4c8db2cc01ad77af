"""Connections: how many a process keeps open, whose, and for how long. Knows no requests.

Nobody needs a login to open a connection, and each takes a file descriptor. Where there is no room
for a new one, that which has waited longest for a request makes room: first of those that have
never sent one, then of those that are kept open. Only where all are at work a new one has to wait,
or, if all of its address are, is closed.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from server.addresses import Addresses

log = logging.getLogger(__name__)

FIRST_REQUEST_SECONDS = 20.0
"""How long a new connection may take to send the headers of a request."""
REPLY_SECONDS = 60.0
"""How long a request may take, from its headers until its caller has read the reply."""
_TELL_SECONDS = 60.0
"""How often the log is told that there is no room."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be, and for how long, in seconds."""

    connections: int
    per_address: int
    first_request: float = FIRST_REQUEST_SECONDS
    reply: float = REPLY_SECONDS


class Stream(Protocol):
    """What is asked of a connection."""

    def writing(self) -> bool:
        """Whether something is written that the other end has not taken."""

    def close(self) -> None:
        """Close it."""


class _Waiting:
    """Connections that wait for a request, the longest first."""

    def __init__(self) -> None:
        self.new: OrderedDict[Stream, float] = OrderedDict()
        """Those that have never sent one, with the time since when."""
        self.kept: OrderedDict[Stream, float] = OrderedDict()
        """Those that were answered before."""

    def longest(self) -> Stream | None:
        """The one that can be spared first, if any can."""
        for waiting in (self.new, self.kept):
            if waiting:
                return next(iter(waiting))
        return None

    def discard(self, stream: Stream) -> None:
        """It waits no longer."""
        self.new.pop(stream, None)
        self.kept.pop(stream, None)


class _Site:
    """The connections of one address."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open = 0
        self.waiting = _Waiting()


class Connections:
    """Counts connections, and closes those that there is no room or no time for."""

    def __init__(self, bounds: Bounds, addresses: Addresses, time: Callable[[], float]) -> None:
        """`time` gives seconds that never become fewer."""
        self._bounds = bounds
        self._per_address = min(bounds.per_address, max(1, bounds.connections // 2))
        self._addresses = addresses
        self._time = time
        self._open: dict[Stream, _Site | None] = {}
        """With the address; those of proxies have none, for they speak for many."""
        self._sites: dict[str, _Site] = {}
        self._waiting = _Waiting()
        self._working: OrderedDict[Stream, float] = OrderedDict()
        """Those with a request, since when, the longest first."""
        self._spared = 0
        self._refused = 0
        self._told = float("-inf")

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """Whether a new one would have to wait, for all are at work."""
        return len(self._open) >= self._bounds.connections and self._waiting.longest() is None

    def open(self, stream: Stream, peer: str) -> bool:
        """Take a new connection, at the cost of another if need be.

        If all that its address may have are at work, closes it and returns False.
        """
        site = self._site(peer)
        if site is not None and site.open >= self._per_address:
            longest = site.waiting.longest()
            if longest is None:
                self._refused += 1
                stream.close()
                self._tell()
                return False
            self._spare(longest)
        if len(self._open) >= self._bounds.connections:
            self.spare_one()
        if site is not None:
            site.open += 1
            self._sites[site.name] = site
        self._open[stream] = site
        now = self._time()
        self._waiting.new[stream] = now
        if site is not None:
            site.waiting.new[stream] = now
        return True

    def waits(self, stream: Stream) -> None:
        """A request has been answered, if there was one; the next is waited for."""
        if self._working.pop(stream, None) is None:
            return
        site, now = self._open[stream], self._time()
        self._waiting.kept[stream] = now
        if site is not None:
            site.waiting.kept[stream] = now

    def works(self, stream: Stream) -> None:
        """The headers of a request have been read."""
        site = self._open.get(stream)
        self._waiting.discard(stream)
        if site is not None:
            site.waiting.discard(stream)
        if stream in self._open:
            self._working[stream] = self._time()

    def closed(self, stream: Stream) -> None:
        """It is closed; may be said more than once."""
        site = self._open.pop(stream, None)
        self._waiting.discard(stream)
        self._working.pop(stream, None)
        if site is not None:
            site.waiting.discard(stream)
            site.open -= 1
            if not site.open:
                self._sites.pop(site.name, None)

    def spare_one(self) -> None:
        """Close that which can be spared first, if any can."""
        longest = self._waiting.longest()
        if longest is not None:
            self._spare(longest)

    def sweep(self) -> None:
        """Close those that have taken too long: to send a first request, or to read a reply."""
        too_new = self._time() - self._bounds.first_request
        for stream in _older(self._waiting.new, too_new):
            self._close(stream)
        too_slow = self._time() - self._bounds.reply
        for stream in _older(self._working, too_slow):
            if stream.writing():
                self._close(stream)
        self._tell()

    def _site(self, peer: str) -> _Site | None:
        name = self._addresses.of_peer(peer)
        if name is None:
            return None
        return self._sites.get(name) or _Site(name)

    def _spare(self, stream: Stream) -> None:
        self._spared += 1
        self._close(stream)
        self._tell()

    def _close(self, stream: Stream) -> None:
        # Tornado says that it is closed later on, but there is room now.
        self.closed(stream)
        stream.close()

    def _tell(self) -> None:
        """Say in the log that there is no room: once, not for each connection."""
        if not (self._spared or self._refused) or self._time() < self._told + _TELL_SECONDS:
            return
        log.warning(
            "too many connections: %d are open, at most %d and %d of one address; "
            "%d idle ones were closed for others, %d refused",
            len(self._open),
            self._bounds.connections,
            self._per_address,
            self._spared,
            self._refused,
        )
        self._told = self._time()
        self._spared = self._refused = 0


def _older(streams: OrderedDict[Stream, float], than: float) -> list[Stream]:
    """Those that stand there since before that time; they are in order."""
    found = []
    for stream, since in streams.items():
        if since > than:
            break
        found.append(stream)
    return found
