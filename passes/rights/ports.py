"""What rights need from the outside: all that stands under the keyed hash of a person, and all that
is older than it may be.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from passes.people.visitors import Visitor

Kept = Mapping[str, Sequence[Mapping[str, object]]]
"""By collection, the documents that are kept, without the keyed hash that they stand under."""


class KeptOfPeople(Protocol):
    """What is kept under the keyed hash of a document, but for passes and the binding."""

    async def of(self, lookup: str) -> Kept:
        """All of it."""

    async def forget(self, lookup: str) -> None:
        """Delete all of it."""

    async def guarded_by(self, lookup: str) -> int:
        """For how many accounts of children that person consents as the guardian."""


class Ageing(Protocol):
    """Finds what may have become too old, by ids, and removes what names somebody there."""

    def passes_ended(self, before: date) -> AsyncIterator[str]:
        """Passes that belong to somebody, with a last valid day before that day, as stored:
        amendments and pauses may have added some."""

    def passes_with_refusals(self, before: datetime) -> AsyncIterator[str]:
        """Passes on which refusals of before that instant stand."""

    def holdings_of(self, offer_id: str) -> AsyncIterator[str]:
        """The keys under which somebody holds something of an offer."""

    def lines(self, before: datetime) -> AsyncIterator[str]:
        """Audit lines of before that instant that name a visitor."""

    def requests(self, before: datetime) -> AsyncIterator[str]:
        """Requests of before that instant that still have the hash of their person."""

    async def drop_refusals(self, pass_ids: Sequence[str], before: datetime) -> None:
        """Take the refusals of before that instant off passes."""

    async def drop_holding(self, lookup: str, pass_id: str) -> None:
        """Delete what a holder holds with a pass."""

    async def drop_holdings(self, keys: Sequence[str]) -> None:
        """Delete holdings."""

    async def unname_lines(self, line_ids: Sequence[str]) -> None:
        """Let audit lines say `visitor` instead of which one."""

    async def unname_lines_about(self, pass_id: str) -> None:
        """Let all audit lines about a pass say `visitor` instead of which one."""

    async def unname_requests(self, request_ids: Sequence[str]) -> None:
        """Take the hash of their person off requests."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What the audit log counts: look-ups by gates, alarms about these, consents of guardians."""

    lookups: int = 0
    lookup_alarms: int = 0
    consents_given: int = 0
    consents_ended: int = 0


class Totals(Protocol):
    """What the yearly audit counts."""

    async def actions(self, since: datetime, until: datetime) -> Actions:
        """What the audit log tells from an instant on, up to before another."""

    def accounts(self) -> AsyncIterator[Visitor]:
        """All accounts. Nothing sealed is opened."""
