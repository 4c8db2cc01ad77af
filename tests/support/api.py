"""Speaks HTTP to a server under test."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from tests.support.waiting import PATIENCE


@dataclass(frozen=True)
class Answer:
    """A reply: status, headers, bytes and, if it is JSON, the document."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Speaks to a server over HTTP."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self._client = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 30})

    async def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return await self.send("GET", path, None, token, headers)

    async def post(
        self, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        return await self.send("POST", path, _content(body), token, headers)

    async def put(self, path: str, body: Any, token: str | None = None, **headers: str) -> Answer:
        return await self.send("PUT", path, _content(body), token, headers)

    async def delete(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return await self.send("DELETE", path, None, token, headers)

    async def raw(self, request: bytes) -> bytes:
        """The first line of the reply to whatever is written, over a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.readline(), PATIENCE)
        finally:
            writer.close()
            with suppress(ConnectionError):  # the server may have closed it first
                await writer.wait_closed()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        token: str | None,
        headers: Mapping[str, str],
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        request = HTTPRequest(
            self.base + path,
            method,
            headers=sent,
            body=body,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            decompress_response=False,
        )
        try:
            response: HTTPResponse = await self._client.fetch(request, raise_error=False)
        except HTTPClientError as error:
            raise ConnectionError(str(error)) from None
        if response.code == 599:
            raise ConnectionError(str(response.error))
        return Answer(response.code, response.headers, response.body or b"")

    def close(self) -> None:
        self._client.close()


def _content(body: Any) -> bytes:
    """Bytes as they are, anything else as JSON; nothing is an empty object."""
    if isinstance(body, bytes):
        return body
    return json.dumps({} if body is None else body).encode()
