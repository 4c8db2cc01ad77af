"""Statutory holidays: their names, and the calendar that says on which days they fall.

The State Council announces each autumn the days of the next year. A year that was not announced
yet, or not published here, is not known: nothing is forbidden on its holidays, and nothing is
promised for its days.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from passes.base.text import Text
from passes.terms.validity import DateRange


class Holiday(StrEnum):
    """Holidays for all citizens, by the regulation on days off for festivals (State Council decree
    795 of 2024)."""

    NEW_YEAR = "new_year"
    SPRING_FESTIVAL = "spring_festival"
    QINGMING = "qingming"
    LABOUR_DAY = "labour_day"
    DRAGON_BOAT = "dragon_boat"
    MID_AUTUMN = "mid_autumn"
    NATIONAL_DAY = "national_day"


HOLIDAY_NAMES: Mapping[Holiday, Text] = {
    Holiday.NEW_YEAR: Text("元旦", "New Year"),
    Holiday.SPRING_FESTIVAL: Text("春节", "Spring Festival"),
    Holiday.QINGMING: Text("清明节", "Qingming Festival"),
    Holiday.LABOUR_DAY: Text("劳动节", "Labour Day"),
    Holiday.DRAGON_BOAT: Text("端午节", "Dragon Boat Festival"),
    Holiday.MID_AUTUMN: Text("中秋节", "Mid-Autumn Festival"),
    Holiday.NATIONAL_DAY: Text("国庆节", "National Day"),
}


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """The days off of one year, by the key of the holiday; `source` is the notice that says so."""

    year: int
    days: Mapping[str, tuple[DateRange, ...]]
    source: str = ""


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """All years that were published. Two holidays may fall together, as in 2025."""

    years: Mapping[int, HolidayYear] = field(default_factory=dict)

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year are known."""
        return year in self.years

    def names_on(self, day: date) -> frozenset[str]:
        """The keys of the holidays that a day belongs to. Days off may begin in the year before."""
        return frozenset(
            name
            for year in (day.year, day.year + 1)
            if year in self.years
            for name, spans in self.years[year].days.items()
            if any(day in span for span in spans)
        )

    def sure_of(self, day: date) -> bool:
        """Whether it is known which holidays a day belongs to.

        The last week of December needs those of the next year, whose first may begin in it.
        """
        return self.knows(day.year) and self.knows((day + timedelta(days=7)).year)


NO_HOLIDAYS = HolidayCalendar()
"""What is known before a calendar is published."""


class Holidays:
    """The calendar in memory, as it was at the last `load`. Nothing is known until the first."""

    def __init__(self, source: Callable[[], Awaitable[Sequence[HolidayYear]]]) -> None:
        """`source` reads all years from where they are stored."""
        self._source = source
        self._calendar = NO_HOLIDAYS

    def calendar(self) -> HolidayCalendar:
        """All years that are known."""
        return self._calendar

    async def load(self) -> None:
        """Replace the calendar by what is stored now, in one step. Raises `Unavailable`."""
        self._calendar = HolidayCalendar({each.year: each for each in await self._source()})
