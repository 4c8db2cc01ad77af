"""Companions: whom the visitor shows beside themselves, and who shows the visitor."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.people.companion_views import CompanionOut, ShownByOut, companion_view, shown_by
from handlers.people.me import DocumentIn
from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out
from handlers.web.routing import Route
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people.companions import MOST_COMPANIONS, Companionship
from passes.people.visitors import Visitor

_ConsentVersion = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class CompanionIn(In):
    """Whom to show: who gave a companion code, or a child below 14 whose guardian the visitor
    is."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, examples=["4829173605"]
    )
    """The code of `POST /me/companion-codes` of the other account."""
    child: DocumentIn | None = None
    """The document of a child; with the `consent_version` that the guardian has agreed to."""
    consent_version: _ConsentVersion | None = Field(default=None, examples=["2026-11"])


class CompanionsOut(Out):
    """Those whom the visitor shows."""

    total: int
    most: int = Field(examples=[MOST_COMPANIONS])
    items: list[CompanionOut]


class CompanionEndedOut(Out):
    """A companion who is shown no more."""

    ended: str = Field(examples=["5c1de0a7b2f94d63"])


class CodeIn(In):
    """What a person agrees to who lets another account show their passes."""

    consent_version: _ConsentVersion = Field(examples=["2026-11"])


class CompanionCodeOut(Out):
    """A companion code."""

    code: str = Field(examples=["4829173605"])
    """Ten digits, good once; a new one takes its place."""
    expires_at: datetime


class ShownBysOut(Out):
    """The accounts that show the visitor's passes, oldest first."""

    total: int
    items: list[ShownByOut]


class TakenBackOut(Out):
    """An account that shows the visitor's passes no more."""

    ended: str = Field(examples=["5c1de0a7b2f94d63"])
    reissued: list[str] = Field(examples=[["70a69d540b54f65e"]])
    """The new ids of the passes, whose codes on the other phone are worthless: fetch theirs."""


class MyCompanionsEndpoint(VisitorHandler):
    """`/api/v1/me/companions`"""

    @endpoint(scope=VISITOR, reply=CompanionsOut)
    async def get(self) -> CompanionsOut:
        """Those whose passes the visitor shows, and until when."""
        visitor = await self.visitor()
        kept = await self.rooms.people.companionships.of_visitor(visitor.id)
        items = [await companion_view(each, visitor, self.rooms, self.now()) for each in kept]
        return CompanionsOut(total=len(items), most=MOST_COMPANIONS, items=items)

    @endpoint(
        scope=VISITOR,
        body=CompanionIn,
        reply=CompanionOut,
        status=HTTPStatus.CREATED,
        limit="identity",
    )
    async def post(self, body: CompanionIn) -> CompanionOut:
        """Show the passes of somebody else: with their code, or as the guardian of a child. Doing
        it again changes nothing."""
        visitor = await self.visitor()
        companion = await self._begun(visitor, body)
        return await companion_view(companion, visitor, self.rooms, self.now())

    async def _begun(self, visitor: Visitor, body: CompanionIn) -> Companionship:
        accompanying = self.rooms.people.accompanying
        if body.code is not None and body.child is None:
            return await accompanying.confirm(visitor, body.code, self.now())
        if body.child is not None and body.code is None:
            version = body.consent_version or ""
            return await accompanying.add_child(visitor, body.child.document(), version, self.now())
        text = Text("请填写同行码，或儿童的证件", "say a companion code, or a child's document")
        raise Invalid("companion_needed", text, [Fault("code", "say this, or child")])


class MyCompanionEndpoint(VisitorHandler):
    """`/api/v1/me/companions/{id}`"""

    @endpoint(scope=VISITOR, reply=CompanionEndedOut)
    async def delete(self, companion_id: str) -> CompanionEndedOut:
        """Show somebody no more. Their passes stay theirs."""
        visitor = await self.visitor()
        await self.rooms.people.accompanying.end(visitor, companion_id, self.now())
        return CompanionEndedOut(ended=companion_id)


class MyCompanionCodesEndpoint(VisitorHandler):
    """`/api/v1/me/companion-codes`"""

    @endpoint(
        scope=VISITOR,
        body=CodeIn,
        reply=CompanionCodeOut,
        status=HTTPStatus.CREATED,
        limit="identity",
    )
    async def post(self, body: CodeIn) -> CompanionCodeOut:
        """A code by which one other account may show the visitor's passes; good for ten minutes."""
        visitor = await self.visitor()
        new = await self.rooms.people.accompanying.make_code(
            visitor, body.consent_version, self.now()
        )
        return CompanionCodeOut(code=new.code, expires_at=new.expires_at)


class ShownByEndpoint(VisitorHandler):
    """`/api/v1/me/shown-by`"""

    @endpoint(scope=VISITOR, reply=ShownBysOut)
    async def get(self) -> ShownBysOut:
        """The accounts that show the visitor's passes."""
        items = await shown_by(await self.visitor(), self.rooms, self.now())
        return ShownBysOut(total=len(items), items=items)


class TakeBackEndpoint(VisitorHandler):
    """`/api/v1/me/shown-by/{id}`"""

    @endpoint(scope=VISITOR, reply=TakenBackOut, limit="reissue")
    async def delete(self, companion_id: str) -> TakenBackOut:
        """Let an account show the visitor's passes no more, at once: they get new codes."""
        visitor = await self.visitor()
        reissued = await self.rooms.holding.showing.take_back(
            visitor.lookup, companion_id, f"visitor:{visitor.id}", self.now()
        )
        return TakenBackOut(ended=companion_id, reissued=[held.id for held in reissued])


routes = [
    Route("/api/v1/me/companions", MyCompanionsEndpoint, "my-companions"),
    Route("/api/v1/me/companions/{companion_id}", MyCompanionEndpoint, "my-companion"),
    Route("/api/v1/me/companion-codes", MyCompanionCodesEndpoint, "my-companion-codes"),
    Route("/api/v1/me/shown-by", ShownByEndpoint, "my-shown-by"),
    Route("/api/v1/me/shown-by/{companion_id}", TakeBackEndpoint, "my-taking-back"),
]
