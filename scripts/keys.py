"""`keys`: the secrets of a system."""

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from passes.admission.gates import GateState
from passes.base.audit import AuditLine
from passes.store.sealed import SealedStore
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.epoch import epoch_of, note_epoch
from server.keyfile import add_identity_key, begin_epoch, key_rows
from server.settings import load_settings
from server.system import System

app = typer.Typer(help="Keys: what signs codes and seals identities.", no_args_is_help=True)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys by use and id, without their secrets."""

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
        people = system.people
        # 1. The new key, unless a rotation before was cut short.
        unfinished = await people.sealed.count_old()
        if not unfinished:
            settings = load_settings(data_dir=data_dir)
            add_identity_key(settings.key_file)
            people.vault.learn()
            # Until every running server seals with it, too: they read the keys that often.
            await asyncio.sleep(settings.reload_seconds + 1)
        # 2. What older keys have sealed.
        renewed = await _renew(people.sealed)
        key_id = people.vault.newest
        detail = {"key_id": str(key_id), "renewed": str(renewed)}
        await system.base.audit.write(
            AuditLine(now(), operator(), "rotate", "key:identity", detail)
        )
        # 3. What was sealed with an older key meanwhile, if anything.
        left = await people.sealed.count_old()
        return {"key_id": key_id, "new_key": not unfinished, "sealed_anew": renewed, "left": left}

    show(with_system(command, data_dir, as_json), as_json)


@app.command("new-epoch")
def new_epoch(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Withdraw all tokens of gates and visitors, and the codes that phones hold.

    For after a backup was restored, which brings back what was withdrawn since. Stop all servers
    before, for they go on with the epoch that they have started in.
    """

    async def command(system: System) -> dict[str, object]:
        # 1. The key file first: after a crash in between the start says that the database is older.
        settings = load_settings(data_dir=data_dir)
        epoch = begin_epoch(settings.key_file, await epoch_of(system.database))
        # 2. The database.
        await note_epoch(system.database, epoch)
        detail = {"epoch": str(epoch)}
        await system.base.audit.write(AuditLine(now(), operator(), "new_epoch", "key:all", detail))
        gates = system.admission.gates.all()
        enrolled = [gate.id for gate in gates if gate.state is GateState.ENROLLED]
        return {"epoch": epoch, "gates_to_renew": sorted(enrolled)}

    show(with_system(command, data_dir, as_json), as_json)


async def _renew(sealed: SealedStore) -> int:
    """Seal everything anew, with a bar on standard error; returns how many values that were."""
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bars:
        bar = bars.add_task("sealing anew", total=1.0)
        return await sealed.renew(lambda part: bars.update(bar, completed=part))
