"""In-flight requests: counted from their headers until their reply is sent.

So a process can finish them before it stops. A request whose caller is gone before its body has
arrived gets no reply, and is no longer in flight.
"""

import asyncio
from asyncio import Future
from typing import Any

from tornado.web import RequestHandler


class InFlight:
    """Counts the requests in flight."""

    def __init__(self) -> None:
        """Nothing is in flight; the process takes requests."""
        self.draining = False
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """The headers of a request have been read."""
        self._count += 1
        self._idle.clear()

    def end(self) -> None:
        """A request has been answered, or its caller is gone."""
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def finished(self) -> None:
        """Return once nothing is in flight."""
        await self._idle.wait()


class CountedHandler(RequestHandler):
    """A handler whose requests are counted."""

    in_flight: InFlight

    def initialize(self) -> None:
        """Per request."""
        self.in_flight = self.application.settings["in_flight"]
        self.arrived = False
        """Whether the whole request has been read."""
        self._entered = False
        self._counted = False

    def enter(self) -> None:
        """The headers have been read."""
        self._entered = True
        self._counted = True
        self.in_flight.begin()

    def finish(self, chunk: Any = None) -> "Future[None]":
        """Send the reply; the request is in flight until that is done.

        Where Tornado refuses a request before it asks us, for an unknown method or a path that is
        no text, it then closes the connection: so that is said.
        """
        if not self._entered:
            self.set_header("Connection", "close")
        sent = super().finish(chunk)
        sent.add_done_callback(lambda _: self._leave())
        return sent

    def on_connection_close(self) -> None:
        """A caller that is gone before its body has arrived gets no reply."""
        super().on_connection_close()
        if not self.arrived:
            self._leave()

    def _leave(self) -> None:
        # Both `finish` and `on_connection_close` may come for one request; it is counted once.
        if self._counted:
            self._counted = False
            self.in_flight.end()
