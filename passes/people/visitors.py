"""Visitors: who has signed in through WeChat, and who they are once they have said so.

A visitor is an account; a person is who a document names. A person is bound to one account, and
passes belong to the person: whoever signs in as them finds the passes that operators issued to
their document.
"""

from dataclasses import dataclass
from datetime import datetime

from passes.base.errors import Conflict
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.sealing import Sealed


@dataclass(frozen=True, slots=True)
class Consent:
    """That a visitor agreed to a version of the privacy statement, or a guardian for a child."""

    version: str
    at: datetime
    guardian: Holder | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number that WeChat vouches for, sealed, and its mask."""

    sealed: Sealed
    mask: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a visitor has to be told: `identity_unbound`, that staff have undone the binding of the
    person whom they said to be; `pass_frozen_misused`, that others have shown a pass of theirs."""

    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account. `openid` is its id at WeChat, sealed; `token_version` is the only version of
    tokens that is good."""

    id: str
    created_at: datetime
    openid: Sealed
    token_version: int = 0
    phone: Phone | None = None
    identity: Holder | None = None
    consent: Consent | None = None
    notice: Notice | None = None
    """The newest; the account alone sees it."""

    @property
    def lookup(self) -> str:
        """What passes and holdings of the visitor name: the person, or the account while it has no
        real name."""
        return self.holder.lookup

    @property
    def anonymous(self) -> Holder:
        """The holder of a pass that needs no real name."""
        return Holder(lookup=f"visitor:{self.id}")

    @property
    def lookups(self) -> frozenset[str]:
        """All that passes of the visitor may name: the person, and the account, which may have
        claimed some without a real name."""
        return frozenset({self.lookup, self.anonymous.lookup})

    @property
    def holder(self) -> Holder:
        """Who a pass is issued to."""
        return self.identity or self.anonymous

    def is_holder(self, holder: Holder) -> bool:
        """Whether a pass of that holder is theirs: issued to their document under their name, or
        claimed by the account."""
        return holder.is_same(self.holder) or holder.is_same(self.anonymous)


@dataclass(frozen=True, slots=True)
class Binding:
    """To which visitor something is bound, and since when."""

    visitor_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is carried on by refresh tokens. Each use of one makes the next `generation`;
    only the token of the newest is good."""

    id: str
    visitor_id: str
    begun_at: datetime
    renewed_at: datetime
    ends_at: datetime
    generation: int = 1


def person_key(person: Holder) -> str:
    """The key under which a person is bound: that of the document, under whatever name."""
    return f"person:{person.lookup}"


def account_erased() -> Conflict:
    """The error that a visitor was erased while they were asking for something."""
    text = Text("账户刚被注销，请重新登录", "this account was erased this moment; sign in again")
    return Conflict("visitor_erased", text)
