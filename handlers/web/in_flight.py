"""Tracking: a request is in flight from its headers until its reply is sent, or its caller is gone without one."""

from asyncio import Future
from datetime import datetime
from typing import Any

from tornado.web import RequestHandler

from handlers.catalogue.day_view import Shelf
from handlers.services import Services
from handlers.web.access import Origin
from passes.base.calendar import business_day


class TrackedHandler(RequestHandler):
    """Counts its requests in `Services.traffic`, so that a process can finish them before it stops."""

    services: Services

    def initialize(self) -> None:
        """Per request."""
        self.services = self.application.settings["services"]
        self.arrived = False
        """Whether the whole request has been read."""
        self._in_flight = False

    def now(self) -> datetime:
        """This instant."""
        return self.services.now()

    def shelf(self) -> Shelf:
        """What there is to see today."""
        return self.services.shelves.on(business_day(self.now()))

    def origin(self) -> Origin:
        """Where the request comes from."""
        return Origin(
            self.request.remote_ip or "::", self.request.headers.get("X-Forwarded-For", "")
        )

    def enter(self) -> None:
        """The headers have been read."""
        self._in_flight = True
        self.services.traffic.begin()

    def finish(self, chunk: Any = None) -> "Future[None]":
        """Send the reply; the request is in flight until that is done."""
        sent = super().finish(chunk)
        sent.add_done_callback(lambda _: self._leave())
        return sent

    def on_connection_close(self) -> None:
        """A caller that is gone before its body has arrived gets no reply."""
        super().on_connection_close()
        if not self.arrived:
            self._leave()

    def _leave(self) -> None:
        if self._in_flight:
            self._in_flight = False
            self.services.traffic.end()
