"""Speaks HTTP to a server under test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse


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
        self.base = f"http://127.0.0.1:{port}"
        self._client = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 30})

    async def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return await self.send("GET", path, None, token, headers)

    async def post(
        self, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return await self.send("POST", path, raw, token, headers)

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
