"""What making bundles needs from the outside. All stores raise `errors.Unavailable` when the
database does not answer.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from passes.admission.offline.cascade import Cascade
from passes.holding.model import Pass
from passes.ledger.records import Record


@dataclass(frozen=True, slots=True)
class KeptFilter:
    """A base filter, in memory of every process, so that no new serial is taken for refused. It
    stands in bundles once it is `ready`; until then it is being made, and new passes are marked."""

    id: str
    began_at: datetime
    cascade: Cascade
    ready: bool = False


class PassesAtLarge(Protocol):
    """All passes, with as much of each as says whether it admits: no holder."""

    def each(self) -> AsyncIterator[Sequence[Pass]]:
        """All of them, some hundred at a time."""

    async def of(self, pass_ids: Collection[str]) -> Sequence[Pass]:
        """Those with these serials."""

    async def number(self) -> int:
        """About how many there are."""


class Marks(Protocol):
    """Passes whose standing may have changed since a filter was made."""

    async def mark(self, pass_id: str) -> None:
        """Mark a pass, before the change."""

    async def all(self) -> Mapping[str, str]:
        """Every mark: the serial, and what tells this mark from a later one of the same pass."""

    async def number(self) -> int:
        """About how many there are."""

    async def remove(self, marks: Mapping[str, str]) -> None:
        """Take away those that have not been made anew since."""


class Filters(Protocol):
    """Base filters, and the lists that are made with them."""

    async def kept(self) -> Sequence[KeptFilter]:
        """All that are kept, oldest first."""

    async def begin(self, now: datetime, taken_before: datetime) -> bool:
        """Take the making for this process; False if another has taken it since that instant."""

    async def end(self) -> None:
        """The making is over."""

    async def put(self, made: KeptFilter) -> None:
        """Store a filter, and tell every process."""

    async def drop(self, filter_ids: Collection[str]) -> None:
        """Forget some filters."""

    async def put_bound(self, bound: Mapping[str, Iterable[str]]) -> None:
        """Store which vouchers are for which spot."""

    async def bound(self, names: Collection[str]) -> frozenset[str]:
        """The vouchers that are for any of these spots."""

    async def settled(self) -> Mapping[str, str]:
        """The marks that there were when the newest filter was begun."""

    async def put_settled(self, marks: Mapping[str, str]) -> None:
        """Store the marks that there are as a filter is begun."""

    async def spent(self, spot_id: str) -> tuple[datetime | None, frozenset[str]]:
        """The passes that have nothing left at a spot, and up to when that was worked out."""

    async def put_spent(self, spot_id: str, until: datetime, spent: Iterable[str]) -> None:
        """Store the passes that have nothing left at a spot."""


class SpotRecords(Protocol):
    """The records at one spot."""

    def at_spot(
        self, spot_id: str, since: datetime, recorded_since: datetime | None = None
    ) -> AsyncIterator[Record]:
        """Those that count since an instant; and of these those that were stored since another."""

    async def newest_of(self, pass_ids: Collection[str]) -> Mapping[str, Record]:
        """The newest record of each of some passes that has any, wherever it was."""
