"""Auditing: a change leaves its audit line, whatever moment the process dies at.

This is write-ahead logging (docs/adr/0026-the-line-before-the-change.md): the line is stored before
the change, as `begun`; after it the line is settled as `done`, or as `not_done` if the change was
refused. A crash, or a database that does not answer, leaves a line that is still `begun`, never a
change without a line.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from passes.base.audit import AuditLine, Outcome
from passes.base.errors import DomainError, Unavailable
from passes.base.ports import Audit


class AuditEntry:
    """The lines about one change."""

    def __init__(self, audit: Audit) -> None:
        """Nothing is written before `begin`."""
        self._audit = audit
        self._line_ids: list[str] = []

    async def begin(self, *lines: AuditLine) -> None:
        """Write the lines, right before the change. Called again, for another try of the same
        change, it writes nothing."""
        if self._line_ids:
            return
        begun = [replace(line, outcome=Outcome.BEGUN) for line in lines]
        self._line_ids += await self._audit.write_each(begun)

    async def done(self, **detail: str) -> None:
        """Say that the change was made; `detail` is what only the change could tell."""
        await self._settle(Outcome.DONE, detail)

    async def not_done(self) -> None:
        """Say that the change was not made, or had been made before."""
        await self._settle(Outcome.NOT_DONE, {})

    async def _settle(self, outcome: Outcome, detail: dict[str, str]) -> None:
        line_ids, self._line_ids = self._line_ids, []
        # The change is stored, and so are its lines. That nobody can say now that they are settled
        # is no reason to answer as if the change had failed.
        with suppress(Unavailable):
            await self._audit.settle(line_ids, outcome, detail)


@asynccontextmanager
async def audited(audit: Audit) -> AsyncIterator[AuditEntry]:
    """An entry that is settled at the end: as done, or as not done if a refusal is raised.

    Inside stands one deciding write, so that a refusal means that nothing was changed. After
    `Unavailable`, and anything that is no refusal, nobody knows; then the lines stay as they are.
    """
    entry = AuditEntry(audit)
    try:
        yield entry
    except Unavailable:
        raise
    except DomainError:
        await entry.not_done()
        raise
    await entry.done()
