"""A relay in front of a server, so that a test can lose requests and replies on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum


class Lost(Enum):
    """What is lost of a connection."""

    NOTHING = "nothing"
    REQUEST = "request"
    """It is closed at once, as when nobody listens."""
    REPLY = "reply"
    """The request reaches the server, which answers, and the answer is dropped."""


class Relay:
    """Passes connections on to a port, or loses them."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self.losses: list[Lost] = []
        """What is lost of the next connections; of those after them, nothing."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = self.losses.pop(0) if self.losses else Lost.NOTHING
        if lost is Lost.REQUEST:
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        asking = asyncio.create_task(_pass_on(reader, there_writer))
        if lost is Lost.REPLY:
            await there_reader.read(1)  # the server has answered
        else:
            await _pass_on(there_reader, writer)
        asking.cancel()
        there_writer.close()
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()


@asynccontextmanager
async def relay_to(port: int) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to a loopback port, and the port on which it listens itself."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    async with server:
        yield relay, server.sockets[0].getsockname()[1]
