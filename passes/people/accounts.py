"""Accounts: a WeChat account becomes a visitor, and a visitor a person, each at most once.

What can be bound only once is a document under a unique key: written before the visitor who names it, so that a crash
in between leaves a binding that the next try, or the next person, takes over.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.identity import Identity, IdentityDocument, Sealer, identify
from passes.people.ports import PassesOfPeople, Visitors
from passes.people.sealing import Vault
from passes.people.visitors import Binding, Consent, Phone, Visitor

GUARDED_BELOW = 14
"""Years of age below which a guardian consents (个人信息保护法, article 31)."""

ADULT_FROM = 18

_BINDING_TAKES = timedelta(minutes=1)
"""A binding whose visitor does not name the person by then was left behind by a crash."""


@dataclass(frozen=True, slots=True)
class IdentityStatement:
    """Who a visitor says to be, what they agree to, and, below 14, who agrees for them."""

    document: IdentityDocument
    consent_version: str
    guardian: IdentityDocument | None = None


@dataclass(frozen=True, slots=True)
class Unbound:
    """The visitor who was bound to a person, and how many passes of theirs were given the right name."""

    visitor_id: str | None
    passes_renamed: int


class Accounts:
    """Signs visitors up, and keeps who they are."""

    def __init__(
        self,
        vault: Vault,
        privacy_version: str,
        visitors: Visitors,
        passes: PassesOfPeople,
        audit: Audit,
    ) -> None:
        """`privacy_version` is that of the statement that visitors agree to now."""
        self._vault = vault
        self._identities = Sealer(vault)
        self._privacy_version = privacy_version
        self._visitors = visitors
        self._passes = passes
        self._audit = audit

    async def of_openid(self, openid: str, now: datetime) -> Visitor:
        """The visitor behind a WeChat account, made now if there was none."""
        thing = self._account(openid)
        visitor_id = (
            await self._visitors.bind(thing, Binding(secrets.token_hex(8), now))
        ).visitor_id
        visitor = await self._visitors.get(visitor_id)
        if visitor is None:
            await self._visitors.add(
                Visitor(visitor_id, now, self._vault.seal(openid, f"openid:{visitor_id}"))
            )
            await self._audit.write(
                AuditLine(now, f"visitor:{visitor_id}", "sign_up", f"visitor:{visitor_id}")
            )
            visitor = await self._visitors.get(visitor_id)
            bound = await self._visitors.bound(thing)
            if (
                bound is None or bound.visitor_id != visitor_id
            ):  # it was erased since, and must not come back
                await self._visitors.erase(visitor_id)
                visitor = None
        if visitor is None:
            raise _erased()
        return visitor

    async def current(self, visitor: Visitor) -> Visitor:
        """The visitor as they are now."""
        return await self._visitors.get(visitor.id) or visitor

    def openid(self, visitor: Visitor) -> str:
        """The name of a visitor at WeChat."""
        return self._vault.open(visitor.openid, f"openid:{visitor.id}")

    def phone(self, visitor: Visitor) -> str | None:
        """The phone number of a visitor."""
        return (
            self._vault.open(visitor.phone.sealed, f"phone:{visitor.id}") if visitor.phone else None
        )

    async def set_phone(self, visitor: Visitor, number: str) -> Phone:
        """Keep the phone number of a visitor."""
        mask = (
            number[:3] + "*" * (len(number) - 5) + number[-2:]
            if len(number) > 7
            else "*" * len(number)
        )
        phone = Phone(self._vault.seal(number, f"phone:{visitor.id}"), mask)
        await self._visitors.set_phone(visitor.id, phone)
        return phone

    async def identify(self, visitor: Visitor, said: IdentityStatement, now: datetime) -> Visitor:
        """Make a visitor known by real name, and return them as they are then. Doing it again changes nothing.

        Raises `Invalid` naming what is wrong, `Conflict` if the person is bound to another account, or the visitor is
        known by another name already and has a pass in force.
        """
        identity = identify(said.document, business_day(now))
        consent = self._consent(said, identity, now)
        before = visitor.identity
        holder = self._identities.seal(identity)
        same = before is not None and before.is_same(holder)
        if same and visitor.consent is not None and self._agree(visitor.consent, consent):
            return visitor
        holder = before if before and same else holder
        await self._check_name(holder)
        if before and not same and await self._has_pass(before, now):
            raise _identity_fixed()
        await self._bind(holder, visitor.id, now)
        if not await self._visitors.identify(
            visitor.id, before.lookup if before else None, holder, consent
        ):
            return await self._as_it_became(visitor, holder)
        if before and not same:
            await self._leave(before, holder, visitor, now)
        detail = {"kind": identity.kind.value, "consent": consent.version}
        await self._audit.write(
            AuditLine(now, f"visitor:{visitor.id}", "identify", f"visitor:{visitor.id}", detail)
        )
        current = await self._visitors.get(visitor.id)
        if current is None:
            await self._visitors.unbind(_person(holder), visitor.id)
            raise _erased()
        return current

    async def unbind(self, identity: Identity, by: str, now: datetime, reason: str) -> Unbound:
        """Undo the binding of a person to their account: they may say who they are anew, here or with another account.

        Their passes stay theirs, under the name that is given here, which staff have seen on the document. Raises
        `Unknown` if nobody is bound to that document and no pass was issued to it.
        """
        holder = self._identities.seal(identity)
        binding = await self._visitors.bound(_person(holder))
        misnamed = await self._passes.rename(holder)
        if binding is None and not misnamed:
            raise Unknown(
                "person_unknown",
                Text("没有绑定此证件的账户", "no account is bound to this document"),
            )
        for pass_id in misnamed:
            await self._audit.write(
                AuditLine(now, by, "rename", f"pass:{pass_id}", {"reason": reason})
            )
        if binding is not None:
            await self._visitors.identify(binding.visitor_id, holder.lookup, None, None)
            await self._visitors.unbind(_person(holder), binding.visitor_id)
            subject = f"visitor:{binding.visitor_id}"
            await self._audit.write(AuditLine(now, by, "release", subject, {"reason": reason}))
        return Unbound(binding.visitor_id if binding else None, len(misnamed))

    async def erase(self, visitor: Visitor, now: datetime) -> None:
        """Delete an account and what it is bound to.

        What is personal goes first. The account is unbound before it is deleted, so that whoever signs in at the same
        moment gets another one: the id of one that is erased is never used again.
        """
        visitor = await self.current(visitor)
        if visitor.identity is not None:
            await self._visitors.unbind(_person(visitor.identity), visitor.id)
            await self._visitors.identify(visitor.id, visitor.identity.lookup, None, None)
        await self._visitors.set_phone(visitor.id, None)
        await self._audit.write(
            AuditLine(now, f"visitor:{visitor.id}", "erase", f"visitor:{visitor.id}")
        )
        await self._visitors.unbind(self._account(self.openid(visitor)), visitor.id)
        await self._visitors.erase(visitor.id)

    def _account(self, openid: str) -> str:
        """The binding of a WeChat account."""
        return f"account:{self._vault.digest('openid', openid)}"

    async def _as_it_became(self, visitor: Visitor, wanted: Holder) -> Visitor:
        """The visitor, who has become that person meanwhile. Raises `Conflict` if they have become another."""
        current = await self._visitors.get(visitor.id)
        if current is not None and current.holder.is_same(wanted):
            return current
        if current is None or current.lookup != wanted.lookup:
            await self._visitors.unbind(_person(wanted), visitor.id)
        raise Conflict(
            "identity_busy",
            Text("实名信息正在变更，请重试", "who you are changes this moment; try again"),
        )

    async def _leave(self, before: Holder, after: Holder, visitor: Visitor, now: datetime) -> None:
        """Unbind the person a visitor was. Raises `Conflict`, the change undone, if they got a pass meanwhile."""
        if await self._has_pass(before, now):
            await self._visitors.identify(visitor.id, after.lookup, before, visitor.consent)
            left = after
        else:
            left = before
        if before.lookup != after.lookup:
            await self._visitors.unbind(_person(left), visitor.id)
        if left is after:
            raise _identity_fixed()

    async def _has_pass(self, person: Holder, now: datetime) -> bool:
        return await self._passes.any_usable(person, business_day(now))

    def _agree(self, before: Consent, after: Consent) -> bool:
        """Whether the same was agreed to, by the same guardian."""
        guardians = [
            self._identities.open(each.guardian) if each.guardian else None
            for each in (before, after)
        ]
        return before.version == after.version and guardians[0] == guardians[1]

    async def _check_name(self, holder: Holder) -> None:
        """Raise `Conflict` if a pass was issued to this document under another name."""
        if not all(name.is_same(holder) for name in await self._passes.names(holder.lookup)):
            text = Text(
                "姓名与该证件名下的电子票不一致，请核对，或持证件请工作人员更正",
                "the passes of this document name another person; check the name, or show the document to staff",
            )
            raise Conflict("name_differs", text)

    def _consent(self, said: IdentityStatement, identity: Identity, now: datetime) -> Consent:
        """What is agreed to. Raises `Invalid`."""
        if said.consent_version != self._privacy_version:
            fault = Fault(
                "consent_version",
                f"the privacy statement in force is version {self._privacy_version}",
            )
            raise Invalid(
                "consent_needed",
                Text("请同意最新的隐私政策", "agree to the privacy statement"),
                [fault],
            )
        if identity.age_on(business_day(now)) >= GUARDED_BELOW:
            if said.guardian is not None:
                fault = Fault("guardian", f"is said below {GUARDED_BELOW} years of age alone")
                raise Invalid(
                    "guardian_invalid", Text("不需要监护人", "no guardian is needed"), [fault]
                )
            return Consent(self._privacy_version, now)
        return Consent(self._privacy_version, now, self._guardian(said.guardian, identity, now))

    def _guardian(self, said: IdentityDocument | None, child: Identity, now: datetime) -> Holder:
        text = Text(
            "未满14周岁须由监护人同意",
            f"below {GUARDED_BELOW} years of age a guardian has to consent",
        )
        if said is None:
            raise Invalid("guardian_needed", text, [Fault("guardian", "is needed")])
        try:
            guardian = identify(said, business_day(now))
        except Invalid as error:
            faults = [Fault(f"guardian.{fault.where}", fault.what) for fault in error.faults]
            raise Invalid("guardian_invalid", text, faults) from None
        if guardian.age_on(business_day(now)) < ADULT_FROM or guardian.number == child.number:
            raise Invalid(
                "guardian_invalid", text, [Fault("guardian", f"has to be {ADULT_FROM} years old")]
            )
        return self._identities.seal(guardian)

    async def _bind(self, holder: Holder, visitor_id: str, now: datetime) -> None:
        """Bind a person to a visitor. Raises `Conflict` if they are bound to another who really is that person."""
        person, wanted = _person(holder), Binding(visitor_id, now)
        binding = await self._visitors.bind(person, wanted)
        if binding.visitor_id == visitor_id:
            return
        other = await self._visitors.get(binding.visitor_id)
        abandoned = (
            other is None or other.lookup != holder.lookup
        ) and now > binding.at + _BINDING_TAKES
        if abandoned and await self._visitors.rebind(person, binding, wanted):
            return
        raise Conflict(
            "identity_bound",
            Text(
                "该证件已绑定另一个微信账户：请用该账户登录并注销，或持证件到售票窗口请工作人员解绑",
                "this document is bound to another WeChat account: sign in there and erase that account, or show the "
                "document at a ticket window to have it released",
            ),
        )


def _erased() -> Conflict:
    return Conflict(
        "visitor_erased",
        Text("账户刚被注销，请重试", "this account was erased this moment; sign in again"),
    )


def _identity_fixed() -> Conflict:
    zh = "已有有效电子票，实名信息不能修改，请联系客服"
    return Conflict(
        "identity_fixed", Text(zh, "with a pass in force only staff can change who you are")
    )


def _person(holder: Holder) -> str:
    """The binding of a person."""
    return f"person:{holder.lookup}"
