"""Losing: what a spot withdrawal takes from the passes that were sold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from passes.holding.model import Pass
from passes.ledger.tally import Tally
from passes.terms.spot_withdrawals import SpotWithdrawal


@dataclass(frozen=True, slots=True)
class Loss:
    """A pass in force that was sold with the spot, for the office.

    `visits` are those at the spot so far; `days_lost` its valid days on which the spot does not
    admit it any more; `may_rescind` whether its holder may give it back.
    """

    pass_id: str
    holder: str
    batch: str | None
    payer: str | None
    paid_fen: int | None
    valid_until: date
    visits: int
    days_lost: int
    may_rescind: bool


def losses_by(
    withdrawal: SpotWithdrawal, passes: Iterable[Pass], tallies: Mapping[str, Tally], today: date
) -> list[Loss]:
    """The passes in force that were sold with a spot before it was withdrawn, in order of their
    ids. `tallies` are those of the passes with visits."""
    found = []
    for held in passes:
        sold_before = held.issued_at < withdrawal.at
        if sold_before and held.in_force_on(today) and held.spots & withdrawal.spots:
            found.append(_loss(withdrawal, held, tallies.get(held.id, Tally())))
    return sorted(found, key=lambda loss: loss.pass_id)


def _loss(withdrawal: SpotWithdrawal, held: Pass, tally: Tally) -> Loss:
    valid = held.valid_after(tally)
    lost_from = max(valid.start, withdrawal.start)
    days_lost = 0
    if withdrawal.ends:
        days_lost = max(0, (valid.end - lost_from).days + 1)
    return Loss(
        pass_id=held.id,
        holder=held.holder.mask,
        batch=held.sale.batch,
        payer=held.sale.payer,
        paid_fen=held.sale.paid_fen,
        valid_until=valid.end,
        visits=sum(tally.by_spot.get(each, 0) for each in withdrawal.spots),
        days_lost=days_lost,
        may_rescind=withdrawal.ends and held.counts_time,
    )
