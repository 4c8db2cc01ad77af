"""A line to a server, which a test can cut, slow down, hold silent and heal: a TCP proxy.

`cut` is a cable pulled out: what is connected is reset, and nobody gets through. `silence` is a
radio link that has died: nothing is refused, nothing arrives. `deafen` lets requests through and
holds the replies. What was held goes on at `heal`, late, as TCP resends it; `cut` loses it.

    async with line_to(server.port) as line:
        await gate.scan(line.base)
        line.cut()
        ...
        line.heal()
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


class Line:
    """Carries connections to a loopback port."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        """Where it leads; a server that was started anew may have another port."""
        self.port = 0
        """Where it begins."""
        self.delay = 0.0
        """Seconds by which everything is late, each way."""
        self.carried = 0
        """How many connections got through."""
        self._is_cut = False
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._ends: set[StreamWriter] = set()
        self.heal()

    @property
    def base(self) -> str:
        """What a client calls."""
        return f"http://127.0.0.1:{self.port}"

    def heal(self) -> None:
        """Carry everything again, without delay."""
        self._is_cut, self.delay = False, 0.0
        self._there.set()
        self._back.set()

    def cut(self) -> None:
        """Reset what is connected, and whoever calls from now on."""
        self._is_cut = True
        for end in tuple(self._ends):
            _reset(end)

    def silence(self) -> None:
        """Hold everything back, both ways; refuse nobody."""
        self._there.clear()
        self._back.clear()

    def deafen(self) -> None:
        """Let requests through, and hold the replies back."""
        self._back.clear()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry one connection, until either end closes it or the line is cut."""
        if self._is_cut:
            _reset(writer)
            return
        self._ends.add(writer)
        far: StreamWriter | None = None
        try:
            await self._there.wait()
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.to_port)
            self._ends.add(far)
            self.carried += 1
            await self._both_ways(reader, writer, far_reader, far)
        except OSError:
            pass  # nobody listens there, or one end is gone: so is the other
        finally:
            for end in (writer, far):
                if end is not None:
                    self._ends.discard(end)
                    end.transport.abort()

    async def _both_ways(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        far_reader: StreamReader,
        far: StreamWriter,
    ) -> None:
        """Until either way ends. The last bytes of a reply have arrived by then: whoever has
        answered wholly closes after them."""
        ways = [
            asyncio.create_task(self._carry(reader, far, self._there)),
            asyncio.create_task(self._carry(far_reader, writer, self._back)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if ways[1].done():
                with suppress(OSError):
                    await _closed(writer)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(self, reader: StreamReader, writer: StreamWriter, way: asyncio.Event) -> None:
        while content := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await way.wait()
            if self._is_cut:
                return
            writer.write(content)
            await writer.drain()


def _reset(writer: StreamWriter) -> None:
    """End a connection as a machine does that knows nothing of it."""
    linger = struct.pack("ii", 1, 0)
    with suppress(OSError):  # it is closed already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _closed(writer: StreamWriter) -> None:
    """Close after what is written has gone out."""
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A whole line to a loopback port, which begins at a free one."""
    line = Line(port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.heal()  # nobody waits for what is held
        line.cut()
