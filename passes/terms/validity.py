"""Validity: on which days a pass can be used, and what begins them.

A term is a span of fixed dates, or so many years, months and days from a first day. Months and
years end on the day before the corresponding day (Civil Code of the PRC, articles 201 to 203); a
corresponding day that its month does not have is the first of the next month, in favour of the
holder: a year from 2027-03-01 ends on 2028-02-29, a month from 2027-01-31 on 2027-02-28.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class DateRange:
    """Business days from `start` to `end`, both included."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


LONGEST_TERM = timedelta(days=3660)
"""About ten years."""

MONTHS_IN_A_YEAR = 12


class Unactivated(StrEnum):
    """What becomes of a pass that its holder did not activate in time."""

    STARTS = "starts"
    LAPSES = "lapses"


class Starts(StrEnum):
    """What begins the days of a term: the day of issue or activation, the day after that, or the
    first visit."""

    AT_ONCE = "at_once"
    NEXT_DAY = "next_day"
    FIRST_VISIT = "first_visit"


@dataclass(frozen=True, slots=True)
class Term:
    """When a pass is valid: on the days of `dates`, or for so many `years`, `months` and `days`
    from its first day, added up. Either `dates` or at least one of the others is set.

    With `activate_within`, which does not go with `dates`, the holder chooses the first day by
    activating the pass, within so many days after that of issue.
    """

    dates: DateRange | None = None
    days: int | None = None
    activate_within: int | None = None
    unactivated: Unactivated = Unactivated.STARTS
    years: int | None = None
    months: int | None = None
    starts: Starts = Starts.AT_ONCE
    start_within: int | None = None
    """For a pass that starts at its first visit: within how many days after that of issue."""
    pause_days: int = 0
    """For how many days in all its holder may pause it; it ends so many days later."""

    def starting(self, first: date) -> DateRange:
        """The valid days of a pass whose first day is `first`."""
        if self.dates is not None:
            return self.dates
        months = (self.years or 0) * MONTHS_IN_A_YEAR + (self.months or 0)
        end = _corresponding_day(first, months) + timedelta(days=(self.days or 0) - 1)
        return DateRange(first, end)

    def begun_on(self, day: date) -> DateRange:
        """The valid days of a pass that is issued or activated on a day."""
        if self.starts is Starts.NEXT_DAY:
            return self.usable_from(day + timedelta(days=1))
        return self.usable_from(day)

    def usable_from(self, first: date) -> DateRange:
        """The days on which a pass can be used whose first possible day is `first`.

        For one that starts at its first visit they reach to the end of a term that starts last.
        """
        if self.starts is not Starts.FIRST_VISIT:
            return self.starting(first)
        last_first_day = first + timedelta(days=self.start_within or 0)
        return DateRange(first, self.starting(last_first_day).end)


def months_between(first: date, day: date) -> int:
    """How many whole months of validity lie before a day: 0 in the first month.

    A month begins on the corresponding day of the first one.
    """
    months = (day.year - first.year) * MONTHS_IN_A_YEAR + day.month - first.month
    if months > 0 and day < _corresponding_day(first, months):
        return months - 1
    return max(0, months)


def month_after(first: date, months: int) -> date:
    """The day on which the month of validity with that number begins; 0 begins on the first."""
    return _corresponding_day(first, months)


def _corresponding_day(first: date, months: int) -> date:
    """The same day so many months later, or the first of the next month if that has no such day."""
    in_all = first.year * MONTHS_IN_A_YEAR + first.month - 1 + months
    year, month = divmod(in_all, MONTHS_IN_A_YEAR)
    try:
        return date(year, month + 1, first.day)
    except ValueError:
        next_year, next_month = divmod(in_all + 1, MONTHS_IN_A_YEAR)
        return date(next_year, next_month + 1, 1)
