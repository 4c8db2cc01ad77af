"""Issuing: a product and a holder become a pass, and a pass becomes the codes that its holder shows."""

import secrets
from datetime import date, datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.calendar import business_day, day_after
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes import format as codes
from passes.holding.model import Pass, PassState
from passes.holding.ports import Holdings, Passes
from passes.holding.wallet import newest_serial
from passes.people.holder import Holder
from passes.terms.product import Product
from passes.terms.terms import LONGEST_TERM


class Issuing:
    """Issues passes."""

    def __init__(self, passes: Passes, holdings: Holdings, audit: Audit) -> None:
        """All are stores."""
        self._passes = passes
        self._holdings = holdings
        self._audit = audit

    async def issue(
        self, product: Product, holder: Holder, first_day: date | None, by: str, now: datetime
    ) -> Pass:
        """A new pass with the terms of the product as they are now: active, or waiting to be activated.

        `first_day` begins a term of so many days, or the time to activate it in; by default it is today. Raises
        `Invalid` if it is given for a term of fixed dates, `Conflict` when the product can no longer be used, or when
        the holder has a pass of this product in force.
        """
        if product.offer:
            raise Conflict(
                "voucher_is_claimed",
                Text("优惠券须由游客领取", "vouchers of an offer are claimed, not issued"),
            )
        if first_day is not None and product.terms.term.dates is not None:
            fixed = Fault(
                "first_day", f"{product.id!r} is valid on fixed dates; leave the first day out"
            )
            raise Invalid(
                "first_day_fixed",
                Text("该票种日期固定", "the dates of this product are fixed"),
                [fixed],
            )
        begins = first_day or business_day(now)
        if not codes.FIRST_DAY <= begins <= codes.LAST_DAY - 2 * LONGEST_TERM:
            raise Invalid(
                "first_day_out_of_range",
                Text("日期超出范围", "the first day is too early or too late"),
            )
        term = product.terms.term
        activate_by = (
            None if term.activate_within is None else begins + timedelta(days=term.activate_within)
        )
        valid = term.starting(begins if activate_by is None else day_after(activate_by))
        if valid.end < business_day(now):
            raise Conflict(
                "product_over", Text("该票种已过期", f"product {product.id!r} ended on {valid.end}")
            )
        issued = Pass(
            id=await self._serial(f"{product.id}:{holder.lookup}", holder, now),
            product_id=product.id,
            product_number=product.number,
            terms=product.terms,
            valid=valid,
            state=PassState.ACTIVE if activate_by is None else PassState.ISSUED,
            holder=holder,
            issued_at=now,
            activate_by=activate_by,
        )
        try:
            await self._passes.add(issued)
        except Conflict:
            raise _already_held(issued.id) from None
        await self._audit.write(
            AuditLine(now, by, "issue", f"pass:{issued.id}", {"product": product.id})
        )
        return issued

    async def _serial(self, key: str, holder: Holder, now: datetime) -> str:
        """The serial under which the holder may hold `key` from now on. Raises `Conflict` if they hold it already."""
        wanted = secrets.token_hex(8)
        while True:
            held_under = await self._holdings.take(key, holder.lookup, wanted)
            if held_under == wanted:
                return wanted
            held = await newest_serial(held_under, self._passes)
            if held is None:
                return held_under  # a crash came before the pass: it is issued now
            if held.in_force_on(business_day(now)):
                raise _already_held(held.id)
            if await self._holdings.pass_on(key, held_under, wanted):
                return wanted


def _already_held(pass_id: str) -> Conflict:
    text = Text(
        "已持有此票种的有效电子票", f"the holder has a pass of this product in force: {pass_id}"
    )
    return Conflict("already_held", text)
