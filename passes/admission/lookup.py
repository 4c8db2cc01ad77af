"""Look-up: staff at a gate find the passes of a visitor without a phone, by the document they show.

Every look-up leaves audit lines, about the gate and about each pass found. The number itself is
stored nowhere.
"""

import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.admission.gates import Gate
from passes.admission.staff import check_in_service
from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.ports import Audit
from passes.codes.keys import Keyring
from passes.holding.genuine import is_genuine
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.shown_code import static_text
from passes.people.identity import DocumentKind, Sealer, checked_number

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundPass:
    """A pass, and its code for paper, which admits here: staff have just looked at the card."""

    held: Pass
    code: str


@dataclass(frozen=True, slots=True)
class Card:
    """What staff read on a document; `country` is that of a passport."""

    number: str
    kind: DocumentKind = DocumentKind.RESIDENT
    country: str | None = None


MANY_MISSES = 30
"""How many numbers without a pass, within ten minutes, somebody should know of."""

_MISSES_WITHIN = timedelta(minutes=10)
_MOST_GATES = 1_000


class Misses:
    """Of each gate the newest numbers that had no pass: whoever tries numbers finds few.

    Each process knows of its own only.
    """

    def __init__(self, many: int = MANY_MISSES) -> None:
        """Nothing is known yet. `many` within ten minutes are too many."""
        self._many = many
        self._of_gate: OrderedDict[str, deque[datetime]] = OrderedDict()

    def one_more(self, gate_id: str, now: datetime) -> bool:
        """Note a look-up in vain; True if there are many now, once for each so many."""
        misses = self._of_gate.setdefault(gate_id, deque(maxlen=self._many))
        self._of_gate.move_to_end(gate_id)
        while len(self._of_gate) > _MOST_GATES:
            self._of_gate.popitem(last=False)
        misses.append(now)
        many = len(misses) == self._many and now - misses[0] <= _MISSES_WITHIN
        if many:
            misses.clear()
        return many


def holder_of(card: Card, identities: Sealer, today: date) -> tuple[str, str]:
    """The checked number of a document, and the keyed hash by which its holder is found. Raises
    `Invalid`.

    A reader may name the country of any document; only that of a passport counts.
    """
    number = checked_number(card.kind, card.number, card.country, today)
    country = card.country if card.kind is DocumentKind.PASSPORT else None
    return number, identities.lookup(number, card.kind, country)


class Lookup:
    """Finds passes by the number of an ID card."""

    def __init__(
        self, keys: Keyring, identities: Sealer, passes: Passes, audit: Audit, misses: Misses
    ) -> None:
        """`keys` make the codes, `identities` hashes numbers; the next two are stores; `misses` are
        shared with whoever else is asked by typed numbers."""
        self._keys = keys
        self._identities = identities
        self._passes = passes
        self._audit = audit
        self._misses = misses

    async def find(self, card: Card, gate: Gate, now: datetime) -> Sequence[FoundPass]:
        """The passes of the holder of that card, newest first, but for any that is not genuine.

        Raises `Invalid` for a number that cannot be one, `Conflict` if the gate is out of service.
        """
        check_in_service(gate)
        _, lookup = holder_of(card, self._identities, business_day(now))
        found = await self._passes.of_holder(lookup)
        by = f"gate:{gate.id}"
        if not found and self._misses.one_more(gate.id, now):
            log.error("gate %s has asked for many numbers that have no pass", gate.id)
            await self._audit.write(AuditLine(now, by, "many_lookups_in_vain", by))
        await self._audit.write(AuditLine(now, by, "lookup", by, {"found": str(len(found))}))
        for held in found:
            await self._audit.write(AuditLine(now, by, "lookup", f"pass:{held.id}"))
        genuine = [held for held in found if is_genuine(held)]
        return [FoundPass(held, static_text(held, self._keys)) for held in genuine]
