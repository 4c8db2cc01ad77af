"""`people`: who may hold no pass for a time."""

from datetime import datetime
from typing import Annotated

import typer

from passes.people.barring import Bar
from passes.people.identity import DocumentKind
from scripts.common import (
    MOMENTS,
    AsJson,
    CountryOption,
    DataDir,
    KindOption,
    NumberOption,
    instant,
    lookup_of,
    operator,
    show,
    show_rows,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(help="People: who may hold no pass for a time.", no_args_is_help=True)


@app.command()
def bar(
    id_number: NumberOption,
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d", *MOMENTS], help="Until when, in Asia/Shanghai.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a person hold no new pass until a day. Their number is not kept."""

    async def command(system: System) -> dict[str, object]:
        lookup = lookup_of(system, id_number, kind, country)
        wanted = Bar(lookup, instant(until), reason, operator(), now())
        return _row(await system.people.barring.bar(wanted))

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def bars(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List who may hold no pass now: by a part of the hash, for nothing else is kept."""

    async def command(system: System) -> list[dict[str, object]]:
        return [_row(each) for each in await system.people.barring.all(now())]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command()
def unbar(
    id_number: NumberOption,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a person hold passes again."""

    async def command(system: System) -> dict[str, object]:
        lookup = lookup_of(system, id_number, kind, country)
        return _row(await system.people.barring.unbar(lookup, operator(), now()))

    show(with_system(command, data_dir, as_json), as_json)


def _row(each: Bar) -> dict[str, object]:
    return {"person": each.name, "until": each.until, "reason": each.reason, "by": each.by}
