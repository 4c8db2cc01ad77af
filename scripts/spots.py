"""`spots`: the catalogue."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from passes.base.calendar import business_day
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.offers.closures import Affected
from scenic_data.files import DATA, DataError, FileRecord, read_folder, read_records
from scenic_data.importing import Plan, plan
from scenic_data.model import Spot, spots_schema
from scripts import spot_stops
from scripts.common import (
    AsJson,
    DataDir,
    DryRun,
    operator,
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
    Path, typer.Argument(help="Records of spots: YAML, JSON or CSV, or a folder of YAML files.")
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
Yes = Annotated[bool, typer.Option("--yes", help="Retire spots even if they are many.")]

_MANY = 0.1
"""Of all spots: more than this are retired only with `--yes`."""


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
            read_folder(file) if file.is_dir() else read_records(file),
            system.catalogue.snapshot.all(),
            system.catalogue.reference,
            business_day(now()),
            complete=complete,
            release=release,
            watch=_progress_bar,
        )
        breaks = await what_breaks(system, made, business_day(now()))
        if dry_run:
            return made, breaks
        if not yes:
            _check_retired(made, file)
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
        show({**groups, "breaks": breaks, "errors": []}, as_json)
        return
    _print_changes(made)
    for each in breaks:
        print(f"! {each}")
    print(", ".join(f"{name} {len(ids)}" for name, ids in groups.items()))
    if dry_run:
        print("dry run: nothing was stored")


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


def _check_retired(made: Plan, file: Path) -> None:
    """Raise `Invalid` for a file that retires many spots, probably because it is not complete."""
    retired, spots = len(made.retired), len(made.spots)
    if retired > spots * _MANY:
        what = f"would retire {retired} of {spots} spots; add --yes if it shall"
        text = Text("将停用大量景区", "this file retires many spots")
        raise Invalid("retires_many", text, [Fault(file.name, what)])


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
