"""Withdrawing: a product that is sold no more, until operators resume it.

An edition is never changed, so that a product is withdrawn stands beside its editions. Passes that
were sold stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.ports import Versioned


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a product is withdrawn, since when and why."""

    product_id: str
    at: datetime
    reason: str


class Withdrawals(Protocol):
    """Where it is stored which products are withdrawn."""

    async def all(self) -> Sequence[Withdrawal]:
        """Every product that is withdrawn now."""

    async def add(self, withdrawal: Withdrawal) -> bool:
        """Store that a product is withdrawn; False if it is already."""

    async def remove(self, product_id: str) -> None:
        """A product is withdrawn no more."""

    async def announce(self) -> None:
        """Tell every process to load anew."""


class Withdrawing:
    """Withdraws products, and resumes them."""

    def __init__(self, editions: Versioned[Edition], store: Withdrawals, audit: Audit) -> None:
        """All are stores."""
        self._editions = editions
        self._store = store
        self._audit = audit

    async def withdraw(self, product_id: str, reason: str, by: str, now: datetime) -> None:
        """Sell a product no more. Doing it again changes nothing.

        Raises `Unknown` if there is no such product, `Invalid` if no reason is given.
        """
        await self._check(product_id)
        if not reason.strip():
            text = Text("请说明原因", "say why")
            raise Invalid("reason_missing", text, [Fault("reason", "it is for the audit log")])
        if not await self._is_withdrawn(product_id):
            detail = {"reason": reason}
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, "withdraw", f"product:{product_id}", detail))
                if not await self._store.add(Withdrawal(product_id, now, reason)):
                    await entry.not_done()
        # Announced in any case: a crash may have come between a change and its announcement.
        await self._store.announce()

    async def resume(self, product_id: str, by: str, now: datetime) -> None:
        """Sell a product again. Doing it again changes nothing. Raises `Unknown`."""
        await self._check(product_id)
        if await self._is_withdrawn(product_id):
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, "resume", f"product:{product_id}"))
                await self._store.remove(product_id)
        await self._store.announce()

    async def _is_withdrawn(self, product_id: str) -> bool:
        return any(each.product_id == product_id for each in await self._store.all())

    async def _check(self, product_id: str) -> None:
        """Raise `Unknown` for what is no product. What offers give is ended with its offer."""
        for each in await self._editions.all():
            if each.product_id == product_id and not each.offer:
                return
        raise unknown(Text("票种", "product"), product_id)
