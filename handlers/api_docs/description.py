"""The API described: for programs as OpenAPI, for people as a page that needs nothing else."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from handlers.api_docs.docs_page import docs_page
from handlers.api_docs.openapi import Json, describe
from handlers.web.api import ApiHandler
from handlers.web.endpoint import endpoint
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route


@dataclass(frozen=True, slots=True)
class Description:
    """The two replies, made once when the application is."""

    document: PreparedReply
    page: PreparedReply

    @classmethod
    def of(cls, routes: Iterable[Route]) -> Self:
        """The description of these routes."""
        api = describe(routes)
        document = openapi_text(api).encode()
        page = docs_page(api)
        return cls(
            _with_etag(document, "application/json"),
            _with_etag(page, "text/html; charset=utf-8"),
        )


def openapi_text(api: Json) -> str:
    """The OpenAPI document as it is served and as `docs/openapi.json` holds it."""
    return json.dumps(api, ensure_ascii=False, indent=1) + "\n"


class DescriptionHandler(ApiHandler):
    """What both addresses share."""

    @property
    def description(self) -> Description:
        """The description of the application that this handler is part of."""
        found: Description = self.application.settings["description"]
        return found


class OpenApiEndpoint(DescriptionHandler):
    """`/openapi.json`"""

    @endpoint(scope=None, reply="application/json")
    async def get(self) -> PreparedReply:
        """This API, in OpenAPI 3.1."""
        return self.description.document


class DocsEndpoint(DescriptionHandler):
    """`/docs`"""

    @endpoint(scope=None, reply="text/html")
    async def get(self) -> PreparedReply:
        """This API, as a page to read."""
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        return self.description.page


def _with_etag(content: bytes, media_type: str) -> PreparedReply:
    return PreparedReply(content, media_type, etag=sha256(content).hexdigest()[:16])


routes = [
    Route("/openapi.json", OpenApiEndpoint, "openapi"),
    Route("/docs", DocsEndpoint, "docs"),
]
