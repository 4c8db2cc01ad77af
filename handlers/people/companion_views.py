"""Companions as they are shown: to the account that shows them, and to the person who is shown."""

from datetime import date, datetime

from pydantic import Field

from handlers.web.models import Out
from passes.people.companions import Basis, Companionship
from passes.people.visitors import Visitor
from passes.rooms import Rooms


class CompanionOut(Out):
    """Somebody whose passes the visitor shows."""

    id: str = Field(examples=["5c1de0a7b2f94d63"])
    name_mask: str = Field(examples=["测**"])
    id_number_mask: str = Field(examples=["110***********002X"])
    basis: Basis = Field(examples=["guardian"])
    """By whose consent: of the visitor as the `guardian` of a child below 14, of the person, who
    has `confirmed` it in an account of their own, or has `shown` staff their document."""
    consent_version: str = Field(examples=["2026-11"])
    at: datetime
    ends_on: date | None = Field(examples=["2030-03-07"])
    """The birthday from which on it holds no more, of a child and what rests on a guardian."""
    stands: bool
    """Whether it holds today: their passes are shown."""
    shown_by_others: int = Field(examples=[0])
    """How many other accounts show the same person, such as that of the other parent."""


class ShownByOut(Out):
    """An account that shows the passes of the visitor."""

    id: str = Field(examples=["5c1de0a7b2f94d63"])
    name_mask: str = Field(examples=["测**"])
    """Whose account it is."""
    basis: Basis
    at: datetime
    ends_on: date | None
    stands: bool
    """Whether it holds today. False of one whose end was cut short: end it once more."""


async def companion_view(
    companionship: Companionship, visitor: Visitor, rooms: Rooms, now: datetime
) -> CompanionOut:
    """A companionship, for its account."""
    people, person = rooms.people, companionship.person
    by = await people.companionships.of_person(person.lookup)
    others = {each.visitor_id for each in by} - {visitor.id}
    return CompanionOut(
        id=companionship.id,
        name_mask=person.name_mask,
        id_number_mask=person.number_mask,
        basis=companionship.basis,
        consent_version=companionship.consent_version,
        at=companionship.at,
        ends_on=people.companions.ends_on(companionship),
        stands=people.companions.stands(companionship, visitor, now),
        shown_by_others=len(others),
    )


async def shown_by(visitor: Visitor, rooms: Rooms, now: datetime) -> list[ShownByOut]:
    """The accounts that show the passes of a visitor."""
    people, told = rooms.people, []
    for each in await people.companionships.of_person(visitor.lookup):
        account = await people.visitors.get(each.visitor_id)
        if account is None:
            continue
        told.append(
            ShownByOut(
                id=each.id,
                name_mask=account.holder.name_mask,
                basis=each.basis,
                at=each.at,
                ends_on=people.companions.ends_on(each),
                stands=people.companions.stands(each, account, now),
            )
        )
    return told
