"""What people need from the outside: where they are stored, and what their passes say of them.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from passes.people.app_tokens import AppToken
from passes.people.groups import Group
from passes.people.holder import Holder
from passes.people.visitors import Binding, Consent, Phone, Session, Visitor


class Members(Protocol):
    """Who belongs to which group of visitors, as operators have said."""

    async def groups_of(self, lookup: str) -> frozenset[Group]:
        """The groups of a person."""

    async def add(self, lookup: str, group: Group) -> bool:
        """Let a person belong to a group; False if they do already."""

    async def remove(self, lookup: str, group: Group) -> None:
        """Let a person belong to a group no more."""

    async def forget(self, lookup: str) -> None:
        """Let a person belong to no group."""


class Visitors(Protocol):
    """Visitors by id, and what they are bound to: a WeChat account, a person. Each is bound to one visitor."""

    async def get(self, visitor_id: str) -> Visitor | None:
        """The visitor as they are now."""

    async def add(self, visitor: Visitor) -> None:
        """Keep a new visitor; one that is kept already stays as it is."""

    async def identify(
        self, visitor_id: str, before: str | None, identity: Holder | None, consent: Consent | None
    ) -> bool:
        """Set who a visitor is; False if the look-up hash of who they were is not `before`."""

    async def set_phone(self, visitor_id: str, phone: Phone | None) -> None:
        """Set the phone number of a visitor."""

    async def withdraw_tokens(self, visitor_id: str) -> None:
        """Make every token of a visitor worthless."""

    async def erase(self, visitor_id: str) -> None:
        """Delete a visitor."""

    async def bound(self, thing: str) -> Binding | None:
        """To whom a thing is bound."""

    async def bind(self, thing: str, wanted: Binding) -> Binding:
        """Bind a thing as wanted and return that, or return how it is bound already."""

    async def rebind(self, thing: str, before: Binding, after: Binding) -> bool:
        """Bind a thing to another visitor; False if it is not bound as before any more."""

    async def unbind(self, thing: str, visitor_id: str) -> None:
        """Undo a binding, if it is to that visitor."""


class Sessions(Protocol):
    """Sessions by id."""

    async def add(self, session: Session) -> None:
        """Keep a new session."""

    async def get(self, session_id: str) -> Session | None:
        """The session as it is now."""

    async def of_visitor(self, visitor_id: str) -> Sequence[Session]:
        """All sessions of a visitor, oldest first."""

    async def renew(self, session: Session) -> bool:
        """Store the next generation of a session; False if it is not the next any more."""

    async def end(self, session_id: str) -> None:
        """Delete a session."""

    async def end_all(self, visitor_id: str) -> None:
        """Delete all sessions of a visitor."""


class PassesOfPeople(Protocol):
    """What has to be asked about the passes of a person; `passes.holding.wallet` answers."""

    async def names(self, lookup: str) -> Sequence[Holder]:
        """The holders, under any name, to whom passes of a document were issued."""

    async def any_usable(self, person: Holder, day: date) -> bool:
        """Whether a person has a pass that may still admit on that business day or later."""

    async def rename(self, holder: Holder) -> Sequence[str]:
        """Give the passes of a document the name that is on it; returns the ids of those that had
        another."""


class AppTokens(Protocol):
    """The tokens with which the mini-program calls WeChat, by AppID; one for all processes."""

    async def get(self, appid: str) -> AppToken:
        """The token as it is now; an empty one if there was none."""

    async def replace(self, appid: str, before: AppToken, after: AppToken) -> bool:
        """Compare-and-set: store a token, or the lease to fetch one; False if number or lease are
        not those of `before` any more."""
