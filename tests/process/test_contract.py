"""Requests made from the description of the API, by a program that tries to break it."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from handlers.api_docs.openapi import describe
from handlers.routes import ROUTES
from tests.support.api import Api
from tests.support.operators import enrolled_gate
from tests.support.processes import Run, Start
from tests.support.visitors import token_of

EXAMPLES = "15"
OPERATIONS = sum(map(len, describe(ROUTES)["paths"].values())) - 1  # not the description itself


NARROWED = {
    "everybody": None,
    "gate": "/gate/(scans(?!/batch)|lookup)",
    "gate that uploads": "/gate/scans/batch",
    "visitor": "/(me|passes)",
}
"""Who asks, and which routes alone; all of them, where nothing is said."""


async def token_of_role(role: str, api: Api, scripts: Run) -> str:
    if role.startswith("gate"):
        readers = ("--reader", "id_card", "--reader", "carrier")
        return await enrolled_gate(api, scripts, "emeishan", "window", *readers)
    return await token_of(api)


@pytest.mark.timeout(seconds=120)
@pytest.mark.parametrize("role", NARROWED)
async def test_replies_keep_to_the_description(
    server: Start, scripts: Run, tmp_path: Path, role: str
) -> None:
    running = server()
    flags, routes = [], NARROWED[role]
    # A city that does not exist is for the server to tell.
    excluded = ["positive_data_acceptance"]
    if routes is not None:
        with closing(Api(running.port)) as api:
            token = await token_of_role(role, api, scripts)
        flags = ["--include-path-regex", routes, "-H", f"Authorization: Bearer {token}"]
        excluded.append("ignored_auth")  # so is a token that is withdrawn
    if role == "gate that uploads":
        excluded.append("negative_data_rejection")  # an item that is wrong is answered by itself
    done = await asyncio.to_thread(
        subprocess.run,
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{running.base}/openapi.json",
            *flags,
            *("--exclude-checks", ",".join(excluded)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", EXAMPLES, "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    if routes is None:
        assert f"Tested: {OPERATIONS}" in done.stdout
    assert running.stop() == 0
