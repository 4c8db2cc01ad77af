"""Companions: people whose passes an account shows beside its own, such as a child or an elder.

A pass stays its holder's. An account may show up to five others, each by a companionship, which
says by whose consent, and which ends by itself when its companion grows up
(docs/adr/0038-companions.md). How one begins, and whether it stands, is in
`passes.people.accompanying`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from passes.people.holder import Holder
from passes.people.identity import Identity

MOST_COMPANIONS = 5
"""How many others an account may show."""

CODE_LIFE = timedelta(minutes=10)
"""For how long a companion code is good."""


class Basis(StrEnum):
    """By whose consent an account shows somebody."""

    GUARDIAN = "guardian"
    """The account is that of the guardian of a child below 14, whose name and number they said."""
    CONFIRMED = "confirmed"
    """The person, of 14 or more, made a companion code in an account of their own."""
    SHOWN = "shown"
    """The person was there, and staff saw their document."""


@dataclass(frozen=True, slots=True)
class Companionship:
    """That an account shows the passes of a person; `slot`, from 1 to 5, is its place among those
    of the account."""

    id: str
    visitor_id: str
    slot: int
    account_lookup: str
    """Who the account was by real name when it was agreed: if it is somebody else now, it ends."""
    person: Holder
    basis: Basis
    consent_version: str
    """Of the privacy statement that was agreed to."""
    at: datetime
    ended_at: datetime | None = None
    """When the person, or staff, ended it: it goes as soon as their passes have new codes."""


@dataclass(frozen=True, slots=True)
class CompanionCode:
    """That a person lets the account that says this code show their passes. Of the code itself
    only a keyed hash is kept."""

    visitor_id: str
    digest: str
    lookup: str
    """The document of the person: if the account is somebody else now, it is good no more."""
    consent_version: str
    expires_at: datetime
    used_by: str | None = None
    """The account that said it; it is good for no other."""


def birthday(person: Identity, age: int) -> date:
    """The day on which a person becomes so many years old, as `Identity.age_on` counts."""
    year = person.born.year + age
    try:
        return person.born.replace(year=year)
    except ValueError:  # born on a 29 February, which that year has not
        return date(year, 3, 1)
