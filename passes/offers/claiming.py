"""Claiming: a visitor gets a voucher of an offer, while there are some left.

Two things are written, each of which decides by itself: the counters of the quotas; then the
voucher, under a key of offer, holder and number. If the second is refused, the counters are given
back. After a crash, or when the database did not answer, they are not: they are too high until
they are reconciled, so that fewer can be claimed meanwhile, and never more than there are
(docs/adr/0012-counters-before-vouchers.md).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from passes.admission.gates import ShownCard
from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry, audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.holding.serials import Serials
from passes.holding.wallet import newest_serial
from passes.offers.claimants import Claimants
from passes.offers.eligibility import NotClaimable, closed_spots, objection, too_many
from passes.offers.numbering import Numbering
from passes.offers.offer import ClaimKind, Offer
from passes.offers.quotas import Quotas
from passes.people.holder import NOBODY, Holder
from passes.people.sealing import Vault
from passes.people.visitors import Visitor
from passes.terms.edition import Edition
from passes.terms.ports import Spots
from passes.terms.validity import DateRange

LATE = timedelta(hours=2)
"""How long before midnight a claim no longer costs a day of the voucher."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a visitor asks for: a voucher of an offer, at one spot if the quota is by spot.

    Claims of one visitor under the same `key` are one claim.
    """

    offer: Offer
    voucher: Edition
    spot_id: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """The voucher as it is stored, and whether that was done by this call."""

    voucher: Pass
    new: bool


class Claiming:
    """Lets visitors claim vouchers."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it uses
        self,
        vault: Vault,
        spots: Spots,
        claimants: Claimants,
        quotas: Quotas,
        passes: Passes,
        numbering: Numbering,
        audit: Audit,
        serials: Serials,
    ) -> None:
        """`spots` is the catalogue in memory; `passes` and `audit` are stores; `serials` draws
        those of vouchers."""
        self._serials = serials
        self._vault = vault
        self._spots = spots
        self._claimants = claimants
        self._quotas = quotas
        self._passes = passes
        self._numbering = numbering
        self._audit = audit

    async def claim(self, visitor: Visitor, claim: Claim, now: datetime) -> Pass:
        """A voucher of an offer. The same claim made again gives the same voucher.

        Raises `NotClaimable` saying why not and from when, `Invalid` if the spot is not one of the
        offer, `Conflict` if the key names another claim.
        """
        claim = replace(claim, spot_id=_spot_of(claim))
        serial = self._serial(visitor, claim)
        earlier = await self._earlier(serial, claim)
        if earlier is None:
            try:
                return await self._claim(serial, visitor, claim, now)
            except NotClaimable:
                # Made twice at once, the same claim may have been granted to the other just now.
                earlier = await self._earlier(serial, claim)
                if earlier is None:
                    raise
        return _same(earlier, visitor, claim)

    async def _earlier(self, serial: str, claim: Claim) -> Pass | None:
        """The voucher of the same claim, if it was made before."""
        if claim.key is None and claim.offer.claim is not ClaimKind.AUTOMATIC:
            return None
        return await newest_serial(serial, self._passes)

    async def _claim(self, serial: str, visitor: Visitor, claim: Claim, now: datetime) -> Pass:
        """A new voucher. Raises what `claim` raises."""
        # 0. Once all are claimed, most who ask are told so after one read, whoever they are.
        await self._quotas.refuse_used_up(claim.offer, claim.spot_id, now)
        # 1. May this visitor claim?
        claimant = await self._claimants.of(visitor, now)
        why_not = objection(claim.offer, claimant) or self.closed(claim.offer, now, claim.spot_id)
        if why_not is not None:
            raise why_not
        # 2. The quotas are counted first, so that no more is ever stored than they allow.
        await self._quotas.reserve(claim.offer, claim.spot_id, now)
        # 3. The voucher, unless this visitor has as many as one may have, or it is there already.
        holder = visitor.holder if claim.offer.real_name else visitor.anonymous
        voucher = _drafted(serial, holder, claim, now)
        if claim.offer.real_name:
            card_due_since = await self._claimants.card_due_since(visitor.holder)
            voucher = replace(voucher, traits=claimant.traits, card_due_since=card_due_since)
        async with audited(self._audit) as entry:
            try:
                stored = await self._store(voucher, visitor, claim.offer, entry)
            except NotClaimable:
                await self._quotas.give_back(voucher, now)
                raise
            if not stored.new:
                await entry.not_done()
                await self._quotas.give_back(voucher, now)
                return _same(stored.voucher, visitor, claim)
            # 4. The visitor may have become somebody else, or have been erased, since step 1.
            await self._check_still(visitor, stored.voucher, now)
        return stored.voucher

    def closed(
        self, offer: Offer, now: datetime, spot_id: str | None = None
    ) -> NotClaimable | None:
        """The objection that a voucher claimed now could be used nowhere, because the spot that it
        is for is closed or retired; if it is for several, because all of them are."""
        spots = []
        for each in offer.spots:
            spot = self._spots.get(each)
            if spot is not None and (spot_id is None or spot_id in spot.tags | {spot.id}):
                spots.append(spot)
        return closed_spots(offer, spots, _valid_days(offer, now))

    async def _check_still(self, visitor: Visitor, voucher: Pass, now: datetime) -> None:
        """Take a new voucher back whose visitor is not who they were. Raises `Conflict`."""
        if await self._claimants.still(visitor, now):
            return

        def taken_back(held: Pass) -> Pass:
            """Nobody's. One that is given back already is so by an erasure that found it."""
            if held.cancelled_at is None and held.reissued_as is None:
                held = transitions.give_back(held, now)
            return transitions.give_to(held, NOBODY)

        changed = await change(self._passes, voucher.id, taken_back)
        if changed.before.cancelled_at is None and changed.after.cancelled_at is not None:
            await self._quotas.give_back(voucher, now)
        text = Text("账户信息已变更，请重试", "this account has changed meanwhile; try again")
        raise Conflict("visitor_changed", text)

    def draft_by_card(self, serial: str, card: ShownCard, claim: Claim, now: datetime) -> Pass:
        """What the holder of a card has of an automatic offer. It bears no name, for a card that
        is read tells none: it belongs to the document."""
        holder = Holder(card.lookup, number_mask=card.number_mask)
        return replace(_drafted(serial, holder, claim, now), traits=card.traits)

    async def claim_by_card(self, draft: Pass, offer: Offer, by: str, now: datetime) -> Pass | None:
        """The voucher of an automatic offer, stored for a person who may have no account, or as it
        is there already; None if they may not have it."""
        try:
            await self._quotas.reserve(offer, None, now)
        except NotClaimable:
            return None
        due_since = await self._claimants.card_due_since(draft.holder)
        voucher = replace(draft, card_due_since=due_since)
        most = offer.quota.per_person
        async with audited(self._audit) as entry:
            try:
                if most is not None:
                    voucher = await self._numbering.of_person(voucher, offer, most)
                stored = await self._added(voucher, offer, by, entry)
            except NotClaimable:
                await self._quotas.give_back(draft, now)
                return None
            if stored.new:
                return stored.voucher
            await entry.not_done()
        await self._quotas.give_back(draft, now)
        # Of somebody whose data were erased since, it is nobody's.
        return stored.voucher if stored.voucher.holder.lookup == draft.holder.lookup else None

    def serial_of_automatic(self, lookup: str, offer: Offer) -> str:
        """The serial of what a person has of an automatic offer. It follows from offer and person,
        so that twice is once, and nobody else can guess it."""
        return self._vault.digest("automatic", f"{offer.id}:{lookup}")[:16]

    def _serial(self, visitor: Visitor, claim: Claim) -> str:
        """A random serial, or that of the claim with this key, which nobody can guess either."""
        if claim.offer.claim is ClaimKind.AUTOMATIC:
            return self.serial_of_automatic(visitor.lookup, claim.offer)
        if claim.key is None:
            return self._serials.new()
        return self._vault.digest("claim", f"{visitor.id}:{claim.key}")[:16]

    async def _store(
        self, voucher: Pass, visitor: Visitor, offer: Offer, entry: AuditEntry
    ) -> _Stored:
        """Store a voucher. Raises `NotClaimable` if its holder, or the account, has as many as one
        may have."""
        most = offer.quota.per_person
        if most is not None:
            voucher = await self._numbering.numbered(voucher, visitor, offer, most)
        return await self._added(voucher, offer, f"visitor:{visitor.id}", entry)

    async def _added(self, voucher: Pass, offer: Offer, by: str, entry: AuditEntry) -> _Stored:
        """Store a voucher, its line before it."""
        subject = f"pass:{voucher.id}"
        line = AuditLine(voucher.issued_at, by, "claim", subject, {"offer": offer.id})
        await entry.begin(line)
        if await self._passes.add(voucher):
            return _Stored(voucher, new=True)
        there = await self._passes.get(voucher.id)
        if there is None:  # cannot be: passes are never deleted
            raise too_many(offer)
        return _Stored(there, new=False)


def _spot_of(claim: Claim) -> str | None:
    """The one spot that a voucher is for, or None for all of the offer. Raises `Invalid`.

    A voucher of a campaign is for all of its spots. Of an offer that names one spot it is for that,
    with its parts.
    """
    offer, wanted = claim.offer, claim.spot_id
    named = offer.covers.spots
    names_one = len(named) == 1 and not offer.covers.tags
    if wanted is None and names_one and not offer.campaign:
        return next(iter(named))
    one_is_needed = offer.quota.per_spot_day is not None and not offer.campaign
    missing = wanted is None and one_is_needed
    foreign = wanted is not None and (offer.campaign or wanted not in offer.spots)
    if missing or foreign:
        raise _spot_needed(offer)
    return wanted


def _spot_needed(offer: Offer) -> Invalid:
    text = Text("请选择活动景区", "say at which spot of the offer")
    what = f"has to be one of {', '.join(sorted(offer.spots))}"
    if offer.campaign:
        text = Text("此活动不分景区领取", "this voucher is for all spots of the campaign")
        what = "leave it out"
    return Invalid("spot_needed", text, [Fault("spot", what)])


def _drafted(serial: str, holder: Holder, claim: Claim, now: datetime) -> Pass:
    offer = claim.offer
    return Pass(
        id=serial,
        edition=claim.voucher,
        valid=_valid_days(offer, now),
        state=PassState.ACTIVE,
        holder=holder,
        issued_at=now,
        chosen_spot=claim.spot_id,
    )


def _valid_days(offer: Offer, now: datetime) -> DateRange:
    """The days of a voucher that is claimed at an instant."""
    last_day = offer.window.end
    if offer.voucher_days is not None:
        # Who claims late in the evening can hardly come on that day: the days count from the next.
        first_counted = business_day(now + LATE)
        last_day = min(first_counted + timedelta(days=offer.voucher_days - 1), last_day)
    return DateRange(business_day(now), last_day)


def _same(stored: Pass, visitor: Visitor, claim: Claim) -> Pass:
    """The voucher of an earlier claim.

    Raises `Conflict` if that was another claim, or another person's.
    """
    elsewhere = claim.spot_id is not None and stored.only_spot != claim.spot_id
    theirs = visitor.is_holder(stored.holder)
    if stored.product_id != claim.offer.id or elsewhere or not theirs:
        text = Text(
            "Idempotency-Key 已用于另一次领取",
            "this Idempotency-Key names another claim; use a new one for each",
        )
        raise Conflict("idempotency_key_reused", text)
    return stored
