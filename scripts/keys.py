"""`keys`: the secrets of a system."""

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from passes.base.audit import AuditLine
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

    Running servers learn of the key by themselves. A rotation that was cut short is finished by the next one, which
    makes no further key.
    """

    async def command(system: System) -> dict[str, object]:
        settings = load_settings(data_dir=data_dir)
        unfinished = await system.people.sealed.count_old()
        if not unfinished:
            add_identity_key(settings.key_file)
            system.people.vault.learn()
            await asyncio.sleep(
                settings.reload_seconds + 1
            )  # until every running server seals with it, too
        screen = Console(stderr=True)
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bars:
            bar = bars.add_task("sealing anew", total=1.0)
            renewed = await system.people.sealed.renew(
                lambda part: bars.update(bar, completed=part)
            )
        key_id = system.people.vault.newest
        await system.base.audit.write(
            AuditLine(
                now(),
                operator(),
                "rotate",
                "key:identity",
                {"key_id": str(key_id), "renewed": str(renewed)},
            )
        )
        left = await system.people.sealed.count_old()
        return {"key_id": key_id, "new_key": not unfinished, "sealed_anew": renewed, "left": left}

    show(with_system(command, data_dir, as_json), as_json)
