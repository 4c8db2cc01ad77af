"""What every room needs from the outside: the audit log.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from typing import Protocol

from passes.base.audit import AuditLine


class Audit(Protocol):
    """The audit log, append-only."""

    async def write(self, line: AuditLine) -> None:
        """Append a line."""

    async def about(self, subject: str) -> Sequence[AuditLine]:
        """All lines about a subject, oldest first."""
