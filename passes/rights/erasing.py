"""Erasing: all that is held about a visitor goes, or about a person who has no account.

That so many people were admitted somewhere stays, without a name. What is found by goes last (the
account, the holder of a pass), so that an erasure which a crash cut short is finished by asking for
it again.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from passes.base.audit import AuditLine, Outcome
from passes.base.auditing import AuditEntry
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.lifecycle import Lifecycle, Step
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import Wallet
from passes.offers.cancelling import Cancelling
from passes.people.accounts import Accounts
from passes.people.ports import Companionships, Visitors
from passes.people.sessions import SigningIn
from passes.people.visitors import Notice, Visitor, bound_to_person
from passes.rights.ports import KeptOfPeople
from passes.rights.requests import Asked, RequestKind, RequestLog, asked_by, asked_of_staff


@dataclass(frozen=True, slots=True)
class ErasingParts:
    """Everything that erasing has to reach: the services, then the stores."""

    accounts: Accounts
    signing_in: SigningIn
    wallet: Wallet
    lifecycle: Lifecycle
    cancelling: Cancelling
    requests: RequestLog
    passes: Passes
    visitors: Visitors
    companionships: Companionships
    kept: KeptOfPeople
    audit: Audit


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose passes are given up: how they are found, and the hashes that stand for them."""

    passes: Callable[[], Awaitable[Sequence[Pass]]]
    lookups: Iterable[str]
    by: str


class Erasing:
    """Erases visitors, and people without an account."""

    def __init__(self, parts: ErasingParts) -> None:
        """Knows every room below."""
        self._parts = parts

    async def erase(
        self, visitor: Visitor, *, give_up_passes: bool, now: datetime
    ) -> Sequence[Pass]:
        """Erase a visitor, and return the passes that were given up.

        An unused voucher can be claimed by others then. Raises `Conflict` naming each pass in
        force, unless they are to be given up.
        """
        parts, name = self._parts, f"visitor:{visitor.id}"
        asked = asked_by(visitor, RequestKind.ERASE)
        await self._check(self._of(visitor), asked, give_up_passes=give_up_passes, now=now)
        # 1. No request of theirs can begin any more.
        await parts.signing_in.end_all(visitor.id, now)
        visitor = await parts.accounts.current(visitor)
        # 2. Their passes, then the account. The audit line comes before all of it. It is settled
        #    after all of it alone: an erasure that is cut short by whatever is done in part.
        request, entry = await parts.requests.begin(asked, now), AuditEntry(parts.audit)
        await entry.begin(AuditLine(now, name, "erase", name))
        given_up = await self._give_up(self._of(visitor), now)
        await parts.accounts.erase(visitor)
        # 3. What was issued or claimed meanwhile: nobody can sign in to it any more, so it is given
        #    up, too.
        given_up += await self._give_up(self._of(visitor), now)
        await parts.requests.settle(request, Outcome.DONE, now)
        await entry.done()
        return given_up

    async def erase_person(
        self, asked: Asked, by: str, reason: str, *, give_up_passes: bool, now: datetime
    ) -> Sequence[Pass]:
        """Erase whoever has shown a document to staff, and return the passes that were given up.

        An account that says to be this person stays, and does not say so any more: nobody knows
        whether it is theirs. Raises `Conflict` as `erase` does.
        """
        parts, lookup = self._parts, asked.lookup
        asked = await asked_of_staff(asked, parts.visitors)
        whose = _Whose(lambda: parts.passes.of_holder(lookup), [lookup], by)
        await self._check(whose, asked, give_up_passes=give_up_passes, now=now)
        # 1. The request and the audit line, which names the request and so no hash of the person.
        request, entry = await parts.requests.begin(asked, now), AuditEntry(parts.audit)
        line = AuditLine(now, by, "erase", f"request:{request.id}", {"reason": reason})
        await entry.begin(line)
        # 2. The account stops saying that it is this person, and nobody shows them any more: then
        #    nobody claims anything for them.
        await self._unbind(lookup, now)
        await parts.companionships.forget_person(lookup)
        # 3. Their passes, and the rest that is kept.
        given_up = await self._give_up(whose, now)
        await parts.requests.settle(request, Outcome.DONE, now)
        await entry.done()
        return given_up

    def _of(self, visitor: Visitor) -> _Whose:
        wallet, by = self._parts.wallet, f"visitor:{visitor.id}"
        return _Whose(lambda: wallet.of_visitor(visitor), visitor.lookups, by)

    async def _check(
        self, whose: _Whose, asked: Asked, *, give_up_passes: bool, now: datetime
    ) -> None:
        """Raise `Conflict` if there are passes in force that are not to be given up."""
        parts = self._parts
        in_force = await parts.wallet.usable(await whose.passes(), business_day(now))
        if not in_force or give_up_passes:
            return
        request = await parts.requests.begin(asked, now)
        await parts.requests.settle(request, Outcome.NOT_DONE, now)
        raise _passes_in_force(in_force)

    async def _unbind(self, lookup: str, now: datetime) -> None:
        visitors, key = self._parts.visitors, bound_to_person(lookup)
        binding = await visitors.bound(key)
        if binding is None:
            return
        if await visitors.identify(binding.visitor_id, lookup, None, None):
            await visitors.notice(binding.visitor_id, Notice("identity_unbound", now))
        # Whom it shows agreed with this person: they do not come back when it says so again.
        await self._parts.companionships.forget_agreed(binding.visitor_id, lookup)
        await visitors.unbind(key, binding.visitor_id)

    async def _give_up(self, whose: _Whose, now: datetime) -> list[Pass]:
        parts = self._parts
        given_up: list[Pass] = []
        # Until none is left, for one may just be coming.
        while held := await whose.passes():
            in_force = await parts.wallet.usable(held, business_day(now))
            for each in in_force:
                try:
                    await parts.cancelling.cancel(each, whose.by, now)
                except Conflict:  # it is no voucher, or one that is used in part
                    await parts.lifecycle.take(each.id, Step.REVOKE, whose.by, now, "given up")
            for each in held:
                await change(parts.passes, each.id, transitions.forget_holder)
            given_up += in_force
        for lookup in whose.lookups:
            # Else there is somebody with this document and another name.
            if not await parts.passes.of_holder(lookup):
                await parts.kept.forget(lookup)
        return given_up


def _passes_in_force(passes: Sequence[Pass]) -> Conflict:
    faults = [
        Fault(f"passes.{each.id}", f"{each.product_id}, valid until {each.days.end}")
        for each in passes
    ]
    text = Text(
        "您还有有效的电子票，注销将放弃它们", "there are passes in force, which would be given up"
    )
    return Conflict("passes_in_force", text, faults)
