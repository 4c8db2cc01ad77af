"""Memberships: operators add people to groups, and remove them, such as the members of a union."""

from collections.abc import Iterable
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry, audited
from passes.base.ports import Audit
from passes.people.groups import Group
from passes.people.ports import Members


class Memberships:
    """Adds people to groups, and removes them."""

    def __init__(self, members: Members, audit: Audit) -> None:
        """Both are stores."""
        self._members = members
        self._audit = audit

    async def join(self, lookups: Iterable[str], group: Group, by: str, now: datetime) -> int:
        """Add people by their keyed hashes; returns how many were no members before.

        After a crash it can be done again.
        """
        # A roster that is cut short has joined in part, so its line is settled at the end alone.
        entry, joined = AuditEntry(self._audit), 0
        await entry.begin(AuditLine(now, by, "join", f"group:{group}"))
        for lookup in lookups:
            if await self._members.add(lookup, group):
                joined += 1
        await entry.done(joined=str(joined))
        return joined

    async def leave(self, lookup: str, group: Group, by: str, now: datetime) -> None:
        """Remove a person, who may be no member."""
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "leave", f"group:{group}"))
            await self._members.remove(lookup, group)
