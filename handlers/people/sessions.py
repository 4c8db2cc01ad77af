"""Sessions: visitors sign in through WeChat, stay signed in, and sign out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.access import unauthenticated
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out
from handlers.web.routing import Route
from passes.people.visitors import Session, Visitor


class SessionIn(In):
    """What `wx.login` gave."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        examples=["sandbox:甲"]
    )
    """The login code, good once, for 5 minutes. At the sandbox `sandbox:NAME` stands for the
    visitor NAME."""
    device: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, examples=["HUAWEI Mate 60"]
    )
    """What the phone calls itself (`wx.getDeviceInfo().model`), so that its owner finds it again in
    `GET /me/devices`."""


class SessionOut(Out):
    """A session: a token to call with, and one to get the next pair with."""

    visitor_id: str = Field(examples=["8c5c4c1d8f2b6a90"])
    access_token: str
    """Bearer token of this visitor for all that follows."""
    expires_in: int = Field(examples=[1800])
    """For how many seconds the access token is good."""
    refresh_token: str
    """Bearer token for `POST /session/refresh` alone; good once, for 30 days."""
    session_expires_at: datetime
    """When the session ends, unless it is refreshed before."""
    real_name: bool
    """Whether it is known who the visitor is."""
    privacy_version: str = Field(examples=["2026-11"])
    """The version of the privacy statement in force, to be agreed to with `PUT /me/identity`."""


class SignOutQuery(BaseModel):
    """Where to sign out."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    everywhere: bool = False
    """Also on every other device, at once."""


class SignedOutOut(Out):
    """A session that has ended."""

    signed_out: Literal["here", "everywhere"]


class SessionHandler(VisitorHandler):
    """What the addresses of sessions share."""

    def tokens_of(self, session: Session, visitor: Visitor) -> SessionOut:
        """The tokens of a session, as its visitor gets them."""
        pair = self.services.tokens.for_session(session, visitor, self.now())
        return SessionOut(
            visitor_id=visitor.id,
            access_token=pair.access,
            expires_in=pair.seconds,
            refresh_token=pair.refresh,
            session_expires_at=session.ends_at,
            real_name=visitor.identity is not None,
            privacy_version=self.services.privacy_version,
        )


class SessionEndpoint(SessionHandler):
    """`/api/v1/session`"""

    @endpoint(scope=None, body=SessionIn, reply=SessionOut, limit="login")
    async def post(self, body: SessionIn) -> SessionOut:
        """Sign in with a login code of WeChat. Whoever was never here gets an account."""
        openid = await self.services.wechat.sign_in(body.code)
        visitor = await self.rooms.people.accounts.of_openid(openid, self.now())
        session = await self.rooms.people.signing_in.begin(visitor, self.now(), body.device)
        return self.tokens_of(session, visitor)

    @endpoint(scope=VISITOR, query=SignOutQuery, reply=SignedOutOut)
    async def delete(self, query: SignOutQuery) -> SignedOutOut:
        """Sign out: no more refresh here; or everywhere, where no token given so far is good any
        more."""
        visitor = await self.visitor()
        if query.everywhere:
            await self.rooms.people.signing_in.end_all(visitor.id, self.now())
            return SignedOutOut(signed_out="everywhere")
        await self.rooms.people.signing_in.end(self.caller.session)
        return SignedOutOut(signed_out="here")


class SessionRefreshEndpoint(SessionHandler):
    """`/api/v1/session/refresh`"""

    @endpoint(scope="refresh:session", reply=SessionOut, limit="login")
    async def post(self) -> SessionOut:
        """The next pair of tokens. A refresh token that is used again after a minute ends the
        session."""
        visitor = await self.visitor()
        session = await self.rooms.people.signing_in.carry_on(
            self.caller.session, self.caller.generation, self.now()
        )
        if session is None:
            raise unauthenticated("session_ended")
        return self.tokens_of(session, visitor)


routes = [
    Route("/api/v1/session", SessionEndpoint, "session"),
    Route("/api/v1/session/refresh", SessionRefreshEndpoint, "session-refresh"),
]
