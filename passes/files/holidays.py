"""Holiday files: YAML in which operators say on which days the statutory holidays fall."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, RootModel, model_validator

from passes.files.fields import Days, FileModel, read_drafts
from passes.terms.holidays import Holiday, HolidayYear
from passes.terms.validity import DateRange
from scenic_data.files import DATA

SHIPPED = DATA / "holidays.yaml"
"""The years that a new system starts with."""

_Year = Annotated[int, Field(ge=2020, le=2099)]


class _YearIn(FileModel):
    """The days off of one year, as the State Council announced them, with the notice as source."""

    source: Annotated[str, Field(min_length=5, max_length=500)]
    new_year: Days
    spring_festival: Days
    qingming: Days
    labour_day: Days
    dragon_boat: Days
    mid_autumn: Days
    national_day: Days

    def to_year(self, year: int) -> HolidayYear:
        """The year of the domain."""
        days: dict[str, tuple[DateRange, ...]] = {}
        for holiday in Holiday:
            days[holiday.value] = (getattr(self, holiday.value).to_range(),)
        return HolidayYear(year, days, self.source)


class _CalendarIn(RootModel[Annotated[dict[_Year, _YearIn], Field(min_length=1)]]):
    @model_validator(mode="after")
    def _in_their_years(self) -> Self:
        for number, year in self.root.items():
            for holiday in Holiday:
                days = getattr(year, holiday.value)
                # The days off of New Year may begin in December.
                if days.end.year != number or days.start.year < number - 1:
                    raise ValueError(f"{number}: {holiday.value} does not lie in that year")
        return self

    def to_years(self) -> list[HolidayYear]:
        return [year.to_year(number) for number, year in sorted(self.root.items())]


def read_holidays(file: Path) -> list[HolidayYear]:
    """The years of a holiday file. Raises `Invalid` naming each field that is wrong."""
    calendars = read_drafts([file], _CalendarIn.model_validate, "holiday")
    return _joined(calendar.to_years() for calendar in calendars)


def _joined(calendars: Iterable[list[HolidayYear]]) -> list[HolidayYear]:
    return [year for years in calendars for year in years]
