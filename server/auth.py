"""Tokens: signed JWTs that say who calls and what for. Reading one needs no database.

A scope is `audience:right`. A token is for one audience, holds some scopes, and is signed with a
key named by `kid`.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt

from handlers.web.access import Caller, TokenPair, unauthenticated
from passes.admission.gates import TOKEN_LIFE, Gate
from passes.people.visitors import Session, Visitor

ISSUER = "bashu-pass"
PASS_LIFE = timedelta(hours=1)
ACCESS_LIFE = timedelta(minutes=30)
_ALGORITHM = "HS256"
_NEEDED = ["iss", "aud", "sub", "exp", "iat", "scope"]
_CHECKED_HERE: Any = {
    "require": _NEEDED,
    "verify_exp": False,
    "verify_iat": False,
    "verify_aud": False,
}
"""Audience and end are checked at each call, not once: what is cached outlives them."""

_MOST_VERIFIED = 10_000
"""How many tokens a process remembers to have verified: about 10 MB."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token says whose signature is good; `ends_at` is in seconds since 1970."""

    audience: str
    ends_at: float
    caller: Caller


class Tokens:
    """Issues tokens, and reads them back."""

    def __init__(self, secrets: dict[int, bytes], epoch: int = 0) -> None:
        """`secrets` are 32-byte keys by id; the highest signs. Tokens of another epoch are not
        good."""
        self._epoch = epoch
        self._secrets = secrets
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    def for_gate(self, gate: Gate, now: datetime) -> str:
        """The token that an enrolled gate keeps; worthless once it is renewed."""
        staffed = ("lookup",) if gate.kind.staffed else ()
        hub = ("hub",) if gate.hub else ()
        rights = ("scan", *staffed, *sorted(gate.readers), *hub)
        begins_at = gate.token_begins_at or now  # the same token again, if it is asked for again
        return self._issue("gate", gate.id, rights, begins_at, TOKEN_LIFE, ver=gate.token_version)

    def for_pass(self, pass_id: str, now: datetime) -> str:
        """A token of one hour that shows one pass, for whoever helps its holder."""
        return self._issue("pass", pass_id, ("read",), now, PASS_LIFE)

    def for_session(self, session: Session, visitor: Visitor, now: datetime) -> TokenPair:
        """The tokens of a visitor's session: one to call with, one to get the next pair with."""
        claims = {"sid": session.id, "ver": visitor.token_version}
        return TokenPair(
            access=self._issue("visitor", visitor.id, ("self",), now, ACCESS_LIFE, **claims),
            refresh=self._issue(
                "refresh",
                visitor.id,
                ("session",),
                now,
                session.ends_at - now,
                **claims,
                gen=session.generation,
            ),
            seconds=int(ACCESS_LIFE.total_seconds()),
        )

    def read(self, token: str, audiences: frozenset[str], now: datetime) -> Caller:
        """Who holds this token.

        Raises the 401 problem if it is not a good one for any of these audiences.
        """
        digest = sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = self._verified[digest] = self._verify(token)
            if len(self._verified) > _MOST_VERIFIED:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        if verified.audience not in audiences:
            raise unauthenticated("token_invalid")
        if now.timestamp() >= verified.ends_at:
            raise unauthenticated("token_expired")
        return verified.caller

    def _verify(self, token: str) -> _Verified:
        """What a token says, once its signature is checked. Raises the 401 problem."""
        try:
            secret = self._secrets[int(jwt.get_unverified_header(token)["kid"])]
            claims = jwt.decode(
                token, secret, algorithms=[_ALGORITHM], issuer=ISSUER, options=_CHECKED_HERE
            )
            if claims.get("ep", 0) != self._epoch:
                raise unauthenticated("token_invalid")
            caller = Caller(
                id=claims["sub"],
                scopes=frozenset(claims["scope"].split()),
                version=claims.get("ver", 0),
                session=claims.get("sid", ""),
                generation=claims.get("gen", 0),
                ends_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
            )
            return _Verified(str(claims["aud"]), float(claims["exp"]), caller)
        except (
            jwt.PyJWTError,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            OverflowError,
            OSError,
        ):
            raise unauthenticated("token_invalid") from None

    def _issue(
        self,
        audience: str,
        subject: str,
        rights: tuple[str, ...],
        now: datetime,
        life: timedelta,
        **claims: object,
    ) -> str:
        key_id = max(self._secrets)
        issued = int(now.timestamp())
        if self._epoch:
            claims["ep"] = self._epoch
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": audience,
                "sub": subject,
                "scope": " ".join(f"{audience}:{right}" for right in rights),
                "iat": issued,
                "exp": issued + int(life.total_seconds()),
                **claims,
            },
            self._secrets[key_id],
            algorithm=_ALGORITHM,
            headers={"kid": str(key_id)},
        )
