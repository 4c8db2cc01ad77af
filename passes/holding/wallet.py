"""The wallet: which passes are a visitor's, and which of them can still be used.

Answers what `passes.people` asks about the passes of a person.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.ports import Audit
from passes.holding import transitions
from passes.holding.change import change, pass_unknown
from passes.holding.genuine import is_genuine
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.tally import Tally
from passes.people.companions import Basis
from passes.people.holder import Holder
from passes.people.ports import Companionships, Visitors
from passes.people.visitors import Visitor, person_key


class Wallet:
    """Finds the passes of people."""

    def __init__(
        self,
        passes: Passes,
        ledger: Ledger,
        visitors: Visitors,
        companionships: Companionships,
        audit: Audit,
    ) -> None:
        """All are stores."""
        self._passes = passes
        self._ledger = ledger
        self._visitors = visitors
        self._companionships = companionships
        self._audit = audit

    async def of_visitor(self, visitor: Visitor) -> list[Pass]:
        """All passes of a visitor, newest first: of the person they are, and of the account."""
        found = [
            held
            for lookup in visitor.lookups
            for held in await self._passes.of_holder(lookup)
            if visitor.is_holder(held.holder)
        ]
        return sorted(found, key=lambda held: held.issued_at, reverse=True)

    async def of_person(self, person: Holder) -> list[Pass]:
        """All passes of a person, newest first: under their name, or under none."""
        found = await self._passes.of_holder(person.lookup)
        return [held for held in found if person.owns(held.holder)]

    async def tally_of(self, held: Pass) -> Tally:
        """What the visits with a pass add up to."""
        newest = await self._ledger.newest(held.id, held.ledger_mark)
        return newest[-1].tally if newest else Tally()

    async def usable(self, held: Iterable[Pass], day: date) -> list[Pass]:
        """Those passes that may still admit on that business day or later: neither over, nor used
        up."""
        in_force = [each for each in held if each.in_force_on(day)]
        return [each for each in in_force if not each.used_up(await self.tally_of(each))]

    async def names(self, lookup: str) -> Sequence[Holder]:
        """The holders, under any name, to whom passes of a document were issued. What was made for
        a card bears none."""
        holders = [held.holder for held in await self._passes.of_holder(lookup)]
        return [holder for holder in holders if holder.named]

    async def ask_for_card(self, lookup: str, now: datetime) -> None:
        """Let staff look at the card when a pass of a document admits for the next time."""
        for held in await self._passes.of_holder(lookup):
            if held.in_force_on(business_day(now)):
                await change(
                    self._passes, held.id, lambda each: transitions.ask_for_card(each, now)
                )

    async def card_due_since(self, person: Holder) -> datetime | None:
        """Since when staff have to look at the card of a person, before a turnstile admits with a
        new pass of theirs: since an account was bound to them, or a guardian said to be theirs.

        None if nobody did, or staff have looked since, with whatever pass.
        """
        said_at = [
            each.at
            for each in await self._companionships.of_person(person.lookup)
            if each.basis is Basis.GUARDIAN
        ]
        binding = await self._visitors.bound(person_key(person))
        if binding is not None:
            said_at.append(binding.at)
        if not said_at:
            return None
        since = max(said_at)
        held = await self._passes.of_holder(person.lookup)
        seen_at = await self._seen_at(held)
        if seen_at is not None and seen_at >= since:
            return None
        return since

    async def with_card_seen(self, held: Pass) -> Pass:
        """The pass, which does not wait for a look at the card any more if staff have had it, with
        this pass or another of the same person.

        A scan reads nothing but the pass that it admits with. So a look serves the other passes of
        the person from the next time on that their phone asks for them.
        """
        if held.card_due_since is None:
            return held
        seen_at = await self._seen_at(await self.of_person(held.holder))
        if seen_at is None:
            return held
        changed = await change(
            self._passes, held.id, lambda each: transitions.card_seen(each, seen_at)
        )
        return changed.after

    async def _seen_at(self, held: Iterable[Pass]) -> datetime | None:
        """When staff have last looked at the card, with any of these passes."""
        looks = [(await self.tally_of(each)).seen_at for each in held]
        return max((look for look in looks if look is not None), default=None)

    async def any_usable(self, person: Holder, day: date) -> bool:
        """Whether a person has a pass, under their name, that may still admit on that business day
        or later."""
        held = await self.of_person(person)
        named = [each for each in held if each.holder.is_same(person)]
        return bool(await self.usable(named, day))

    async def rename(self, holder: Holder, line_of: Callable[[str], AuditLine]) -> list[str]:
        """Give the passes of a document the name that is on it; returns the ids of those that had
        another. `line_of` is the audit line about a pass by its id."""
        held = await self._passes.of_holder(holder.lookup)
        misnamed = [each.id for each in held if not each.holder.is_same(holder)]
        for pass_id in misnamed:
            line = line_of(pass_id)
            async with audited(self._audit) as entry:
                changed = await change(
                    self._passes,
                    pass_id,
                    lambda each: transitions.give_to(each, holder),
                    before_storing=partial(entry.begin, line),
                )
                if not changed.something:
                    await entry.not_done()
        return misnamed


async def newest_serial(pass_id: str, passes: Passes) -> Pass | None:
    """The pass that a pass has become by being reissued, or itself."""
    held = await passes.get(pass_id)
    while held is not None and held.reissued_as is not None:
        held = await passes.get(held.reissued_as)
    return held


async def newest_genuine(pass_id: str, passes: Passes) -> Pass:
    """The pass that a pass has become, for staff who name it. Raises `Unknown` if there is none, or
    if somebody has written it into the database."""
    held = await newest_serial(pass_id, passes)
    if held is None or not is_genuine(held):
        raise pass_unknown(pass_id)
    return held
