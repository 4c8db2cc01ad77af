"""What every room needs from the outside: the audit log.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from passes.base.audit import AuditLine, AuditQuery, Outcome


class Audit(Protocol):
    """The audit log: lines are added, and settled, and nothing else."""

    async def write(self, line: AuditLine) -> str:
        """Append a line, and return its id."""

    async def write_each(self, lines: Sequence[AuditLine]) -> Sequence[str]:
        """Append lines in one round trip, and return their ids."""

    async def settle(
        self, line_ids: Sequence[str], outcome: Outcome, detail: Mapping[str, str]
    ) -> None:
        """Say what became of the changes of lines, with more detail."""

    async def about(self, subject: str) -> Sequence[AuditLine]:
        """All lines about a subject, oldest first."""

    async def between(self, asked: AuditQuery) -> Sequence[AuditLine]:
        """The newest lines that are asked for, oldest of them first."""
