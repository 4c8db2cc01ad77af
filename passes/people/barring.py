"""Barring: people who may hold no pass for a time, as operators say, such as for showing others'.

Kept is the keyed hash of the document alone, until the bar ends. It is asked when a pass is issued
or a voucher claimed; what they hold already stays theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import SHANGHAI
from passes.base.errors import Fault, Invalid, Unknown
from passes.base.ports import Audit
from passes.base.text import Text

_SHOWN = 12
"""Characters of the hash by which a bar is told apart in lists and in the audit log."""


@dataclass(frozen=True, slots=True)
class Bar:
    """That a person, `id`, may hold no pass `until` an instant; `id` is the hash of a document."""

    id: str
    until: datetime
    reason: str
    by: str
    at: datetime

    @property
    def name(self) -> str:
        """What it is called where people read it."""
        return self.id[:_SHOWN]


class Bars(Protocol):
    """Where it is stored who is barred."""

    async def get(self, lookup: str) -> Bar | None:
        """The bar of a person."""

    async def put(self, bar: Bar) -> None:
        """Store the bar of a person, instead of the one before."""

    async def remove(self, lookup: str) -> None:
        """A person is barred no more."""

    async def all(self) -> Sequence[Bar]:
        """Every bar, the first to end first."""


class Barring:
    """Bars people, and lifts it."""

    def __init__(self, bars: Bars, audit: Audit) -> None:
        """Both are stores."""
        self._bars = bars
        self._audit = audit

    async def bar(self, bar: Bar) -> Bar:
        """Bar a person, or change until when. Raises `Invalid` without a reason, or for an instant
        that is over."""
        faults = []
        if not bar.reason.strip():
            faults.append(Fault("reason", "say why"))
        if bar.until <= bar.at:
            faults.append(Fault("until", "give an instant to come"))
        if faults:
            raise Invalid("bar_invalid", Text("内容有误", "that cannot be a bar"), faults)
        detail = {"until": bar.until.isoformat(), "reason": bar.reason}
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(bar.at, bar.by, "bar", f"person:{bar.name}", detail))
            await self._bars.put(bar)
        return bar

    async def unbar(self, lookup: str, by: str, now: datetime) -> Bar:
        """Lift the bar of a person. Raises `Unknown` if they are not barred."""
        bar = await self._bars.get(lookup)
        if bar is None:
            raise Unknown("bar_unknown", Text("此人未被限制", "this person is not barred"))
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "unbar", f"person:{bar.name}"))
            await self._bars.remove(lookup)
        return bar

    async def all(self, now: datetime) -> list[Bar]:
        """The bars that hold, the first to end first."""
        return [bar for bar in await self._bars.all() if now < bar.until]


async def barred_until(bars: Bars, lookup: str, now: datetime) -> datetime | None:
    """Until when a person may hold no pass; None if they may."""
    bar = await bars.get(lookup)
    return bar.until if bar is not None and now < bar.until else None


def barred_text(until: datetime) -> Text:
    """What a person is told who may hold no pass."""
    when = f"{until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    return Text(
        f"您被限制领取和购买电子票，至{when}，如有疑问请联系客服",
        f"you may hold no pass until {when}; ask the staff if that is wrong",
    )
