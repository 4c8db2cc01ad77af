"""`gates`: the devices at the entrances."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from passes.admission.cards import too_many
from passes.admission.gate_keeping import NewGate
from passes.admission.gates import TOKEN_WARNING, Gate, GateKind, GateState, Reader, SetGate
from passes.base import typed
from scripts.common import AsJson, DataDir, operator, show, show_rows, spot_named, with_system
from server.clock import now
from server.system import System

app = typer.Typer(help="Gates: turnstiles, handhelds and ticket windows.", no_args_is_help=True)

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
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a gate, and print the setup code to type into the device within a week.

    At an entry with parts gates stand at the parts: each is a spot of its own.
    """

    async def command(system: System) -> NewGate:
        keeping, readers = system.admission.gate_keeping, frozenset(reader or ())
        spot_named(system, spot)
        new = await keeping.add(spot, kind, name, operator(), now(), readers)
        if parts := system.catalogue.snapshot.parts_of(spot):
            print(
                f"note: this gate counts visits to {spot} itself, not to its parts, "
                f"which have gates of their own: {', '.join(sorted(parts))}",
                file=sys.stderr,
            )
        return new

    _show_new(with_system(command, data_dir, as_json), as_json)


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


@app.command("list")
def list_gates(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all gates, with the end of their tokens and setup codes, and how many cards without a
    pass they have read in a day.

    Those whose token ends within 30 days, whose setup code has expired, or which have read too many
    such cards in an hour, are named on standard error, too.
    """

    async def command(system: System) -> list[dict[str, object]]:
        in_vain = await system.admission.vain_counts.since(now() - timedelta(days=1))
        gates = await system.admission.gate_keeping.all()
        return [_row(each, in_vain.get(each.gate.id, ())) for each in gates]

    rows = with_system(command, data_dir, as_json)
    show_rows(rows, as_json)
    for row in rows:
        if row["attention"]:
            print(f"note: {row['gate_id']}: {row['attention']}", file=sys.stderr)


def _row(each: SetGate, in_vain: Sequence[int]) -> dict[str, object]:
    gate, setup = each.gate, each.setup
    waits = gate.state is GateState.ADDED and setup is not None
    return {
        "gate_id": gate.id,
        "spot": gate.spot_id,
        "kind": gate.kind,
        "name": gate.name,
        "readers": sorted(gate.readers),
        "state": gate.state,
        "enrolled_at": gate.enrolled_at,
        "token_expires_at": gate.token_ends_at,
        "setup_expires_at": setup.expires_at if setup is not None and waits else None,
        "cards_in_vain": sum(in_vain),
        "attention": _attention(gate, each, in_vain),
    }


def _attention(gate: Gate, each: SetGate, in_vain: Sequence[int]) -> str:
    """What somebody has to do about a gate; empty if nothing."""
    if gate.token_ends_at is not None:
        left = gate.token_ends_at - now()
        if left <= timedelta():
            return "its token has ended: renew it"
        if left < TOKEN_WARNING:
            return f"its token ends in {left.days} days: renew it"
    expired = each.setup is not None and each.setup.expires_at <= now()
    if gate.state is GateState.ADDED and expired:
        return "its setup code has expired: renew it"
    if too_many(in_vain):
        return "it has read very many cards without a pass: is it trying numbers?"
    return ""


def _show_new(new: NewGate, as_json: bool) -> None:
    fields = {
        "gate_id": new.gate.id,
        "setup_code": new.setup_code,
        "expires_at": new.expires_at,
    }
    show(fields, as_json)
