"""`admissions`: what the ledger says of visits, corrected by operators."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import typer

from passes.admission.annulling import Annulled
from passes.admission.correcting import Correcting, Correction
from passes.base import typed
from scripts.common import (
    MOMENTS,
    AsJson,
    DataDir,
    instant,
    operator,
    refuse,
    show,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(help="Admissions: corrections of the ledger.", no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Keep `correct` a verb, though it is the only one."""


@app.command()
def correct(
    pass_id: Annotated[
        str, typer.Argument(parser=typed.slug, help="The serial of the record: see `passes show`.")
    ],
    record: Annotated[int, typer.Argument(min=1, help="The number of the record.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger and the audit log.")],
    annul: Annotated[bool, typer.Option("--annul", help="It did not happen.")] = False,
    people: Annotated[
        int | None, typer.Option(min=1, max=255, help="How many people came in.")
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="When it was, in Asia/Shanghai.")
    ] = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="It did happen, though it was annulled.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Correct a record of a pass, at any time, by another record. Say one thing at a time."""
    chosen = [annul, people is not None, at is not None, restore]
    if chosen.count(True) != 1:
        refuse("say one of --annul, --people, --at, --restore", as_json=as_json)
    wanted = Correction(pass_id, record, operator(), reason)
    moment = None if at is None else instant(at)

    async def command(system: System) -> dict[str, object]:
        corrected = await _corrected(system.admission.correcting, wanted, people, moment, restore)
        by = corrected.by
        return {
            "pass_id": by.pass_id,
            "record": by.n,
            "corrects": f"{corrected.undone.pass_id}:{corrected.undone.n}",
            "visits": by.tally.total,
            "gives_back": 0 if by.verdict else corrected.gives_back,
            "gives_back_fen": 0 if by.verdict else corrected.gives_back_fen,
        }

    show(with_system(command, data_dir, as_json), as_json)


def _corrected(
    correcting: Correcting,
    wanted: Correction,
    people: int | None,
    at: datetime | None,
    restore: bool,
) -> Awaitable[Annulled]:
    if people is not None:
        return correcting.set_people(wanted, people, now())
    if at is not None:
        return correcting.set_time(wanted, at, now())
    return correcting.restore(wanted, now()) if restore else correcting.annul(wanted, now())
