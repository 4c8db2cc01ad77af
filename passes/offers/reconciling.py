"""Reconciling: operators make the counters of an offer say how many vouchers there are."""

from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry
from passes.base.ports import Audit
from passes.offers.offer import Offer
from passes.offers.quotas import Quotas, Reconciled


class Reconciling:
    """Reconciles offers, with an audit line for each."""

    def __init__(self, quotas: Quotas, audit: Audit) -> None:
        """The second is a store."""
        self._quotas = quotas
        self._audit = audit

    async def reconcile(self, offer: Offer, by: str, now: datetime) -> Reconciled:
        """Correct the counters of an offer. After a crash it can be done again."""
        # Counters are corrected one by one, so the line is settled after the last of them.
        entry = AuditEntry(self._audit)
        await entry.begin(AuditLine(now, by, "reconcile", f"offer:{offer.id}"))
        done = await self._quotas.reconcile(offer, now)
        await entry.done(corrected=str(len(done.corrected)))
        return done
