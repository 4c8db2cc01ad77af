"""`retention`: how long data stay, and the run that removes what is too old."""

from dataclasses import asdict

import typer

from passes.rights.retention import STAYS
from scripts.common import AsJson, DataDir, DryRun, operator, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Retention: how long data stay.", no_args_is_help=True)


@app.command("list")
def list_stays(as_json: AsJson = False) -> None:
    """How long the data of each collection stay, who removes them, and why they stay so long."""
    show_rows([{"collection": name, **asdict(stay)} for name, stay in STAYS.items()], as_json)


@app.command()
def run(dry_run: DryRun = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Remove what is too old. It may be cut short, run again, and run beside running servers."""

    async def command(system: System) -> dict[str, object]:
        retention = system.rights.retention
        if dry_run:
            return dict(await retention.due(now()))
        return dict(await retention.run(operator(), now()))

    show(with_system(command, data_dir, as_json), as_json)
