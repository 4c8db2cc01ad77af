"""`spots`: the catalogue."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from passes.base.calendar import business_day
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.files.headings import SPOTS
from passes.files.spots import read_spots, spot_rows
from passes.files.tables import print_csv, write_table
from passes.offers.closures import Affected
from scenic_data.files import DATA, DataError, FileRecord
from scenic_data.importing import Plan, mistakes, plan
from scenic_data.model import Spot, spots_schema
from scripts import spot_stops
from scripts.common import (
    AsJson,
    DataDir,
    DryRun,
    operator,
    out_option,
    refuse,
    show,
    show_rows,
    with_system,
)
from scripts.facts.report import show_report
from scripts.facts.takeover import take_over
from scripts.publishing import change_of
from server.clock import now
from server.spot_import import import_spots, what_breaks
from server.system import System

app = typer.Typer(help="The catalogue of scenic spots.", no_args_is_help=True)
app.add_typer(spot_stops.app)

File = Annotated[
    Path,
    typer.Argument(help="Records of spots: XLSX, CSV, YAML or JSON, or a folder of YAML files."),
]
Folder = Annotated[
    Path,
    typer.Argument(help="One release of the facts: four CSV files.", exists=True, file_okay=False),
]
Out = Annotated[
    Path, typer.Option("--out", help="Where to write `spots/` and `sources.yaml`.", file_okay=False)
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day of the facts (today)."),
]
Complete = Annotated[
    bool,
    typer.Option("--complete", help="The file is the whole catalogue: retire all other spots."),
]
AsRelease = Annotated[
    bool,
    typer.Option(
        "--release",
        help="New data files: facts that they do not tell of their spots are not known any more.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="It is meant: prices that leap, are very low or higher off peak, many retired.",
    ),
]


class Language(StrEnum):
    """Of headings."""

    ZH = "zh"
    EN = "en"


@app.command("import")
def import_file(
    file: File,
    complete: Complete = False,
    release: AsRelease = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import new and corrected spots. All records are checked before anything is stored.

    Warns of products and offers that lose spots.
    """

    async def command(system: System) -> tuple[Plan, Sequence[Affected]]:
        made = plan(
            read_spots(file),
            system.catalogue.snapshot.all(),
            system.catalogue.reference,
            business_day(now()),
            complete=complete,
            release=release,
            watch=_progress_bar,
        )
        doubts = mistakes(made)
        breaks = await what_breaks(system, made, business_day(now()))
        if dry_run:
            return made, breaks
        if doubts and not yes:
            raise Invalid(
                "looks_like_a_mistake",
                Text("导入内容可疑，请核对", "this looks like a mistake; add --yes if it is meant"),
                [Fault(file.name, each) for each in doubts],
            )
        await import_spots(system, made, operator(), now())
        return made, breaks

    made, breaks = with_system(command, data_dir, as_json)
    groups = {
        "created": made.created,
        "changed": tuple(made.changed),
        "unchanged": made.unchanged,
        "retired": made.retired,
    }
    if as_json:
        show({**groups, "doubts": mistakes(made), "breaks": breaks, "errors": []}, as_json)
        return
    _print_changes(made)
    for each in mistakes(made):
        print(f"? {each}")
    for affected in breaks:
        print(f"! {affected}")
    print(", ".join(f"{name} {len(ids)}" for name, ids in groups.items()))
    if dry_run:
        print("dry run: nothing was stored")


@app.command()
def export(
    out: Annotated[
        Path | None, out_option("The file, .csv or .xlsx; without it CSV, or JSON, is printed.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Of the headings.")] = Language.EN,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write all spots as a table, which `spots import` reads again."""

    async def command(system: System) -> list[Spot]:
        return list(system.catalogue.snapshot.all())

    spots = with_system(command, data_dir, as_json)
    names = {field: field for field in SPOTS}
    if lang is Language.ZH:
        names = {field: also[0] for field, also in SPOTS.items()}
    rows = spot_rows(spots, names)
    if out is None and as_json:
        show_rows(rows, as_json)
        return
    if out is None:
        print_csv(rows, sys.stdout)
        return
    try:
        write_table(rows, out)
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}", as_json=as_json)
    show({"file": str(out), "spots": len(rows)}, as_json)


@app.command("from-facts")
def from_facts(
    folder: Folder,
    out: Out = DATA,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make the data files of one release of the facts. Spots keep their ids; what the facts do not
    speak of stays.

    Running servers see nothing of it: import the folder `spots` that was written.
    """
    day = as_of.date() if as_of else business_day(now())
    try:
        release = take_over(folder, DATA, day)
        if not dry_run:
            release.write(out)
    except DataError as error:
        refuse("the facts cannot be used", *error.faults, as_json=as_json)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}", as_json=as_json)
    show_report(release, as_json)
    if dry_run and not as_json:
        print("dry run: nothing was written")


@app.command()
def schema() -> None:
    """Print the JSON Schema of files of spots, which editors can check them with."""
    print(spots_schema(), end="")


@app.command("list")
def list_spots(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all spots."""

    async def command(system: System) -> list[dict[str, object]]:
        return [_row(spot) for spot in system.catalogue.snapshot.all()]

    show_rows(with_system(command, data_dir, as_json), as_json)


def _row(spot: Spot) -> dict[str, object]:
    return {
        "id": spot.id,
        "name": spot.name.zh,
        "kind": spot.kind,
        "level": spot.level,
        "part_of": spot.part_of,
        "province": spot.province,
        "status": spot.status,
    }


def _print_changes(made: Plan) -> None:
    """A line for each spot that is touched, and under it one for each field that changes."""
    names = {spot.id: spot.name.zh for spot in made.spots}
    for mark, slugs in (("+", made.created), ("-", made.retired), ("~", tuple(made.changed))):
        for slug in slugs:
            print(f"{mark} {slug} {names[slug]}")
            for field, old, new in made.changed.get(slug, ()):
                print(f"    {field}: {change_of(old, new, nothing='unknown')}")


def _progress_bar(records: Sequence[FileRecord]) -> Iterable[FileRecord]:
    """The records, with a bar on standard error that shows how far they are checked.

    There is no bar if standard error is no terminal.
    """
    screen = Console(stderr=True)
    hidden = not screen.is_terminal
    return track(records, "checking", console=screen, transient=True, disable=hidden)
