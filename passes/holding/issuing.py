"""Issuing: an edition and a holder become a pass. A person holds one pass of a product at a
time."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day, day_after
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes.format import FIRST_DAY, LAST_DAY
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass, PassState, Sale
from passes.holding.ports import Holding, Holdings, Passes
from passes.holding.serials import Serials
from passes.holding.wallet import Wallet, newest_serial
from passes.people.barring import Bars, barred_text, barred_until
from passes.people.groups import told_groups
from passes.people.holder import Holder
from passes.people.identity import Identity
from passes.people.ports import Members
from passes.people.traits import Traits, traits_of
from passes.terms.edition import Edition
from passes.terms.validity import LONGEST_TERM, DateRange


@dataclass(frozen=True, slots=True)
class NewPass:
    """What is to be issued, to whom, and what is known of them and of the sale.

    `first_day` begins a term of so many days, or the time to activate it in; by default it is the
    business day of issue.
    """

    edition: Edition
    holder: Holder
    first_day: date | None = None
    identity: Identity | None = None
    """Who the holder is, to check whether they may hold it; None where that was checked before."""
    traits: Traits = field(default_factory=Traits)
    sale: Sale = field(default_factory=Sale)


class Issuing:
    """Issues passes."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that it asks
        self,
        passes: Passes,
        holdings: Holdings,
        members: Members,
        wallet: Wallet,
        audit: Audit,
        bars: Bars,
        serials: Serials,
    ) -> None:
        """All are stores, but the wallet, which knows whose card staff have to look at, and
        `serials`, which draws them."""
        self._serials = serials
        self._bars = bars
        self._wallet = wallet
        self._members = members
        self._passes = passes
        self._holdings = holdings
        self._audit = audit

    async def issue(self, new: NewPass, by: str, now: datetime) -> Pass:
        """A pass: active, or waiting to be activated.

        Raises `Invalid` if a first day is given for a term of fixed dates, `Conflict` when the
        product is not on sale or can no longer be used, or when the holder has a pass of this
        product in force.
        """
        # 1. What it would be, if it can be at all.
        _check(new, business_day(now))
        await self._check_not_barred(new.holder, now)
        await self._check_holder(new, business_day(now))
        issued = _drafted(self._serials.new(), new, now)
        if issued.valid.end < business_day(now):
            product = new.edition.product_id
            text = Text("该票种已过期", f"product {product!r} ended on {issued.valid.end}")
            raise Conflict("product_over", text)
        # 2. The serial is reserved for the holder first, so that of two who issue the same pass to
        #    the same person at once one finds it taken.
        issued = replace(
            issued,
            id=await self._reserved_serial(issued, now),
            card_due_since=await self._wallet.card_due_since(issued.holder),
        )
        # 3. The pass itself. After a crash between 2 and 3 the next try issues it under the serial
        #    that was reserved; of two such tries at once one is first.
        detail = {"product": issued.product_id}
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "issue", f"pass:{issued.id}", detail))
            if not await self._passes.add(issued):
                raise already_held(issued.id)
        # 4. An account that was bound to the holder since step 2 may not have found the pass.
        since = await self._wallet.card_due_since(issued.holder)
        if since is not None and issued.card_due_since is None:
            changed = await change(
                self._passes, issued.id, lambda each: transitions.ask_for_card(each, since)
            )
            issued = changed.after
        return issued

    async def _check_not_barred(self, holder: Holder, now: datetime) -> None:
        """Raise `Conflict` if operators have said that the holder may hold no pass."""
        until = await barred_until(self._bars, holder.lookup, now)
        if until is not None:
            raise Conflict("holder_barred", barred_text(until))

    async def _check_holder(self, new: NewPass, today: date) -> None:
        """Raise `Conflict` if the product is not for its holder."""
        holders, identity = new.edition.terms.holders, new.identity
        if identity is None:
            return
        age = identity.age_on(new.first_day or today)
        if not holders.admit_age(age):
            text = Text(
                f"该票种对年龄有要求，持票人{age}岁",
                f"this product is for another age: the holder is {age}",
            )
            raise Conflict("holder_not_of_age", text)
        groups = {*await self._members.groups_of(new.holder.lookup), *told_groups(identity)}
        if not holders.admit_groups(frozenset(groups)):
            text = Text(
                "持票人不在该票种的适用人群中",
                f"the holder is in none of the groups {', '.join(sorted(holders.groups))}",
            )
            raise Conflict("holder_not_in_group", text)

    async def _reserved_serial(self, issued: Pass, now: datetime) -> str:
        """The serial under which the holder may hold the product from now on.

        Raises `Conflict` if they hold it already.
        """
        lookup = issued.holder.lookup
        key, wanted = holding_key(issued), Holding(lookup, issued.id)
        while True:
            holding = await self._holdings.reserve(key, wanted)
            if holding.pass_id == issued.id:
                return issued.id
            held = await newest_serial(holding.pass_id, self._passes)
            if held is None:
                return holding.pass_id  # a crash came before the pass: it is issued now
            if held.in_force_on(business_day(now)):
                raise already_held(held.id)
            # The pass before has ended. Somebody else may pass the holding on first: look again.
            if await self._holdings.pass_on(key, holding, wanted):
                return issued.id


def _check(new: NewPass, today: date) -> None:
    """Raise for what cannot be issued to anybody."""
    if new.edition.offer:
        text = Text("优惠券须由游客领取", "vouchers of an offer are claimed, not issued")
        raise Conflict("voucher_is_claimed", text)
    _check_sold(new.edition, today)
    if new.first_day is not None and new.edition.terms.term.dates is not None:
        product = new.edition.product_id
        fault = Fault("first_day", f"{product!r} is valid on fixed dates; leave the first day out")
        text = Text("该票种日期固定", "the dates of this product are fixed")
        raise Invalid("first_day_fixed", text, [fault])


def _check_sold(edition: Edition, today: date) -> None:
    """Raise `Conflict` for a product that is withdrawn, or outside the days of its sale."""
    product, sale = edition.product_id, edition.sale
    if edition.withdrawn:
        text = Text("该票种已停售", f"product {product!r} is withdrawn; resume it to sell it")
        raise Conflict("product_withdrawn", text)
    if sale is None or today in sale:
        return
    if sale.end is not None and sale.end < today:
        text = Text("该票种销售期已结束", f"product {product!r} was sold until {sale.end}")
    else:
        text = Text("该票种尚未开售", f"product {product!r} is sold from {sale.start} on")
    raise Conflict("product_not_on_sale", text)


def _drafted(serial: str, new: NewPass, now: datetime) -> Pass:
    """The pass. Raises `Invalid` for days that no code can name."""
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
        valid = _valid_days(new, now)
    else:
        state, activate_by = PassState.ISSUED, begins + timedelta(days=term.activate_within)
        valid = term.usable_from(day_after(activate_by))
    return Pass(
        id=serial,
        edition=new.edition,
        valid=valid,
        state=state,
        holder=new.holder,
        issued_at=now,
        traits=_traits(new, valid, business_day(now)),
        sale=new.sale,
        activate_by=activate_by,
        not_before=new.first_day,
    )


def _traits(new: NewPass, valid: DateRange, today: date) -> Traits:
    if new.identity is None:
        return new.traits
    return traits_of(new.identity, today, valid.end)


def _valid_days(new: NewPass, now: datetime) -> DateRange:
    """The days of a pass that needs no activation: from the first day that was agreed, if any."""
    term = new.edition.terms.term
    if new.first_day is not None:
        return term.usable_from(new.first_day)
    return term.begun_on(business_day(now))


def holding_key(held: Pass) -> str:
    """Under which key its holder holds the product."""
    return f"{held.product_id}:{held.holder.lookup}"


def already_held(pass_id: str) -> Conflict:
    """The error that the holder has a pass of the product in force."""
    text = Text(
        "已持有此票种的有效电子票", f"the holder has a pass of this product in force: {pass_id}"
    )
    return Conflict("already_held", text)
