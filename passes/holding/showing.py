"""Showing: which passes an account shows, its own and those of its companions, and how a person
takes theirs back.

Whoever has shown a pass holds the keys of its codes for a week. So when a person, or staff, end a
companionship, the passes get new serials, and every code of the old ones is dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass
from passes.holding.reissuing import Reissuing
from passes.holding.transitions import LIVING, frozen_by_staff
from passes.holding.wallet import Wallet
from passes.people.accompanying import Companions
from passes.people.companions import Companionship
from passes.people.ports import Companionships
from passes.people.visitors import Visitor


@dataclass(frozen=True, slots=True)
class Shown:
    """A pass that an account may show, and by which companionship; None for its own."""

    held: Pass
    companion: Companionship | None = None


class Showing:
    """Knows what an account shows."""

    def __init__(
        self,
        companions: Companions,
        companionships: Companionships,
        wallet: Wallet,
        reissuing: Reissuing,
        audit: Audit,
    ) -> None:
        """`companionships` and `audit` are stores."""
        self._companions = companions
        self._companionships = companionships
        self._wallet = wallet
        self._reissuing = reissuing
        self._audit = audit

    async def of_visitor(self, visitor: Visitor, now: datetime) -> list[Shown]:
        """All that an account shows: first its own, then of each companion; newest first."""
        shown = [Shown(held) for held in await self._wallet.of_visitor(visitor)]
        for companion in await self._companions.standing(visitor, now):
            held_by_them = await self._wallet.of_person(companion.person)
            shown += [Shown(held, companion) for held in held_by_them]
        return shown

    async def of_pass(self, visitor: Visitor, held: Pass, now: datetime) -> Shown | None:
        """A pass, if the account may show it."""
        if visitor.is_holder(held.holder):
            return Shown(held)
        for companion in await self._companions.standing(visitor, now):
            if companion.person.owns(held.holder):
                return Shown(held, companion)
        return None

    async def take_back(
        self, lookup: str, companion_id: str, by: str, now: datetime, reason: str = ""
    ) -> Sequence[Pass]:
        """End a companionship that shows the person of a document, at once, and return their
        passes that have new codes: all that can be used but those that staff have frozen.

        After a crash it can be done again. Raises `Unknown` if no such companionship shows them.
        """
        companionship = await self._of_person(lookup, companion_id)
        detail = {"companion": companion_id} | ({"reason": reason} if reason else {})
        line = AuditLine(now, by, "end_companion", f"visitor:{companionship.visitor_id}", detail)
        # 1. No code is given any more.
        async with audited(self._audit) as entry:
            await entry.begin(line)
            if not await self._companionships.end(companionship, now):
                await entry.not_done()  # begun before, and cut short
        # 2. The keys that were given are of no more use. The gates that are offline know it when
        #    they are told which serials are revoked.
        reissued = [
            await self._reissuing.reissue(each.id, by, now, "taken back")
            for each in await self._to_reissue(companionship, now)
        ]
        # 3. Only then it is forgotten: a crash before is seen, and finished by asking again.
        await self._companionships.remove(companionship)
        return reissued

    async def _to_reissue(self, companionship: Companionship, now: datetime) -> list[Pass]:
        """The passes that can be used, and those whose reissue was cut short."""
        held = await self._wallet.of_person(companionship.person)
        serials = {each.id for each in held}
        usable = await self._wallet.usable(held, business_day(now))
        cut_short = [each for each in held if each.reissued_as not in {None, *serials}]
        return cut_short + [each for each in usable if _can_be_reissued(each)]

    async def _of_person(self, lookup: str, companion_id: str) -> Companionship:
        for each in await self._companionships.of_person(lookup):
            if each.id == companion_id:
                return each
        raise unknown(Text("同行人", "companion"), companion_id)


def _can_be_reissued(held: Pass) -> bool:
    """Whether a usable pass gets a new serial: not one that staff have frozen, which a reissue
    would unfreeze, nor one that is not genuine, which shows no code anyway."""
    return held.genuine and held.state in LIVING and not frozen_by_staff(held)
