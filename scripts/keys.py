"""`keys`: the secrets of a system."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from passes.admission.gates import GateState
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.codes.keys import Keyring, KeyUse
from scripts.common import AsJson, DataDir, operator, refuse, show, show_rows, with_system
from server.clock import now
from server.epoch import epoch_of, note_epoch
from server.key_rolling import Announced, KeyRolling
from server.keyfile import MOST_KEYS, begin_epoch, key_rows
from server.rotation import Rotated, rotate_identity_key
from server.settings import load_settings
from server.system import System

app = typer.Typer(help="Keys: what signs codes and seals identities.", no_args_is_help=True)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys by use and id, without their secrets, the last day of those that end, and which
    signs codes."""

    async def command(system: System) -> list[dict[str, object]]:
        rows = key_rows(load_settings(data_dir=data_dir).key_file)
        uses = {use.id: use for use in await system.signing.uses.all()}
        return [_with_use(row, uses, system.keys.codes) for row in rows]

    show_rows(with_system(command, data_dir, as_json), as_json)


def _with_use(
    row: dict[str, object], uses: Mapping[int, KeyUse], codes: Keyring
) -> dict[str, object]:
    """A key with what is decided about it, if it signs codes."""
    use = None
    if row["use"] == "codes":
        key_id = int(str(row["id"]))
        use = uses.get(key_id)
        verifier = codes.verifier(key_id)
        last_day = row["last_day"] if verifier is None else verifier.last_day
        row = {**row, "newest": key_id == codes.newest().id, "last_day": last_day}
    announced_at = use.announced_at if use else None
    signs_since = use.signs_since if use else None
    return {**row, "announced_at": announced_at, "signs_since": signs_since}


class Makes(StrEnum):
    """What a key can be made for."""

    SIGNING = "signing"


KeyId = Annotated[int, typer.Argument(min=1, max=MOST_KEYS, help="The id of the key.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it all the same.")]


def _rolling(system: System, data_dir: Path | None) -> KeyRolling:
    return KeyRolling(system, load_settings(data_dir=data_dir).key_file, operator(), now)


@app.command()
def make(
    use: Annotated[Makes, typer.Argument(help="What it is for.")],  # noqa: ARG001 - one so far
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key that may sign codes. It signs nothing before `sign-with`; `announce` is next.

    Servers on other machines have key files of their own: copy the key file there.
    """

    async def command(system: System) -> dict[str, object]:
        made = await _rolling(system, data_dir).make()
        return {"key_id": made.id, "made_at": made.made_at}

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def announce(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Wait until every running server knows the newest signing key, and say which do.

    Exit status 1 if one does not; then the key is not announced.
    """

    async def command(system: System) -> Announced:
        within = load_settings(data_dir=data_dir).reload_seconds * 3 + 1
        return await _rolling(system, data_dir).announce(within)

    announced = with_system(command, data_dir, as_json)
    if announced.unknown_to:
        faults = [f"{each.where}: it knows {list(each.keys)}" for each in announced.unknown_to]
        refuse(f"key {announced.key_id} is not known everywhere", *faults, as_json=as_json)
    known_by = [each.where for each in announced.known_by]
    show({"key_id": announced.key_id, "known_by": known_by}, as_json)


@app.command("sign-with")
def sign_with(
    key_id: KeyId, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Let a key sign all codes from now on; what others have signed stays good.

    Refused while a running server, or a gate that was just heard of, does not know it.
    """

    async def command(system: System) -> dict[str, object]:
        rolling = _rolling(system, data_dir)
        signs = await rolling.sign_with(key_id, yes=yes)
        silent = await rolling.silent_gates(signs)
        return {"key_id": key_id, "signs_since": signs.signs_since, "silent_gates": silent}

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def retire(
    key_id: KeyId,
    last_day: Annotated[
        datetime,
        typer.Option("--last-day", formats=["%Y-%m-%d"], help="The last day it is trusted."),
    ],
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Trust a key that signs no more up to a day, and not longer.

    Refused while codes by it are good after that day; tells of how many passes, and until when.
    """

    async def command(system: System) -> dict[str, object]:
        retired = await _rolling(system, data_dir).retire(key_id, last_day.date(), yes=yes)
        return {"key_id": key_id, "last_day": retired.last_day}

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def rotate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make a new key for identities, and seal everything anew that older ones have sealed.

    Running servers learn of the key by themselves. A rotation that was cut short is finished by
    the next one, which makes no further key.
    """

    async def command(system: System) -> dict[str, object]:
        return asdict(await _rotated(system))

    async def _rotated(system: System) -> Rotated:
        settings, screen = load_settings(data_dir=data_dir), Console(stderr=True)
        learned_within = settings.reload_seconds + 1
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bars:
            bar = bars.add_task("sealing anew", total=1.0)
            return await rotate_identity_key(
                system,
                settings.key_file,
                learned_within,
                operator(),
                now(),
                lambda part: bars.update(bar, completed=part),
            )

    show(with_system(command, data_dir, as_json), as_json)


@app.command("new-epoch")
def new_epoch(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Withdraw all tokens of gates and visitors, and the codes that phones hold.

    For after a backup was restored, which brings back what was withdrawn since. Stop all servers
    before, for they go on with the epoch that they have started in.
    """

    async def command(system: System) -> dict[str, object]:
        settings = load_settings(data_dir=data_dir)
        async with audited(system.base.audit) as entry:
            await entry.begin(AuditLine(now(), operator(), "new_epoch", "key:all"))
            # 1. The key file first: after a crash in between the start says that the database is
            #    older.
            epoch = begin_epoch(settings.key_file, await epoch_of(system.database))
            # 2. The database.
            await note_epoch(system.database, epoch)
            await entry.done(epoch=str(epoch))
        gates = system.admission.gates.all()
        enrolled = [gate.id for gate in gates if gate.state is GateState.ENROLLED]
        return {"epoch": epoch, "gates_to_renew": sorted(enrolled)}

    show(with_system(command, data_dir, as_json), as_json)
