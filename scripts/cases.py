"""`cases`: what a person has to look at, such as admissions by hand."""

from typing import Annotated

import typer

from passes.admission.cases import CaseFile
from passes.base.stored import stored_fields
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Cases: what staff decided and operators look at.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The number of the case, as visitors quote it.")]


@app.command("list")
def list_cases(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the cases that are open, oldest first."""

    async def command(system: System) -> list[dict[str, object]]:
        found = await system.admission.case_work.all(open_only=not everything)
        return [_fields(case) for case in found]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command("show")
def show_case(number: Number, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a case."""

    async def command(system: System) -> dict[str, object]:
        return _fields(await system.admission.case_work.get(number))

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def close(
    number: Number,
    note: Annotated[str, typer.Option(help="What came of it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Close a case."""

    async def command(system: System) -> dict[str, object]:
        return _fields(await system.admission.case_work.close(number, operator(), note, now()))

    show(with_system(command, data_dir, as_json), as_json)


def _fields(case: CaseFile) -> dict[str, object]:
    fields = {part.name: getattr(case, part.name) for part in stored_fields(case)}
    return {"case": fields.pop("id"), **fields}
