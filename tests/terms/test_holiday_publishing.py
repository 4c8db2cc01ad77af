"""Publishing holidays over the real database."""

from datetime import date

from passes.files.holidays import SHIPPED, read_holidays
from passes.terms.holidays import HolidayYear
from passes.terms.validity import DateRange
from tests.support.build import NOW, OPERATOR
from tests.support.rooms import RoomsUnderTest


async def test_a_changed_year_replaces_the_one_before(rooms: RoomsUnderTest) -> None:
    publishing, calendar = rooms.terms.holiday_publishing, rooms.terms.holidays
    shipped = read_holidays(SHIPPED)
    assert (await publishing.publish(shipped, OPERATOR, NOW)).created == (2026,)
    assert (await publishing.publish(shipped, OPERATOR, NOW)).unchanged == (2026,)
    moved = HolidayYear(2026, {"national_day": (DateRange(date(2026, 10, 1), date(2026, 10, 8)),)})
    assert (await publishing.publish([moved], OPERATOR, NOW)).changed == (2026,)
    await calendar.load()
    assert calendar.calendar().names_on(date(2026, 10, 8)) == {"national_day"}
