"""A pass as its holder sees it."""

from dataclasses import replace
from datetime import date, datetime
from typing import Self

from pydantic import Field

from handlers.terms.terms_view import TermsOut, rules_out
from handlers.web.models import Out, TextOut
from passes.base.calendar import business_day
from passes.holding.lifecycle import steps_from
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Tally
from passes.terms.prices import Payment
from passes.terms.spot_withdrawals import Policy, SpotWithdrawal
from passes.terms.wording import MAY_RESCIND, leaves, sentences


class SpotNoticeOut(Out):
    """That a spot leaves a pass: passes go on admitting there (`serve`), or end there (`end`)."""

    spot: str = Field(examples=["emeishan"])
    name: TextOut
    start: date
    """The first day without it."""
    policy: Policy
    may_rescind: bool
    """Whether the holder may give the pass back to whoever sold it."""
    text: TextOut

    @classmethod
    def of(cls, withdrawal: SpotWithdrawal, held: Pass, now: datetime) -> Self:
        """The view of a withdrawal that touches a pass."""
        may_rescind = (
            withdrawal in held.loses and held.counts_time and held.in_force_on(business_day(now))
        )
        clauses = [leaves(withdrawal)]
        if may_rescind:
            clauses.append(MAY_RESCIND)
        texts = sentences(clauses)
        return cls(
            spot=withdrawal.spot_id,
            name=TextOut.of(withdrawal.name),
            start=withdrawal.start,
            policy=withdrawal.policy,
            may_rescind=may_rescind,
            text=TextOut(
                zh="".join(each.zh for each in texts), en=" ".join(each.en for each in texts)
            ),
        )


class PassViewOut(Out):
    """A pass of the visitor who calls, or of a companion."""

    id: str = Field(examples=["70a69d540b54f65e"])
    product: str = Field(examples=["bashu-annual-example"])
    title: TextOut
    state: PassState = Field(examples=["active"])
    """Today."""
    visits: int = Field(examples=[0])
    """How many visits count so far."""
    spots: list[str] = Field(examples=[[]])
    """Where a voucher can be used; what a pass opens stands at its product."""
    valid_from: date | None
    """Null, as the next, for one that will have no days unless it is activated."""
    valid_until: date | None
    activate_by: date | None = Field(examples=[None])
    """The last day on which it can be activated; its days are those it has if nobody does."""
    activated_at: datetime | None = Field(examples=[None])
    issued_at: datetime
    holder_mask: str = Field(examples=["测** 110***********002X"])
    companion: str | None = Field(examples=[None])
    """Whose pass it is: the id of one of `GET /me/companions`; null for the visitor's own."""
    admits: int = Field(examples=[1])
    """How many people it admits on one visit."""
    payment: Payment
    terms: TermsOut
    """Those it was issued with, and the amendments since."""
    notices: list[SpotNoticeOut]
    """Spots that leave it."""
    can: list[str] = Field(examples=[["freeze"]])
    """What its holder may do with it now: `activate`, `freeze`, `unfreeze`, and `cancel` for a
    voucher not used yet."""
    card_due: bool = Field(examples=[False])
    """Whether staff have to see the holder's card first: a turnstile sends to a staffed gate."""
    reissued_as: str | None = Field(examples=[None])
    reissued_from: str | None = Field(examples=[None])

    @classmethod
    def of(cls, held: Pass, tally: Tally, now: datetime, companion: str | None = None) -> Self:
        """The view of a pass with such a tally."""
        today, title = business_day(now), held.edition.title
        can = [step.value for step in steps_from(held, now)]
        if held.cancellable_on(today) and tally.total == 0:
            can.append("cancel")
        valid = None if held.lapses else held.valid_after(tally)
        spots: list[str] = []
        if held.voucher:
            spots = sorted(held.spots)
        return cls(
            id=held.id,
            product=held.product_id,
            title=TextOut.of(title),
            state=held.state_on(today),
            visits=tally.total,
            spots=spots,
            valid_from=None if valid is None else valid.start,
            valid_until=None if valid is None else valid.end,
            activate_by=held.activate_by,
            activated_at=held.activated_at,
            issued_at=held.issued_at,
            holder_mask=held.holder.mask,
            companion=companion,
            admits=held.terms.party.admits,
            payment=held.terms.payment,
            terms=TermsOut.of(held.edition),
            notices=[
                SpotNoticeOut.of(each, held, now)
                for each in held.edition.spot_withdrawals
                if not each.spots.isdisjoint(held.spots)
            ],
            can=can,
            card_due=held.card_is_due(tally),
            reissued_as=held.reissued_as,
            reissued_from=held.reissued_from,
        )


class PassPageOut(PassViewOut):
    """A pass with its terms in words."""

    rules: list[TextOut]
    """使用须知, a sentence each."""

    @classmethod
    def of_view(cls, view: PassViewOut, held: Pass) -> Self:
        """The view of a pass, with the rules of the edition that it names."""
        # A voucher that was claimed for one spot is told that spot's rules alone.
        edition = replace(held.edition, spots=held.spots)
        return cls(**dict(view), rules=rules_out(edition))


class PassViewsOut(Out):
    """The passes of the visitor who calls, newest first, then those of each companion; one that
    was reissued is seen as its successor."""

    total: int
    items: list[PassViewOut]
