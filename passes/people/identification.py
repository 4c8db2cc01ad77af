"""Identification: a visitor says who they are, and is known as that person from then on.

A person is bound to one visitor at a time. The binding is a document under a unique key, written
before the visitor names the person. A crash in between leaves a binding whose visitor does not
name the person; the same visitor finishes it by trying again, and after a minute anybody who is
that person may take it over (docs/adr/0009-visitors-and-people.md).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.people.consent import Consents
from passes.people.holder import Holder
from passes.people.identity import Identity, IdentityDocument, Sealer, identify
from passes.people.ports import Companionships, PassesOfPeople, Visitors
from passes.people.tries import Tries
from passes.people.visitors import Binding, Notice, Visitor, account_erased, person_key

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
    """The visitor who was bound to a person, and how many of the person's passes were renamed."""

    visitor_id: str | None
    passes_renamed: int


class Identification:
    """Binds people to visitors, and unbinds them."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it uses
        self,
        identities: Sealer,
        privacy_version: str,
        visitors: Visitors,
        companionships: Companionships,
        passes: PassesOfPeople,
        tries: Tries,
        audit: Audit,
    ) -> None:
        """`privacy_version` is that of the privacy statement in force; `passes` tells what passes
        a person has, `tries` counts; the others are stores."""
        self._identities = identities
        self._consents = Consents(identities, privacy_version)
        self._visitors = visitors
        self._companionships = companionships
        self._passes = passes
        self._tries = tries
        self._audit = audit

    async def identify(self, visitor: Visitor, said: IdentityStatement, now: datetime) -> Visitor:
        """Make a visitor known as a person, and return them as they are then.

        Doing it again changes nothing. Raises `Invalid` naming what is wrong. Raises `Conflict` if
        the person is bound to another visitor, if passes were issued to the document under another
        name, or if the visitor is known as somebody else who has a pass in force.
        """
        # 1. What is said, by itself.
        identity = identify(said.document, business_day(now))
        consent = self._consents.checked(said.consent_version, said.guardian, identity, now)

        # 2. A visitor who is known as that person already can only agree to something new.
        #    Otherwise they stop being the person that they were, if any.
        person = self._identities.seal(identity)
        before = left = visitor.identity
        if before is not None and before.is_same(person):
            if self._consents.same(visitor.consent, consent):
                return visitor
            person, left = before, None

        # 3. What stands against it.
        await self._tries.count(visitor, now)
        await self.check_name(person, visitor, now)
        if left is not None and await self._has_pass(left, now):
            raise _identity_fixed()

        # 4. The binding, by which no other visitor can become that person any more.
        await self._bind(person, visitor.id, now)

        #    Whoever knows a name and a number can say to be that person. So staff look at the card
        #    once, before a turnstile admits with a pass of theirs.
        if left is not None or before is None:
            await self._passes.ask_for_card(person.lookup, now)

        # 5. The visitor names the person: a compare-and-set on whom they named before.
        before_lookup = before.lookup if before is not None else None
        name = f"visitor:{visitor.id}"
        detail = {"kind": identity.kind.value, "consent": consent.version}
        if consent.guardian is not None:
            detail["guardian"] = "consents"
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "identify", name, detail))
            if not await self._visitors.identify(visitor.id, before_lookup, person, consent):
                await entry.not_done()
                return await self._overtaken(visitor, person)

            # 6. The person that they were is free for others.
            if left is not None:
                await self._leave(left, person, visitor, now)

        # 7. An erasure that read the visitor before step 5 has not seen the new binding. It is
        #    undone here, unless the visitor is deleted only after this read; then the binding is
        #    one that nobody names, which can be taken over.
        current = await self._visitors.get(visitor.id)
        if current is None:
            await self._visitors.unbind(person_key(person), visitor.id)
            raise account_erased()
        return current

    async def unbind(self, identity: Identity, by: str, now: datetime, reason: str) -> Unbound:
        """Undo the binding of a person to their visitor, so that they may say anew who they are,
        here or with another account.

        Their passes stay theirs, under the name that is given here, which staff have seen on the
        document. Raises `Unknown` if nobody is bound to that document and no pass was issued to it
        under another name.
        """
        person = self._identities.seal(identity)
        binding = await self._visitors.bound(person_key(person))
        # 1. Their passes, under the right name, which they can say at once.
        await self._tries.forget(person, now)
        renamed = await self._passes.rename(
            person, lambda held: AuditLine(now, by, "rename", f"pass:{held}", {"reason": reason})
        )
        if binding is None and not renamed:
            text = Text("没有绑定此证件的账户", "no account is bound to this document")
            raise Unknown("person_unknown", text)
        if binding is None:
            return Unbound(None, len(renamed))
        # 2. The visitor, who names the person no more, if they have not become somebody else
        #    meanwhile; then the binding. A crash in between leaves a binding that nobody names.
        async with audited(self._audit) as entry:
            # The audit log keeps the word that it has always had for this.
            subject = f"visitor:{binding.visitor_id}"
            await entry.begin(AuditLine(now, by, "release", subject, {"reason": reason}))
            await self._visitors.identify(binding.visitor_id, person.lookup, None, None)
            #    Whom the account shows agreed with that person, and by whom the person is shown may
            #    rest on a word of the account: both end. One that is just coming either is there
            #    already, or sees that the account is that person no more.
            await self._companionships.forget_agreed(binding.visitor_id, person.lookup)
            await self._companionships.forget_person(person.lookup)
            await self._visitors.notice(binding.visitor_id, Notice("identity_unbound", now))
            await self._visitors.unbind(person_key(person), binding.visitor_id)
        return Unbound(binding.visitor_id, len(renamed))

    async def _bind(self, person: Holder, visitor_id: str, now: datetime) -> None:
        """Bind a person to a visitor. Raises `Conflict` if they are bound to another, who really
        names them, or who has had less than a minute to do so."""
        key, wanted = person_key(person), Binding(visitor_id, now)
        binding = await self._visitors.bind(key, wanted)
        if binding.visitor_id == visitor_id:
            return
        other = await self._visitors.get(binding.visitor_id)
        names_the_person = other is not None and other.lookup == person.lookup
        had_time = now > binding.at + _BINDING_TAKES
        # Of two who take an abandoned binding over at once, the compare-and-set lets one be first.
        if had_time and not names_the_person and await self._visitors.rebind(key, binding, wanted):
            return
        text = Text(
            "该证件已绑定另一个微信账户：请用该账户登录并注销，或持证件到售票窗口请工作人员解绑",
            "this document is bound to another WeChat account: sign in there and erase that "
            "account, or show the document at a ticket window to have it unbound",
        )
        raise Conflict("identity_bound", text)

    async def _overtaken(self, visitor: Visitor, person: Holder) -> Visitor:
        """The visitor, whose identity was changed since it was read: by another call of theirs, by
        staff who unbound them, or by an erasure.

        They are returned if they are that person now. Otherwise the binding of this call is undone
        and `Conflict` raised. It stays only if they are known by the same document under another
        name: then it is the binding of that identity as well.
        """
        current = await self._visitors.get(visitor.id)
        if current is not None and current.holder.is_same(person):
            return current
        names_the_document = current is not None and current.lookup == person.lookup
        if not names_the_document:
            await self._visitors.unbind(person_key(person), visitor.id)
        text = Text("实名信息正在变更，请重试", "who you are changes this moment; try again")
        raise Conflict("identity_busy", text)

    async def _leave(self, left: Holder, person: Holder, visitor: Visitor, now: datetime) -> None:
        """Unbind the person that a visitor was until now.

        Raises `Conflict`, and the visitor is known as before, if that person has a pass in force:
        one may have been issued to them, or claimed by the visitor, since it was looked for. A
        claim looks after its last write whether its visitor has changed, as this looks for passes
        after it has changed the visitor, so one of the two sees the other.
        """
        same_document = left.lookup == person.lookup  # only the name on it was corrected
        if await self._has_pass(left, now):
            await self._visitors.identify(visitor.id, person.lookup, left, visitor.consent)
            if not same_document:
                await self._visitors.unbind(person_key(person), visitor.id)
            raise _identity_fixed()
        await self._companionships.forget_person(left.lookup)
        if not same_document:
            await self._companionships.forget_agreed(visitor.id, left.lookup)
            await self._visitors.unbind(person_key(left), visitor.id)

    async def _has_pass(self, person: Holder, now: datetime) -> bool:
        return await self._passes.any_usable(person, business_day(now))

    async def check_name(self, person: Holder, visitor: Visitor, now: datetime) -> None:
        """Raise `Conflict` if the document is known under another name: of a pass that was issued
        to it, or of another visitor who is bound to it.

        Of the two the answer is the same, so that a number tells nothing but that it is known.
        """
        names = list(await self._passes.names(person.lookup))
        binding = await self._visitors.bound(person_key(person))
        if binding is not None and binding.visitor_id != visitor.id:
            other = await self._visitors.get(binding.visitor_id)
            if other is not None and other.identity is not None and other.lookup == person.lookup:
                names.append(other.identity)
        if await self._tries.fits(person, names, now):
            return
        text = Text(
            "该证件在本系统登记的姓名不同，请核对，或持证件请工作人员更正",
            "this document is known under another name; check the name, or show the document to "
            "staff",
        )
        raise Conflict("name_differs", text)


def _identity_fixed() -> Conflict:
    text = Text(
        "已有有效电子票，实名信息不能修改，请联系客服",
        "with a pass in force only staff can change who you are",
    )
    return Conflict("identity_fixed", text)
