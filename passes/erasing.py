"""Erasing: all that is held about a visitor goes; that so many people were admitted somewhere stays, without a name.

The account goes last, so that an erasure which a crash cut short is finished by asking for it again.
"""

from collections.abc import Sequence
from datetime import datetime

from passes.accounts import Accounts
from passes.calendar import business_day
from passes.errors import Conflict, Fault
from passes.life import Life, Step
from passes.model import Pass
from passes.ports import Holdings, Passes
from passes.sessions import SigningIn
from passes.texts import Text
from passes.visitors import Visitor
from passes.wallet import passes_of


class Erasing:
    """Erases visitors."""

    def __init__(
        self, accounts: Accounts, signing_in: SigningIn, life: Life, passes: Passes, holdings: Holdings
    ) -> None:
        """The last two are stores."""
        self._accounts = accounts
        self._signing_in = signing_in
        self._life = life
        self._passes = passes
        self._holdings = holdings

    async def erase(self, visitor: Visitor, *, give_up_passes: bool, now: datetime) -> Sequence[Pass]:
        """Erase a visitor, and return the passes that were given up.

        Raises `Conflict` naming each pass in force, unless they are to be given up.
        """
        held = await passes_of(visitor, self._passes)
        in_force = [each for each in held if each.in_force_on(business_day(now))]
        if in_force and not give_up_passes:
            raise Conflict(
                "passes_in_force",
                Text("您还有有效的电子票，注销将放弃它们", "there are passes in force, which would be given up"),
                [Fault(f"passes.{each.id}", f"{each.product_id}, valid until {each.valid.end}") for each in in_force],
            )
        for each in in_force:
            await self._life.take(each.id, Step.REVOKE, f"visitor:{visitor.id}", now, "given up")
        for each in held:
            await self._passes.forget_holder(each.id)
        for lookup in {visitor.lookup, visitor.anonymous.lookup}:
            await self._holdings.drop(lookup)
        await self._signing_in.end_all(visitor.id, now)
        await self._accounts.erase(visitor, now)
        return in_force
