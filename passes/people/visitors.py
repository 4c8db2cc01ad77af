"""Visitors: who has signed in through WeChat, and who they are once they have said so.

A visitor is an account; a person is who a document names. A person is bound to one account, and
passes belong to the person: whoever signs in as them finds the passes that operators issued to
their document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from passes.base.errors import Conflict
from passes.base.stored import IN_MEMORY
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.sealing import Sealed


@dataclass(frozen=True, slots=True)
class Consent:
    """That a visitor agreed to a version of the privacy statement, or a guardian for a child."""

    version: str
    at: datetime
    guardian: Holder | None = None
    born_year: int | None = None
    """The year in which the visitor was born, by which the yearly audit tells minors apart without
    opening who they are. None if they agreed before it was kept."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number that WeChat vouches for, sealed, its mask, and the keyed hash that finds the
    account."""

    sealed: Sealed
    mask: str
    lookup: str = ""


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
    ended_sessions: Mapping[str, datetime] = field(default_factory=dict)
    """Sessions that were ended from another device, and until when a token of theirs might be
    good otherwise."""
    acting_for: Holder | None = field(default=None, compare=False, metadata=IN_MEMORY)
    """The companion for whom the account claims; None for itself."""

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
        claimed some without a real name; of a companion the person alone."""
        if self.acting_for is not None:
            return frozenset({self.acting_for.lookup})
        return frozenset({self.lookup, self.anonymous.lookup})

    @property
    def holder(self) -> Holder:
        """Who a pass is issued to."""
        return self.person or self.anonymous

    @property
    def person(self) -> Holder | None:
        """The person for whom the account does something, if it is known who that is."""
        return self.acting_for or self.identity

    def acting(self, companion: Holder) -> "Visitor":
        """The account, which does something for a companion."""
        return replace(self, acting_for=companion)

    def is_holder(self, holder: Holder) -> bool:
        """Whether a pass of that holder is theirs: issued to their document under their name or
        under none, or claimed by the account."""
        if self.holder.owns(holder):
            return True
        return self.acting_for is None and holder.is_same(self.anonymous)


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
    device: str | None = None
    """What the device calls itself."""


def person_key(person: Holder) -> str:
    """The key under which a person is bound: that of the document, under whatever name."""
    return bound_to_person(person.lookup)


def bound_to_person(lookup: str) -> str:
    """The key under which the person is bound whom a keyed hash finds."""
    return f"person:{lookup}"


def account_erased() -> Conflict:
    """The error that a visitor was erased while they were asking for something."""
    text = Text("账户刚被注销，请重新登录", "this account was erased this moment; sign in again")
    return Conflict("visitor_erased", text)
