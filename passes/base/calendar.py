"""Business days: dates in Asia/Shanghai, by which passes are valid and gates count."""

from datetime import UTC, date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The zone of both provinces. China has had no summer time since 1991, so a fixed offset is exact
for every date this system can hold, and needs no zone database on the machine."""


def business_day(instant: datetime) -> date:
    """The date in Asia/Shanghai at an aware `instant`."""
    return instant.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """The instant at which a business day begins, in UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def instant_of(day: date, clock: time) -> datetime:
    """The instant, in UTC, at which a clock in Asia/Shanghai shows a time on a business day."""
    return datetime.combine(day, clock, SHANGHAI).astimezone(UTC)


def day_after(day: date) -> date:
    """The business day that follows."""
    return day + timedelta(days=1)


def years_before(day: date, years: int) -> date:
    """The corresponding day so many years before; of 29 February, 28 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def to_milliseconds(instant: datetime) -> datetime:
    """The instant cut to whole milliseconds, which is all that BSON keeps of one."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
