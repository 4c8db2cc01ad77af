"""Cancelling: a visitor gives an unused voucher back, so that somebody else can claim it.

The first write decides against a gate that scans the voucher at the same moment: the ledger is closed under the next
number, or the gate has taken that, and the voucher is used.
"""

from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass, PassState
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
        """The voucher, given back; doing it again changes nothing, and finishes what a crash cut short.

        Raises `Conflict` for what is no voucher, or is used, frozen or over.
        """
        if voucher.cancelled_at is not None:
            return voucher
        if not voucher.cancellable_on(business_day(now)):
            raise _not_cancellable()
        await self._close(voucher, now)
        await self._quotas.about_to_give_back(voucher, now)
        # From here on it is cancelled, whatever else happens to it at the same moment, unless that is a reissue.
        current: Pass | None = voucher
        while current is not None and current.cancelled_at is None:
            if await self._passes.become(
                current, {"state": PassState.REVOKED, "cancelled_at": now}
            ):
                await self._quotas.give_back(voucher, now)
                await self._audit.write(AuditLine(now, by, "cancel", f"pass:{voucher.id}"))
            current = await self._passes.get(voucher.id)
            if current is not None and current.reissued_as is not None:
                raise _not_cancellable()
        return current or voucher

    async def _close(self, voucher: Pass, now: datetime) -> None:
        """Close the ledger of a voucher that was not used. Raises `Conflict` if it was."""
        for _ in range(_TRIES):
            tail = await self._ledger.tail(voucher)
            if tail and tail[-1].kind is RecordKind.CLOSED:
                return
            record = closing(voucher.id, tail, now)
            if record.tally.total:
                raise _not_cancellable()
            if await self._ledger.append(record):
                return
        raise _not_cancellable()


def _not_cancellable() -> Conflict:
    text = Text("已使用或已失效，不能退还", "only an unused voucher in force can be given back")
    return Conflict("not_cancellable", text)
