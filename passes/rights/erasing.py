"""Erasing: all that is held about a visitor goes; that so many people were admitted somewhere stays, without a name.

The account goes last, so that an erasure which a crash cut short is finished by asking for it again.
"""

from collections.abc import Sequence
from datetime import datetime

from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault
from passes.base.text import Text
from passes.holding.lifecycle import Life, Step
from passes.holding.model import Pass
from passes.holding.ports import Holdings, Passes
from passes.holding.wallet import passes_of, usable
from passes.ledger.ports import Ledger
from passes.offers.cancelling import Cancelling
from passes.people.accounts import Accounts
from passes.people.holder import NOBODY
from passes.people.ports import Members
from passes.people.sessions import SigningIn
from passes.people.visitors import Visitor


class Erasing:
    """Erases visitors."""

    def __init__(  # noqa: PLR0913, PLR0917 - it has to reach everything
        self,
        accounts: Accounts,
        signing_in: SigningIn,
        life: Life,
        cancelling: Cancelling,
        passes: Passes,
        ledger: Ledger,
        holdings: Holdings,
        members: Members,
    ) -> None:
        """The last four are stores."""
        self._accounts = accounts
        self._signing_in = signing_in
        self._life = life
        self._cancelling = cancelling
        self._passes = passes
        self._ledger = ledger
        self._holdings = holdings
        self._members = members

    async def erase(
        self, visitor: Visitor, *, give_up_passes: bool, now: datetime
    ) -> Sequence[Pass]:
        """Erase a visitor, and return the passes that were given up; an unused voucher can be claimed by others then.

        Raises `Conflict` naming each pass in force, unless they are to be given up.
        """
        in_force = await usable(
            await passes_of(visitor, self._passes), self._ledger, business_day(now)
        )
        if in_force and not give_up_passes:
            raise Conflict(
                "passes_in_force",
                Text(
                    "您还有有效的电子票，注销将放弃它们",
                    "there are passes in force, which would be given up",
                ),
                [
                    Fault(f"passes.{each.id}", f"{each.product_id}, valid until {each.valid.end}")
                    for each in in_force
                ],
            )
        await self._signing_in.end_all(visitor.id, now)
        visitor = await self._accounts.current(visitor)
        given_up = await self._give_up(visitor, now)
        await self._accounts.erase(visitor, now)
        # What was issued or claimed meanwhile: nobody can sign in to it any more, so it is given up, too.
        return [*given_up, *await self._give_up(visitor, now)]

    async def _give_up(self, visitor: Visitor, now: datetime) -> list[Pass]:
        given_up: list[Pass] = []
        while held := await passes_of(
            visitor, self._passes
        ):  # until none is left, for one may just be coming
            in_force = await usable(held, self._ledger, business_day(now))
            for each in in_force:
                try:
                    await self._cancelling.cancel(each, f"visitor:{visitor.id}", now)
                except Conflict:  # it is no voucher, or one that is used in part
                    await self._life.take(
                        each.id, Step.REVOKE, f"visitor:{visitor.id}", now, "given up"
                    )
            for each in held:
                await self._passes.belong_to(each.id, NOBODY)
            given_up += in_force
        for lookup in visitor.lookups:
            if not await self._passes.of_holder(
                lookup
            ):  # else there is somebody with this document and another name
                await self._holdings.drop(lookup)
                await self._members.forget(lookup)
        return given_up
