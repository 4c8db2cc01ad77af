"""Reports of offers: what each number counts, and files that spreadsheet programs read."""

import csv
import zipfile
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from passes.files.tables import write_csv, write_xlsx
from passes.holding import transitions
from passes.holding.model import Pass, PassState
from passes.ledger.records import Record, annulment
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.offers.report import OfferRow, RowsBy, offer_rows
from tests.support import build
from tests.support.build import EMEISHAN, NOW, TODAY, XIANNVSHAN
from tests.support.fields import assert_fields

TOMORROW = TODAY + timedelta(days=1)


def voucher(n: int, *spots: str, **changes: Any) -> Pass:
    edition = build.published(build.offer(spots=frozenset(spots or [EMEISHAN])).voucher())
    return build.held(id=f"{n:016x}", edition=edition, **changes)


def visit(held: Pass, n: int, day: int, admits: int, pays: int, spot_id: str = EMEISHAN) -> Record:
    at = NOW + timedelta(days=day)
    record = build.record(n, at, Tally(), spot_id)
    return replace(
        record, pass_id=held.id, verdict=Verdict(Reason.OK, at, admits=admits, pays=pays)
    )


USED, UNUSED, BACK = (
    voucher(1, EMEISHAN, XIANNVSHAN),
    voucher(2),
    voucher(3, cancelled_at=NOW, state=PassState.REVOKED),
)
ANNULLED = voucher(4)
VOUCHERS = [USED, UNUSED, BACK, ANNULLED]
FIRST = visit(ANNULLED, 1, 0, 2, 1)
RECORDS = [
    visit(USED, 1, 0, 1, 1),
    visit(USED, 2, 1, 1, 0, XIANNVSHAN),
    FIRST,
    annulment([FIRST], FIRST, NOW, NOW),
]


def test_a_row_for_each_offer() -> None:
    (row,) = offer_rows(RowsBy.OFFER, VOUCHERS, RECORDS, TODAY)
    assert row == OfferRow(
        "bogo", None, None, claimed=4, cancelled=1, unused=2, admissions=2, people=2, paying=1
    )
    (late,) = offer_rows(RowsBy.OFFER, VOUCHERS, RECORDS, date(2030, 1, 1))
    assert late.unused == 0, "what is over can no longer be used"


def test_a_row_for_each_spot_and_day() -> None:
    assert offer_rows(RowsBy.SPOT, VOUCHERS, RECORDS, TODAY) == [
        OfferRow("bogo", None, None, claimed=1),
        OfferRow(
            "bogo",
            EMEISHAN,
            None,
            claimed=3,
            cancelled=1,
            unused=2,
            admissions=1,
            people=1,
            paying=1,
        ),
        OfferRow("bogo", XIANNVSHAN, None, admissions=1, people=1),
    ]
    assert offer_rows(RowsBy.DAY, VOUCHERS, RECORDS, TODAY) == [
        OfferRow(
            "bogo", None, TODAY, claimed=4, cancelled=1, unused=2, admissions=1, people=1, paying=1
        ),
        OfferRow("bogo", None, TOMORROW, admissions=1, people=1),
    ]


def test_what_staff_have_revoked_is_no_voucher_that_is_given_back() -> None:
    revoked = voucher(5, state=PassState.REVOKED)
    (row,) = offer_rows(RowsBy.OFFER, [revoked], [], TODAY)
    assert row == OfferRow("bogo", None, None, claimed=1, revoked=1)


def test_a_voucher_that_was_reissued_is_counted_under_its_new_serial() -> None:
    old = transitions.supersede(voucher(5), "b" * 16)
    new = transitions.successor(old, "b" * 16, NOW)
    (row,) = offer_rows(RowsBy.OFFER, [old, new], [], TODAY)
    assert row == OfferRow("bogo", None, None, claimed=1, unused=1)


def test_an_admission_that_does_not_tell_how_many_came_counts_as_one_admission() -> None:
    kept_before = replace(visit(USED, 1, 0, 1, 1), verdict=None)
    (row,) = offer_rows(RowsBy.OFFER, [USED], [kept_before], TODAY)
    assert_fields(row, admissions=1, people=0, paying=0)


def test_rows_become_files(tmp_path: Path) -> None:
    rows = [asdict(row) for row in offer_rows(RowsBy.DAY, VOUCHERS, RECORDS, TODAY)]
    write_csv(rows, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file))
    assert [(row["offer"], row["day"], row["claimed"]) for row in read] == [
        ("bogo", "2026-07-01", "4"),
        ("bogo", "2026-07-02", "0"),
    ]
    write_xlsx(rows, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert sheet.count("<row ") == 3
        assert b"bogo" in book.read("xl/sharedStrings.xml")
