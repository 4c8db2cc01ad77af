"""Fixtures.

data        test   a folder of data whose first start is over, but for tests marked `first_start`
server      test   starts `run.py` as a user does, on a free port; kills what a test leaves running
scripts     test   runs the commands of `python -m scripts` in this process, over the same data
commands    test   the same while the database runs, so that no command has to start it
as_process  test   runs `python -m scripts …` as a user does, over the same data
run         test   runs `run.py` to its end, where it is not expected to serve
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.__main__ import commands as all_commands
from server.datadir import held
from server.embedded import embedded_database
from tests.support.beside import running_beside
from tests.support.processes import PROJECT, Done, Run, Server, Start, environment, finished


@pytest.fixture(scope="session")
def first_started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data as a first start leaves them, made once, for it takes seconds."""
    data = tmp_path_factory.mktemp("first") / "var"
    assert finished(["-m", "scripts", "gates", "list", "--data-dir", str(data)], {}).status == 0
    return data


@pytest.fixture
def data(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "var"
    if request.node.get_closest_marker("first_start") is None:
        shutil.copytree(request.getfixturevalue("first_started"), folder)
    return folder


@pytest.fixture
def server(tmp_path: Path, data: Path) -> Iterator[Start]:
    started: list[Server] = []

    def start(*flags: str, files: tuple[int, int] | None = None, **env: str) -> Server:
        """`files` is how many the process may open, softly and at all (RLIMIT_NOFILE)."""
        limit = None
        if files is not None:
            limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, files)
        with (tmp_path / "server.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "run.py", "--port", "0", "--data-dir", str(data), *flags],
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
def scripts(data: Path) -> Iterator[Run]:
    app = all_commands()
    ours = [name for name in os.environ if name.startswith("BASHU_")]

    def invoke(*arguments: str, **env: str) -> Done:
        words = [*arguments, "--data-dir", str(data)]
        done = CliRunner().invoke(app, words, env=dict.fromkeys(ours) | env, catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    # A thread, for a command runs an event loop, and so may the test; one, for they share stdout.
    with ThreadPoolExecutor(1) as thread:
        yield lambda *arguments, **env: thread.submit(invoke, *arguments, **env).result()


@pytest.fixture
def commands(data: Path, scripts: Run) -> Iterator[Run]:
    with held(data), running_beside(embedded_database(data)):
        yield scripts


@pytest.fixture
def as_process(data: Path) -> Run:
    def run(*arguments: str, **env: str) -> Done:
        return finished(["-m", "scripts", *arguments, "--data-dir", str(data)], env)

    return run


@pytest.fixture
def run(data: Path) -> Run:
    def to_its_end(*flags: str, **env: str) -> Done:
        return finished(["run.py", "--port", "0", "--data-dir", str(data), *flags], env)

    return to_its_end
