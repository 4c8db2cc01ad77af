"""The audit log, append-only."""

from passes.ports import AuditLine
from passes.store.database import Database
from passes.store.documents import encode


class AuditStore:
    """The `audit_log` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._audit_log = database.collection("audit_log")

    async def write(self, line: AuditLine) -> None:
        """Keep a line."""
        await self._audit_log.insert(encode(line))
