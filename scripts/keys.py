"""`keys`: the secrets of a system."""

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from passes.base.audit import AuditLine
from passes.store.sealed import SealedStore
from scripts.common import AsJson, DataDir, operator, show, show_rows, with_system
from server.clock import now
from server.keyfile import add_identity_key, key_rows
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


async def _renew(sealed: SealedStore) -> int:
    """Seal everything anew, with a bar on standard error; returns how many values that were."""
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bars:
        bar = bars.add_task("sealing anew", total=1.0)
        return await sealed.renew(lambda part: bars.update(bar, completed=part))
