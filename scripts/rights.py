"""`rights`: what people asked for about their data, and the counts for the yearly audit."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from passes.base.calendar import start_of
from passes.rights.auditing import YearAudit
from scripts.common import AsJson, DataDir, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Rights: requests about personal data.", no_args_is_help=True)

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@app.command()
def requests(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What was asked for, by whom, and what came of it; of whom it was only a hash."""

    async def command(system: System) -> list[dict[str, object]]:
        since = _FIRST if first is None else start_of(first.date())
        before = now() if until is None else start_of(until.date() + timedelta(days=1))
        found = await system.rights.stored_requests.between(since, before)
        return [{**asdict(each), "days": each.days} for each in found]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command()
def audit(
    year: Annotated[int, typer.Option(min=2000, max=2199, help="The year that is audited.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The counts of a year for the audit of personal data, minors told apart; no names."""

    async def command(system: System) -> YearAudit:
        return await system.rights.auditing.of(year)

    found = with_system(command, data_dir, as_json)
    if as_json:
        show(asdict(found), as_json)
        return
    rows = [asdict(row) for row in found.requests]
    show({**asdict(found), "requests": sum(row["count"] for row in rows)}, as_json)
    show_rows(rows, as_json)
