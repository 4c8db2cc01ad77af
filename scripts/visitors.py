"""`visitors`: people who have signed in."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from passes.base.calendar import business_day
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people.groups import ANYONE, Group, group_named
from passes.people.identity import DocumentKind, Identity, checked_number, resident
from scenic_data.files import DataError, load_table
from scripts.common import (
    AsJson,
    BornOption,
    CountryOption,
    DataDir,
    KindOption,
    NameOption,
    NumberOption,
    identity_of,
    operator,
    refuse,
    show,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(help="Visitors: people who have signed in.", no_args_is_help=True)


def _group(written: str) -> str:
    """The group as it is stored. Refuses one that there is not."""
    try:
        return group_named(written)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


GroupOption = Annotated[
    str,
    typer.Option(
        "--group",
        help="union_member, union:SLUG, native_of:PROVINCE or resident_of:PROVINCE.",
        callback=_group,
    ),
]


@app.command()
def join(
    name: NameOption,
    id_number: NumberOption,
    group: GroupOption,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a person to a group, such as a union, or the natives of a province.

    What their number says makes no difference.
    """
    _join([(name, id_number)], group, data_dir, as_json)


@app.command("join-roster")
def join_roster(
    roster: Annotated[
        Path, typer.Argument(help="CSV with the columns name and id_number.", dir_okay=False)
    ],
    group: GroupOption,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add everybody on a roster to a group. All rows are checked before anyone joins."""
    try:
        table = load_table(roster)
    except DataError as error:
        refuse("the roster cannot be read", *error.faults, as_json=as_json)
    missing = sorted({"name", "id_number"} - set(table.columns))
    if missing:
        what = f"{roster.name}: there is no column {', no column '.join(missing)}"
        refuse("the roster cannot be read", what, as_json=as_json)
    people = [(row["name"], row["id_number"]) for _, row in table.rows]
    _join(people, group, data_dir, as_json)


@app.command()
def leave(
    id_number: NumberOption, group: GroupOption, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Remove a person from a group."""

    async def command(system: System) -> dict[str, object]:
        number = checked_number(DocumentKind.RESIDENT, id_number, None, business_day(now()))
        lookup = system.people.identities.lookup(number)
        await system.people.memberships.leave(lookup, Group(group), operator(), now())
        return {"group": group}

    show(with_system(command, data_dir, as_json), as_json)


def _join(
    people: Sequence[tuple[str, str]], group: str, data_dir: Path | None, as_json: bool
) -> None:
    async def command(system: System) -> dict[str, object]:
        identities = _checked(people)
        lookups = [system.people.identities.lookup(each.number) for each in identities]
        joined = await system.people.memberships.join(lookups, Group(group), operator(), now())
        return {"group": group, "joined": joined, "were_members": len(identities) - joined}

    if group == ANYONE:
        refuse("everybody belongs to the group anyone", as_json=as_json)
    show(with_system(command, data_dir, as_json), as_json)


def _checked(people: Sequence[tuple[str, str]]) -> list[Identity]:
    """The people of a roster. Raises `Invalid` naming every row that is wrong."""
    identities, faults = [], []
    for n, (name, number) in enumerate(people, start=1):
        try:
            identities.append(resident(name or "", number or "", business_day(now())))
        except Invalid as error:
            faults += [Fault(f"row {n}.{fault.where}", fault.what) for fault in error.faults]
    if faults:
        raise Invalid("roster_invalid", Text("名单有误", "the roster is wrong"), faults)
    return identities


@app.command()
@app.command("release", hidden=True)  # its former name
def unbind(
    name: NameOption,
    id_number: NumberOption,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    born: BornOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Undo the binding of a person to their account, after a look at their document.

    They may say anew who they are, with this account or another. Their passes stay theirs, under
    the name given here.
    """

    async def command(system: System) -> dict[str, object]:
        identity = identity_of(name, id_number, kind, country, born)
        unbound = await system.people.identification.unbind(identity, operator(), now(), reason)
        return asdict(unbound)

    show(with_system(command, data_dir, as_json), as_json)
