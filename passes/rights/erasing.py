"""Erasing: all that is held about a visitor goes.

That so many people were admitted somewhere stays, without a name. The account goes last, so that an
erasure which a crash cut short is finished by asking for it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.lifecycle import Lifecycle, Step
from passes.holding.model import Pass
from passes.holding.ports import Holdings, Passes
from passes.holding.wallet import Wallet
from passes.offers.cancelling import Cancelling
from passes.people.accounts import Accounts
from passes.people.holder import NOBODY
from passes.people.ports import Members
from passes.people.sessions import SigningIn
from passes.people.visitors import Visitor


@dataclass(frozen=True, slots=True)
class ErasingParts:
    """Everything that erasing has to reach: the services, then the stores."""

    accounts: Accounts
    signing_in: SigningIn
    wallet: Wallet
    lifecycle: Lifecycle
    cancelling: Cancelling
    passes: Passes
    holdings: Holdings
    members: Members
    audit: Audit


class Erasing:
    """Erases visitors."""

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
        parts = self._parts
        held = await parts.wallet.of_visitor(visitor)
        in_force = await parts.wallet.usable(held, business_day(now))
        if in_force and not give_up_passes:
            raise _passes_in_force(in_force)
        # 1. No request of theirs can begin any more.
        await parts.signing_in.end_all(visitor.id, now)
        visitor = await parts.accounts.current(visitor)
        # 2. Their passes, then the account. The audit line comes before all of it. It is settled
        #    after all of it alone: an erasure that is cut short by whatever is done in part.
        entry, name = AuditEntry(parts.audit), f"visitor:{visitor.id}"
        await entry.begin(AuditLine(now, name, "erase", name))
        given_up = await self._give_up(visitor, now)
        await parts.accounts.erase(visitor)
        # 3. What was issued or claimed meanwhile: nobody can sign in to it any more, so it is given
        #    up, too.
        given_up += await self._give_up(visitor, now)
        await entry.done()
        return given_up

    async def _give_up(self, visitor: Visitor, now: datetime) -> list[Pass]:
        parts, by = self._parts, f"visitor:{visitor.id}"
        given_up: list[Pass] = []
        # Until none is left, for one may just be coming.
        while held := await parts.wallet.of_visitor(visitor):
            in_force = await parts.wallet.usable(held, business_day(now))
            for each in in_force:
                try:
                    await parts.cancelling.cancel(each, by, now)
                except Conflict:  # it is no voucher, or one that is used in part
                    await parts.lifecycle.take(each.id, Step.REVOKE, by, now, "given up")
            for each in held:
                await change(
                    parts.passes, each.id, lambda stored: transitions.give_to(stored, NOBODY)
                )
            given_up += in_force
        for lookup in visitor.lookups:
            # Else there is somebody with this document and another name.
            if not await parts.passes.of_holder(lookup):
                await parts.holdings.forget(lookup)
                await parts.members.forget(lookup)
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
