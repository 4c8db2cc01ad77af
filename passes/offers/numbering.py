"""Numbering: which of the vouchers a voucher is that one person, and one account, may have.

Where each may have so many, every voucher is held under a number of its person and under a number
of the account that claimed it, from 1 on, both under unique keys. A voucher that was given back
leaves its numbers to the next (docs/adr/0024-cards-are-looked-at-once.md).
"""

import hmac
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from passes.base.calendar import day_after, start_of
from passes.holding.model import Pass
from passes.holding.ports import Holding, Holdings, Passes
from passes.holding.wallet import newest_serial
from passes.offers.eligibility import ClaimedForAnother, NotClaimable, too_many
from passes.offers.offer import Offer
from passes.people.accounts import Accounts
from passes.people.companions import MOST_COMPANIONS
from passes.people.sealing import Sealed, Vault
from passes.people.visitors import Visitor

REMEMBERED = timedelta(days=183)
"""For how long after an offer it is remembered who has claimed."""


class Numbering:
    """Numbers vouchers by person and by account."""

    def __init__(
        self, vault: Vault, accounts: Accounts, passes: Passes, holdings: Holdings
    ) -> None:
        """The vault hashes; the last two are stores."""
        self._vault = vault
        self._accounts = accounts
        self._passes = passes
        self._holdings = holdings

    async def numbered(self, voucher: Pass, visitor: Visitor, offer: Offer, most: int) -> Pass:
        """The voucher, under the serial under which it is one of so many.

        An account counts like a person, whoever it says to be: else whoever makes people up, or
        becomes one after the other, would have as many as they like. Raises `NotClaimable`.
        """
        voucher = await self.of_person(voucher, offer, most)
        await self._of_account(voucher, visitor, offer, most)
        return voucher

    async def of_person(self, voucher: Pass, offer: Offer, most: int) -> Pass:
        """The voucher, under the serial under which it is one of so many of its holder. Raises
        `NotClaimable` if they have as many as one may have."""
        return replace(voucher, id=await self._serial_of_person(voucher, offer, most))

    async def _serial_of_person(self, voucher: Pass, offer: Offer, most: int) -> str:
        """The serial under which a voucher is one of so many of its holder. Raises `NotClaimable`
        if they have as many as one may have.

        A number that is held by a voucher which is not there was left by a crash, or that voucher
        is just coming: it is stored under the same serial, so that there is one in either case.
        """
        person = voucher.holder.lookup
        if offer.key is not None:
            person = self._digest(offer, "person", person)
        wanted = Holding(person, voucher.id)
        for number in range(1, most + 1):
            key = f"{offer.id}:{person}:{number}"
            holding = await self._holdings.reserve(key, wanted)
            if holding.pass_id == voucher.id:
                return voucher.id
            held = await newest_serial(holding.pass_id, self._passes)
            if held is None:
                return holding.pass_id
            if held.cancelled_at is None:
                continue
            if await self._holdings.pass_on(key, holding, wanted):
                return voucher.id
        raise too_many(offer)

    async def _of_account(self, voucher: Pass, visitor: Visitor, offer: Offer, most: int) -> None:
        """Count a voucher as one of so many of an account: of its own person, or of one of the
        five companions for whom it may claim. Raises `NotClaimable` if it has as many as one may
        have, or vouchers that were claimed for other people and not given back.

        The numbers outlive the erasure of the account, as hashes: who signs in again is counted on.
        So it makes no difference how often it changes its companions.
        """
        account = self._digest(offer, "account", self._accounts.openid(visitor))
        prefix = f"{offer.id}:account:{account}"
        if visitor.acting_for is None:
            return await self._counted(prefix, voucher, account, offer, most)
        # How many a companion may have is decided by their own number, so whatever is against a
        # place, the next one is looked at.
        for companion in range(1, MOST_COMPANIONS + 1):
            of_one = f"{prefix}:companion:{companion}"
            with suppress(NotClaimable):
                return await self._counted(of_one, voucher, account, offer, most, keeps_coming=True)
        raise ClaimedForAnother

    async def _counted(
        self,
        prefix: str,
        voucher: Pass,
        account: str,
        offer: Offer,
        most: int,
        *,
        keeps_coming: bool = False,
    ) -> None:
        """Count a voucher under a number of those that begin so. Raises `NotClaimable`.

        With `keeps_coming` a number stays that of a person whose voucher is not there: it may be
        coming, and is not taken back for that. After a crash it is theirs until they claim.
        """
        person = account  # without a real name it is the account that claims
        if offer.real_name:
            person = self._digest(offer, "person", voucher.holder.lookup)
        forgotten_at = start_of(day_after(offer.window.end)) + REMEMBERED
        wanted = Holding(person, voucher.id, forgotten_at)
        for number in range(1, most + 1):
            key = f"{prefix}:{number}"
            holding = await self._holdings.reserve(key, wanted)
            if holding.pass_id == voucher.id:
                return
            held = await newest_serial(holding.pass_id, self._passes)
            if held is not None and held.cancelled_at is None:
                if holding.holder != person:
                    raise ClaimedForAnother
                continue
            if held is None and keeps_coming and holding.holder != person:
                raise ClaimedForAnother
            # It was given back, or never stored: by a crash, by a claim that was refused, or by
            # one that is just coming. That is one for whom this visitor was before, which is taken
            # back when it sees that (step 5); for the same person it would have this serial.
            if await self._holdings.pass_on(key, holding, wanted):
                return
        raise too_many(offer)

    def _digest(self, offer: Offer, what: str, value: str) -> str:
        """The hash of a person or an account for one offer, under its own key if it has one: once
        that is destroyed, nobody can find out any more who has claimed."""
        if offer.key is None:
            return self._vault.digest(f"{what} of {offer.id}", value)
        key = bytes.fromhex(self._vault.open(offer.key, key_purpose(offer.id)))
        return hmac.digest(key, f"{what}:{value}".encode(), "sha256").hex()


def new_key(vault: Vault, offer_id: str) -> Sealed:
    """A random key for the hashes of an offer, sealed."""
    return vault.seal(secrets.token_hex(32), key_purpose(offer_id))


def key_purpose(offer_id: str) -> str:
    """What the key of an offer is sealed for."""
    return f"offer:{offer_id}"
