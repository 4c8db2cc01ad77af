"""What people need from the outside: where they are stored, and what their passes say of them.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime
from typing import Protocol

from passes.base.audit import AuditLine
from passes.people.app_tokens import AppToken
from passes.people.companions import CompanionCode, Companionship
from passes.people.groups import Group
from passes.people.holder import Holder
from passes.people.visitors import Binding, Consent, Notice, Phone, Session, Visitor


class Members(Protocol):
    """Who belongs to which group of visitors, as operators have said."""

    async def groups_of(self, lookup: str) -> frozenset[Group]:
        """The groups of a person."""

    def of_group(self, group: Group) -> AsyncIterator[str]:
        """The people of a group as operators have said it, by their keyed hashes."""

    async def add(self, lookup: str, group: Group) -> bool:
        """Add a person to a group; False if they are a member already."""

    async def remove(self, lookup: str, group: Group) -> None:
        """Remove a person from a group."""


class Visitors(Protocol):
    """Visitors by id, and their bindings.

    What is bound, a WeChat account or a person, has a key and is bound to one visitor at a time.
    """

    async def get(self, visitor_id: str) -> Visitor | None:
        """The visitor as they are now."""

    async def of_phone(self, lookup: str) -> Sequence[Visitor]:
        """The visitors with the phone number of that keyed hash."""

    async def add(self, visitor: Visitor) -> None:
        """Store a new visitor; one that is stored already stays as it is."""

    async def identify(
        self, visitor_id: str, before: str | None, identity: Holder | None, consent: Consent | None
    ) -> bool:
        """Compare-and-set: store who a visitor is and what they agreed to; False if the `lookup`
        of the identity that is stored is not `before`. None is no identity."""

    async def notice(self, visitor_id: str, notice: Notice) -> None:
        """Tell a visitor something when they look next."""

    async def set_phone(self, visitor_id: str, phone: Phone | None) -> None:
        """Store the phone number of a visitor, or that there is none."""

    async def end_tokens(self, visitor: Visitor, session_id: str, until: datetime) -> None:
        """Withdraw the tokens of one session; by `until` none of them is good anyway. What is
        known of sessions that ended before is dropped when its time is over."""

    async def withdraw_tokens(self, visitor_id: str) -> None:
        """Withdraw every token of a visitor, by raising the version of those that are good."""

    async def erase(self, visitor_id: str) -> None:
        """Delete a visitor."""

    async def bound(self, key: str) -> Binding | None:
        """The binding under a key."""

    async def bind(self, key: str, wanted: Binding) -> Binding:
        """Store a binding and return it, or return the one that is stored under the key already."""

    async def rebind(self, key: str, before: Binding, after: Binding) -> bool:
        """Compare-and-set: replace a binding; False if it is not `before` any more."""

    async def unbind(self, key: str, visitor_id: str) -> None:
        """Delete a binding, if it is to that visitor."""


class Companionships(Protocol):
    """Whom accounts show, each under the account and a slot."""

    async def of_visitor(self, visitor_id: str) -> Sequence[Companionship]:
        """All of an account, by slot, also those that stand no more."""

    async def of_person(self, lookup: str) -> Sequence[Companionship]:
        """All that show the person of a document, oldest first."""

    async def add(self, companionship: Companionship) -> bool:
        """Store a new one; False if its account has another in that slot."""

    async def replace(self, before: Companionship, after: Companionship) -> bool:
        """Compare-and-set: store another in the slot of `before`; False if that is not there any
        more."""

    async def end(self, companionship: Companionship, at: datetime) -> bool:
        """Compare-and-set: it stands no more; False if it is not there, or has been ended."""

    async def remove(self, companionship: Companionship) -> None:
        """Delete one, if it is still there."""

    async def forget_visitor(self, visitor_id: str) -> None:
        """Delete all of an account."""

    async def forget_agreed(self, visitor_id: str, lookup: str) -> None:
        """Delete those of an account that were agreed while it was the person of that lookup."""

    async def forget_person(self, lookup: str) -> None:
        """Delete all that show the person of a document."""


class CompanionCodes(Protocol):
    """The companion code of each account, if it has one."""

    async def put(self, code: CompanionCode) -> None:
        """Store the code of an account, in place of any before."""

    async def find(self, digest: str) -> CompanionCode | None:
        """The code with that keyed hash."""

    async def use(self, code: CompanionCode, visitor_id: str) -> bool:
        """Compare-and-set: the code is used by an account; False if it was used, or replaced."""

    async def forget(self, visitor_id: str) -> None:
        """Delete the code of an account."""


class Attempts(Protocol):
    """How often something was tried on a day, such as names for a document; by a keyed hash."""

    async def begin(self, what: str, day: date, most: int, now: datetime) -> bool:
        """Count a try; False, and nothing is counted, if there were too many."""

    async def succeeded(self, what: str, day: date) -> None:
        """A try that was counted does not count."""

    async def forget(self, what: str, day: date) -> None:
        """No try of that day counts."""


class Sessions(Protocol):
    """Sessions by id."""

    async def add(self, session: Session) -> None:
        """Store a new session."""

    async def get(self, session_id: str) -> Session | None:
        """The session as it is now."""

    async def of_visitor(self, visitor_id: str) -> Sequence[Session]:
        """All sessions of a visitor, oldest first."""

    async def renew(self, session: Session) -> bool:
        """Compare-and-set: store the next generation of a session; False if that is not the next
        any more."""

    async def end(self, session_id: str) -> None:
        """Delete a session."""

    async def end_all(self, visitor_id: str) -> None:
        """Delete all sessions of a visitor."""


class PassesOfPeople(Protocol):
    """What has to be asked about the passes of a person; `passes.holding.wallet` answers."""

    async def names(self, lookup: str) -> Sequence[Holder]:
        """The holders, under any name, to whom passes of a document were issued."""

    async def ask_for_card(self, lookup: str, now: datetime) -> None:
        """Let staff look at the card when a pass of a document admits for the next time."""

    async def any_usable(self, person: Holder, day: date) -> bool:
        """Whether a person has a pass that may still admit on that business day or later."""

    async def rename(self, holder: Holder, line_of: Callable[[str], AuditLine]) -> Sequence[str]:
        """Give the passes of a document the name that is on it; returns the ids of those that had
        another. `line_of` is the audit line about a pass by its id."""


class AppTokens(Protocol):
    """The tokens with which the mini-program calls WeChat, by AppID; one for all processes."""

    async def get(self, appid: str) -> AppToken:
        """The token as it is now; an empty one if there was none."""

    async def replace(self, appid: str, before: AppToken, after: AppToken) -> bool:
        """Compare-and-set: store a token, or the lease to fetch one; False if number or lease are
        not those of `before` any more."""
