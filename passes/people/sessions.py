"""Sessions: a sign-in is carried on by refresh tokens, each of which is good once.

A refresh token that is used a second time was stolen, or its owner never got the reply. Within a minute it is taken for
the latter, for phones are often without signal; after that the session ends for both.
"""

import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.ports import Audit
from passes.people.ports import Sessions, Visitors
from passes.people.visitors import Session, Visitor

log = logging.getLogger(__name__)

SESSION_LIFE = timedelta(days=30)
"""How long a session lasts after it was last renewed."""

REPLY_LOST_WITHIN = timedelta(minutes=1)

MOST_SESSIONS = 20
"""On how many devices a visitor may be signed in."""


class SigningIn:
    """Begins, carries on and ends sessions."""

    def __init__(self, visitors: Visitors, sessions: Sessions, audit: Audit) -> None:
        """All are stores."""
        self._visitors = visitors
        self._sessions = sessions
        self._audit = audit

    async def begin(self, visitor: Visitor, now: datetime) -> Session:
        """A new session; of very many the oldest end."""
        for old in (await self._sessions.of_visitor(visitor.id))[: 1 - MOST_SESSIONS]:
            await self._sessions.end(old.id)
        session = Session(secrets.token_hex(16), visitor.id, now, now, now + SESSION_LIFE)
        await self._sessions.add(session)
        return session

    async def carry_on(self, session_id: str, generation: int, now: datetime) -> Session | None:
        """The session after a refresh token of some generation was used; None if it has ended.

        A token that was used before ends the session.
        """
        held = await self._sessions.get(session_id)
        if held is None or now >= held.ends_at:
            return None
        if generation == held.generation:
            renewed = replace(
                held, generation=generation + 1, renewed_at=now, ends_at=now + SESSION_LIFE
            )
            return (
                renewed
                if await self._sessions.renew(renewed)
                else await self.carry_on(session_id, generation, now)
            )
        if generation == held.generation - 1 and now < held.renewed_at + REPLY_LOST_WITHIN:
            return held
        log.warning("a refresh token was used again: session of visitor %s ended", held.visitor_id)
        await self._sessions.end(session_id)
        line = AuditLine(now, "service:sessions", "refresh_reused", f"visitor:{held.visitor_id}")
        await self._audit.write(line)
        return None

    async def end(self, session_id: str) -> None:
        """Sign out here."""
        await self._sessions.end(session_id)

    async def end_all(self, visitor_id: str, now: datetime) -> None:
        """Sign out everywhere: no token given so far is good any more."""
        await self._visitors.withdraw_tokens(visitor_id)
        await self._sessions.end_all(visitor_id)
        await self._audit.write(
            AuditLine(now, f"visitor:{visitor_id}", "sign_out", f"visitor:{visitor_id}")
        )
