"""Requests: who asked for what is held about them, or to be erased, and what came of it.

Of whom it was only a keyed hash is kept, which stands nowhere else, and that for three years.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from passes.base.audit import Outcome
from passes.base.calendar import business_day
from passes.base.errors import Unavailable
from passes.people.consent import ADULT_FROM, GUARDED_BELOW
from passes.people.ports import Visitors
from passes.people.sealing import Vault
from passes.people.visitors import Consent, Visitor, bound_to_person


class RequestKind(StrEnum):
    """What was asked for."""

    EXPORT = "export"
    ERASE = "erase"


class AgeGroup(StrEnum):
    """What the yearly audit (个人信息保护合规审计) tells apart: children, older minors, adults."""

    CHILD = "0-13"
    MINOR = "14-17"
    ADULT = "18+"
    UNKNOWN = "unknown"


def age_group_in(year: int, born_year: int | None) -> AgeGroup:
    """The age group of somebody in a year: the youngest that they belong to on a day of it.

    The year of birth is enough for that, so no date of birth is kept in the open.
    """
    if born_year is None:
        return AgeGroup.UNKNOWN
    age_before_birthday = year - born_year - 1
    if age_before_birthday < GUARDED_BELOW:
        return AgeGroup.CHILD
    if age_before_birthday < ADULT_FROM:
        return AgeGroup.MINOR
    return AgeGroup.ADULT


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `by` is a role, `visitor` or `operator`; `person` a keyed hash, until it is
    dropped; `guarded` says that a guardian had consented for them."""

    id: str
    what: RequestKind
    at: datetime
    by: str
    person: str | None
    age_group: AgeGroup
    asked_on: date
    guarded: bool = False
    outcome: Outcome = Outcome.BEGUN
    done_at: datetime | None = None

    @property
    def days(self) -> int | None:
        """In how many days after it was asked it was done; None if it was not."""
        if self.done_at is None:
            return None
        return (business_day(self.done_at) - self.asked_on).days


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, by which role, about whom: `lookup` is the keyed hash that passes name.

    `asked_on` is the day on which it was asked on paper, say; None is today.
    """

    what: RequestKind
    by: str
    lookup: str
    born_year: int | None
    guarded: bool = False
    asked_on: date | None = None


def asked_by(visitor: Visitor, what: RequestKind) -> Asked:
    """What a visitor asks for themselves."""
    asked = Asked(what, "visitor", visitor.lookup, born_year=None)
    return _told_by(visitor.consent, asked)


async def asked_of_staff(asked: Asked, visitors: Visitors) -> Asked:
    """What somebody asks staff for, with what the account tells that says to be them, if any."""
    binding = await visitors.bound(bound_to_person(asked.lookup))
    visitor = None if binding is None else await visitors.get(binding.visitor_id)
    if visitor is None or visitor.lookup != asked.lookup:
        return asked
    return _told_by(visitor.consent, asked)


def _told_by(consent: Consent | None, asked: Asked) -> Asked:
    if consent is None:
        return asked
    born_year = consent.born_year or asked.born_year
    return replace(asked, born_year=born_year, guarded=consent.guardian is not None)


class Requests(Protocol):
    """Where requests are stored. Raises `errors.Unavailable` when the database does not answer."""

    async def add(self, request: Request) -> None:
        """Store a new request; one under the same id stays as it is."""

    async def settle(self, request_id: str, outcome: Outcome, now: datetime) -> None:
        """Say what became of a request."""

    async def between(self, since: datetime, until: datetime) -> Sequence[Request]:
        """The requests from an instant on, up to before another, oldest first."""


class RequestLog:
    """Writes requests down: before what is asked for is done, and settled after it."""

    def __init__(self, vault: Vault, requests: Requests) -> None:
        """The vault hashes."""
        self._vault = vault
        self._requests = requests

    async def begin(self, asked: Asked, now: datetime) -> Request:
        """Write a request down that is about to be done."""
        request = self._request(asked, now, secrets.token_hex(12))
        await self._requests.add(request)
        return request

    async def settle(self, request: Request, outcome: Outcome, now: datetime) -> None:
        """Say what became of it."""
        # It is done. That nobody can say so now is no reason to answer as if it had failed.
        with suppress(Unavailable):
            await self._requests.settle(request.id, outcome, now)

    async def exported(self, asked: Asked, now: datetime) -> None:
        """Write down that a visitor has seen what is held about them. Of a day it is one request,
        for the mini-program asks whenever it is opened."""
        day_of_person = f"{asked.lookup}:{business_day(now)}"
        request = self._request(asked, now, self._vault.digest("exported on", day_of_person)[:24])
        await self._requests.add(replace(request, outcome=Outcome.DONE, done_at=now))

    def _request(self, asked: Asked, now: datetime, request_id: str) -> Request:
        today = business_day(now)
        return Request(
            id=request_id,
            what=asked.what,
            at=now,
            by=asked.by,
            person=self._vault.digest("request", asked.lookup),
            age_group=age_group_in(today.year, asked.born_year),
            asked_on=asked.asked_on or today,
            guarded=asked.guarded,
        )
