"""The audit log, append-only."""

from collections.abc import Sequence

from passes.base.audit import AuditLine
from passes.base.ports import Audit
from passes.store.database import Database
from passes.store.documents import encode, to_audit_line


class AuditStore(Audit):
    """The `audit_log` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._audit_log = database.collection("audit_log")

    async def write(self, line: AuditLine) -> None:
        await self._audit_log.insert(encode(line))

    async def about(self, subject: str) -> Sequence[AuditLine]:
        return [
            to_audit_line(document)
            for document in await self._audit_log.find({"subject": subject}, [("at", 1)])
        ]
