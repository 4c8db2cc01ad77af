"""Restoring: a pass that staff revoked in error is its holder's again.

Its holder may hold a product once: so first the holding is theirs again, then the pass. After a
crash between the two the next try finishes it.
"""

from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.ports import Audit
from passes.holding import transitions
from passes.holding.change import change, stored
from passes.holding.genuine import check_genuine
from passes.holding.issuing import already_held, holding_key
from passes.holding.model import Pass
from passes.holding.ports import Holding, Holdings, Passes
from passes.holding.wallet import newest_serial


class Restoring:
    """Restores passes."""

    def __init__(self, passes: Passes, holdings: Holdings, audit: Audit) -> None:
        """All are stores."""
        self._passes = passes
        self._holdings = holdings
        self._audit = audit

    async def restore(self, pass_id: str, by: str, now: datetime, reason: str) -> Pass:
        """The pass as it was before it was revoked. Doing it again changes nothing.

        Raises `Unknown`, and `Conflict` for what was reissued, given back or erased, or if its
        holder has another pass of the product in force by now.
        """
        held = await stored(pass_id, self._passes)
        check_genuine(held)
        if transitions.restore(held, now) is held:
            return held
        if not held.voucher:  # the numbers of a voucher stay its own
            await self._hold(held, now)
        line = AuditLine(now, by, "restore", f"pass:{pass_id}", {"reason": reason})
        async with audited(self._audit) as entry:
            changed = await change(
                self._passes,
                pass_id,
                lambda each: transitions.restore(each, now),
                before_storing=lambda: entry.begin(line),
            )
            if not changed.something:
                await entry.not_done()
        return changed.after

    async def _hold(self, held: Pass, now: datetime) -> None:
        """Let the holding name this pass. Raises `Conflict` if another one is in force."""
        key, wanted = holding_key(held), Holding(held.holder.lookup, held.id)
        while True:
            holding = await self._holdings.reserve(key, wanted)
            current = await newest_serial(holding.pass_id, self._passes)
            if current is not None and current.id == held.id:
                return
            if current is None or current.in_force_on(business_day(now)):
                raise already_held(holding.pass_id if current is None else current.id)
            # Somebody else may pass the holding on first: look again.
            if await self._holdings.pass_on(key, holding, wanted):
                return
