"""Reports: what became of the vouchers of offers."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.base.calendar import business_day
from passes.holding.model import Pass, PassState
from passes.ledger.records import Record, standing


class RowsBy(StrEnum):
    """What a report has a row for, beside each offer."""

    OFFER = "offer"
    SPOT = "spot"
    DAY = "day"


@dataclass(slots=True)
class OfferRow:
    """The numbers of an offer, at a spot or on a day if the report is by that.

    `claimed` counts vouchers, those `cancelled` or `revoked` unused among them; `unused` are those still good on the
    day of the report, and not used. An admission is one that counts; the two of a pair who come one after the other are
    two. By spot, a voucher for several spots stands under none.
    """

    offer: str
    spot: str | None
    day: date | None
    claimed: int = 0
    cancelled: int = 0
    revoked: int = 0
    unused: int = 0
    admissions: int = 0
    people: int = 0
    paying: int = 0


def offer_rows(
    by: RowsBy, vouchers: Iterable[Pass], records: Iterable[Record], today: date
) -> list[OfferRow]:
    """The rows of a report over these vouchers and all records of their ledgers, in order."""
    rows: dict[tuple[str, str, date], OfferRow] = {}

    def row(offer: str, spot: str | None, day: date) -> OfferRow:
        spot = spot if by is RowsBy.SPOT else None
        key = (offer, spot or "", day if by is RowsBy.DAY else date.min)
        return rows.setdefault(key, OfferRow(offer, spot, day if by is RowsBy.DAY else None))

    ledgers = defaultdict(list)
    for record in records:
        ledgers[record.pass_id].append(record)
    for voucher in vouchers:
        used = standing(ledgers[voucher.id])
        claimed = row(voucher.product_id, voucher.only_spot, business_day(voucher.issued_at))
        claimed.claimed += voucher.reissued_as is None
        claimed.revoked += not used and voucher.counts and voucher.state is PassState.REVOKED
        claimed.unused += not used and voucher.in_force_on(today)
        if voucher.cancelled_at is not None:
            row(
                voucher.product_id, voucher.only_spot, business_day(voucher.cancelled_at)
            ).cancelled += 1
        for visit in used:
            here = row(voucher.product_id, visit.spot_id, business_day(visit.at))
            here.admissions += 1
            here.people += visit.verdict.admits if visit.verdict else 0
            here.paying += visit.verdict.pays if visit.verdict else 0
    return [rows[key] for key in sorted(rows)]
