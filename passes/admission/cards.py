"""Cards: what a reader reads becomes a person, whose passes are then decided like any other.

Neither number nor token is kept or logged. A card without a pass leaves a count, by gate and hour,
and nothing else (docs/adr/0036-cards-at-gates.md).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from passes.admission.gates import Gate, Scan, ShownCard
from passes.admission.lookup import Card, Misses, holder_of
from passes.admission.ports import Carriers, CarrierUnavailable, VainCounts
from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Forbidden, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.ledger.records import By
from passes.ledger.verdicts import Reason
from passes.people.groups import ANYONE, told_groups
from passes.people.identity import Identity, Sealer, born_by_number, masked_number
from passes.people.sealing import Vault
from passes.people.traits import Traits, traits_of

log = logging.getLogger(__name__)

MANY_IN_VAIN = 300
"""How many cards without a pass, within ten minutes at one gate, somebody should know of: no lane
lets so many people through."""

MANY_IN_AN_HOUR = 1_200
"""The same of an hour, as it is counted."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a visitor shows instead of a card: its kind, as its provider calls it, and the text."""

    kind: str
    token: str


class Cards:
    """Reads cards and carriers."""

    def __init__(self, identities: Sealer, vault: Vault, carriers: Carriers) -> None:
        """`identities` hashes numbers, the vault what else is to be recognised."""
        self._identities = identities
        self._vault = vault
        self._carriers = carriers

    def read(self, card: Card, by: By, gate: Gate, nonce: str, now: datetime) -> ShownCard:
        """The card behind a scan of that nonce.

        Raises `Invalid` for a number that cannot be one, `Forbidden` for a number that was typed
        where there is no staff.
        """
        if by is By.CARD_TYPED and not gate.kind.staffed:
            text = Text(
                "证件号只能在人工通道录入",
                "numbers are typed at staffed gates alone; say in `read` how the card was read",
            )
            raise Forbidden("card_typed", text)
        shown = self._shown(card, by, now)
        return replace(shown, digest=self._digest("card", shown.lookup, gate, nonce))

    async def resolve(self, carrier: Carrier, gate: Gate, nonce: str, now: datetime) -> ShownCard:
        """The card for which a carrier stands, or why that is not known.

        Recognised by the carrier itself: its token may be good once, and a retry is answered all
        the same.
        """
        shown = f"{carrier.kind}:{carrier.token}"
        digest = self._digest("carrier", shown, gate, nonce)
        try:
            card = await self._carriers.resolve(carrier.kind, carrier.token)
        except CarrierUnavailable:
            return ShownCard("", By.CARRIER, digest, unread=Reason.CARRIER_UNAVAILABLE)
        if card is None:
            return ShownCard("", By.CARRIER, digest, unread=Reason.CARRIER_UNKNOWN)
        try:
            return replace(self._shown(card, By.CARRIER, now), digest=digest)
        except Invalid:
            log.exception("who vouches for %s names a document that cannot be one", carrier.kind)
            return ShownCard("", By.CARRIER, digest, unread=Reason.CARRIER_UNAVAILABLE)

    def _shown(self, card: Card, by: By, now: datetime) -> ShownCard:
        today = business_day(now)
        number, lookup = holder_of(card, self._identities, today)
        groups, traits = frozenset({ANYONE}), Traits()
        born = born_by_number(card.kind, number, today)
        if born is not None:
            told = Identity("", number, born, card.kind)
            groups, traits = told_groups(told), traits_of(told, today)
        return ShownCard(lookup, by, "", groups, traits, masked_number(number))

    def _digest(self, purpose: str, shown: str, gate: Gate, nonce: str) -> str:
        """A keyed hash of one showing. The same card has another one each time."""
        return self._vault.digest(f"shown {purpose}", f"{gate.id}:{nonce}:{shown}")[:16]


class CardsInVain:
    """Counts the cards that have no pass, and says so when there are too many."""

    def __init__(self, counts: VainCounts, typed: Misses, audit: Audit) -> None:
        """`counts` and `audit` are stores; `typed` counts look-ups as well."""
        self._counts = counts
        self._read = Misses(MANY_IN_VAIN)
        self._typed = typed
        self._audit = audit

    async def note(self, scan: Scan, card: ShownCard, now: datetime) -> None:
        """Count a card. A scan that is sent again is counted again."""
        gate_id = scan.gate.id
        typed = card.by is By.CARD_TYPED
        misses = self._typed if typed else self._read
        if misses.one_more(gate_id, now):
            log.error("gate %s has read many cards that have no pass", gate_id)
            action = "many_lookups_in_vain" if typed else "many_cards_in_vain"
            by = f"gate:{gate_id}"
            await self._audit.write(AuditLine(now, by, action, by))
        await self._counts.add(gate_id, _hour_of(now))


def too_many(counts: Sequence[int]) -> bool:
    """Whether somebody should look at a gate that has read so many cards in vain, by hour."""
    return max(counts, default=0) >= MANY_IN_AN_HOUR


def _hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
