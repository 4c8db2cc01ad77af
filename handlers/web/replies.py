"""Replies: how what an endpoint gives, or the error it raised, is sent.

Knows headers and status codes; knows no route.
"""

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from handlers.web.endpoint import Ready, takes_gzip
from handlers.web.problems import Problem


async def send(handler: RequestHandler, reply: BaseModel | Ready, status: HTTPStatus) -> None:
    """Send a reply, and return when it is sent or the caller is gone."""
    handler.set_status(status)
    ready = reply if isinstance(reply, Ready) else _ready(reply)
    handler.set_header("Content-Type", ready.media_type)
    content = ready.content
    if ready.worth_gzip:
        handler.set_header("Vary", "Accept-Encoding")
        if takes_gzip(handler.request.headers.get("Accept-Encoding", "")):
            handler.set_header("Content-Encoding", "gzip")
            content = ready.gzipped
    if ready.etag is not None:
        handler.set_header("Etag", f'W/"{ready.etag}"')
        handler.set_header("Cache-Control", ready.cache)
    unchanged = ready.etag is not None and handler.check_etag_header()
    if unchanged:
        handler.set_status(HTTPStatus.NOT_MODIFIED)
    with suppress(StreamClosedError):
        await handler.finish(None if unchanged else content)


def send_problem(handler: RequestHandler, problem: Problem, document: dict[str, Any]) -> None:
    """Send a problem as `application/problem+json`."""
    handler.set_status(problem.status)
    handler.set_header("Content-Type", "application/problem+json; charset=utf-8")
    for name, value in problem.headers.items():
        handler.set_header(name, value)
    handler.finish(json.dumps(document, ensure_ascii=False))


def _ready(reply: BaseModel) -> Ready:
    return Ready(reply.model_dump_json(by_alias=True).encode())
