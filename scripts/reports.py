"""`reports`: numbers for operators, without names."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from passes.base.calendar import business_day
from passes.files.tables import write_csv, write_xlsx
from passes.holding.model import Pass
from passes.offers.report import RowsBy, offer_rows
from scripts.common import AsJson, DataDir, refuse, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Reports: numbers for operators, without names.", no_args_is_help=True)

Rows = list[dict[str, Any]]


@app.callback()
def reports() -> None:
    """Reports: numbers for operators, without names."""


@app.command()
def offers(
    by: Annotated[
        RowsBy, typer.Option(help="A row for each offer, spot, day or province.")
    ] = RowsBy.OFFER,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write the rows into this file.")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option(help="Also write the rows into this spreadsheet.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What became of the vouchers of all offers: claimed, given back, used, by how many people."""

    async def command(system: System) -> Rows:
        vouchers: list[Pass] = []
        for offer in system.offers.offers.all():
            vouchers += await system.holding.passes.of_product(offer.id)
        records = await system.ledger.records.of_passes(each.id for each in vouchers)
        provinces = {spot.id: spot.province for spot in system.catalogue.snapshot.all()}
        rows = offer_rows(by, vouchers, records, business_day(now()), provinces)
        return [asdict(row) for row in rows]

    rows = with_system(command, data_dir, as_json)
    try:
        if as_csv is not None:
            write_csv(rows, as_csv)
        if xlsx is not None:
            write_xlsx(rows, xlsx)
    except OSError as error:
        refuse(f"{error.filename or xlsx} cannot be written: {error.strerror}", as_json=as_json)
    show_rows(rows, as_json)
