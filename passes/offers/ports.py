"""Where offers, and what claims of them are counted by, are stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from passes.offers.offer import Offer, OfferState
from passes.terms.ports import Versioned


@dataclass(frozen=True, slots=True)
class Counter:
    """How many were counted under a key, and when that last changed."""

    key: str
    count: int
    changed_at: datetime


class Counters(Protocol):
    """What is counted of offers, by keys."""

    async def increment(self, offer_id: str, key: str, limit: int | None, now: datetime) -> bool:
        """Count one more; False, and nothing is counted, if that would be more than the limit."""

    async def decrement(self, key: str, now: datetime) -> None:
        """Count one less."""

    async def touch(self, key: str, now: datetime) -> None:
        """Say that a counter is about to change, so that it is not corrected meanwhile."""

    async def counts(self, keys: Iterable[str]) -> Mapping[str, int]:
        """How many are counted under each of the keys; those never used are left out."""

    async def of_offer(self, offer_id: str) -> Sequence[Counter]:
        """All counters of an offer."""

    async def correct(self, offer_id: str, before: Counter, count: int) -> bool:
        """Set a counter; False if it has changed meanwhile."""


class Offers(Versioned[Offer], Protocol):
    """Offers by id."""

    async def set_state(self, offer_id: str, state: OfferState, *, before: OfferState) -> bool:
        """Set the state of an offer; False if it is not what it was before."""

    async def destroy_key(self, offer_id: str) -> None:
        """Destroy the key of an offer, for good."""
