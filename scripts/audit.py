"""`audit`: who did what to what, and who looked at whom."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from passes.base.audit import AuditLine, AuditQuery
from passes.base.calendar import start_of
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Audit: who did what to what, and when.", no_args_is_help=True)

FromOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")
]
UntilOption = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day.")
]
LimitOption = Annotated[
    int, typer.Option(min=1, max=10_000, help="How many lines are shown: the newest.")
]


@app.command()
def about(
    subject: Annotated[
        str, typer.Argument(help="What it was done to, such as gate:ID; an id alone is a pass.")
    ],
    first: FromOption = None,
    until: UntilOption = None,
    limit: LimitOption = 500,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What was done to something, oldest first, and who looked at it."""
    _read(AuditQuery(limit, subject=_named(subject, "pass")), first, until, data_dir, as_json)


@app.command()
def by(
    person: Annotated[
        str, typer.Argument(help="gate:ID or visitor:ID; a name alone is an operator.")
    ],
    first: FromOption = None,
    until: UntilOption = None,
    limit: LimitOption = 500,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What somebody did, oldest first."""
    _read(AuditQuery(limit, by=_named(person, "operator")), first, until, data_dir, as_json)


def _named(written: str, kind: str) -> str:
    """A subject as the audit log has it; without a colon it is the id of a thing of that kind."""
    return written if ":" in written else f"{kind}:{written}"


def _read(
    asked: AuditQuery,
    first: datetime | None,
    until: datetime | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    since = None if first is None else start_of(first.date())
    before = None if until is None else start_of(until.date() + timedelta(days=1))

    async def command(system: System) -> list[AuditLine]:
        # Who reads what others did leaves a line, too, before anything is shown.
        subject = asked.subject or asked.by or ""
        await system.base.audit.write(AuditLine(now(), operator(), "read_audit", subject))
        wanted = replace(asked, since=since, until=before)
        return list(await system.base.audit.between(wanted))

    lines = with_system(command, data_dir, as_json)
    if as_json:
        show({"lines": [asdict(line) for line in lines]}, as_json)
        return
    show_rows([asdict(line) for line in lines], as_json)
