"""The wallet of a visitor: the passes that are theirs, and which of them can still be used."""

from collections.abc import Iterable
from datetime import date

from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.tally import Tally
from passes.people.visitors import Visitor


async def passes_of(visitor: Visitor, passes: Passes) -> list[Pass]:
    """All passes of a visitor, newest first: of the person they are, and of the account."""
    found = [
        held
        for lookup in visitor.lookups
        for held in await passes.of_holder(lookup)
        if visitor.holds(held)
    ]
    return sorted(found, key=lambda held: held.issued_at, reverse=True)


async def tally_of(held: Pass, ledger: Ledger) -> Tally:
    """What the visits with a pass add up to."""
    tail = await ledger.tail(held)
    return tail[-1].tally if tail else Tally()


async def usable(held: Iterable[Pass], ledger: Ledger, day: date) -> list[Pass]:
    """Those passes that may still admit on that business day or later: not over, and not used up."""
    return [
        each
        for each in held
        if each.in_force_on(day) and not each.used_up(await tally_of(each, ledger))
    ]


async def newest_serial(pass_id: str, passes: Passes) -> Pass | None:
    """The pass that a pass has become by being reissued, or itself."""
    held = await passes.get(pass_id)
    while held is not None and held.reissued_as is not None:
        held = await passes.get(held.reissued_as)
    return held
