"""Claiming: a visitor gets a voucher of an offer, while there are some left.

Two things are written, each of which decides by itself: the counters of the quotas; then the voucher, under a key of
offer, holder and number. If the second is refused, the counters are given back. After a crash, or when the database did
not answer, they are not: they are too high until they are reconciled, so that fewer can be claimed meanwhile, and never
more than there are.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass, PassState
from passes.holding.ports import Holdings, Passes
from passes.holding.wallet import newest_serial, passes_of
from passes.offers.eligibility import Standing, objection, too_many
from passes.offers.offer import Offer
from passes.offers.quotas import Quotas, only_spot
from passes.people.groups import Group
from passes.people.holder import NOBODY, Holder
from passes.people.identity import Sealer
from passes.people.nativity import native_of
from passes.people.ports import Members, Visitors
from passes.people.sealing import Vault
from passes.people.visitors import Visitor
from passes.terms.ports import Spots
from passes.terms.product import Product
from passes.terms.terms import Coverage, DateRange, Term


@dataclass(frozen=True, slots=True)
class Claim:
    """What a visitor asks for: a voucher of an offer, at one spot if the quota is by spot.

    Claims of one visitor under the same `key` are one claim.
    """

    offer: Offer
    voucher: Product
    spot_id: str | None = None
    key: str | None = None


class Standings:
    """Tells what counts about visitors."""

    def __init__(
        self, identities: Sealer, spots: Spots, visitors: Visitors, passes: Passes, members: Members
    ) -> None:
        """`spots` is the catalogue in memory; the last three are stores."""
        self._identities = identities
        self._visitors = visitors
        self._spots = spots
        self._passes = passes
        self._members = members

    async def of(self, visitor: Visitor, now: datetime) -> Standing:
        """The standing of a visitor now."""
        today, groups = business_day(now), {Group.ANYONE}
        held = await passes_of(visitor, self._passes)
        if visitor.identity is not None:
            groups |= {
                Group(group) for group in await self._members.groups_of(visitor.identity.lookup)
            }
            province = native_of(self._identities.open(visitor.identity))
            groups |= {Group(f"native_of:{province}")} if province else set()
        passes = [each for each in held if each.in_force_on(today) and not each.voucher]
        return Standing(
            today=today,
            real_name=visitor.identity is not None,
            groups=frozenset(groups),
            vouchers=Counter(each.product_id for each in held if each.counts),
            spots_open=self._spots_open(passes) if passes else frozenset(),
        )

    async def still(self, visitor: Visitor) -> bool:
        """Whether a visitor is still who they were when they were read."""
        now = await self._visitors.get(visitor.id)
        return now is not None and now.holder.is_same(visitor.holder)

    def _spots_open(self, passes: Sequence[Pass]) -> frozenset[str]:
        spots = [spot for spot_id in self._spots.ids() if (spot := self._spots.get(spot_id))]
        return frozenset(
            spot.id for spot in spots if any(held.terms.coverage.covers(spot) for held in passes)
        )


class Claiming:
    """Lets visitors claim vouchers."""

    def __init__(
        self,
        vault: Vault,
        standings: Standings,
        quotas: Quotas,
        passes: Passes,
        holdings: Holdings,
        audit: Audit,
    ) -> None:
        """The last three are stores."""
        self._vault = vault
        self._standings = standings
        self._quotas = quotas
        self._passes = passes
        self._holdings = holdings
        self._audit = audit

    async def claim(self, visitor: Visitor, claim: Claim, now: datetime) -> Pass:
        """A voucher of an offer. The same claim made again gives the same voucher.

        Raises `NotClaimable` saying why not and from when, `Invalid` if the spot is not one of the offer, `Conflict` if
        the key names another claim.
        """
        claim = replace(claim, spot_id=_spot_of(claim))
        pass_id = self._serial(visitor, claim)
        if (
            claim.key is not None
            and (earlier := await newest_serial(pass_id, self._passes)) is not None
        ):
            return _same(earlier, visitor, claim)
        if (why := objection(claim.offer, await self._standings.of(visitor, now))) is not None:
            raise why
        await self._quotas.take(claim.offer, claim.spot_id, now)
        holder = visitor.holder if claim.offer.real_name else visitor.anonymous
        voucher = _voucher(pass_id, holder, claim, now)
        stored, new = await self._stored(voucher, claim.offer)
        if stored is None or not new:
            await self._quotas.give_back(voucher, now)
            if stored is None:
                raise too_many(claim.offer)
            return _same(stored, visitor, claim)
        await self._check_still(visitor, stored, now)
        detail = {"offer": claim.offer.id}
        await self._audit.write(
            AuditLine(now, f"visitor:{visitor.id}", "claim", f"pass:{stored.id}", detail)
        )
        return stored

    async def _check_still(self, visitor: Visitor, voucher: Pass, now: datetime) -> None:
        """Take a new voucher back whose visitor has become somebody else meanwhile, or is gone. Raises `Conflict`."""
        if await self._standings.still(visitor):
            return
        if await self._passes.become(voucher, {"state": PassState.REVOKED, "cancelled_at": now}):
            await self._quotas.give_back(voucher, now)
        await self._passes.belong_to(voucher.id, NOBODY)
        text = Text("账户信息已变更，请重试", "this account has changed meanwhile; try again")
        raise Conflict("visitor_changed", text)

    def _serial(self, visitor: Visitor, claim: Claim) -> str:
        """A random serial, or that of the claim with this key, which nobody can guess either."""
        if claim.key is None:
            return secrets.token_hex(8)
        return self._vault.digest("claim", f"{visitor.id}:{claim.key}")[:16]

    async def _stored(self, voucher: Pass, offer: Offer) -> tuple[Pass | None, bool]:
        """The voucher as it is stored, and whether that was done now; None if the holder has as many as one may have.

        A number that is held by a voucher which is not there was left by a crash, or that voucher is just coming: it is
        stored under the same serial, so that there is one in either case.
        """
        lookup, most = voucher.holder.lookup, offer.quota.per_person
        for number in [voucher.id] if most is None else range(1, most + 1):
            key = f"{offer.id}:{lookup}:{number}"
            held_under = await self._holdings.take(key, lookup, voucher.id)
            held = (
                await newest_serial(held_under, self._passes) if held_under != voucher.id else None
            )
            if held is not None and held.cancelled_at is None:
                continue
            if held is None:
                voucher = replace(voucher, id=held_under)
            elif not await self._holdings.pass_on(key, held_under, voucher.id):
                continue
            try:
                await self._passes.add(voucher)
            except Conflict:
                return await self._passes.get(voucher.id), False
            return voucher, True
        return None, False


def _spot_of(claim: Claim) -> str | None:
    """The one spot that a voucher is for, or None for all of the offer. Raises `Invalid`."""
    spots, wanted = sorted(claim.offer.spots), claim.spot_id
    one_needed = claim.offer.quota.per_spot_day is not None and len(spots) > 1
    if (wanted is None and one_needed) or (wanted is not None and wanted not in spots):
        fault = Fault("spot", f"has to be one of {', '.join(spots)}")
        raise Invalid(
            "spot_needed", Text("请选择活动景区", "say at which spot of the offer"), [fault]
        )
    return spots[0] if len(spots) == 1 else wanted


def _voucher(pass_id: str, holder: Holder, claim: Claim, now: datetime) -> Pass:
    today, offer = business_day(now), claim.offer
    valid = DateRange(today, min(today + timedelta(days=offer.voucher_days - 1), offer.window.end))
    coverage = (
        Coverage(spots=frozenset({claim.spot_id}))
        if claim.spot_id
        else claim.voucher.terms.coverage
    )
    return Pass(
        id=pass_id,
        product_id=claim.voucher.id,
        product_number=claim.voucher.number,
        terms=replace(claim.voucher.terms, term=Term(dates=valid), coverage=coverage),
        valid=valid,
        state=PassState.ACTIVE,
        holder=holder,
        issued_at=now,
        voucher=True,
    )


def _same(stored: Pass, visitor: Visitor, claim: Claim) -> Pass:
    """The voucher of an earlier claim. Raises `Conflict` if that was another claim, or another person's."""
    elsewhere = claim.spot_id is not None and only_spot(stored) != claim.spot_id
    if stored.product_id != claim.offer.id or elsewhere or not visitor.holds(stored):
        text = Text(
            "Idempotency-Key 已用于另一次领取",
            "this Idempotency-Key names another claim; use a new one for each",
        )
        raise Conflict("idempotency_key_reused", text)
    return stored
