"""Reissue: a pass gets a new serial, so that every code of the old one is dead; its visits go along.

Four writes, each of which can be found done already, so that a reissue which a crash cut short is finished by doing it
again: (1) the old pass is revoked and names its successor; (2) its ledger is closed, by a record under the next number,
which no scan can take any more; (3) the ledger of the successor begins with the tally of the old one; (4) the
successor is stored.
"""

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.errors import Conflict, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.records import RecordKind, closing, mark
from passes.ledger.tally import Tally
from passes.people.holder import NOBODY

_LIVING = {PassState.ISSUED, PassState.ACTIVE, PassState.FROZEN}
_TRIES = 100


class Reissuing:
    """Reissues passes."""

    def __init__(self, passes: Passes, ledger: Ledger, audit: Audit) -> None:
        """All are stores."""
        self._passes = passes
        self._ledger = ledger
        self._audit = audit

    async def reissue(self, pass_id: str, by: str, now: datetime, reason: str = "") -> Pass:
        """The successor of a pass: usable at once, also if the old one was frozen. Doing it again gives the same.

        Raises `Unknown`, and `Conflict` for a pass that is not in force.
        """
        old = await self._revoked(pass_id, by, now, reason)
        tally = await self._closed(old, now)
        new_id = old.reissued_as or ""
        await self._ledger.append(mark(RecordKind.CARRIED, new_id, 1, tally, now))
        successor = replace(
            old,
            id=new_id,
            state=old.state_in_force,
            frozen_by=None,
            reissued_as=None,
            reissued_from=pass_id,
            refusals=(),
            ledger_mark=0,
        )
        with suppress(Conflict):
            await self._passes.add(successor)
        before = await self._passes.get(pass_id)
        new = await self._passes.get(new_id) or successor
        if (
            before is not None and before.holder == NOBODY
        ):  # its holder was erased meanwhile, and gave it up
            await self._passes.belong_to(new_id, NOBODY)
            await self._passes.become(new, {"state": PassState.REVOKED})
            return await self._passes.get(new_id) or new
        return new

    async def _revoked(self, pass_id: str, by: str, now: datetime, reason: str) -> Pass:
        """The old pass, revoked, with the serial of its successor."""
        for _ in range(_TRIES):
            held = await self._passes.get(pass_id)
            if held is None:
                raise unknown(Text("电子票", "pass"), pass_id)
            if held.reissued_as is not None:
                return held
            if held.state not in _LIVING:
                text = Text(
                    "此票的状态不允许补发", f"a pass that is {held.state.value} cannot be reissued"
                )
                raise Conflict("pass_state", text)
            new_id = secrets.token_hex(8)
            if await self._passes.become(held, {"state": PassState.REVOKED, "reissued_as": new_id}):
                detail = {"reissued_as": new_id, **({"reason": reason} if reason else {})}
                await self._audit.write(AuditLine(now, by, "reissue", f"pass:{pass_id}", detail))
                await self._audit.write(
                    AuditLine(now, by, "issue", f"pass:{new_id}", {"reissued_from": pass_id})
                )
        raise Conflict(
            "pass_busy", Text("此票正在变更，请重试", "this pass changes this moment; try again")
        )

    async def _closed(self, old: Pass, now: datetime) -> Tally:
        """The last tally of the old pass, after which nothing can be appended."""
        for _ in range(_TRIES):
            tail = await self._ledger.tail(old)
            if tail and tail[-1].kind is RecordKind.CLOSED:
                return tail[-1].tally
            record = closing(old.id, tail, now)
            if await self._ledger.append(record):
                return record.tally
        raise Conflict(
            "pass_busy",
            Text("此票正在被频繁核验，请重试", "this pass is being scanned too often; try again"),
        )
