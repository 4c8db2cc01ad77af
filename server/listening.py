"""Listening: Tornado's HTTP server, which takes only as many connections as there is room for.

Tornado itself has no such bound. Once no descriptor is left it tries to accept for ever, with a
traceback in the log each time, and it waits for ever for a caller to read its reply.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import IOStream

from server.connections import Connections

log = logging.getLogger(__name__)

_ACCEPTED_AT_ONCE = 16
"""How many connections are accepted before anything else is done."""
_SWEEP_MILLISECONDS = 500
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NO_ROOM_PAUSE_SECONDS = 1.0
_TELL_SECONDS = 60.0


class BoundedServer(HTTPServer):
    """An HTTP server with bounds of number and time for its connections."""

    def initialize(self, *args: Any, **options: Any) -> None:
        """As `HTTPServer`, with the option `connections`, which say who may stay."""
        connections: Connections = options.pop("connections")
        super().initialize(*args, **options)
        self._bound = connections
        self._accepting = False
        self._told = float("-inf")
        self._sweeping = PeriodicCallback(connections.sweep, _SWEEP_MILLISECONDS)

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these sockets, too."""
        self._pause()
        for listening in sockets:
            self._sockets[listening.fileno()] = listening
        self._resume()
        self._sweeping.start()

    def stop(self) -> None:
        """Accept no more."""
        self._pause()
        self._sweeping.stop()
        self._stopped = True
        for listening in self._sockets.values():
            listening.close()

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve a new connection, if there is room for it."""
        if self._bound.open(stream, address[0]):
            super().handle_stream(stream, address)

    def start_request(self, server_conn: Any, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Wait for the next request of a connection."""
        stream = server_conn.stream
        self._bound.waits(stream)
        self._resume()
        return _Noticed(
            super().start_request(server_conn, request_conn), lambda: self._bound.works(stream)
        )

    def on_close(self, server_conn: Any) -> None:
        """A connection is closed."""
        self._bound.closed(server_conn.stream)
        self._resume()
        super().on_close(server_conn)

    def _resume(self) -> None:
        if not self._accepting and not self._stopped:
            self._accepting = True
            for listening in self._sockets.values():
                IOLoop.current().add_handler(listening, self._accept, IOLoop.READ)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            for listening in self._sockets.values():
                IOLoop.current().remove_handler(listening)

    def _accept(self, listening: socket.socket, _: int) -> None:
        """Accept some of those who wait. While there is no room they wait in the kernel."""
        for _number in range(_ACCEPTED_AT_ONCE):
            if self._bound.is_full:
                self._pause()
                return
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._out_of_descriptors(error)
                    return
                continue  # the caller has gone since
            stream = IOStream(connection, self.max_buffer_size, self.read_chunk_size)
            self.handle_stream(stream, address)

    def _out_of_descriptors(self, error: OSError) -> None:
        """Something else has used up the reserve. Make room, and try again a little later."""
        self._pause()
        self._bound.spare_one()
        loop = asyncio.get_running_loop()
        loop.call_later(_NO_ROOM_PAUSE_SECONDS, self._resume)
        if loop.time() > self._told + _TELL_SECONDS:
            self._told = loop.time()
            log.error("no connection can be accepted: %s", error.strerror)


class _Noticed(HTTPMessageDelegate):
    """Passes a request on, and notices when its headers have been read."""

    def __init__(self, delegate: HTTPMessageDelegate, begun: Callable[[], None]) -> None:
        self._delegate = delegate
        self._begun = begun

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Pass them on."""
        self._begun()
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass it on."""
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass it on."""
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass it on."""
        self._delegate.on_connection_close()
