"""The audit log: lines are added, and settled, and nothing else."""

import secrets
from collections.abc import Mapping, Sequence

from passes.base.audit import AuditLine, AuditQuery, Outcome
from passes.base.ports import Audit
from passes.store.database import Database, Document
from passes.store.documents import encode, to_audit_line
from passes.store.grouping import Grouped


class AuditStore(Audit):
    """The `audit_log` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._audit_log = database.collection("audit_log")
        self._about = Grouped(self._about_each)

    async def write(self, line: AuditLine) -> str:
        line_id = secrets.token_hex(12)
        await self._audit_log.insert({"_id": line_id, **encode(line)})
        return line_id

    async def write_each(self, lines: Sequence[AuditLine]) -> Sequence[str]:
        line_ids = [secrets.token_hex(12) for _ in lines]
        documents = [
            {"_id": line_id, **encode(line)} for line_id, line in zip(line_ids, lines, strict=True)
        ]
        await self._audit_log.insert_each(documents)
        return line_ids

    async def settle(
        self, line_ids: Sequence[str], outcome: Outcome, detail: Mapping[str, str]
    ) -> None:
        change: Document = {"outcome": outcome.value}
        for name, value in detail.items():
            change[f"detail.{name}"] = value
        settled = [({"_id": line_id}, {"$set": change}) for line_id in line_ids]
        await self._audit_log.update_each(settled)

    async def about(self, subject: str) -> Sequence[AuditLine]:
        return await self._about.ask(subject)

    async def _about_each(self, subjects: Sequence[str]) -> Sequence[Sequence[AuditLine]]:
        where: Document = {"subject": subjects[0]}
        if len(subjects) > 1:
            where = {"subject": {"$in": list(dict.fromkeys(subjects))}}
        lines: dict[str, list[AuditLine]] = {subject: [] for subject in subjects}
        for document in await self._audit_log.find(where, [("at", 1)]):
            lines[document["subject"]].append(to_audit_line(document))
        return [lines[subject] for subject in subjects]

    async def between(self, asked: AuditQuery) -> Sequence[AuditLine]:
        where: Document = {}
        if asked.subject is not None:
            where["subject"] = asked.subject
        if asked.by is not None:
            where["by"] = asked.by
        at = {"$gte": asked.since, "$lt": asked.until}
        if at := {name: bound for name, bound in at.items() if bound is not None}:
            where["at"] = at
        newest = await self._audit_log.find(where, [("at", -1)], asked.most)
        return [to_audit_line(document) for document in reversed(newest)]
