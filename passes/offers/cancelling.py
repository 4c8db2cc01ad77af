"""Cancelling: a visitor gives an unused voucher back, so that somebody else can claim it.

The first write decides against a gate that scans the voucher at the same moment: either the ledger
is closed under the next number, or the gate has taken that number, and the voucher is used.
"""

from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.records import RecordKind, closing
from passes.offers.quotas import Quotas

_TRIES = 10


class Cancelling:
    """Gives vouchers back."""

    def __init__(self, quotas: Quotas, passes: Passes, ledger: Ledger, audit: Audit) -> None:
        """The last three are stores."""
        self._quotas = quotas
        self._passes = passes
        self._ledger = ledger
        self._audit = audit

    async def cancel(self, voucher: Pass, by: str, now: datetime) -> Pass:
        """The voucher, given back. Doing it again changes nothing, and finishes what a crash cut
        short.

        Raises `Conflict` for what is no voucher, or is used, frozen or over.
        """
        if voucher.cancelled_at is not None:
            return voucher
        if not voucher.cancellable_on(business_day(now)):
            raise transitions.not_cancellable(voucher, now)
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "cancel", f"pass:{voucher.id}"))
            # 1. No gate can admit it any more.
            await self._close(voucher, now)
            # 2. Its counters are not corrected by a reconciliation until they are given back.
            await self._quotas.about_to_give_back(voucher, now)
            # 3. It is given back, whatever else happens to it at the same moment, unless that is a
            #    reissue. Of two calls at once one changes it, and that one gives the counters back.
            changed = await change(
                self._passes, voucher.id, lambda held: transitions.give_back(held, now)
            )
            if changed.something:
                await self._quotas.give_back(voucher, now)
            else:
                await entry.not_done()
        return changed.after

    async def _close(self, voucher: Pass, now: datetime) -> None:
        """Close the ledger of a voucher that was not used. Raises `Conflict` if it was."""
        for _ in range(_TRIES):
            newest = await self._ledger.newest(voucher.id, voucher.ledger_mark)
            if newest and newest[-1].kind is RecordKind.CLOSED:
                return
            record = closing(voucher.id, newest, now)
            if record.tally.total:
                raise transitions.not_cancellable(voucher, now)
            if await self._ledger.append(record):
                return
        text = Text("此券正在变更，请重试", "this voucher is being changed right now; try again")
        raise Conflict("pass_busy", text)
