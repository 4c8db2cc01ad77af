"""`products`: what can be held."""

from pathlib import Path
from typing import Annotated

import typer

from passes.files.products import product_schema, read_products
from passes.terms.edition import Edition
from passes.terms.publishing import Published
from scripts.common import AsJson, DataDir, DryRun, show_rows, with_system
from scripts.publishing import publish_drafts, show_published
from server.system import System

app = typer.Typer(help="Products: what can be held.", no_args_is_help=True)

ProductFiles = Annotated[
    list[Path], typer.Argument(help="Product files (YAML), one product each.", dir_okay=False)
]


@app.command()
def publish(
    files: ProductFiles, dry_run: DryRun = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Publish product files. All are checked before anything is stored.

    Publishing the same file again changes nothing.
    """

    async def command(system: System) -> Published:
        return await publish_drafts(system.terms.publishing, read_products(files), dry_run)

    show_published(with_system(command, data_dir, as_json), dry_run, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of product files, which editors can check them with."""
    print(product_schema(), end="")


@app.command("list")
def list_products(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all products."""

    async def command(system: System) -> list[dict[str, object]]:
        editions = system.terms.editions.all_current()
        return [_row(edition) for edition in editions if not edition.offer]

    show_rows(with_system(command, data_dir, as_json), as_json)


def _row(edition: Edition) -> dict[str, object]:
    dates = edition.terms.term.dates
    return {
        "id": edition.product_id,
        "number": edition.number,
        "version": edition.version,
        "title": edition.title.zh,
        "until": None if dates is None else dates.end,
        "example": edition.example,
    }
