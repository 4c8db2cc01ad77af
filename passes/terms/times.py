"""Times: on which days, and between which hours, a pass admits.

Knows no pass and no spot. Statutory holidays are named here; on which days they fall is told by the
calendar that operators publish (`passes.terms.holidays`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from passes.base.calendar import SHANGHAI, business_day, instant_of
from passes.terms.holidays import HolidayCalendar
from passes.terms.validity import DateRange

_LONGEST_LOOK = 3 * 366
"""For how many days the next one that is admitted on is looked for."""


@dataclass(frozen=True, slots=True)
class Blackout:
    """Days on which a pass does not admit. Weekdays are numbers of ISO 8601: Monday is 1.

    `holidays` are the keys of statutory holidays. In a year whose calendar is not known they forbid
    nothing.
    """

    dates: tuple[DateRange, ...] = ()
    weekdays: frozenset[int] = frozenset()
    holidays: frozenset[str] = frozenset()

    def holds(self, day: date, calendar: HolidayCalendar) -> bool:
        """Whether the pass does not admit on a day."""
        if day.isoweekday() in self.weekdays:
            return True
        if any(day in span for span in self.dates):
            return True
        return bool(self.holidays) and not self.holidays.isdisjoint(calendar.names_on(day))


@dataclass(frozen=True, slots=True)
class Season:
    """Days of every year from `start` to `end`, both `MM-DD` and both included.

    A season that ends before it starts runs over New Year.
    """

    start: str
    end: str

    def __contains__(self, day: date) -> bool:
        today = f"{day:%m-%d}"
        runs_over_new_year = self.end < self.start
        if runs_over_new_year:
            return today >= self.start or today <= self.end
        return self.start <= today <= self.end


@dataclass(frozen=True, slots=True)
class Hours:
    """From `opens` until just before `closes`, on the clock of Asia/Shanghai."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Times:
    """When something admits: on no day of its blackout, in its season, within its hours. What is
    empty restricts nothing."""

    blackout: Blackout = Blackout()
    season: tuple[Season, ...] = ()
    hours: tuple[Hours, ...] = ()

    def admit_on(self, day: date, calendar: HolidayCalendar) -> bool:
        """Whether they admit on a day, at some hour."""
        if self.blackout.holds(day, calendar):
            return False
        return not self.season or any(day in season for season in self.season)

    def within_hours(self, at: datetime) -> bool:
        """Whether an instant lies within the hours."""
        if not self.hours:
            return True
        clock = at.astimezone(SHANGHAI).time()
        return any(each.opens <= clock < each.closes for each in self.hours)

    def next_opening(self, at: datetime) -> datetime:
        """The next instant after `at` at which the hours open, today or tomorrow."""
        today = business_day(at)
        openings = sorted(
            instant_of(day, each.opens)
            for day in (today, today + timedelta(days=1))
            for each in self.hours
        )
        return next(opening for opening in openings if opening > at)

    def sure_of(self, day: date, calendar: HolidayCalendar) -> bool:
        """Whether it is known what holds on a day: not before its holidays are published."""
        return not self.blackout.holidays or calendar.sure_of(day)


def days_after(day: date, last: date) -> Iterator[date]:
    """The days after a day up to the last one, as far as anybody looks."""
    for number in range(1, min((last - day).days, _LONGEST_LOOK) + 1):
        yield day + timedelta(days=number)
