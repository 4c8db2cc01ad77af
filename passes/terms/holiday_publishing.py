"""Publishing the days of statutory holidays, and telling which years products wait for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.ports import Audit
from passes.terms.edition import Edition
from passes.terms.holidays import HolidayCalendar, HolidayYear
from passes.terms.terms import Terms


class HolidayYears(Protocol):
    """Where the years are stored."""

    async def all(self) -> Sequence[HolidayYear]:
        """Every year that was published."""

    async def put(self, published: HolidayYear) -> None:
        """Store a year, instead of what was stored of it before."""

    async def announce(self) -> None:
        """Tell every process to load anew."""


@dataclass(frozen=True, slots=True)
class PublishedYears:
    """What a publication did, or would do."""

    created: tuple[int, ...]
    changed: tuple[int, ...]
    unchanged: tuple[int, ...]


class HolidayPublishing:
    """Publishes years. A year that is published again replaces what was known of it."""

    def __init__(self, store: HolidayYears, audit: Audit) -> None:
        """Both are stores."""
        self._store = store
        self._audit = audit

    async def preview(self, years: Sequence[HolidayYear]) -> PublishedYears:
        """What publishing would do."""
        stored = {each.year: each for each in await self._store.all()}
        known = [each for each in years if each.year in stored]
        return PublishedYears(
            created=tuple(each.year for each in years if each.year not in stored),
            changed=tuple(each.year for each in known if stored[each.year] != each),
            unchanged=tuple(each.year for each in known if stored[each.year] == each),
        )

    async def publish(self, years: Sequence[HolidayYear], by: str, now: datetime) -> PublishedYears:
        """Publish years, in force at once at every gate. The same again changes nothing."""
        published = await self.preview(years)
        for each in years:
            if each.year in published.unchanged:
                continue
            action = "publish" if each.year in published.created else "change"
            detail = {"source": each.source}
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, action, f"holidays:{each.year}", detail))
                await self._store.put(each)
        await self._store.announce()
        return published


def holidays_named(terms: Terms) -> frozenset[str]:
    """The keys of the holidays on which terms do not admit, anywhere or at some spot."""
    named = set(terms.blackout.holidays)
    for each in terms.at:
        named |= each.times.blackout.holidays
    return frozenset(named)


def years_unknown(
    editions: Iterable[Edition], calendar: HolidayCalendar, today: date
) -> dict[str, tuple[int, ...]]:
    """By id the products that name a holiday, and the years they reach into whose days are not
    known: of passes that begin today, or on the dates of the product."""
    waiting: dict[str, tuple[int, ...]] = {}
    for edition in editions:
        if not holidays_named(edition.terms):
            continue
        valid = edition.terms.term.begun_on(today)
        first = max(valid.start, today).year
        reached = range(first, valid.end.year + 1)
        unknown = tuple(year for year in reached if not calendar.knows(year))
        if unknown:
            waiting[edition.product_id] = unknown
    return waiting
