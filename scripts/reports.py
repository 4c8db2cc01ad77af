"""`reports`: numbers for operators, without names."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import xlsxwriter

from passes.base.calendar import business_day
from passes.offers.report import RowsBy, offer_rows
from scripts.common import AsJson, DataDir, refuse, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Reports: numbers for operators, without names.", no_args_is_help=True)

Rows = list[dict[str, Any]]

_BATCH = 500


@app.callback()
def reports() -> None:
    """Reports: numbers for operators, without names."""


@app.command()
def offers(
    by: Annotated[RowsBy, typer.Option(help="A row for each offer, spot or day.")] = RowsBy.OFFER,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write the rows into this file.")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option(help="Also write the rows into this spreadsheet.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What became of the vouchers of all offers: claimed, given back, used, and by how many people."""

    async def command(system: System) -> Rows:
        vouchers = [
            each
            for offer in system.offers.offers.all()
            for each in await system.holding.passes.of_product(offer.id)
        ]
        ids = [voucher.id for voucher in vouchers]
        records = [
            record
            for start in range(0, len(ids), _BATCH)
            for record in await system.ledger.records.of_passes(ids[start : start + _BATCH])
        ]
        return [asdict(row) for row in offer_rows(by, vouchers, records, business_day(now()))]

    rows = with_system(command, data_dir, as_json)
    try:
        if as_csv is not None:
            write_csv(rows, as_csv)
        if xlsx is not None:
            write_xlsx(rows, xlsx)
    except OSError as error:
        refuse(f"{error.filename or xlsx} cannot be written: {error.strerror}", as_json=as_json)
    show_rows(rows, as_json)


def write_csv(rows: Rows, file: Path) -> None:
    """Write rows, which spreadsheet programs read as UTF-8."""
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def write_xlsx(rows: Rows, file: Path) -> None:
    """Write rows as the first sheet of a spreadsheet. Raises `OSError`."""
    try:
        with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
            sheet = book.add_worksheet()
            for n, values in enumerate(_lines(rows)):
                sheet.write_row(n, 0, values)
            sheet.autofit()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] from None


def _lines(rows: Rows) -> Sequence[Sequence[Any]]:
    return [list(rows[0]), *([*row.values()] for row in rows)] if rows else []
