"""Programs of a trial that are killed again and again, and started again on the same data."""

import asyncio
import os
import resource
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.processes import PROJECT, environment

PAUSE = 0.3
"""Seconds until a service manager starts again what has ended."""


class Program:
    """A program that runs until it is told to leave, however often it dies."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        said: Callable[[str], None],
        ended: Callable[[], None] = lambda: None,
        **env: str,
    ) -> None:
        """`said` gets each line of its output; `ended` is called after each death."""
        self.process: Process | None = None
        self.starts = 0
        self._command = command
        self._log = log
        self._said = said
        self._ended = ended
        self._env = env
        self._pause = PAUSE
        self._leaving = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process, if it runs now."""
        runs = self.process is not None and self.process.returncode is None
        return self.process.pid if self.process is not None and runs else None

    async def keep_running(self) -> None:
        """Start it, and start it again when it has ended, until it is told to leave."""
        self._leaving.clear()
        while not self._leaving.is_set():
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=PROJECT,
                stdin=PIPE,
                stdout=PIPE,
                stderr=STDOUT,
                env=environment(**self._env),
            )
            self.starts += 1
            await self._listen(self.process)
            self._ended()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._leaving.wait()
            self._pause = PAUSE

    async def _listen(self, process: Process) -> None:
        """Hear what it says until it has ended."""
        assert process.stdout is not None
        try:
            with self._log.open("ab") as log:
                async for line in process.stdout:
                    log.write(line)
                    self._said(line.decode())
        finally:
            self._signal(signal.SIGKILL)
            await process.wait()

    def type(self, line: str) -> None:
        """Write a line on its standard input; lost if it does not run."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(line.encode() + b"\n")

    def kill(self, pause: float) -> None:
        """SIGKILL; it is started again after so many seconds."""
        self._pause = pause
        self._signal(signal.SIGKILL)

    def leave(self) -> None:
        """Let it end, for good."""
        self._leaving.set()
        self._signal(signal.SIGTERM)

    def fill_disk(self) -> None:
        """From now on no file of it can grow or be written anew, as on a full disk."""
        self._limit_files(1)

    def empty_disk(self) -> None:
        """It can write again."""
        self._limit_files(resource.RLIM_INFINITY)

    def _limit_files(self, size: int) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def _signal(self, how: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, how)
