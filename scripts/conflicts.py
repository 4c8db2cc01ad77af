"""`conflicts`: admissions of gates without a line that the server would have refused."""

from enum import StrEnum
from typing import Annotated

import typer

from passes.admission.offline.conflict import ConflictFile, ConflictState
from passes.base.stored import stored_fields
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.system import System

app = typer.Typer(
    help="Conflicts: what gates without a line let in, and the server would have refused.",
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(help="The number of the conflict.")]


class Resolved(StrEnum):
    """What comes of a conflict."""

    STANDS = "stands"
    ANNULLED = "annulled"
    WRITTEN_OFF = "written_off"


@app.command("list")
def list_conflicts(
    everything: Annotated[bool, typer.Option("--all", help="Settled ones, too.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the conflicts that are open, by the time at which they count, with what is owed."""

    async def command(system: System) -> list[dict[str, object]]:
        await system.admission.conflicts.settle_open(now())
        found = await system.admission.conflicts.all(open_only=not everything)
        return [_row(each) for each in found]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command("show")
def show_conflict(number: Number, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a conflict with its evidence: three clocks, the code, and what stands in its way."""

    async def command(system: System) -> dict[str, object]:
        await system.admission.conflicts.settle_open(now())
        return _fields(await system.admission.conflicts.get(number))

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def resolve(
    number: Number,
    as_: Annotated[
        Resolved,
        typer.Option(
            "--as", help="It counts; it is annulled; or it counts and what is owed is given up."
        ),
    ],
    note: Annotated[str, typer.Option(help="Why, and what comes of it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Resolve a conflict. `annulled` annuls the admission, too, by a record."""

    async def command(system: System) -> dict[str, object]:
        state = ConflictState(as_.value)
        conflicts = system.admission.conflicts
        return _fields(await conflicts.resolve(number, state, operator(), note, now()))

    show(with_system(command, data_dir, as_json), as_json)


def _fields(conflict: ConflictFile) -> dict[str, object]:
    fields = {part.name: getattr(conflict, part.name) for part in stored_fields(conflict)}
    against = conflict.against
    if against is not None:
        fields["against"] = {
            part.name: getattr(against, part.name) for part in stored_fields(against)
        }
    return {"conflict": fields.pop("id"), **fields}


def _row(conflict: ConflictFile) -> dict[str, object]:
    against = conflict.against
    return {
        "conflict": conflict.id,
        "state": conflict.state,
        "cause": conflict.cause,
        "at": conflict.at,
        "gate": conflict.gate_id,
        "pass_id": conflict.pass_id,
        "people": conflict.people,
        "against": None if against is None else f"{against.gate_id} {against.at:%m-%dT%H:%M}Z",
        "owed": conflict.owed,
        "owed_fen": conflict.owed_fen,
    }
