"""The nouns of the domain: product, pass, holder, gate, scan.

Plain frozen values; a change makes a new one. What happens at gates is in `ledger`, `rules` and `admission`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from passes.base.calendar import business_day
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Refusal
from passes.people.holder import Holder
from passes.terms.terms import DateRange, Terms, Unactivated


class PassState(StrEnum):
    """Where a pass is in its life."""

    RESERVED = "reserved"
    ISSUED = "issued"
    ACTIVE = "active"
    FROZEN = "frozen"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Pass:
    """One entitlement of one holder; `id` is the serial of its codes, 16 hexadecimal digits.

    `refusals` are its newest few, so that a repeated scan is answered as before; `ledger_mark` is a number of
    a ledger record near the newest one, from which on the ledger is read: it may lag, never lead. While a pass waits to
    be activated, until the day `activate_by`, `valid` is what it becomes if nobody does.
    """

    id: str
    product_id: str
    product_number: int
    terms: Terms
    valid: DateRange
    state: PassState
    holder: Holder
    issued_at: datetime
    refusals: tuple[Refusal, ...] = ()
    ledger_mark: int = 0
    activate_by: date | None = None
    activated_at: datetime | None = None
    reissued_as: str | None = None
    """The serial of the pass that took its place."""
    reissued_from: str | None = None
    voucher: bool = False
    """Whether it was claimed from the offer with the id of its product."""
    cancelled_at: datetime | None = None
    """When its holder gave back an unused voucher."""
    frozen_by: str | None = None
    """Who froze it: a holder cannot lift what an operator has frozen."""

    def state_on(self, day: date) -> PassState:
        """Where the pass is in its life on a business day: what waited too long has started by itself, or lapsed."""
        if (
            self.state is not PassState.ISSUED
            or self.activate_by is None
            or day <= self.activate_by
        ):
            return self.state
        starts = self.terms.term.unactivated is Unactivated.STARTS
        return PassState.ACTIVE if starts else PassState.EXPIRED

    def in_force_on(self, day: date) -> bool:
        """Whether it may still admit on that business day or a later one: it has not ended, nor been ended."""
        over = {PassState.REVOKED, PassState.REFUNDED, PassState.EXPIRED}
        return self.state_on(day) not in over and day <= self.valid.end

    def used_up(self, tally: Tally) -> bool:
        """Whether none of its visits is left, the rest of a party apart."""
        most = self.terms.limits.total
        return most is not None and tally.total >= most

    @property
    def counts(self) -> bool:
        """Whether it is a voucher that its offer counts: not given back, and not continued under another serial."""
        return self.voucher and self.cancelled_at is None and self.reissued_as is None

    def cancellable_on(self, day: date) -> bool:
        """Whether it is a voucher that may be given back on that business day, if it is not used."""
        return self.voucher and self.state is PassState.ACTIVE and self.in_force_on(day)

    @property
    def state_in_force(self) -> PassState:
        """What the pass is while nothing speaks against it: issued as long as it waits to be activated, else active."""
        waits = self.activate_by is not None and self.activated_at is None
        return PassState.ISSUED if waits else PassState.ACTIVE

    @property
    def span(self) -> DateRange:
        """All days on which the pass might be used, which its codes name; they change when it is activated alone."""
        waits = self.state_in_force is PassState.ISSUED
        return DateRange(business_day(self.issued_at), self.valid.end) if waits else self.valid
