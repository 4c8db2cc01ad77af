"""`visitors`: people who have signed in."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_json

from passes.base.calendar import business_day
from passes.base.errors import Fault, Invalid, Unknown
from passes.base.text import Text
from passes.files.headings import ROSTER
from passes.files.rows import Table, read_table
from passes.holding.model import Pass
from passes.people.groups import ANYONE, Group, group_named
from passes.people.identity import (
    DocumentKind,
    Identity,
    born_by_number,
    checked_number,
    resident,
)
from passes.people.visitors import Visitor, bound_to_person
from passes.rights.requests import Asked, RequestKind
from scenic_data.files import DataError
from scripts.common import (
    AsJson,
    BornOption,
    CountryOption,
    DataDir,
    KindOption,
    NameOption,
    NumberOption,
    SaidNumber,
    SaidPhone,
    identity_of,
    lookup_of,
    note_look,
    operator,
    phone_of,
    refuse,
    show,
    show_with_lists,
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
    _join(lambda: [resident(name, id_number, business_day(now()))], group, data_dir, as_json)


@app.command("join-roster")
def join_roster(
    roster: Annotated[
        Path,
        typer.Argument(
            help="XLSX or CSV with the columns name (姓名) and id_number (身份证号).",
            dir_okay=False,
        ),
    ],
    group: GroupOption,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add everybody on a roster to a group. All rows are checked before anyone joins."""
    try:
        table = read_table(roster, ROSTER, needed=("name", "id_number"))
    except DataError as error:
        refuse("the roster cannot be read", *error.faults, as_json=as_json)
    _join(partial(_on_roster, table), group, data_dir, as_json)


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
    people: Callable[[], Sequence[Identity]], group: str, data_dir: Path | None, as_json: bool
) -> None:
    async def command(system: System) -> dict[str, object]:
        identities = people()
        lookups = [system.people.identities.lookup(each.number) for each in identities]
        joined = await system.people.memberships.join(lookups, Group(group), operator(), now())
        return {"group": group, "joined": joined, "were_members": len(identities) - joined}

    if group == ANYONE:
        refuse("everybody belongs to the group anyone", as_json=as_json)
    show(with_system(command, data_dir, as_json), as_json)


def _on_roster(table: Table) -> list[Identity]:
    """The people of a roster. Raises `Invalid` naming every row that is wrong."""
    identities, faults = [], []
    today = business_day(now())
    for row in table.rows:
        name, number = (row.cells.get(field, "") for field in ("name", "id_number"))
        try:
            identities.append(resident(name, number, today))
        except Invalid as error:
            faults += [
                Fault(f"{row.where}, {table.column(fault.where)}", fault.what)
                for fault in error.faults
            ]
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


AskedOnOption = Annotated[
    datetime | None,
    typer.Option("--asked-on", formats=["%Y-%m-%d"], help="When they asked, if not today."),
]


@app.command("show")
def show_visitor(
    visitor_id: Annotated[
        str | None, typer.Argument(help="The id of the account, if it is known.")
    ] = None,
    id_number: SaidNumber = None,
    phone: SaidPhone = None,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the accounts of whoever calls: who they say to be, their devices, companions, passes.

    Nothing that is sealed is opened. Who looked is written into the audit log.
    """
    if [visitor_id, id_number, phone].count(None) != 2:
        raise typer.BadParameter("say the id of an account, --id-number or --phone")

    async def command(system: System) -> list[dict[str, Any]]:
        visitors, people = system.people.visitors, system.people
        if phone is not None:
            accounts = list(await people.accounts.of_phone(phone_of(phone)))
        else:
            account_id = visitor_id
            if id_number is not None:
                lookup = lookup_of(system, id_number, kind, country)
                bound = await visitors.bound(bound_to_person(lookup))
                account_id = None if bound is None else bound.visitor_id
            account = None if account_id is None else await visitors.get(account_id)
            accounts = [] if account is None else [account]
        if not accounts:
            what = "no account is known by that; `passes find` finds passes of people without one"
            raise Unknown("visitor_unknown", Text("没有这样的账户", what))
        return [await _account(system, each) for each in accounts]

    shown = with_system(command, data_dir, as_json)
    if as_json:
        show({"accounts": shown}, as_json)
        return
    for account in shown:
        show_with_lists(account, as_json)


async def _account(system: System, visitor: Visitor) -> dict[str, Any]:
    """What is shown of an account; that somebody looked is written down before."""
    await note_look(system, f"visitor:{visitor.id}")
    people, person, consent = system.people, visitor.identity, visitor.consent
    passes = await system.holding.wallet.of_visitor(visitor)
    groups = await people.members.groups_of(visitor.lookup)
    bar = await people.bars.get(visitor.lookup)
    devices = await people.sessions.of_visitor(visitor.id)
    companions = await people.companions.standing(visitor, now())
    today = business_day(now())
    return {
        "account": visitor.id,
        "signed_up_at": visitor.created_at,
        "person": None if person is None else person.mask,
        "phone": None if visitor.phone is None else visitor.phone.mask,
        "consent": None if consent is None else consent.version,
        "consent_at": None if consent is None else consent.at,
        "guardian": consent.guardian.mask if consent and consent.guardian else None,
        "groups": sorted(groups),
        "barred_until": None if bar is None else bar.until,
        "notice": None if visitor.notice is None else visitor.notice.code,
        "devices": [
            {"device": each.device, "since": each.begun_at, "until": each.ends_at}
            for each in devices
        ],
        "companions": [
            {"person": each.person.mask, "basis": each.basis.value, "since": each.at}
            for each in companions
        ],
        "passes": [
            {
                "pass_id": held.id,
                "product": held.product_id,
                "state": held.state_on(today),
                "valid_from": held.days.start,
                "valid_until": held.days.end,
            }
            for held in passes
        ],
    }


@app.command()
def export(
    id_number: NumberOption,
    out: Annotated[Path, typer.Option(help="The new file for them, as JSON.", dir_okay=False)],
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    asked_on: AskedOnOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write down all that is held about whoever shows this document, whether or not they have an
    account."""

    async def command(system: System) -> dict[str, Any]:
        asked = _asked(system, RequestKind.EXPORT, id_number, kind, country, asked_on)
        held = await system.rights.exporting.export_person(asked, operator(), now())
        passes = [await _pass_for_them(each, system) for each in held.passes]
        return {**asdict(replace(held, passes=())), "passes": passes}

    try:
        out.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        refuse(f"{out} cannot be made: {error.strerror}", as_json=as_json)
    try:
        told = with_system(command, data_dir, as_json)
    except typer.Exit:
        out.unlink()
        raise
    out.write_bytes(to_json(told, indent=2))
    show({"file": str(out), "passes": len(told["passes"])}, as_json)


async def _pass_for_them(held: Pass, system: System) -> dict[str, Any]:
    """A pass and its history, as `GET /me` tells them to a visitor."""
    # No other command needs the handlers, which take a while to import.
    from handlers.holding.pass_views import PassViewOut  # noqa: PLC0415
    from handlers.people.me import HeldPassOut  # noqa: PLC0415

    tally = await system.holding.wallet.tally_of(held)
    events = await system.admission.histories.under_serial(held)
    return HeldPassOut.of_events(PassViewOut.of(held, tally, now()), events).model_dump()


@app.command()
def erase(
    id_number: NumberOption,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log. No names.")],
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    give_up_passes: Annotated[
        bool, typer.Option("--give-up-passes", help="Also passes in force, for good.")
    ] = False,
    asked_on: AskedOnOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase all that is held about whoever shows this document.

    An account that says to be them stays, without saying so. Passes in force forbid it.
    """

    async def command(system: System) -> dict[str, object]:
        asked = _asked(system, RequestKind.ERASE, id_number, kind, country, asked_on)
        given_up = await system.rights.erasing.erase_person(
            asked, operator(), reason, give_up_passes=give_up_passes, now=now()
        )
        # What they agreed to as a guardian stands in the account of the child.
        guardian_of = await system.rights.kept.guarded_by(asked.lookup)
        return {"passes_given_up": [held.id for held in given_up], "still_guardian_of": guardian_of}

    show(with_system(command, data_dir, as_json), as_json)


def _asked(
    system: System,
    what: RequestKind,
    id_number: str,
    kind: DocumentKind,
    country: str | None,
    asked_on: datetime | None,
) -> Asked:
    """What somebody asks for whose document an operator has typed. Raises `Invalid`."""
    today = business_day(now())
    lookup = lookup_of(system, id_number, kind, country)
    born = born_by_number(kind, checked_number(kind, id_number, country, today), today)
    born_year = None if born is None else born.year
    on = None if asked_on is None else asked_on.date()
    return Asked(what, "operator", lookup, born_year, asked_on=on)
