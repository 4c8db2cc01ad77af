"""Claimants: what counts about a visitor who wants to claim, gathered from where it is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from passes.admission.gates import ShownCard
from passes.base.calendar import business_day
from passes.holding.model import Pass
from passes.holding.wallet import Wallet
from passes.offers.eligibility import Claimant
from passes.offers.offer import Offer
from passes.people.accompanying import Companions
from passes.people.barring import Bars, barred_until
from passes.people.groups import ANYONE, Group, told_groups
from passes.people.holder import Holder
from passes.people.identity import Sealer
from passes.people.ports import Members, Visitors
from passes.people.traits import Traits, traits_of
from passes.people.visitors import Visitor


class Claimants:
    """Tells what counts about visitors."""

    def __init__(
        self,
        identities: Sealer,
        wallet: Wallet,
        visitors: Visitors,
        companions: Companions,
        members: Members,
        bars: Bars,
    ) -> None:
        """`visitors`, `members` and `bars` are stores."""
        self._bars = bars
        self._identities = identities
        self._wallet = wallet
        self._visitors = visitors
        self._companions = companions
        self._members = members

    async def of(self, visitor: Visitor, now: datetime) -> Claimant:
        """What counts about a visitor now, or about the companion for whom they act."""
        today = business_day(now)
        groups, traits = frozenset({ANYONE}), Traits()
        if visitor.person is not None:
            identity = self._identities.open(visitor.person)
            traits = traits_of(identity, today)
            members = await self._members.groups_of(visitor.person.lookup)
            groups = members | told_groups(identity)
        held = await self._wallet.of_visitor(visitor)
        claimant = _claimant(held, groups, traits, now, real_name=visitor.person is not None)
        return replace(
            claimant,
            is_companion=visitor.acting_for is not None,
            barred_until=await barred_until(self._bars, visitor.holder.lookup, now),
        )

    async def of_card(
        self, card: ShownCard, held: Sequence[Pass], offers: Iterable[Offer], now: datetime
    ) -> Claimant:
        """What counts now about a person who shows their card and holds these passes. Groups that
        operators keep are asked for only if one of these offers is for others than the card
        tells."""
        groups = card.groups
        if any(offer.eligible.isdisjoint(groups) for offer in offers):
            groups |= await self._members.groups_of(card.lookup)
        claimant = _claimant(held, groups, card.traits, now, real_name=True)
        return replace(claimant, barred_until=await barred_until(self._bars, card.lookup, now))

    async def card_due_since(self, person: Holder) -> datetime | None:
        """Since when staff have to look at the card of a person whom an account says to be."""
        return await self._wallet.card_due_since(person)

    async def still(self, visitor: Visitor, now: datetime) -> bool:
        """Whether a visitor is still who they were when they were read, or still shows the
        companion for whom they act."""
        current = await self._visitors.get(visitor.id)
        if current is None or visitor.acting_for is None:
            return current is not None and current.holder.is_same(visitor.holder)
        standing = await self._companions.standing(current, now)
        return any(each.person.is_same(visitor.acting_for) for each in standing)


def _claimant(
    held: Sequence[Pass],
    groups: frozenset[Group],
    traits: Traits,
    now: datetime,
    *,
    real_name: bool,
) -> Claimant:
    today = business_day(now)
    passes = [each for each in held if not each.voucher and each.in_force_on(today)]
    return Claimant(
        now=now,
        real_name=real_name,
        groups=groups,
        vouchers=Counter(each.product_id for each in held if each.counts),
        spots_open=_spots_of(passes, today),
        traits=traits,
    )


def _spots_of(passes: Iterable[Pass], day: date) -> frozenset[str]:
    return frozenset().union(*(held.spots & held.edition.spots_on(day) for held in passes))
