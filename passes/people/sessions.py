"""Sessions: a sign-in is carried on by refresh tokens, each of which is good once.

This is refresh token rotation with reuse detection (RFC 9700, section 4.14.2). A refresh token that
is used a second time was stolen, or its owner never got the reply. Within a minute it is taken for
the latter, because phones are often without signal; after that the session ends for both.
"""

import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.people.ports import Sessions, Visitors
from passes.people.visitors import Session, Visitor

log = logging.getLogger(__name__)

SESSION_LIFE = timedelta(days=30)
"""How long a session lasts after it was last renewed."""

REPLY_LOST_WITHIN = timedelta(minutes=1)
"""For how long after it was used a refresh token may be used once more."""

ACCESS_TOKENS_END = timedelta(hours=1)
"""After that time no access token is good that was given before, whatever became of its session."""

MOST_SESSIONS = 20
"""On how many devices a visitor may be signed in."""


class SigningIn:
    """Begins, carries on and ends sessions."""

    def __init__(self, visitors: Visitors, sessions: Sessions, audit: Audit) -> None:
        """All are stores."""
        self._visitors = visitors
        self._sessions = sessions
        self._audit = audit

    async def begin(self, visitor: Visitor, now: datetime, device: str | None = None) -> Session:
        """A new session. The oldest are ended if the visitor has too many with it. `device` is
        what the device calls itself."""
        sessions = await self._sessions.of_visitor(visitor.id)
        too_many = sessions[: 1 - MOST_SESSIONS]  # all but the newest 19: one is about to begin
        for oldest in too_many:
            await self._sessions.end(oldest.id)
        session = Session(
            secrets.token_hex(16), visitor.id, now, now, now + SESSION_LIFE, device=device
        )
        await self._sessions.add(session)
        return session

    async def carry_on(self, session_id: str, generation: int, now: datetime) -> Session | None:
        """The session after a refresh token of some generation was used; None if it has ended.

        A token that was used before ends the session, unless that was within the last minute.
        """
        session = await self._live(session_id, now)
        # 1. The token of the newest generation makes the next one.
        if session is not None and generation == session.generation:
            renewed = replace(
                session, generation=generation + 1, renewed_at=now, ends_at=now + SESSION_LIFE
            )
            if await self._sessions.renew(renewed):
                return renewed
            # Overtaken, by a request with the same token or by signing out. What is stored now
            # decides; as generations only grow, it is not this one again.
            session = await self._live(session_id, now)
        if session is None:
            return None
        # 2. The token of the generation before, just now: its owner asks again.
        used_last = generation == session.generation - 1
        just_now = now < session.renewed_at + REPLY_LOST_WITHIN
        if used_last and just_now:
            return session
        # 3. Any other token is in the wrong hands, or the newest one is.
        visitor_id = session.visitor_id
        log.warning("a refresh token was used again: session of visitor %s ended", visitor_id)
        async with audited(self._audit) as entry:
            line = AuditLine(now, "service:sessions", "refresh_reused", f"visitor:{visitor_id}")
            await entry.begin(line)
            await self._sessions.end(session_id)
        return None

    async def _live(self, session_id: str, now: datetime) -> Session | None:
        """A session that has not ended."""
        session = await self._sessions.get(session_id)
        if session is None or now >= session.ends_at:
            return None
        return session

    async def end(self, session_id: str) -> None:
        """Sign out here."""
        await self._sessions.end(session_id)

    async def end_device(self, visitor: Visitor, session_id: str, now: datetime) -> None:
        """Sign out on another device, such as a lost phone: no token of it is good any more.

        Doing it again changes nothing. Raises `Unknown` if the visitor has no such session.
        """
        session = await self._sessions.get(session_id)
        if session is None and session_id in visitor.ended_sessions:
            return
        if session is None or session.visitor_id != visitor.id:
            raise unknown(Text("设备", "device"), session_id)
        name = f"visitor:{visitor.id}"
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "end_device", name))
            # The tokens come first: a refresh under way gives tokens of the same session.
            await self._visitors.end_tokens(visitor, session_id, now + ACCESS_TOKENS_END)
            await self._sessions.end(session_id)

    async def end_all(self, visitor_id: str, now: datetime) -> None:
        """Sign out everywhere: no token given so far is good any more.

        The version of tokens comes first: a refresh that has read the visitor before gives tokens
        of the version before, and those are withdrawn with the others.
        """
        name = f"visitor:{visitor_id}"
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "sign_out", name))
            await self._visitors.withdraw_tokens(visitor_id)
            await self._sessions.end_all(visitor_id)
