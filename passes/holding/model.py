"""The pass: one entitlement of one holder, an annual pass or a voucher.

A plain frozen value that answers questions about itself. What changes it is in
`passes.holding.transitions`, what admits it in `passes.admission`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from passes.base.calendar import business_day
from passes.base.stored import IN_MEMORY
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Refusal
from passes.people.holder import Holder
from passes.people.traits import Traits
from passes.terms.edition import Edition
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.terms import SpotFacts, Terms
from passes.terms.validity import DateRange, Starts, Unactivated


class PassState(StrEnum):
    """Where a pass is in its life."""

    RESERVED = "reserved"
    ISSUED = "issued"
    ACTIVE = "active"
    FROZEN = "frozen"
    REVOKED = "revoked"
    REFUNDED = "refunded"
    EXPIRED = "expired"


_OVER = frozenset({PassState.REVOKED, PassState.REFUNDED, PassState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Sale:
    """How a pass was sold: in which batch, who paid, and how much, in fen. None is unknown.

    `refund_fen` is what is due to the payer since the pass was given back.
    """

    batch: str | None = None
    payer: str | None = None
    paid_fen: int | None = None
    refund_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Misuse:
    """That staff at a gate saw somebody else show a pass; `nonce` names their decision."""

    at: datetime
    gate_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One entitlement of one holder; `id` is the serial of its codes, 16 hexadecimal digits.

    It holds what is its own; its terms are those of the edition it was issued under. `revision`
    counts its changes and is what a compare-and-set compares. `refusals` are its newest few, so
    that a repeated scan is answered as before. `ledger_mark` is the number of a ledger record
    near the newest one, from which on the ledger is read: it may lag, never lead. While a pass
    waits to be activated, until the day `activate_by`, `valid` is what it becomes if nobody does.
    """

    id: str
    edition: Edition
    valid: DateRange
    state: PassState
    holder: Holder
    issued_at: datetime
    revision: int = 0
    traits: Traits = field(default_factory=Traits)
    sale: Sale = field(default_factory=Sale)
    chosen_spot: str | None = None
    """The one spot of the edition that a voucher was claimed for; None for all of them."""
    activate_by: date | None = None
    activated_at: datetime | None = None
    reissued_as: str | None = None
    """The serial of the pass that took its place."""
    reissued_from: str | None = None
    cancelled_at: datetime | None = None
    """When its holder gave back an unused voucher."""
    frozen_by: str | None = None
    """Who froze it: a holder cannot lift what an operator has frozen."""
    card_due_since: datetime | None = None
    """Since when staff have to look at the holder's card once: an account was bound to them."""
    not_before: date | None = None
    """The first day that was agreed when it was sold: activating it earlier does not begin it."""
    frozen_on: date | None = None
    """The day on which it was frozen, while it is."""
    paused_days: int = 0
    """For how many days its validity was prolonged because it was frozen."""
    misuses: tuple[Misuse, ...] = ()
    """How often somebody else has shown it, since it was last unfrozen for that."""
    refusals: tuple[Refusal, ...] = ()
    ledger_mark: int = 0
    genuine: bool = field(default=True, compare=False, metadata=IN_MEMORY)
    """Whether it is as the system stored it. One that is not, and what follows from it, never
    becomes so again: it shows no code and admits nowhere (docs/adr/0023-bound-to-the-record.md)."""

    @property
    def product_id(self) -> str:
        """The product it is a pass of."""
        return self.edition.product_id

    @property
    def terms(self) -> Terms:
        """The terms it was issued under."""
        return self.edition.terms

    @property
    def voucher(self) -> bool:
        """Whether it was claimed from the offer with the id of its product."""
        return self.edition.offer

    @property
    def spots(self) -> frozenset[str]:
        """The ids of the spots that it opens."""
        if self.chosen_spot is None:
            return self.edition.spots
        return self.edition.spots & {self.chosen_spot}

    @property
    def only_spot(self) -> str | None:
        """The spot that it is for, with its parts, if that is one alone."""
        if self.chosen_spot is not None:
            return self.chosen_spot
        named = self.terms.coverage.spots
        return next(iter(named)) if len(named) == 1 else None

    def opens(self, spot: SpotFacts) -> bool:
        """Whether it opens a spot: one of its edition, and of those the chosen one or its part."""
        chosen = self.chosen_spot
        is_chosen = chosen is None or chosen == spot.id or chosen in spot.tags
        return is_chosen and spot.id in self.edition.spots

    def state_on(self, day: date) -> PassState:
        """Where the pass is in its life on a business day.

        One that waited too long to be activated has started by itself, or lapsed.
        """
        if self.state is not PassState.ISSUED or self.activate_by is None:
            return self.state
        if day <= self.activate_by:
            return self.state
        starts = self.terms.term.unactivated is Unactivated.STARTS
        return PassState.ACTIVE if starts else PassState.EXPIRED

    @property
    def days(self) -> DateRange:
        """Its valid days, with those that amendments have added."""
        return self._extended(self.valid)

    def _extended(self, days: DateRange) -> DateRange:
        more = self.edition.extended_by
        return DateRange(days.start, days.end + timedelta(days=more)) if more else days

    def first_day_after(self, tally: Tally) -> date | None:
        """The first day of its validity, with these visits; None if it waits for the first one."""
        if self.terms.term.starts is Starts.FIRST_VISIT:
            return tally.first_day
        return self.valid.start

    def valid_after(self, tally: Tally) -> DateRange:
        """Its valid days, with these visits. One that starts at its first visit can be used for the
        first time within so many days, and is valid for its term from that day on."""
        term = self.terms.term
        if term.starts is not Starts.FIRST_VISIT:
            return self.days
        if tally.first_day is not None:
            return self._extended(term.starting(tally.first_day))
        last_first_day = self.valid.start + timedelta(days=term.start_within or 0)
        return DateRange(self.valid.start, last_first_day)

    def card_is_due(self, tally: Tally) -> bool:
        """Whether staff have not looked at the holder's card since an account was bound to them."""
        if self.card_due_since is None:
            return False
        return tally.seen_at is None or tally.seen_at < self.card_due_since

    def in_force_on(self, day: date) -> bool:
        """Whether it may still admit on that business day or a later one."""
        last_day = self.days.end + timedelta(days=self.pause_on(day))
        return self.state_on(day) not in _OVER and day <= last_day

    def pause_on(self, day: date) -> int:
        """By how many days its validity would be prolonged if it were unfrozen on a day.

        Days before its first one are not lost, and so not given back.
        """
        if self.frozen_on is None:
            return 0
        left = self.terms.term.pause_days - self.paused_days
        lost_from = max(self.frozen_on, self.valid.start)
        return max(0, min(left, (day - lost_from).days))

    @property
    def lapses(self) -> bool:
        """Whether it will have no days at all, unless it is activated in time."""
        lapsing = self.terms.term.unactivated is Unactivated.LAPSES
        return lapsing and self.waits and self.state is not PassState.ACTIVE

    @property
    def counts_time(self) -> bool:
        """Whether it is a time card, sold for days and not for a number of visits."""
        limits = self.terms.limits
        return not self.voucher and limits.total is None and limits.days is None

    @property
    def loses(self) -> tuple[SpotWithdrawal, ...]:
        """The withdrawals that take spots from it, of which it was told after its issue."""
        return tuple(
            each
            for each in self.edition.spot_withdrawals
            if each.ends and self.issued_at < each.at and not self.spots.isdisjoint(each.spots)
        )

    def used_up(self, tally: Tally) -> bool:
        """Whether none of its visits is left, the rest of a party apart."""
        most = self.terms.limits.total
        return most is not None and tally.total >= most

    @property
    def counts(self) -> bool:
        """Whether it is a voucher that its offer counts.

        One that was given back does not count, nor one that goes on under another serial.
        """
        return self.voucher and self.cancelled_at is None and self.reissued_as is None

    def cancellable_on(self, day: date) -> bool:
        """Whether it is a voucher that may be given back on that day, if it is not used."""
        return self.voucher and self.state is PassState.ACTIVE and self.in_force_on(day)

    @property
    def waits(self) -> bool:
        """Whether it is still to be activated, whatever its state."""
        return self.activate_by is not None and self.activated_at is None

    @property
    def state_in_force(self) -> PassState:
        """What the pass is while nothing speaks against it."""
        return PassState.ISSUED if self.waits else PassState.ACTIVE

    @property
    def span(self) -> DateRange:
        """All days on which it might be used, which its codes name.

        They change when it is activated, and when a pause ends that prolongs it.
        """
        if self.waits:
            return DateRange(business_day(self.issued_at), self.days.end)
        return self.days
