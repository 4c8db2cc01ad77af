"""Requests made from the description of the API, by a program that tries to break it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.api_docs.openapi import describe
from handlers.routes import ROUTES
from tests.support.api import Api
from tests.support.processes import Run, Start

EXAMPLES = "15"
OPERATIONS = sum(map(len, describe(ROUTES)["paths"].values())) - 1  # not the description itself


@pytest.mark.parametrize("role", ["everybody", "gate", "visitor"])
async def test_replies_keep_to_the_description(
    server: Start, scripts: Run, tmp_path: Path, role: str
) -> None:
    running = server()
    base = f"http://127.0.0.1:{running.port}"
    flags: list[str] = []
    api = Api(running.port)
    if role == "gate":
        gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "window", "--json").json
        token = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json[
            "token"
        ]
        flags = [
            "--include-path-regex",
            "/gate/(scans|lookup)",
            "-H",
            f"Authorization: Bearer {token}",
        ]
    if role == "visitor":
        token = (await api.post("/api/v1/session", {"code": "sandbox:甲"})).json["access_token"]
        flags = ["--include-path-regex", "/(me|passes)", "-H", f"Authorization: Bearer {token}"]
    api.close()
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{base}/openapi.json", *flags),
            # A city that does not exist, or a gate's own token that is withdrawn, is for the server to tell.
            *("--exclude-checks", "positive_data_acceptance,ignored_auth" if flags else "positive_data_acceptance"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert f"Tested: {OPERATIONS}" in done.stdout or flags
    assert running.stop() == 0
