"""Cancelling: a visitor gives an unused voucher back, so that somebody else can claim it.

The first write decides against a gate that scans the voucher at the same moment: the ledger is closed under the next
number, or the gate has taken that, and the voucher is used.
"""

from datetime import datetime

from passes.calendar import business_day
from passes.errors import Conflict
from passes.ledger import RecordKind, Tally, mark
from passes.model import Pass, PassState
from passes.offers import Offer
from passes.ports import Audit, AuditLine, Holdings, Ledger, Passes
from passes.quotas import Quotas, only_spot
from passes.story import lineage
from passes.texts import Text


class Cancelling:
    """Gives vouchers back."""

    def __init__(self, quotas: Quotas, passes: Passes, ledger: Ledger, holdings: Holdings, audit: Audit) -> None:
        """The last four are stores."""
        self._quotas = quotas
        self._passes = passes
        self._ledger = ledger
        self._holdings = holdings
        self._audit = audit

    async def cancel(self, voucher: Pass, offer: Offer | None, by: str, now: datetime) -> Pass:
        """The voucher, given back; doing it again changes nothing.

        Raises `Conflict` for what is no voucher, or is used, frozen or over.
        """
        if voucher.cancelled_at is not None:
            return voucher
        if not voucher.cancellable_on(business_day(now)):
            raise _not_cancellable()
        await self._close(voucher, now)
        if not await self._passes.become(voucher, {"state": PassState.REVOKED, "cancelled_at": now}):
            raise Conflict("pass_busy", Text("此票正在变更，请重试", "this pass changes this moment; try again"))
        if offer is not None:
            await self._quotas.give_back(offer, business_day(voucher.issued_at), only_spot(voucher), now)
        for each in await lineage(voucher, self._passes):
            await self._holdings.release(voucher.holder.lookup, each.id)
        await self._audit.write(AuditLine(now, by, "cancel", f"pass:{voucher.id}"))
        return await self._passes.get(voucher.id) or voucher

    async def _close(self, voucher: Pass, now: datetime) -> None:
        """Close the ledger of a voucher that was not used. Raises `Conflict` if it was."""
        tail = await self._ledger.tail(voucher)
        last = tail[-1] if tail else None
        if last is not None and last.kind is RecordKind.CLOSED:
            return
        tally = last.tally if last else Tally()
        number, at = (last.n + 1, max(now, last.at)) if last else (1, now)
        closing = mark(RecordKind.CLOSED, voucher.id, number, tally, at)
        if tally.total or not await self._ledger.append(closing):
            raise _not_cancellable()


def _not_cancellable() -> Conflict:
    return Conflict(
        "not_cancellable", Text("已使用或已失效，不能退还", "only an unused voucher in force is given back")
    )
