"""`companions`: people whose passes the account of somebody else shows, once staff saw them."""

from typing import Annotated

import typer

from passes.people.companions import Companionship
from passes.people.identity import DocumentKind
from scripts.common import (
    AccountNumberOption,
    AsJson,
    BornOption,
    CountryOption,
    DataDir,
    KindOption,
    NameOption,
    NumberOption,
    identity_of,
    lookup_of,
    note_look,
    operator,
    show,
    show_rows,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(
    help="Companions: people whose passes another's phone shows.", no_args_is_help=True
)


@app.command()
def add(
    name: NameOption,
    id_number: NumberOption,
    account_number: AccountNumberOption,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    born: BornOption = None,
    account_kind: Annotated[
        DocumentKind, typer.Option(help="What document that is.")
    ] = DocumentKind.RESIDENT,
    account_country: Annotated[
        str | None, typer.Option(help="Of a passport: three letters of ISO 3166-1.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let an account show somebody who is here, agrees, and has shown their document (户口本 of a
    child). Below 18 years of age their guardian is here, and it is the guardian's account."""

    async def command(system: System) -> dict[str, object]:
        identity = identity_of(name, id_number, kind, country, born)
        account = lookup_of(system, account_number, account_kind, account_country)
        companion = await system.people.accompanying.show_to_staff(
            account, identity, operator(), now()
        )
        return _row(system, companion)

    show(with_system(command, data_dir, as_json), as_json)


@app.command("list")
def list_(
    id_number: NumberOption,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The accounts that show a person."""

    async def command(system: System) -> list[dict[str, object]]:
        lookup = lookup_of(system, id_number, kind, country)
        found = await system.people.companionships.of_person(lookup)
        await note_look(system, *(f"visitor:{each.visitor_id}" for each in found))
        return [_row(system, each) for each in found]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command()
def end(
    companion_id: Annotated[str, typer.Argument(help="As `companions list` says it.")],
    id_number: NumberOption,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let an account show a person no more, as when a couple has separated. Their passes get new
    codes, so that what the phone still shows opens nothing."""

    async def command(system: System) -> dict[str, object]:
        lookup = lookup_of(system, id_number, kind, country)
        reissued = await system.holding.showing.take_back(
            lookup, companion_id, operator(), now(), reason
        )
        return {"ended": companion_id, "reissued": [held.id for held in reissued]}

    show(with_system(command, data_dir, as_json), as_json)


def _row(system: System, companion: Companionship) -> dict[str, object]:
    return {
        "companion_id": companion.id,
        "account": companion.visitor_id,
        "person": companion.person.mask,
        "basis": companion.basis.value,
        "at": companion.at,
        "ends_on": system.people.companions.ends_on(companion),
    }
