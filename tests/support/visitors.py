"""Visitors over HTTP, who sign in through the sandbox."""

from typing import Any

from tests.support.api import Answer, Api
from tests.support.build import HOLDER, PRIVACY_VERSION

_HOLDER = {"name": HOLDER.name, "id_number": HOLDER.number, "consent_version": PRIVACY_VERSION}


async def signed_in(api: Api, name: str = "甲", **headers: str) -> Any:
    """The session of a visitor, by the name of their account in the sandbox."""
    answer = await api.post("/api/v1/session", {"code": f"sandbox:{name}"}, **headers)
    assert answer.status == 200, answer.body
    return answer.json


async def token_of(api: Api, name: str = "甲", **headers: str) -> str:
    """The access token of a visitor who signs in."""
    session = await signed_in(api, name, **headers)
    return str(session["access_token"])


async def put_identity(api: Api, token: str, **changes: Any) -> Answer:
    """Say to be `build.HOLDER`, or somebody else; what is changed to None is left out."""
    said = _HOLDER | changes
    body = {name: value for name, value in said.items() if value is not None}
    return await api.put("/api/v1/me/identity", body, token, Accept_Language="en")
