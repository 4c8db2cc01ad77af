"""Reports: what became of the vouchers of offers. Pure; knows numbers, no names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from passes.base.calendar import business_day
from passes.holding.model import Pass, PassState
from passes.ledger.records import Record, standing, without_undone_later


class RowsBy(StrEnum):
    """What a report has a row for, beside each offer."""

    OFFER = "offer"
    SPOT = "spot"
    DAY = "day"
    PROVINCE = "province"


@dataclass(slots=True)
class OfferRow:
    """The numbers of an offer, at a spot, on a day or in a province if the report is by that.

    `claimed` counts vouchers, those `cancelled` or `revoked` unused among them. `unused` are those
    still good on the day of the report, and not used. An admission is one that counts; the two of
    a pair who come one after the other are two. By spot, a voucher for several spots is counted
    under none. Who enters free by law uses no voucher, and is not counted.
    """

    offer: str
    spot: str | None
    day: date | None
    province: str | None = None
    claimed: int = 0
    cancelled: int = 0
    revoked: int = 0
    unused: int = 0
    admissions: int = 0
    people: int = 0
    paying: int = 0


def offer_rows(
    by: RowsBy,
    vouchers: Iterable[Pass],
    records: Iterable[Record],
    today: date,
    provinces: Mapping[str, str] = MappingProxyType({}),
) -> list[OfferRow]:
    """The rows of a report over these vouchers and all records of their ledgers, in order.

    `provinces` tells that of each spot.
    """
    ledgers: dict[str, list[Record]] = defaultdict(list)
    for record in without_undone_later(records):
        ledgers[record.pass_id].append(record)
    rows = _OfferRows(by, provinces)
    for voucher in vouchers:
        visits = [each for each in standing(ledgers[voucher.id]) if not each.free]
        _count_claim(rows, voucher)
        if not visits:
            _count_unused(rows, voucher, today)
        for visit in visits:
            _count_visit(rows, voucher, visit)
    return rows.in_order()


class _OfferRows:
    """The rows of a report, which are added as they are asked for."""

    def __init__(self, by: RowsBy, provinces: Mapping[str, str]) -> None:
        self._by = by
        self._provinces = provinces
        self._rows: dict[tuple[str, str, date, str], OfferRow] = {}

    def of(self, voucher: Pass, spot: str | None, day: date) -> OfferRow:
        """The row in which something at a spot, on a day, is counted."""
        row = OfferRow(voucher.product_id, spot=None, day=None)
        if self._by is RowsBy.SPOT:
            row.spot = spot
        if self._by is RowsBy.DAY:
            row.day = day
        if self._by is RowsBy.PROVINCE and spot is not None:
            row.province = self._provinces.get(spot)
        key = (row.offer, row.spot or "", row.day or date.min, row.province or "")
        return self._rows.setdefault(key, row)

    def in_order(self) -> list[OfferRow]:
        """The rows by offer, then spot or day; without one come first."""
        return [self._rows[key] for key in sorted(self._rows)]


def _count_claim(rows: _OfferRows, voucher: Pass) -> None:
    row = rows.of(voucher, voucher.only_spot, business_day(voucher.issued_at))
    if voucher.reissued_as is None:  # else its successor is counted
        row.claimed += 1
    if voucher.cancelled_at is not None:
        given_back_on = business_day(voucher.cancelled_at)
        rows.of(voucher, voucher.only_spot, given_back_on).cancelled += 1


def _count_unused(rows: _OfferRows, voucher: Pass, today: date) -> None:
    row = rows.of(voucher, voucher.only_spot, business_day(voucher.issued_at))
    if voucher.counts and voucher.state is PassState.REVOKED:
        row.revoked += 1
    if voucher.in_force_on(today):
        row.unused += 1


def _count_visit(rows: _OfferRows, voucher: Pass, visit: Record) -> None:
    row = rows.of(voucher, visit.spot_id, business_day(visit.at))
    row.admissions += 1
    if visit.verdict is not None:
        row.people += visit.verdict.counted
        row.paying += visit.verdict.pays
