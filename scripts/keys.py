"""`keys`: the secrets of a system."""

from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import Progress

from passes.admission.gates import GateState
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.epoch import epoch_of, note_epoch
from server.keyfile import begin_epoch, key_rows
from server.rotation import Rotated, rotate_identity_key
from server.settings import load_settings
from server.system import System

app = typer.Typer(help="Keys: what signs codes and seals identities.", no_args_is_help=True)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys by use and id, without their secrets, and the last day of those that end."""

    async def command(_: System) -> list[dict[str, object]]:
        return key_rows(load_settings(data_dir=data_dir).key_file)

    show_rows(with_system(command, data_dir, as_json), as_json)


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
