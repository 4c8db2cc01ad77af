"""Accounts: whoever signs in with a WeChat account is a visitor, one for each account.

An account is bound to its visitor by a document under a unique key, written before the visitor
(docs/adr/0009-visitors-and-people.md). Who a visitor is by real name is in
`passes.people.identification`.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.ports import Audit
from passes.people import phones
from passes.people.ports import CompanionCodes, Companionships, Visitors
from passes.people.sealing import Vault
from passes.people.visitors import Binding, Phone, Visitor, account_erased, person_key


def phone_lookup(number: str, vault: Vault) -> str:
    """The keyed hash by which the accounts with a phone number in E.164 are found."""
    return vault.digest("phone", number)


class Accounts:
    """Signs visitors up, keeps their phone number, and deletes their accounts."""

    def __init__(
        self,
        vault: Vault,
        visitors: Visitors,
        companionships: Companionships,
        codes: CompanionCodes,
        audit: Audit,
    ) -> None:
        """The vault seals; the others are stores."""
        self._vault = vault
        self._visitors = visitors
        self._companionships = companionships
        self._codes = codes
        self._audit = audit

    async def of_openid(self, openid: str, now: datetime) -> Visitor:
        """The visitor behind a WeChat account, signed up now if there was none.

        Raises `Conflict` if the account is erased at the same moment.
        """
        # Of two first sign-ins at once one is bound, and both get the visitor of that one.
        wanted = Binding(secrets.token_hex(8), now)
        binding = await self._visitors.bind(self._account_key(openid), wanted)
        visitor = await self._visitors.get(binding.visitor_id)
        if visitor is not None:
            return visitor
        # A first sign-in, or one that a crash cut short between the binding and the visitor.
        return await self._sign_up(openid, binding.visitor_id, now)

    async def _sign_up(self, openid: str, visitor_id: str, now: datetime) -> Visitor:
        """Store the visitor to whom an account is bound."""
        # 1. The visitor; of two sign-ins at once the second finds them stored already.
        name = f"visitor:{visitor_id}"
        sealed = self._vault.seal(openid, f"openid:{visitor_id}")
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "sign_up", name))
            await self._visitors.add(Visitor(visitor_id, now, sealed))
        visitor = await self._visitors.get(visitor_id)

        # 2. They may have been erased since the binding was read. An erasure undoes the binding
        #    before it deletes the visitor, so without the binding step 1 has brought back somebody
        #    who is erased: they are deleted again.
        bound = await self._visitors.bound(self._account_key(openid))
        still_bound = bound is not None and bound.visitor_id == visitor_id
        if not still_bound:
            await self._visitors.erase(visitor_id)
        if visitor is None or not still_bound:
            raise account_erased()
        return visitor

    async def current(self, visitor: Visitor) -> Visitor:
        """The visitor as they are stored now, or as given if they are erased."""
        return await self._visitors.get(visitor.id) or visitor

    def openid(self, visitor: Visitor) -> str:
        """The id of a visitor's account at WeChat."""
        return self._vault.open(visitor.openid, f"openid:{visitor.id}")

    def key(self, visitor: Visitor) -> str:
        """The keyed hash of a visitor's account at WeChat: the same when they sign up again."""
        return self._account_key(self.openid(visitor))

    def phone(self, visitor: Visitor) -> str | None:
        """The phone number of a visitor with its country, if they have let WeChat tell it."""
        if visitor.phone is None:
            return None
        stored = self._vault.open(visitor.phone.sealed, f"phone:{visitor.id}")
        return phones.with_country(stored)

    async def set_phone(self, visitor: Visitor, number: str, now: datetime) -> Phone:
        """Keep the phone number of a visitor: one of `phones.e164`."""
        name = f"visitor:{visitor.id}"
        sealed = self._vault.seal(number, f"phone:{visitor.id}")
        phone = Phone(sealed, phones.masked(number), phone_lookup(number, self._vault))
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "set_phone", name))
            await self._visitors.set_phone(visitor.id, phone)
        return phone

    async def of_phone(self, number: str) -> Sequence[Visitor]:
        """The visitors with a phone number in E.164. Several accounts may have the same."""
        return await self._visitors.of_phone(phone_lookup(number, self._vault))

    async def erase(self, visitor: Visitor) -> None:
        """Delete an account, and what it is bound to. After a crash it can be done again.

        The audit line about it is that of the whole erasure: see `passes.rights.erasing`.
        """
        visitor = await self.current(visitor)
        # 1. What is personal.
        await self._codes.forget(visitor.id)
        if visitor.identity is not None:
            await self._companionships.forget_person(visitor.identity.lookup)
            await self._visitors.unbind(person_key(visitor.identity), visitor.id)
            await self._visitors.identify(visitor.id, visitor.identity.lookup, None, None)
        #    After the name: a companionship that is just coming sees that it is gone.
        await self._companionships.forget_visitor(visitor.id)
        await self._visitors.set_phone(visitor.id, None)
        # 2. The binding, then the visitor. Whoever signs in between the two is bound to a new id:
        #    that of an erased account is never used again.
        await self._visitors.unbind(self._account_key(self.openid(visitor)), visitor.id)
        await self._visitors.erase(visitor.id)

    def _account_key(self, openid: str) -> str:
        """The key under which a WeChat account is bound."""
        return f"account:{self._vault.digest('openid', openid)}"
