"""Fixtures.

server    test   starts `run.py` as a user does, on a free port; kills what a test leaves running
scripts   test   runs `python -m scripts …` over the same data
run       test   runs `run.py` to its end, where it is not expected to serve
"""

import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.processes import PROJECT, Done, Run, Server, Start, environment, finished


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    started: list[Server] = []

    def start(*flags: str, files: tuple[int, int] | None = None, **env: str) -> Server:
        """`files` is how many the process may open, softly and at all (RLIMIT_NOFILE)."""
        limit = None
        if files is not None:
            limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, files)
        with (tmp_path / "server.log").open("a") as log:
            data = str(tmp_path / "var")
            process = subprocess.Popen(
                [sys.executable, "run.py", "--port", "0", "--data-dir", data, *flags],
                cwd=PROJECT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(**env),
                preexec_fn=limit,  # noqa: PLW1509 - no thread of a test holds a lock
            )
        running = Server(process, [])
        started.append(running)
        assert process.stdout is not None
        for line in process.stdout:
            running.lines.append(line.strip())
            if line.startswith("listening on "):
                return running
        raise AssertionError((tmp_path / "server.log").read_text())

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        if running.process.stdout is not None:
            running.process.stdout.close()


@pytest.fixture
def scripts(tmp_path: Path) -> Run:
    def run(*arguments: str, **env: str) -> Done:
        data = str(tmp_path / "var")
        return finished(["-m", "scripts", *arguments, "--data-dir", data], env)

    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def to_its_end(*flags: str, **env: str) -> Done:
        data = str(tmp_path / "var")
        return finished(["run.py", "--port", "0", "--data-dir", data, *flags], env)

    return to_its_end
