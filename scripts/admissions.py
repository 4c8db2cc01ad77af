"""`admissions`: what the ledger says of visits, corrected by operators, and read off paper."""

import re
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from passes.admission.annulling import Annulled
from passes.admission.correcting import Correcting, Correction
from passes.admission.gates import GateKind, GateState
from passes.admission.offline.paper import PaperLine, ReadLine, place_of_spot
from passes.base import typed
from passes.base.errors import DomainError, Fault, Invalid
from passes.base.text import Text
from passes.files.headings import PAPER
from passes.files.rows import Row, read_table
from passes.files.spoilt import moment_of
from scenic_data.files import DataError
from scripts.common import (
    MOMENTS,
    AsJson,
    DataDir,
    DryRun,
    instant,
    operator,
    refuse,
    show,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(
    help="Admissions: corrections of the ledger, and lists on paper.", no_args_is_help=True
)


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


@app.command("import-paper")
def import_paper(
    file: Annotated[
        Path,
        typer.Argument(
            help="Time, gate or spot, people, pass (serial, code, ID number), staff, note.",
            dir_okay=False,
        ),
    ],
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Record whom staff wrote down on a day without power. Each line counts once, however often the
    file is read; wrong lines are named, and the rest is recorded."""
    try:
        table = read_table(file, PAPER, needed=("time", "people", "pass"))
    except DataError as error:
        refuse("the list cannot be read", *error.faults, as_json=as_json)
    if not {"gate", "spot"} & set(table.headings):
        what = f"{file.name}: there is no column gate, and no column spot"
        refuse("the list cannot be read", what, as_json=as_json)

    async def command(system: System) -> list[ReadLine]:
        lines, wrong = [], []
        for row in table.rows:
            try:
                lines.append(_paper_line(row, system))
            except DomainError as error:
                wrong.append(ReadLine(row.number, error))
        papers = system.admission.papers
        read = await papers.read(lines, operator(), now(), dry_run=dry_run)
        return sorted([*wrong, *read], key=lambda each: each.number)

    read = with_system(command, data_dir, as_json)
    wrong = [f"row {each.number}: {each.wrong}" for each in read if each.wrong is not None]
    results = Counter(each.result.result.value for each in read if each.result and not each.wrong)
    conflicts = [each.result.conflict for each in read if each.result and each.result.conflict]
    counted = {name: results[name] for name in ("recorded", "conflict", "known")}
    lines = {"lines": len(read), "good": len(read) - len(wrong)}
    show({**lines, **({} if dry_run else counted), "conflicts": conflicts, "wrong": wrong}, as_json)
    if wrong:
        raise typer.Exit(1)


def _paper_line(row: Row, system: System) -> PaperLine:
    """A line of the list. Raises `Invalid`."""
    cells, faults = row.cells, []
    at = _moment(cells.get("time", ""))
    if at is None:
        faults.append(Fault("time", "write the time in Asia/Shanghai as 2026-10-01 09:30"))
    people = cells.get("people", "")
    if not (people.isascii() and people.isdigit()):
        faults.append(Fault("people", "write how many came in, such as 2"))
    place, slug = None, cells.get("gate") or cells.get("spot", "")
    gate = system.admission.gates.get(slug)
    if gate is not None:
        place = replace(gate, kind=GateKind.HANDHELD, state=GateState.ENROLLED)
    elif system.catalogue.get(slug) is not None:
        place = place_of_spot(slug)
    else:
        faults.append(Fault("gate", f"there is no gate and no spot {slug!r}"))
    if at is None or place is None or faults:
        raise Invalid("line_invalid", Text("此行有误", "this line is wrong"), faults)
    return PaperLine(
        row.number,
        at,
        place,
        int(people),
        cells.get("pass", ""),
        cells.get("staff", ""),
        cells.get("note", ""),
    )


def _moment(written: str) -> datetime | None:
    """The moment that is written; a day alone is none."""
    told = moment_of(written)
    return instant(told) if told is not None and re.search(r"[:.]", written) else None


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
