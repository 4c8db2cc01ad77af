"""Reissuing: a pass gets a new serial, so that every code of the old one is dead.

Its visits go along. Each of the four writes can be found done already, so that a reissue that a
crash cut short is finished by doing it again:

1. the old pass is revoked and names its successor;
2. its ledger is closed, by a record under the next number, which no scan can then have;
3. the ledger of the successor begins with the tally of the old one;
4. the successor is stored.
"""

from dataclasses import replace
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.genuine import check_genuine
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.holding.serials import Serials
from passes.ledger.ports import Ledger
from passes.ledger.records import RecordKind, closing, mark
from passes.ledger.tally import Tally
from passes.people.holder import NOBODY

_TRIES = 100


class Reissuing:
    """Reissues passes."""

    def __init__(self, passes: Passes, ledger: Ledger, audit: Audit, serials: Serials) -> None:
        """All are stores, but `serials`, which draws them."""
        self._serials = serials
        self._passes = passes
        self._ledger = ledger
        self._audit = audit

    async def reissue(self, pass_id: str, by: str, now: datetime, reason: str = "") -> Pass:
        """The successor of a pass: usable at once, also if the old one was frozen.

        Doing it again gives the same. Raises `Unknown`, and `Conflict` for a pass that is not in
        force, or not genuine, or that staff have frozen, if its holder asks.
        """
        # 1. The old pass names its successor. Whoever is second finds the serial of the first.
        old = await self._superseded(pass_id, by, now, reason)
        new_id = old.reissued_as or ""
        # 2. Nothing can be appended to its ledger any more.
        tally = await self._closed_with(old, now)
        # 3. and 4. Both may be there already, from a try before or beside this one.
        await self._ledger.append(mark(RecordKind.CARRIED, new_id, 1, tally, now))
        new = transitions.successor(old, new_id, now)
        await self._passes.add(new)
        return await self._without_erased_holder(pass_id, new_id)

    async def _superseded(self, pass_id: str, by: str, now: datetime, reason: str) -> Pass:
        """The old pass, revoked, with the serial of its successor."""
        new_id = self._serials.new()
        of_old = {"reissued_as": new_id}
        if reason:
            of_old["reason"] = reason
        of_new = {"reissued_from": pass_id}
        lines = (
            AuditLine(now, by, "reissue", f"pass:{pass_id}", of_old),
            AuditLine(now, by, "issue", f"pass:{new_id}", of_new),
        )

        def superseded(held: Pass) -> Pass:
            check_genuine(held)
            if transitions.is_holder(by):
                transitions.check_not_frozen_by_staff(held)
            return transitions.supersede(held, new_id)

        async with audited(self._audit) as entry:
            changed = await change(
                self._passes,
                pass_id,
                superseded,
                before_storing=lambda: entry.begin(*lines),
            )
            if not changed.something:
                await entry.not_done()  # another reissue was first, with another serial
        return changed.after

    async def _closed_with(self, old: Pass, now: datetime) -> Tally:
        """The last tally of the old pass, after which nothing can be appended."""
        for _ in range(_TRIES):
            newest = await self._ledger.newest(old.id, old.ledger_mark)
            if newest and newest[-1].kind is RecordKind.CLOSED:
                return newest[-1].tally
            record = closing(old.id, newest, now)
            if await self._ledger.append(record):
                return record.tally
            # A gate was first with that number: its visit goes along.
        text = Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again")
        raise Conflict("pass_busy", text)

    async def _without_erased_holder(self, old_id: str, new_id: str) -> Pass:
        """The successor, as it is. It is nobody's if the holder of the old pass was erased while it
        was reissued: the erasure cannot have found the successor before it was stored."""
        old = await self._passes.get(old_id)
        erased = old is not None and old.holder == NOBODY

        def given_up(new: Pass) -> Pass:
            if not erased or new.holder == NOBODY:
                return new
            return replace(new, holder=NOBODY, state=PassState.REVOKED)

        return (await change(self._passes, new_id, given_up)).after
