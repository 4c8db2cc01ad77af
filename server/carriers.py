"""Carriers: whoever vouches for what visitors show instead of a card, asked over HTTP.

    POST /carriers/resolve {"kind": "social_security", "token": "…"}

    200 {"kind": "resident", "number": "…"}     the document behind it; of a passport `country`, too
    404                                         not known, or not any more

Neither token nor number is logged.
"""

import json
import logging
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse

from passes.admission.lookup import Card
from passes.admission.ports import Carriers, CarrierUnavailable
from passes.people.identity import DocumentKind

log = logging.getLogger(__name__)

CONNECT_SECONDS, REQUEST_SECONDS = 1.5, 3.0
"""A visitor waits at a turnstile, and can show the code instead."""

_CALLS_AT_ONCE = 100
_OK, _UNKNOWN = 200, 404


class HttpCarriers(Carriers):
    """The client of one provider, or of an adapter that speaks to several."""

    def __init__(self, url: str) -> None:
        """`url` is its address without a path."""
        self._url = url
        self._client = AsyncHTTPClient(force_instance=True, max_clients=_CALLS_AT_ONCE)

    async def resolve(self, kind: str, token: str) -> Card | None:
        """The document for which a carrier stands; None for one that is not known. Asked once, for
        a token may be good once. Raises `CarrierUnavailable`."""
        try:
            response = await self._client.fetch(
                f"{self._url}/carriers/resolve",
                method="POST",
                body=json.dumps({"kind": kind, "token": token}),
                headers={"Content-Type": "application/json"},
                connect_timeout=CONNECT_SECONDS,
                request_timeout=REQUEST_SECONDS,
                follow_redirects=False,
                raise_error=False,
            )
        except (HTTPClientError, OSError) as error:
            raise _unavailable(type(error).__name__) from None
        if response.code == _UNKNOWN:
            return None
        if response.code != _OK:
            raise _unavailable(f"status {response.code}")
        return _card_in(response)


def _card_in(response: HTTPResponse) -> Card:
    """The document in an answer. Raises `CarrierUnavailable` if there is none."""
    try:
        said: dict[str, Any] = json.loads(response.body)
        number, country = said["number"], said.get("country")
        if isinstance(number, str) and isinstance(country, str | None):
            return Card(number, DocumentKind(said["kind"]), country)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise _unavailable("no document in its answer")


def _unavailable(why: str) -> CarrierUnavailable:
    log.warning("whoever vouches for carriers cannot be asked: %s", why)
    return CarrierUnavailable()
