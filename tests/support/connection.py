"""One connection over which requests are written by hand, and kept open."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.support.api import Answer
from tests.support.waiting import PATIENCE


def request(verb: str, path: str, *lines: str, body: bytes | None = None) -> bytes:
    """A request with these header lines; of a body the length is said."""
    headers = [f"{verb} {path} HTTP/1.1", "Host: x", *lines]
    if body is not None:
        headers.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*headers, "", ""]).encode() + (body or b"")


@dataclass(frozen=True)
class Connection:
    """A connection to a server on loopback."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, written: bytes) -> Answer:
        """The reply to a request."""
        self.writer.write(written)
        return await self.reply()

    async def reply(self) -> Answer:
        """The next reply. Raises `ConnectionError` if the connection ends before it does."""
        try:
            async with asyncio.timeout(PATIENCE):
                top = await self.reader.readuntil(b"\r\n\r\n")
                first, *lines = top.decode().strip().split("\r\n")
                headers = _headers(lines)
                body = await self.reader.readexactly(int(headers.get("Content-Length", "0")))
        except asyncio.IncompleteReadError:
            raise ConnectionError("the server has closed the connection") from None
        return Answer(int(first.split()[1]), headers, body)

    async def ended(self) -> None:
        """Return once the server has closed the connection."""
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                await self.reader.read()


@asynccontextmanager
async def connected(port: int, source: str = "127.0.0.1") -> AsyncIterator[Connection]:
    """A connection from an address of loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _headers(lines: list[str]) -> Mapping[str, str]:
    return dict(line.split(": ", 1) for line in lines)
