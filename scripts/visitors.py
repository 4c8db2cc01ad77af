"""`visitors`: people who have signed in."""

from datetime import datetime
from typing import Annotated

import typer

from passes.calendar import business_day
from passes.identity import Document, DocumentKind, identify
from scripts.common import AsJson, DataDir, operator, show, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Visitors: people who have signed in.", no_args_is_help=True)


@app.callback()
def visitors() -> None:
    """Visitors: people who have signed in."""


@app.command()
def release(
    name: Annotated[str, typer.Option(prompt=True, help="The real name, as the document says it.")],
    id_number: Annotated[str, typer.Option(prompt=True, help="The number of the document.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    kind: Annotated[DocumentKind, typer.Option(help="What document it is.")] = DocumentKind.RESIDENT,
    country: Annotated[str | None, typer.Option(help="Of a passport: three letters.")] = None,
    born: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of a passport.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Undo the binding of a person to their account, after a look at their document.

    They may say anew who they are, with this account or another. Their passes stay theirs.
    """

    async def command(system: System) -> dict[str, object]:
        said = Document(kind, name, id_number, country, born.date() if born else None)
        identity = identify(said, business_day(now()))
        lookup = system.keys.identities.lookup(identity.number, identity.kind, identity.country)
        visitor_id = await system.accounts.release(lookup, operator(), now(), reason)
        return {"visitor_id": visitor_id, "released": identity.kind}

    show(with_system(command, data_dir, as_json), as_json)
