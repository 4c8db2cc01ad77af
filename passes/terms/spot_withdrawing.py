"""Withdrawing a spot from a product, until operators resume it.

An edition is never changed. A withdrawal stands beside all editions of its product, as amendments
do: every process reads it when it loads the editions, so it holds at every gate at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.editions import Editions
from passes.terms.ports import Spots
from passes.terms.spot_withdrawals import SpotWithdrawal


class SpotWithdrawals(Protocol):
    """Where it is stored which spots have left which products."""

    async def all(self) -> Sequence[SpotWithdrawal]:
        """Every withdrawal that holds now."""

    async def add(self, withdrawal: SpotWithdrawal) -> bool:
        """Store a withdrawal; False if there is one of that product and spot."""

    async def remove(self, product_id: str, spot_id: str) -> None:
        """The spot is withdrawn no more."""

    async def announce(self) -> None:
        """Tell every process to load anew."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal, and whether it was there before."""

    withdrawal: SpotWithdrawal
    before: bool


class SpotWithdrawing:
    """Withdraws spots from products, and resumes them."""

    def __init__(
        self, spots: Spots, editions: Editions, store: SpotWithdrawals, audit: Audit
    ) -> None:
        """`spots` and `editions` are in memory; the others are stores."""
        self._spots = spots
        self._editions = editions
        self._store = store
        self._audit = audit

    async def preview(self, wanted: SpotWithdrawal) -> Withdrawn:
        """The withdrawal as it would be stored, with the parts of the spot; or the one that is
        there, if it is the same.

        Raises `Unknown` if there is no such product, `Invalid` naming what is wrong, `Conflict` if
        the spot is withdrawn with another day or policy.
        """
        editions = await self._editions_of(wanted.product_id)
        before = await self._stored(wanted.product_id, wanted.spot_id)
        if before is not None:
            if (before.start, before.policy) == (wanted.start, wanted.policy):
                return Withdrawn(before, before=True)
            raise _withdrawn_otherwise(before)
        complete = replace(wanted, spots=self._with_parts(wanted.spot_id))
        sold = frozenset[str]().union(*(each.spots for each in editions))
        faults = list(_faults(complete, sold))
        if faults:
            text = Text("不能退出景区", "this spot cannot be withdrawn")
            raise Invalid("spot_withdrawal_invalid", text, faults)
        return Withdrawn(complete, before=False)

    async def withdraw(self, wanted: SpotWithdrawal, by: str) -> Withdrawn:
        """Withdraw a spot at `wanted.at`; it holds at every gate within seconds. Doing it again
        changes nothing. Raises what `preview` raises."""
        done = await self.preview(wanted)
        if not done.before:
            withdrawal = done.withdrawal
            detail = {
                "spot": withdrawal.spot_id,
                "spots": " ".join(sorted(withdrawal.spots)),
                "from": withdrawal.start.isoformat(),
                "policy": withdrawal.policy.value,
                "reason": withdrawal.reason,
            }
            line = AuditLine(withdrawal.at, by, "withdraw_spot", _subject(wanted), detail)
            async with audited(self._audit) as entry:
                await entry.begin(line)
                if not await self._store.add(withdrawal):
                    # Somebody else was a moment before: what they wanted is there now.
                    await entry.not_done()
                    done = await self.preview(wanted)
        # Announced in any case: a crash may have come between a change and its announcement.
        await self._store.announce()
        return done

    async def resume(self, product_id: str, spot_id: str, by: str, now: datetime) -> bool:
        """Take a withdrawal back; False if there is none, and nothing changes. Raises `Unknown`."""
        await self._editions_of(product_id)
        before = await self._stored(product_id, spot_id)
        if before is None and self._spots.get(spot_id) is None:
            raise unknown(Text("景区", "spot"), spot_id, self._spots.ids())
        if before is not None:
            detail = {"spot": spot_id}
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, "resume_spot", _subject(before), detail))
                await self._store.remove(product_id, spot_id)
        await self._store.announce()
        return before is not None

    async def _editions_of(self, product_id: str) -> list[Edition]:
        """All versions of a product, as amended. What offers give is ended with its offer."""
        await self._editions.load()
        editions = [
            each
            for each in self._editions.all()
            if each.product_id == product_id and not each.offer
        ]
        if not editions:
            raise unknown(Text("票种", "product"), product_id)
        return editions

    async def _stored(self, product_id: str, spot_id: str) -> SpotWithdrawal | None:
        for each in await self._store.all():
            if (each.product_id, each.spot_id) == (product_id, spot_id):
                return each
        return None

    def _with_parts(self, spot_id: str) -> frozenset[str]:
        """A spot and its parts, which bear its id as a tag."""
        parts = {
            spot.id
            for each in self._spots.ids()
            if (spot := self._spots.get(each)) is not None and spot_id in spot.tags
        }
        return frozenset({spot_id, *parts})


def _subject(withdrawal: SpotWithdrawal) -> str:
    return f"product:{withdrawal.product_id}"


def _faults(wanted: SpotWithdrawal, sold: frozenset[str]) -> Iterable[Fault]:
    if wanted.spots.isdisjoint(sold):
        yield Fault("spot", f"no version of {wanted.product_id} opens {wanted.spot_id}")
    if not wanted.reason.strip():
        yield Fault("reason", "say why, for the audit log")
    today = business_day(wanted.at)
    if wanted.ends and wanted.start <= today:
        # Whoever is on the way today has been told that they are admitted.
        yield Fault("from", "has to be a day after today: passes admit there today")
    elif wanted.start < today:
        yield Fault("from", "is over")


def _withdrawn_otherwise(before: SpotWithdrawal) -> Conflict:
    text = Text(
        f"该景区已定于{before.start}退出（{before.policy}），请先恢复再修改",
        f"it is withdrawn from {before.start} on with policy {before.policy};"
        " resume it first to change that",
    )
    return Conflict("spot_withdrawn_otherwise", text)
