"""`gates`: the devices at the entrances."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from passes.admission.fleet import Watched, wrongs
from passes.admission.gate_keeping import NewGate
from passes.admission.gates import GateKind, GateState, Reader
from passes.base import typed
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from scripts.setup_sheet import reserve_sheet, write_setup_sheet
from server.clock import now
from server.system import System

app = typer.Typer(
    help="Gates: turnstiles, handhelds, ticket windows and ticket systems.", no_args_is_help=True
)

_MOST_AT_ONCE = 200

GateId = Annotated[str, typer.Argument(parser=typed.slug, help="The id of the gate.")]
Readers = Annotated[
    list[Reader] | None,
    typer.Option(
        "--reader",
        help="What it reads besides codes: ID cards, or carriers such as social-security cards. "
        "Can be given twice.",
    ),
]


@app.command()
def add(
    spot: Annotated[str, typer.Option(parser=typed.slug, help="The id of the spot it stands at.")],
    kind: Annotated[GateKind, typer.Option(help="What stands there.")],
    name: Annotated[str, typer.Option(help="A name for staff, such as 北门 2.")] = "",
    reader: Readers = None,
    hub: Annotated[
        bool, typer.Option("--hub", help="It may speak for the other gates of its spot.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=1, max=_MOST_AT_ONCE, help="How many of them; named 1, 2, …")
    ] = 1,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Write the setup codes for printing into this .xlsx.", dir_okay=False),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a gate, and print the setup code to type into the device within a week.

    At an entry with parts gates stand at the parts: each is a spot of its own. The ticket system
    of a spot is one gate of kind `system`.
    """
    if sheet is not None and sheet.suffix != ".xlsx":
        raise typer.BadParameter("--sheet is a file that ends with .xlsx")

    async def command(system: System) -> list[NewGate]:
        keeping, readers = system.admission.gate_keeping, frozenset(reader or ())
        keeping.check(spot, name)
        if sheet is not None:
            reserve_sheet(sheet)
        new = [
            await keeping.add(spot, kind, each, operator(), now(), readers, hub=hub)
            for each in _names(name, count)
        ]
        if sheet is not None:
            write_setup_sheet(new, sheet)
        if parts := system.catalogue.snapshot.parts_of(spot):
            print(
                f"note: this gate counts visits to {spot} itself, not to its parts, "
                f"which have gates of their own: {', '.join(sorted(parts))}",
                file=sys.stderr,
            )
        return new

    new = with_system(command, data_dir, as_json)
    if count == 1:
        _show_new(new[0], as_json)
    else:
        show_rows([_new_row(each) for each in new], as_json)


def _names(name: str, count: int) -> list[str]:
    if count == 1 or not name:
        return [name] * count
    return [f"{name} {n}" for n in range(1, count + 1)]


@app.command()
@app.command("roll", hidden=True)  # its former name
def renew(
    gate_id: GateId,
    reader: Readers = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw the token of a gate whose device is lost or replaced, or has got a reader, and print
    a new setup code. Without --reader the gate keeps the readers that it has."""

    async def command(system: System) -> NewGate:
        readers = frozenset(reader) if reader else None
        return await system.admission.gate_keeping.renew(gate_id, operator(), now(), readers)

    _show_new(with_system(command, data_dir, as_json), as_json)


@app.command()
def disable(gate_id: GateId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take a gate out of service; its scans are refused. `renew` brings it back."""

    async def command(system: System) -> dict[str, object]:
        gate = await system.admission.gate_keeping.disable(gate_id, operator(), now())
        return {"gate_id": gate.id, "state": gate.state}

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def move(
    gate_id: GateId,
    spot: Annotated[str, typer.Option(parser=typed.slug, help="The spot it stands at now.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also if scans of the old spot may wait in it.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a gate stand at another spot. Its token is worthless from now on: print the setup code to
    type into its device there."""

    async def command(system: System) -> NewGate:
        return await system.admission.gate_keeping.move(gate_id, spot, operator(), now(), yes=yes)

    _show_new(with_system(command, data_dir, as_json), as_json)


@app.command()
def rename(
    gate_id: GateId,
    name: Annotated[str, typer.Argument(help="A name for staff, such as 北门 2.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a gate another name; its id and its token stay."""

    async def command(system: System) -> dict[str, object]:
        gate = await system.admission.gate_keeping.rename(gate_id, name, operator(), now())
        return {"gate_id": gate.id, "name": gate.name}

    show(with_system(command, data_dir, as_json), as_json)


@app.command("list")
def list_gates(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all gates, those first that somebody has to look at.

    `attention` says what is wrong: silent, late with its scans, a wrong clock, an old bundle, a
    token that ends within 30 days. It stands on standard error, too; --json has all fields.
    """

    async def command(system: System) -> list[tuple[Watched, str]]:
        at = now()
        watched = await system.admission.fleet.all(at)
        return [(each, "; ".join(wrong.words for wrong in wrongs(each, at))) for each in watched]

    found = with_system(command, data_dir, as_json)
    row = _whole_row if as_json else _row
    show_rows([row(*each) for each in found], as_json)
    for watched, attention in found:
        if attention:
            print(f"note: {watched.set_up.gate.id}: {attention}", file=sys.stderr)


def _row(watched: Watched, attention: str) -> dict[str, object]:
    """What fits into a line of a terminal."""
    gate, beat = watched.set_up.gate, watched.heartbeat
    return {
        "gate_id": gate.id,
        "kind": gate.kind,
        "name": gate.name,
        "state": gate.state,
        "token_expires_at": gate.token_ends_at,
        "heard_at": beat.at if beat else None,
        "queued": beat.queued if beat else None,
        "in": beat.counters.came if beat else None,
        "inside": beat.counters.inside if beat else None,
        "attention": attention,
    }


def _whole_row(watched: Watched, attention: str) -> dict[str, object]:
    gate, setup, beat = watched.set_up.gate, watched.set_up.setup, watched.heartbeat
    waits = gate.state is GateState.ADDED and setup is not None
    row = {
        "gate_id": gate.id,
        "spot": gate.spot_id,
        "kind": gate.kind,
        "name": gate.name,
        "readers": sorted(gate.readers),
        "hub": gate.hub,
        "state": gate.state,
        "enrolled_at": gate.enrolled_at,
        "token_expires_at": gate.token_ends_at,
        "setup_expires_at": setup.expires_at if setup is not None and waits else None,
        "cards_in_vain": sum(watched.cards_in_vain),
    }
    heard: dict[str, object] = dict.fromkeys(_HEARD)
    if beat is not None:
        heard = {
            "heard_at": beat.at,
            "version": beat.version,
            "queued": beat.queued,
            "skew_ms": beat.skew_ms,
            "bundle": beat.bundle,
            "last_scan_at": beat.last_scan_at,
            "in": beat.counters.came,
            "out": beat.counters.left,
            "inside": beat.counters.inside,
            "lanes": list(beat.lanes),
        }
    return {**row, **heard, "attention": attention}


_HEARD = (
    "heard_at",
    "version",
    "queued",
    "skew_ms",
    "bundle",
    "last_scan_at",
    "in",
    "out",
    "inside",
    "lanes",
)


def _show_new(new: NewGate, as_json: bool) -> None:
    fields = {
        "gate_id": new.gate.id,
        "setup_code": new.setup_code,
        "expires_at": new.expires_at,
    }
    show(fields, as_json)


def _new_row(new: NewGate) -> dict[str, object]:
    return {
        "gate_id": new.gate.id,
        "kind": new.gate.kind,
        "name": new.gate.name,
        "spot": new.gate.spot_id,
        "setup_code": new.setup_code,
        "expires_at": new.expires_at,
    }
