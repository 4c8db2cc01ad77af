"""Proving: whether ledgers add up to what passes say, by a sample or the whole of them.

It reads, and changes nothing. Which passes a sample takes is chance, so that looking every day
sees all in time.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random

from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger
from passes.ledger.records import Record, fold
from passes.ledger.tally import TALLY_VERSION

_BATCH = 200
_FEW = 2_000
"""So many passes are looked at whole: it takes seconds."""

_BUCKETS = 64
"""How many of the 4,096 buckets of names a sample takes at most."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How many passes were looked at, and what is wrong, each with the serial of the pass."""

    passes: int
    faults: Sequence[str]


class Proving:
    """Compares ledgers with what was worked out from them."""

    def __init__(self, passes: Passes, ledger: Ledger) -> None:
        """Both are stores."""
        self._passes = passes
        self._ledger = ledger

    async def sample(self, chance: Random, most: int = _BATCH) -> Proof:
        """Look at so many passes or a few more; at all, where there are few."""
        if await self._passes.count() <= _FEW:
            return await self.whole()
        found: list[Pass] = []
        for bucket in chance.sample(range(0x1000), _BUCKETS):
            if len(found) < most:
                found += await self._passes.of_name_bucket(f"{bucket:03x}")
        return Proof(len(found), await self._faults(found))

    async def whole(self) -> Proof:
        """Look at all passes: about a thousand a second."""
        looked, faults = 0, list[str]()
        async for some in self._batches():
            looked += len(some)
            faults += await self._faults(some)
        return Proof(looked, faults)

    async def _batches(self) -> AsyncIterator[Sequence[Pass]]:
        batch: list[Pass] = []
        async for held in self._passes.each():
            batch.append(held)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        yield batch

    async def _faults(self, some: Sequence[Pass]) -> list[str]:
        ledgers: dict[str, list[Record]] = defaultdict(list)
        for record in await self._ledger.of_passes(held.id for held in some):
            ledgers[record.pass_id].append(record)
        return [
            f"{held.id}: {fault}" for held in some for fault in faults_of(held, ledgers[held.id])
        ]


def faults_of(held: Pass, ledger: Sequence[Record]) -> list[str]:
    """What is wrong with a pass and its whole ledger, oldest record first."""
    faults = []
    if not held.genuine:
        faults.append("it was changed by somebody who has no key of this system")
    newest = ledger[-1].n if ledger else 0
    if [record.n for record in ledger] != list(range(1, newest + 1)):
        faults.append("the numbers of its records have a gap")
    # The ledger may have grown since the pass was read; a mark never leads.
    if held.ledger_mark > newest:
        faults.append(f"its ledger mark {held.ledger_mark} is beyond its newest record {newest}")
    # A tally of before is worked out anew when it is used.
    is_current = bool(ledger) and ledger[-1].tally.version == TALLY_VERSION
    if is_current and ledger[-1].tally != fold(ledger):
        faults.append("its newest tally is not that of its records")
    return faults
