"""What all commands share: opening the system, printing, exit statuses.

Exit status: 0 done, 1 refused (standard error says what to correct), 2 wrong usage.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic_core import to_json
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from passes.base.audit import AuditLine
from passes.base.calendar import SHANGHAI, business_day
from passes.base.errors import DomainError, Fault, Invalid, unknown
from passes.base.text import Text
from passes.base.unreadable import system_words
from passes.people import phones
from passes.people.identity import (
    DocumentKind,
    Identity,
    IdentityDocument,
    checked_number,
    identify,
)
from scenic_data.files import DataError
from scenic_data.model import Spot
from server.clock import now
from server.database import joined_database
from server.errors import StartError
from server.mongo import PATIENT_SECONDS, Mongo
from server.settings import Settings, load_settings
from server.system import System, open_system

T = TypeVar("T")

_PIPE_WIDTH = 400
"""Columns of a table where no terminal sets a width: wide enough that a row stays one line."""

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where keys and the embedded database live (var).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check and show what would change; store nothing.")
]


KindOption = Annotated[DocumentKind, typer.Option("--kind", help="What document it is.")]
CountryOption = Annotated[
    str | None, typer.Option("--country", help="Of a passport: three letters of ISO 3166-1.")
]
BornOption = Annotated[
    datetime | None,
    typer.Option("--born", formats=["%Y-%m-%d"], help="Of a passport or travel permit."),
]


def _from_stdin(option: typer.CallbackParam, written: str | None) -> str | None:
    """What an option says; for `-` the next line of standard input, so that no name and no number
    stands in the history of a shell or in the list of processes. At a terminal it is asked for."""
    if written != "-":
        return written
    if sys.stdin.isatty():
        return str(typer.prompt(str(option.name).replace("_", " ").capitalize(), err=True))
    line = sys.stdin.readline()
    if not line:
        raise typer.BadParameter("`-` reads a line of standard input, and there is none")
    return line.rstrip("\r\n")


def _asked_for(what: str) -> Callable[[], str]:
    """What asks for an option that was left out. A script, which nobody can ask, is refused."""

    def ask() -> str:
        if not sys.stdin.isatty():
            option = f"--{what.replace(' ', '-')}"
            raise typer.BadParameter(
                f"{option} is missing and nobody can be asked: say `{option} -` and write it into "
                "a line of standard input"
            )
        return str(typer.prompt(what.capitalize(), err=True))

    return ask


def _said(help: str) -> Any:
    """An option that may be left out, and is better not typed into the command line."""
    return typer.Option(callback=_from_stdin, help=f"{help}; `-` asks, or reads a line.")


def _asked(what: str, help: str) -> Any:
    """An option that is asked for if it is left out."""
    return typer.Option(
        default_factory=_asked_for(what),
        show_default=False,
        callback=_from_stdin,
        help=f"{help}; asked for if left out, `-` reads a line.",
    )


NameOption = Annotated[str, _asked("name", "The real name, as the document says it")]
NumberOption = Annotated[str, _asked("id number", "The number of the document")]
SaidName = Annotated[str | None, _said("The real name of the holder")]
SaidNumber = Annotated[str | None, _said("The number of their document")]
SaidPhone = Annotated[str | None, _said("The phone number of their account")]
AccountNumberOption = Annotated[
    str, _asked("account number", "The document number of whose account it is")
]


def identity_of(
    name: str, number: str, kind: DocumentKind, country: str | None, born: datetime | None
) -> Identity:
    """The checked identity that an operator has typed. Raises `Invalid`."""
    born_on = None
    if born is not None:
        born_on = born.date()
    said = IdentityDocument(kind, name, number, country, born_on)
    return identify(said, business_day(now()))


def lookup_of(system: System, number: str, kind: DocumentKind, country: str | None) -> str:
    """The keyed hash of a document that an operator has typed. Raises `Invalid` for a number that
    cannot be one, and for a country that does not belong to it, which would find nobody."""
    if country is not None and kind is not DocumentKind.PASSPORT:
        fault = Fault("country", "is said for a passport alone")
        raise Invalid("identity_invalid", Text("证件有误", "the document is wrong"), [fault])
    checked = checked_number(kind, number, country, business_day(now()))
    return system.people.identities.lookup(checked, kind, country)


MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
"""How an option says an instant, by the clock in Asia/Shanghai."""


def instant(typed: datetime) -> datetime:
    """The instant that was typed as one of `MOMENTS`."""
    return typed.replace(tzinfo=SHANGHAI).astimezone(UTC)


def spot_named(system: System, spot_id: str) -> Spot:
    """The spot with that id. Raises `Unknown`, which tells the most similar id."""
    snapshot = system.catalogue.snapshot
    found = snapshot.get(spot_id)
    if found is None:
        raise unknown(Text("景区", "spot"), spot_id, snapshot.ids())
    return found


def _table_file(file: Path | None) -> Path | None:
    """Refuses a file to write whose ending tells no kind of table."""
    if file is not None and file.suffix.lower() not in {".csv", ".xlsx"}:
        raise typer.BadParameter("name a file that ends with .csv or .xlsx")
    return file


def out_option(help: str) -> Any:
    """An option that names a table to write."""
    return typer.Option("--out", callback=_table_file, dir_okay=False, help=help)


def phone_of(typed_number: str) -> str:
    """The phone number in E.164 that an operator has typed. Raises `Invalid`."""
    try:
        return phones.typed_e164(typed_number)
    except ValueError:
        what = "write it with its country, as in +85291234567, or a mobile number of the mainland"
        text = Text("手机号有误", "the phone number is wrong")
        raise Invalid("phone_invalid", text, [Fault("phone", what)]) from None


async def note_look(system: System, *subjects: str) -> None:
    """Write down that the operator looks at something about people, before it is shown."""
    for subject in subjects:
        await system.base.audit.write(AuditLine(now(), operator(), "show", subject))


def operator() -> str:
    """Who stands in the audit log: the user who runs the command."""
    return f"operator:{getpass.getuser()}"


def with_system(
    command: Callable[[System], Awaitable[T]], data_dir: Path | None, as_json: bool
) -> T:
    """Run a command over the system. On a refusal prints what to correct and exits with status 1.

    With `as_json` the refusal is printed as `{"refused": …, "errors": […]}`, too.
    """
    try:
        return asyncio.run(_open_and_run(command, load_settings(data_dir=data_dir)))
    except DomainError as error:
        refuse(error.text.en, *map(str, error.faults), as_json=as_json)
    except DataError as error:
        refuse("the data files cannot be used", *error.faults, as_json=as_json)
    except StartError as error:
        refuse(str(error), as_json=as_json)
    except OSError as error:
        refuse(system_words(error), as_json=as_json)
    except UnicodeError:
        refuse("what you typed is not UTF-8: set the terminal to UTF-8", as_json=as_json)


def refuse(what: str, *faults: str, as_json: bool) -> NoReturn:
    """Print what to correct and exit with status 1."""
    if as_json:
        print(to_json({"refused": what, "errors": faults}).decode())
    print(f"refused: {what}", file=sys.stderr)
    for fault in faults:
        print(f"  {fault}", file=sys.stderr)
    raise typer.Exit(1)


def show(document: dict[str, Any], as_json: bool) -> None:
    """Print one document: as JSON, or a line for each field."""
    if as_json:
        print(to_json(document).decode())
        return
    width = max(map(len, document), default=0)
    for name, value in document.items():
        print(f"{name:<{width}}  {plain(value)}")


def show_with_lists(document: dict[str, Any], as_json: bool) -> None:
    """Print one document; in a terminal its lists of documents stand as tables below the fields."""
    tables = {} if as_json else {name: rows for name, rows in document.items() if _is_table(rows)}
    show({name: each for name, each in document.items() if name not in tables}, as_json)
    for name, rows in tables.items():
        print(f"\n{name}")
        show_rows(rows, as_json)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def show_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print a list of documents of the same fields: as JSON, or as a table."""
    if as_json:
        print(to_json(rows).decode())
        return
    if sys.stdout.isatty():
        console, table = Console(), Table(box=HEAVY_HEAD)
    else:
        console, table = Console(width=_PIPE_WIDTH), Table(box=None)
    names = list(rows[0]) if rows else ["nothing"]
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name.endswith("id"))
    for row in rows:
        table.add_row(*(RichText(plain(value)) for value in row.values()))
    console.print(table)


async def _open_and_run(command: Callable[[System], Awaitable[T]], settings: Settings) -> T:
    if settings.mongo_uri is None and not settings.key_file.exists():
        note = f"note: there was no system in {settings.data_dir}; a new one is made"
        print(note, file=sys.stderr)
    database, driver = settings.mongo_database, settings.mongo_driver
    async with (
        joined_database(settings) as uri,
        Mongo(uri, database, driver, seconds=PATIENT_SECONDS) as mongo,
    ):
        return await command(await open_system(settings, mongo, now(), serves=False))


def plain(value: Any) -> str:
    """A value as people read it in a terminal: instants by the clock in Asia/Shanghai."""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(" ", timespec="seconds").removesuffix("+08:00")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "-"
    if value is None:
        return "-"
    return str(value)
