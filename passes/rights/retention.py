"""Retention: how long each kind of data stays, and why; and the run that removes what MongoDB does
not remove by itself.

Personal information stays for the shortest time that its purpose needs (个人信息保护法, article 19)
and goes when that is over (article 47). What happened at gates stays as counts that name nobody.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry
from passes.base.calendar import business_day, start_of, years_before
from passes.base.ports import Audit
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_serial
from passes.offers.numbering import REMEMBERED
from passes.offers.offer import Offer
from passes.offers.ports import Offers
from passes.rights.ports import Ageing


class Means(StrEnum):
    """Who removes it when its time is over."""

    RUN = "`retention run`"
    DATABASE = "MongoDB, by a time-to-live index"
    ERASURE = "erasure"
    OPERATORS = "operators"
    NOBODY = "–"


@dataclass(frozen=True, slots=True)
class Stay:
    """How long the data of a collection stay, who removes them then, and why they stay so long."""

    kept: str
    means: Means
    why: str


_FOR_ALL = Stay("for ever", Means.NOBODY, "names nobody")
_ONE = Stay("always one", Means.NOBODY, "names nobody")

STAYS: Mapping[str, Stay] = {
    "passes": Stay(
        "for ever; its holder 24 months after its last day",
        Means.RUN,
        "the holder may ask what was admitted, and complain; then it is a count",
    ),
    "admissions": Stay("for ever", Means.NOBODY, "names a pass; nobody, once that names nobody"),
    "refusals": Stay(
        "three years", Means.DATABASE, "claims end after three years (民法典, article 188)"
    ),
    "holdings": Stay(
        "until erased, or the pass loses its holder; of an offer six months after it",
        Means.RUN,
        "one pass a person, so many vouchers a person; nobody can claim any more",
    ),
    "users": Stay("until erased", Means.ERASURE, "the visitor signs in with it"),
    "bindings": Stay("until erased", Means.ERASURE, "a person is bound to one account"),
    "companions": Stay(
        "until it ends", Means.ERASURE, "an account shows the passes of those who agreed"
    ),
    "companion_codes": Stay("ten minutes", Means.DATABASE, "a person agrees by saying it"),
    "name_attempts": Stay("two days", Means.DATABASE, "names are not guessed"),
    "sessions": Stay("until it ends", Means.DATABASE, "a device is signed in"),
    "requests": Stay(
        "for ever; whose it was three years",
        Means.RUN,
        "what was done with personal information is shown for three years (article 56)",
    ),
    "editions": _FOR_ALL,
    "amendments": _FOR_ALL,
    "withdrawals": Stay("until it is resumed", Means.OPERATORS, "names nobody"),
    "spot_withdrawals": Stay("until it is resumed", Means.OPERATORS, "names nobody"),
    "holidays": _FOR_ALL,
    "offers": Stay(
        "for ever; its key six months after its end",
        Means.RUN,
        "the key finds what a person has claimed; nobody can claim any more",
    ),
    "offer_counters": _FOR_ALL,
    "members": Stay("until they leave", Means.OPERATORS, "offers are for members"),
    "bars": Stay("until it ends", Means.DATABASE, "a person may hold no pass meanwhile"),
    "gates": _FOR_ALL,
    "cards_in_vain": Stay("366 days", Means.DATABASE, "a gate that tries numbers is seen"),
    "heartbeats": Stay("until the next", Means.NOBODY, "names nobody"),
    "stops": Stay("until the next", Means.NOBODY, "names nobody"),
    "standing_marks": Stay("two or three days", Means.NOBODY, "gates without a line are told"),
    "bundle_filters": Stay("nine days", Means.NOBODY, "it may stand in a bundle that is good"),
    "bundle_lists": Stay("until the next", Means.NOBODY, "gates without a line are told"),
    "cases": Stay("for ever", Means.NOBODY, "names a pass; nobody, once that names nobody"),
    "conflicts": Stay("for ever", Means.NOBODY, "names a pass; nobody, once that names nobody"),
    "audit_log": Stay(
        "for ever; which visitor three years",
        Means.RUN,
        "what was done with personal information is shown for three years (article 56)",
    ),
    "signing_keys": _FOR_ALL,
    "processes": Stay("a day", Means.DATABASE, "names nobody"),
    "app_tokens": _ONE,
    "versions": Stay("always seven", Means.NOBODY, "names nobody"),
    "catalogue": _ONE,
    "settings": Stay("always three", Means.NOBODY, "names nobody"),
}
"""By collection. docs/data-model.md says the same, held to it by a test."""

_HOLDER_YEARS = 2
"""After its last day a pass loses its holder."""

_NAMED_YEARS = 3
"""After so long refusals, audit lines and requests name nobody."""

_BATCH = 100
"""How many documents one command changes, which has to end within seconds."""

SUBJECT = "retention"
"""What the audit line about a run is about."""


@dataclass(frozen=True, slots=True)
class RetentionParts:
    """What retention reaches: stores."""

    passes: Passes
    offers: Offers
    ageing: Ageing
    audit: Audit


@dataclass(frozen=True, slots=True)
class _Step:
    """What is due, by ids, and what removes some of it. What was removed is due no more, so a step
    that was cut short is finished by the next run."""

    name: str
    due: Callable[[], AsyncIterator[str]]
    remove: Callable[[Sequence[str]], Awaitable[None]]


class Retention:
    """Removes what is older than it may be."""

    def __init__(self, parts: RetentionParts) -> None:
        """Knows stores alone."""
        self._parts = parts

    async def due(self, now: datetime) -> Mapping[str, int]:
        """How much a run would remove now, by what it is."""
        return {step.name: sum([1 async for _ in step.due()]) for step in self._steps(now)}

    async def run(self, by: str, now: datetime) -> Mapping[str, int]:
        """Remove what is due, and return how much that was.

        It can be cut short anywhere, run again, and run beside live servers and other runs.
        """
        entry = AuditEntry(self._parts.audit)
        await entry.begin(AuditLine(now, by, "retain", SUBJECT))
        removed = {step.name: await _removed_by(step) for step in self._steps(now)}
        await entry.done(**{name: str(count) for name, count in removed.items()})
        return removed

    def _steps(self, now: datetime) -> Sequence[_Step]:
        ageing, today = self._parts.ageing, business_day(now)
        named_since = start_of(years_before(today, _NAMED_YEARS))
        return (
            _Step(
                "passes_unlinked",
                lambda: self._passes_due(today),
                lambda ids: self._unlink(ids, today),
            ),
            _Step(
                "passes_without_old_refusals",
                lambda: ageing.passes_with_refusals(named_since),
                lambda ids: ageing.drop_refusals(ids, named_since),
            ),
            # The holdings before the key: a run that is cut short finds the offer again.
            _Step("holdings_dropped", lambda: self._holdings_due(today), ageing.drop_holdings),
            _Step("offer_keys_destroyed", lambda: self._keys_due(today), self._destroy_keys),
            _Step("audit_lines_unnamed", lambda: ageing.lines(named_since), ageing.unname_lines),
            _Step("requests_unnamed", lambda: ageing.requests(named_since), ageing.unname_requests),
        )

    async def _passes_due(self, today: date) -> AsyncIterator[str]:
        """Passes that ended long ago, under whatever serial they go on."""
        async for pass_id in self._parts.ageing.passes_ended(years_before(today, _HOLDER_YEARS)):
            newest = await newest_serial(pass_id, self._parts.passes)
            if newest is not None and ended_long_ago(newest, today):
                yield pass_id

    async def _unlink(self, pass_ids: Sequence[str], today: date) -> None:
        for pass_id in pass_ids:
            await self._unlink_one(pass_id, today)

    async def _unlink_one(self, pass_id: str, today: date) -> None:
        """Let a pass be nobody's. The pass goes last: by its holder the rest is found again."""
        parts = self._parts
        held = await parts.passes.get(pass_id)
        if held is None:  # cannot be: passes are never deleted
            return
        # 1. What its holder holds with it. A pass that is issued to them this moment has taken
        #    the holding over, which is then not of this pass any more; or it finds none.
        await parts.ageing.drop_holding(held.holder.lookup, pass_id)
        # 2. The account that its audit lines name.
        await parts.ageing.unname_lines_about(pass_id)
        # 3. The holder, unless its days were prolonged since they were looked at.
        await change(
            parts.passes,
            pass_id,
            lambda stored: (
                transitions.forget_holder(stored) if ended_long_ago(stored, today) else stored
            ),
        )

    async def _ended_offers(self, today: date) -> Sequence[Offer]:
        offers = await self._parts.offers.all()
        return [offer for offer in offers if offer.window.end + REMEMBERED < today]

    async def _holdings_due(self, today: date) -> AsyncIterator[str]:
        for offer in await self._ended_offers(today):
            async for key in self._parts.ageing.holdings_of(offer.id):
                yield key

    async def _keys_due(self, today: date) -> AsyncIterator[str]:
        for offer in await self._ended_offers(today):
            if offer.key is not None:
                yield offer.id

    async def _destroy_keys(self, offer_ids: Sequence[str]) -> None:
        for offer_id in offer_ids:
            await self._parts.offers.destroy_key(offer_id)
        await self._parts.offers.announce()


def ended_long_ago(held: Pass, today: date) -> bool:
    """Whether a pass has been over for so long that it loses its holder, with all days that were
    added to it."""
    last_day = held.days.end + timedelta(days=held.pause_on(today))
    return last_day < years_before(today, _HOLDER_YEARS)


async def _removed_by(step: _Step) -> int:
    """Remove in batches what is due, and return how much that was."""
    count, batch = 0, list[str]()
    async for each in step.due():
        batch.append(each)
        if len(batch) == _BATCH:
            await step.remove(batch)
            count, batch = count + len(batch), []
    if batch:
        await step.remove(batch)
    return count + len(batch)
