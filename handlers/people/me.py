"""Me: what is held about a visitor, who they are, and their right to have it erased."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from handlers.holding.pass_views import PassViewOut
from handlers.people.companion_views import (
    CompanionOut,
    ShownByOut,
    companion_view,
    shown_by,
)
from handlers.people.devices import DeviceOut
from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out, TextOut
from handlers.web.routing import Route
from passes.admission.history import Event
from passes.base import typed
from passes.base.text import Text
from passes.people.companions import Basis
from passes.people.groups import Group
from passes.people.holder import Holder
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, Identity, IdentityDocument
from passes.people.visitors import Consent, Notice, Visitor
from passes.rights.requests import RequestKind, asked_by

_ShortText = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_NameText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""More than the 70 letters of a name: it may come with marks that do not count."""


def _plain_day(written: object) -> object:
    if written is None:
        return None
    plain = typed.compact(written) if isinstance(written, str) else ""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", plain):
        raise ValueError("write the day as 1990-03-07")
    return plain


class DocumentIn(In):
    """An identity document."""

    kind: DocumentKind = DocumentKind.RESIDENT
    name: _NameText = Field(examples=["测试甲"])
    """The real name, as it stands there."""
    id_number: _ShortText = Field(examples=["11010119900307002X"])
    country: Annotated[str, StringConstraints(max_length=16)] | None = Field(
        default=None, examples=["FRA"]
    )
    """Of a passport: three letters of ISO 3166-1."""
    born: Annotated[date, Field(strict=False), BeforeValidator(_plain_day)] | None = Field(
        default=None, examples=["1990-03-07"]
    )
    """Of a passport, `hm_permit` and `taiwan_permit`; other numbers tell it."""

    def document(self) -> IdentityDocument:
        """The document as the domain sees it."""
        return IdentityDocument(self.kind, self.name, self.id_number, self.country, self.born)


class IdentityIn(DocumentIn):
    """Who a visitor is, and what they agree to."""

    consent_version: _ShortText = Field(examples=["2026-11"])
    """The version of the privacy statement that the visitor has agreed to: the `privacy_version` of
    the session."""
    guardian: DocumentIn | None = None
    """Who agrees for a visitor under 14."""

    def statement(self) -> IdentityStatement:
        """The statement as the domain sees it."""
        guardian = None
        if self.guardian is not None:
            guardian = self.guardian.document()
        return IdentityStatement(self.document(), self.consent_version, guardian)


class IdentityOut(Out):
    """Who somebody is."""

    kind: DocumentKind
    name: str = Field(examples=["测试甲"])
    id_number: str = Field(examples=["11010119900307002X"])
    country: str | None = Field(examples=[None])
    born: date

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """The view of an identity."""
        return cls(
            kind=identity.kind,
            name=identity.name,
            id_number=identity.number,
            country=identity.country,
            born=identity.born,
        )


class KnownOut(Out):
    """Who a visitor is known as, masked."""

    name_mask: str = Field(examples=["测**"])
    id_number_mask: str = Field(examples=["110***********002X"])


class PhoneIn(In):
    """What the phone number button gave."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        examples=["sandbox:甲"]
    )
    """The code of `getPhoneNumber`, which is not the login code."""


class PhoneOut(Out):
    """A phone number, masked."""

    phone_mask: str = Field(examples=["+8613*******00"])


class ConsentOut(Out):
    """What was agreed to, and by whom for a visitor under 14."""

    version: str = Field(examples=["2026-11"])
    at: datetime
    guardian: IdentityOut | None


class HeldCompanionOut(CompanionOut):
    """A companion, with what the visitor has said of them."""

    identity: IdentityOut | None
    """Of a child, as their guardian has said it; others have shown their document themselves."""


class EventOut(Out):
    """One thing that happened to a pass."""

    at: datetime
    what: str = Field(examples=["admitted"])
    spot: str | None = Field(examples=["emeishan"])
    by: str = Field(examples=["gate"])

    @classmethod
    def of(cls, event: Event) -> Self:
        """The view of an event. Of `operator:USER` it tells `operator`: no names of staff."""
        role, _, _ = event.by.partition(":")
        return cls(at=event.at, what=event.what, spot=event.spot_id, by=role)


class HeldPassOut(PassViewOut):
    """A pass, and everything that happened to it."""

    story: list[EventOut]

    @classmethod
    def of_events(cls, view: PassViewOut, events: Sequence[Event]) -> Self:
        """The view of a pass, with its history under its present serial."""
        return cls(**view.model_dump(), story=[EventOut.of(event) for event in events])


_NOTICES = {
    "pass_frozen_misused": Text(
        "您的电子票多次被他人出示，已冻结，请联系客服",
        "somebody else has shown a pass of yours several times, so it is frozen; ask the staff",
    ),
    "identity_unbound": Text(
        "工作人员已解除您的实名绑定；如非本人办理，请联系客服",
        "staff have undone the binding of your identity to this account; if you did not ask for "
        "it, tell them",
    ),
}


class NoticeOut(Out):
    """What a visitor has to be told."""

    code: str = Field(examples=["identity_unbound"])
    at: datetime
    message: TextOut

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """The view of a notice."""
        return cls(code=notice.code, at=notice.at, message=TextOut.of(_NOTICES[notice.code]))


class MeOut(Out):
    """Everything that is held about a visitor."""

    id: str = Field(examples=["8c5c4c1d8f2b6a90"])
    created_at: datetime
    openid: str
    """The name of the visitor's account at WeChat, for this mini-program."""
    phone: str | None = Field(examples=["+8613800000000"])
    """With its country, by E.164."""
    identity: IdentityOut | None
    consent: ConsentOut | None
    notice: NoticeOut | None
    """What the visitor has to be told, if there is anything."""
    groups: list[Group]
    """The groups that operators have said the visitor belongs to."""
    sign_ins: list[DeviceOut]
    companions: list[HeldCompanionOut]
    """Whose passes the visitor shows beside their own."""
    shown_by: list[ShownByOut]
    """Who shows the passes of the visitor."""
    passes: list[HeldPassOut]


class EraseQuery(BaseModel):
    """What may be erased."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    give_up_passes: bool = False
    """Also passes in force, which are gone for good then."""


class ErasedOut(Out):
    """An account that is no more."""

    passes_given_up: list[str] = Field(examples=[["70a69d540b54f65e"]])


class MeEndpoint(VisitorHandler):
    """`/api/v1/me`"""

    @endpoint(scope=VISITOR, reply=MeOut)
    async def get(self) -> MeOut:
        """Everything that is held about the visitor who calls."""
        visitor, people = await self.visitor(), self.rooms.people
        asked = asked_by(visitor, RequestKind.EXPORT)
        await self.rooms.rights.requests.exported(asked, self.now())
        groups = await people.members.groups_of(visitor.lookup)
        sessions = await people.sessions.of_visitor(visitor.id)
        return MeOut(
            id=visitor.id,
            created_at=visitor.created_at,
            openid=people.accounts.openid(visitor),
            phone=people.accounts.phone(visitor),
            identity=self._opened(visitor.identity),
            consent=self._consent(visitor.consent),
            notice=None if visitor.notice is None else NoticeOut.of(visitor.notice),
            groups=sorted(groups),
            sign_ins=[DeviceOut.of(session, self.caller.session) for session in sessions],
            companions=await self._companions(visitor),
            shown_by=await shown_by(visitor, self.rooms, self.now()),
            passes=await self._passes(visitor),
        )

    @endpoint(scope=VISITOR, query=EraseQuery, reply=ErasedOut)
    async def delete(self, query: EraseQuery) -> ErasedOut:
        """Erase the account and everything that is held about the visitor. Passes in force forbid
        it."""
        visitor = await self.visitor()
        given_up = await self.rooms.rights.erasing.erase(
            visitor, give_up_passes=query.give_up_passes, now=self.now()
        )
        return ErasedOut(passes_given_up=[held.id for held in given_up])

    def _opened(self, holder: Holder | None) -> IdentityOut | None:
        """An identity as it was said, which only its visitor may see."""
        if holder is None:
            return None
        return IdentityOut.of(self.rooms.people.identities.open(holder))

    def _consent(self, consent: Consent | None) -> ConsentOut | None:
        if consent is None:
            return None
        guardian = self._opened(consent.guardian)
        return ConsentOut(version=consent.version, at=consent.at, guardian=guardian)

    async def _companions(self, visitor: Visitor) -> list[HeldCompanionOut]:
        """Those whom a visitor shows; what they are called is told to a child's guardian."""
        told, people = [], self.rooms.people
        for each in await people.companionships.of_visitor(visitor.id):
            view = await companion_view(each, visitor, self.rooms, self.now())
            identity = None
            if each.basis is Basis.GUARDIAN:
                identity = self._opened(each.person)
            told.append(HeldCompanionOut(**dict(view), identity=identity))
        return told

    async def _passes(self, visitor: Visitor) -> list[HeldPassOut]:
        """The passes of a visitor, newest first, each with its history."""
        told = []
        for held in await self.rooms.holding.wallet.of_visitor(visitor):
            events = await self.rooms.admission.histories.under_serial(held)
            told.append(HeldPassOut.of_events(await self.view(held), events))
        return told


class MyIdentityEndpoint(VisitorHandler):
    """`/api/v1/me/identity`"""

    @endpoint(scope=VISITOR, body=IdentityIn, reply=KnownOut, limit="identity")
    async def put(self, body: IdentityIn) -> KnownOut:
        """Say who you are. A person is known to one account; with a pass in force it cannot be
        changed.
        """
        visitor = await self.visitor()
        known = await self.rooms.people.identification.identify(
            visitor, body.statement(), self.now()
        )
        holder = known.holder
        return KnownOut(name_mask=holder.name_mask, id_number_mask=holder.number_mask)


class MyPhoneEndpoint(VisitorHandler):
    """`/api/v1/me/phone`"""

    @endpoint(scope=VISITOR, body=PhoneIn, reply=PhoneOut, limit="identity")
    async def post(self, body: PhoneIn) -> PhoneOut:
        """Let WeChat say the phone number of the visitor."""
        visitor = await self.visitor()
        number = await self.services.wechat.phone_number(body.code)
        phone = await self.rooms.people.accounts.set_phone(visitor, number, self.now())
        return PhoneOut(phone_mask=phone.mask)


routes = [
    Route("/api/v1/me", MeEndpoint, "me"),
    Route("/api/v1/me/identity", MyIdentityEndpoint, "my-identity"),
    Route("/api/v1/me/phone", MyPhoneEndpoint, "my-phone"),
]
