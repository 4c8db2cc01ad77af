"""`spots`: the catalogue."""

import typer

from scripts.common import AsJson, DataDir, show_rows, with_system
from server.system import System

app = typer.Typer(help="The catalogue of scenic spots.", no_args_is_help=True)


@app.command("list")
def list_spots(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all spots."""

    async def command(system: System) -> list[dict[str, object]]:
        spots = (system.catalogue.get(spot_id) for spot_id in system.catalogue.ids())
        return [
            {"id": spot.id, "name": spot.name.zh, "level": spot.level, "province": spot.province, "status": spot.status}
            for spot in spots
            if spot is not None
        ]

    show_rows(with_system(command, data_dir), as_json)
