"""Grouping: those who ask while a command is on its way go together in the next one.

A database answers ten questions in one command for little more than one question alone. There is no
timer: whoever finds no command on its way waits for nothing. Knows nothing of what is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

MOST = 64
"""How many go together at the most."""


class Grouped(Generic[Question, Answer]):
    """One kind of question. At most one command is on its way at a time."""

    def __init__(
        self, send: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], most: int = MOST
    ) -> None:
        """`send` answers some questions, 1 to `most`, in their order."""
        self._send = send
        self._most = most
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer to a question. Raises what `send` raises for its group.

        A caller that is cancelled before its question was sent takes it back; after that it is
        answered, and nobody is told.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._running is None:
            # A task of its own, not the caller's: others depend on it if that caller is cancelled.
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while group := self._next_group():
                await self._answer(group)
        finally:
            self._running = None

    def _next_group(self) -> list[tuple[Question, "asyncio.Future[Answer]"]]:
        waiting = [(question, future) for question, future in self._waiting if not future.done()]
        group, self._waiting = waiting[: self._most], waiting[self._most :]
        return group

    async def _answer(self, group: Sequence[tuple[Question, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._send([question for question, _ in group])
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(group, answers, strict=True):
            if not future.done():
                future.set_result(answer)
