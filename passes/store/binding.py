"""Binding: a sealed holder opens in the one document that it was stored in.

Whoever can write the database could otherwise copy the sealed name of a pass into an account of
their own, and have it read to them. So stores bind what they write to the id of its document, and
say of what they read where it stood. Copies that are made on purpose (a claim, a reissue, a change
of name) need not know of it.
"""

import logging
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag

from passes.people.holder import Holder
from passes.people.identity import Sealer
from passes.people.sealing import Sealed
from passes.store.database import Document

log = logging.getLogger(__name__)


def holder_place(pass_id: str) -> str:
    """Where the holder of a pass stands."""
    return f"holder:{pass_id}"


def identity_place(visitor_id: str) -> str:
    """Where the person stands whom a visitor is."""
    return f"identity:{visitor_id}"


def guardian_place(visitor_id: str) -> str:
    """Where the guardian stands who consents for a visitor."""
    return f"guardian:{visitor_id}"


def companion_place(key: str) -> str:
    """Where a companion stands; `key` names the account and the slot."""
    return f"companion:{key}"


def bound(sealer: Sealer, holder: Holder, place: str) -> Holder:
    """A holder as it is stored at a place.

    One that does not open is stored as it is. It opens nowhere then, least of all here.
    """
    try:
        return sealer.bound(holder, place)
    except (InvalidTag, KeyError):
        log.exception("what is sealed does not open where it stands: %s", holder.place)
        return replace(holder, place=place)


def read_at(holder: Document | None, place: str) -> Document | None:
    """The stored holder, with the place where it was read, whatever its document says of that."""
    return None if holder is None else {**holder, "place": place}


def brought_over(sealer: Sealer, stored: Any, place: str) -> Holder | None:
    """A stored holder of schema 2, bound to its place; None if there is nothing to bind, or it is
    bound already, or does not open."""
    if stored is None or stored["sealed"] is None:
        return None
    holder = Holder(**{**stored, "sealed": Sealed(**stored["sealed"])})
    if _opens(sealer, replace(holder, place=place)):
        return None
    if not _opens(sealer, holder):
        log.warning("what is sealed at %s cannot be opened", place)
        return None
    return sealer.bound(holder, place)


def _opens(sealer: Sealer, holder: Holder) -> bool:
    try:
        sealer.open(holder)
    except (InvalidTag, KeyError):
        return False
    return True
