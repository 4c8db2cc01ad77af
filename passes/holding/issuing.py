"""Issuing: an edition and a holder become a pass. A person holds one pass of a product at a
time."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.calendar import business_day, day_after
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes.format import FIRST_DAY, LAST_DAY
from passes.holding.model import Pass, PassState, Sale
from passes.holding.ports import Holdings, Passes
from passes.holding.wallet import newest_serial
from passes.people.holder import Holder
from passes.people.traits import Traits
from passes.terms.edition import Edition
from passes.terms.terms import LONGEST_TERM


@dataclass(frozen=True, slots=True)
class NewPass:
    """What is to be issued, to whom, and what is known of them and of the sale.

    `first_day` begins a term of so many days, or the time to activate it in; by default it is the
    business day of issue.
    """

    edition: Edition
    holder: Holder
    first_day: date | None = None
    traits: Traits = field(default_factory=Traits)
    sale: Sale = field(default_factory=Sale)


class Issuing:
    """Issues passes."""

    def __init__(self, passes: Passes, holdings: Holdings, audit: Audit) -> None:
        """All are stores."""
        self._passes = passes
        self._holdings = holdings
        self._audit = audit

    async def issue(self, new: NewPass, by: str, now: datetime) -> Pass:
        """A pass: active, or waiting to be activated.

        Raises `Invalid` if a first day is given for a term of fixed dates, `Conflict` when the
        product can no longer be used, or when the holder has a pass of this product in force.
        """
        # 1. What it would be, if it can be at all.
        _check(new)
        issued = _drafted(new, now)
        if issued.valid.end < business_day(now):
            product = new.edition.product_id
            text = Text("该票种已过期", f"product {product!r} ended on {issued.valid.end}")
            raise Conflict("product_over", text)
        # 2. The serial is reserved for the holder first, so that of two who issue the same pass to
        #    the same person at once one finds it taken.
        issued = replace(issued, id=await self._reserved_serial(issued, now))
        # 3. The pass itself. After a crash between 2 and 3 the next try issues it under the serial
        #    that was reserved; of two such tries at once one is first.
        if not await self._passes.add(issued):
            raise _already_held(issued.id)
        detail = {"product": issued.product_id}
        await self._audit.write(AuditLine(now, by, "issue", f"pass:{issued.id}", detail))
        return issued

    async def _reserved_serial(self, issued: Pass, now: datetime) -> str:
        """The serial under which the holder may hold the product from now on.

        Raises `Conflict` if they hold it already.
        """
        lookup = issued.holder.lookup
        key = f"{issued.product_id}:{lookup}"
        while True:
            held_under = await self._holdings.reserve(key, lookup, issued.id)
            if held_under == issued.id:
                return issued.id
            held = await newest_serial(held_under, self._passes)
            if held is None:
                return held_under  # a crash came before the pass: it is issued now
            if held.in_force_on(business_day(now)):
                raise _already_held(held.id)
            # The pass before has ended. Somebody else may pass the holding on first: look again.
            if await self._holdings.pass_on(key, held_under, issued.id):
                return issued.id


def _check(new: NewPass) -> None:
    """Raise for what cannot be issued to anybody."""
    if new.edition.offer:
        text = Text("优惠券须由游客领取", "vouchers of an offer are claimed, not issued")
        raise Conflict("voucher_is_claimed", text)
    if new.first_day is not None and new.edition.terms.term.dates is not None:
        product = new.edition.product_id
        fault = Fault("first_day", f"{product!r} is valid on fixed dates; leave the first day out")
        text = Text("该票种日期固定", "the dates of this product are fixed")
        raise Invalid("first_day_fixed", text, [fault])


def _drafted(new: NewPass, now: datetime) -> Pass:
    """The pass under a random serial. Raises `Invalid` for days that no code can name."""
    term = new.edition.terms.term
    begins = new.first_day or business_day(now)
    if not FIRST_DAY <= begins <= LAST_DAY - 2 * LONGEST_TERM:
        last = LAST_DAY - 2 * LONGEST_TERM
        text = Text(
            f"首日须在{FIRST_DAY}至{last}之间",
            f"the first day has to be from {FIRST_DAY} to {last}",
        )
        raise Invalid("first_day_out_of_range", text)
    if term.activate_within is None:
        state, activate_by = PassState.ACTIVE, None
        valid = term.starting(begins)
    else:
        state, activate_by = PassState.ISSUED, begins + timedelta(days=term.activate_within)
        valid = term.starting(day_after(activate_by))
    return Pass(
        id=secrets.token_hex(8),
        edition=new.edition,
        valid=valid,
        state=state,
        holder=new.holder,
        issued_at=now,
        traits=new.traits,
        sale=new.sale,
        activate_by=activate_by,
    )


def _already_held(pass_id: str) -> Conflict:
    text = Text(
        "已持有此票种的有效电子票", f"the holder has a pass of this product in force: {pass_id}"
    )
    return Conflict("already_held", text)
