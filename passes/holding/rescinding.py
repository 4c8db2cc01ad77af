"""Rescinding: a time card is given back because a spot that was sold with it leaves.

The refund is due to whoever paid. How the money moves is no business of this system.
"""

from dataclasses import replace
from datetime import date, datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import stored
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.holding.wallet import Wallet
from passes.terms.validity import DateRange


class Rescinding:
    """Gives passes back."""

    def __init__(self, passes: Passes, wallet: Wallet, audit: Audit) -> None:
        """`passes` and `audit` are stores."""
        self._passes = passes
        self._wallet = wallet
        self._audit = audit

    async def preview(
        self, pass_id: str, now: datetime, reason: str, paid_fen: int | None = None
    ) -> Pass:
        """The pass as it would be given back, stored nowhere. Raises what `rescind` raises."""
        _, after = await self._rescinded(pass_id, now, reason, paid_fen)
        return after

    async def rescind(
        self, pass_id: str, by: str, now: datetime, reason: str, paid_fen: int | None = None
    ) -> Pass:
        """Give a pass back; what is due is in its `sale.refund_fen`. Doing it again changes
        nothing.

        `paid_fen` is what the receipt of the payer says, where the sale does not know it. Raises
        `Unknown`, `Invalid` if a sum or the reason is missing, and `Conflict` if the pass is not
        to be given back, or is changed at the same time.
        """
        held, after = await self._rescinded(pass_id, now, reason, paid_fen)
        if after is held:
            return held
        sale = after.sale
        detail = {
            "reason": reason,
            "paid_fen": str(sale.paid_fen),
            "refund_fen": str(sale.refund_fen),
            "payer": sale.payer or "",
            "batch": sale.batch or "",
        }
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "rescind", f"pass:{pass_id}", detail))
            # One try: an activation in between would change what is due.
            if not await self._passes.replace(held, after):
                text = Text(
                    "此票正在变更，请重试", "this pass is being changed right now; try again"
                )
                raise Conflict("pass_busy", text)
        return after

    async def _rescinded(
        self, pass_id: str, now: datetime, reason: str, paid_fen: int | None
    ) -> tuple[Pass, Pass]:
        """A pass as it is stored, and as it is once it is given back; the same if it was."""
        held = await stored(pass_id, self._passes)
        if held.state is PassState.REFUNDED:
            return held, held
        paid = _paid(held, paid_fen, reason)
        valid = held.valid_after(await self._wallet.tally_of(held))
        refund_fen = paid
        if not held.waits:
            refund_fen = refund_of(paid, valid, business_day(now))
        sale = replace(held.sale, paid_fen=paid, refund_fen=refund_fen)
        return held, transitions.rescind(held, sale, now)


def refund_of(paid_fen: int, valid: DateRange, today: date) -> int:
    """What is due of a price, in fen: the share of the valid days that are still to come.

    Today counts as used. A fraction of a fen is rounded up, in favour of the payer.
    """
    days = (valid.end - valid.start).days + 1
    used = max(0, (today - valid.start).days + 1)
    left = max(0, days - used)
    return -(-paid_fen * left // days)


def _paid(held: Pass, said: int | None, reason: str) -> int:
    """What was paid for a pass. Raises `Invalid`."""
    known = held.sale.paid_fen
    paid = said if known is None else known
    faults = []
    if not reason.strip():
        faults.append(Fault("reason", "say why, for the audit log"))
    if paid is None:
        faults.append(Fault("paid_fen", "give what the receipt of the payer says: it is not known"))
    elif paid <= 0:
        faults.append(Fault("paid_fen", "nothing was paid, so nothing is due"))
    elif said not in {None, paid}:
        faults.append(Fault("paid_fen", f"it was sold for {paid}"))
    if paid is None or faults:
        raise Invalid("rescind_invalid", Text("不能退票", "it cannot be given back so"), faults)
    return paid
