"""Claimants: what counts about a visitor who wants to claim, gathered from where it is stored."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.holding.wallet import Wallet
from passes.offers.eligibility import Claimant
from passes.people.barring import Bars, barred_until
from passes.people.groups import ANYONE, told_groups
from passes.people.identity import Sealer
from passes.people.ports import Members, Visitors
from passes.people.traits import Traits, traits_of
from passes.people.visitors import Visitor


class Claimants:
    """Tells what counts about visitors."""

    def __init__(
        self, identities: Sealer, wallet: Wallet, visitors: Visitors, members: Members, bars: Bars
    ) -> None:
        """The last three are stores."""
        self._bars = bars
        self._identities = identities
        self._wallet = wallet
        self._visitors = visitors
        self._members = members

    async def of(self, visitor: Visitor, now: datetime) -> Claimant:
        """What counts about a visitor now."""
        today = business_day(now)
        groups, traits = frozenset({ANYONE}), Traits()
        if visitor.identity is not None:
            identity = self._identities.open(visitor.identity)
            traits = traits_of(identity, today)
            members = await self._members.groups_of(visitor.identity.lookup)
            groups = members | told_groups(identity)
        held = await self._wallet.of_visitor(visitor)
        passes = [each for each in held if not each.voucher and each.in_force_on(today)]
        return Claimant(
            now=now,
            real_name=visitor.identity is not None,
            groups=groups,
            vouchers=Counter(each.product_id for each in held if each.counts),
            spots_open=_spots_of(passes),
            traits=traits,
            barred_until=await barred_until(self._bars, visitor.lookup, now),
        )

    async def card_due_since(self, visitor: Visitor) -> datetime | None:
        """Since when staff have to look at the card of a visitor who says who they are."""
        return await self._wallet.card_due_since(visitor.holder)

    async def still(self, visitor: Visitor) -> bool:
        """Whether a visitor is still who they were when they were read."""
        now = await self._visitors.get(visitor.id)
        return now is not None and now.holder.is_same(visitor.holder)


def _spots_of(passes: Iterable[Pass]) -> frozenset[str]:
    return frozenset().union(*(held.spots for held in passes))
