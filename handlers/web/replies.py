"""Replies: how what an endpoint gives, or the error it raised, is sent.

Knows headers and status codes; knows no route.
"""

import gzip
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from handlers.web.problems import Problem

_WORTH_GZIP = 1024  # bytes
_GZIP_LEVEL = 4
_WEIGHTS_OF_ZERO = {"q=0", "q=0.0", "q=0.00", "q=0.000"}


@dataclass(frozen=True)
class PreparedReply:
    """A reply that is bytes already. With an `etag` it may be cached, and asked for again."""

    content: bytes
    media_type: str = "application/json; charset=utf-8"
    etag: str | None = None
    cache: str = "public, max-age=60"
    packed: bool = False
    """Whether the content is as short as it gets."""

    @cached_property
    def gzipped(self) -> bytes:
        """The content for those who take it gzipped; made once."""
        return gzip.compress(self.content, compresslevel=_GZIP_LEVEL, mtime=0)

    @property
    def worth_gzip(self) -> bool:
        """Whether it is long, and may be asked for again."""
        return not self.packed and self.etag is not None and len(self.content) >= _WORTH_GZIP


async def send(
    handler: RequestHandler, reply: BaseModel | PreparedReply, status: HTTPStatus
) -> None:
    """Send a reply, and return when it is sent or the caller is gone."""
    if not isinstance(reply, PreparedReply):
        reply = PreparedReply(reply.model_dump_json(by_alias=True).encode())
    handler.set_status(status)
    handler.set_header("Content-Type", reply.media_type)
    content: bytes | None = reply.content
    if reply.worth_gzip:
        handler.set_header("Vary", "Accept-Encoding")
        if takes_gzip(handler.request.headers.get("Accept-Encoding", "")):
            handler.set_header("Content-Encoding", "gzip")
            content = reply.gzipped
    if reply.etag is not None:
        # Weak, because the gzipped content and the plain one have the same.
        handler.set_header("Etag", f'W/"{reply.etag}"')
        handler.set_header("Cache-Control", reply.cache)
        if handler.check_etag_header():
            handler.set_status(HTTPStatus.NOT_MODIFIED)
            content = None
    with suppress(StreamClosedError):
        await handler.finish(content)


def send_problem(handler: RequestHandler, problem: Problem, document: dict[str, Any]) -> None:
    """Send a problem as `application/problem+json` (RFC 9457)."""
    handler.set_status(problem.status)
    handler.set_header("Content-Type", "application/problem+json; charset=utf-8")
    for name, value in problem.headers.items():
        handler.set_header(name, value)
    handler.finish(json.dumps(document, ensure_ascii=False))


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header (RFC 9110, section 12.5.3) names gzip, and not with a
    weight of zero, which refuses it."""
    for coding in accept_encoding.split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return weight.strip() not in _WEIGHTS_OF_ZERO
    return False
