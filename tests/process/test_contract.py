"""Requests made from the description of the API, by a program that tries to break it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Api
from tests.process.conftest import Run, Start

EXAMPLES = "15"


@pytest.mark.parametrize("as_gate", [False, True], ids=["everybody", "gate"])
async def test_replies_keep_to_the_description(server: Start, scripts: Run, tmp_path: Path, as_gate: bool) -> None:
    running = server()
    base = f"http://127.0.0.1:{running.port}"
    flags: list[str] = []
    if as_gate:
        gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "window", "--json").json
        api = Api(running.port)
        token = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json["token"]
        api.close()
        flags = ["--include-path-regex", "/gate/(scans|lookup)", "-H", f"Authorization: Bearer {token}"]
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{base}/openapi.json", *flags),
            # A city that does not exist, or a gate's own token that is withdrawn, is for the server to tell.
            *("--exclude-checks", "positive_data_acceptance,ignored_auth" if as_gate else "positive_data_acceptance"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Tested: 16" in done.stdout or as_gate
    assert running.stop() == 0
