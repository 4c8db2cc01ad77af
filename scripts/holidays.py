"""`holidays`: on which days statutory holidays fall."""

from pathlib import Path
from typing import Annotated

import typer

from passes.files.holidays import read_holidays
from passes.terms.holiday_publishing import PublishedYears
from scripts.common import AsJson, DataDir, DryRun, operator, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Statutory holidays: on which days they fall.", no_args_is_help=True)

HolidayFile = Annotated[Path, typer.Argument(help="A holiday file (YAML).", dir_okay=False)]


@app.command()
def publish(
    file: HolidayFile, dry_run: DryRun = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Publish the years of a holiday file. A changed year is in force at every gate at once."""

    async def command(system: System) -> PublishedYears:
        years, publishing = read_holidays(file), system.terms.holiday_publishing
        if dry_run:
            return await publishing.preview(years)
        return await publishing.publish(years, operator(), now())

    published = with_system(command, data_dir, as_json)
    groups = {
        "created": published.created,
        "changed": published.changed,
        "unchanged": published.unchanged,
    }
    show(groups, as_json)
    if dry_run and not as_json:
        print("dry run: nothing was stored")


@app.command("list")
def list_holidays(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the days off of every year that is known."""

    async def command(system: System) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for year in await system.terms.stored_holidays.all():
            for name, spans in year.days.items():
                for span in spans:
                    row = {"year": year.year, "holiday": name, "from": span.start, "to": span.end}
                    rows.append(row)
        return rows

    show_rows(with_system(command, data_dir, as_json), as_json)
