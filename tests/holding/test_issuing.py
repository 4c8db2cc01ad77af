"""Issuing: which days a pass can have, and that nothing is stored when it cannot."""

from datetime import date

import pytest

from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.codes.format import LAST_DAY
from passes.holding.shown_code import static_text
from passes.terms.terms import DateRange, Term
from tests.support import build
from tests.support.build import HOLDER, KEYS, NOW, OPERATOR, SEALER
from tests.support.rooms import RoomsUnderTest


@pytest.mark.parametrize(
    "first_day", [date(2019, 12, 31), date(2190, 1, 1), date(9999, 12, 31), date.min]
)
async def test_a_day_that_no_code_can_name_issues_nothing(
    rooms: RoomsUnderTest, first_day: date
) -> None:
    new = await rooms.new(SEALER.seal(HOLDER), build.product(), first_day)
    with pytest.raises(Invalid, match="too early or too late"):
        await rooms.holding.issuing.issue(new, OPERATOR, NOW)
    assert await rooms.database.collection("passes").find({}) == []
    assert await rooms.database.collection("audit_log").find({}) == []


async def test_a_first_day_is_for_terms_of_so_many_days(rooms: RoomsUnderTest) -> None:
    issue, holder = rooms.holding.issuing.issue, SEALER.seal(HOLDER)
    fixed = build.product(term=Term(dates=DateRange(date(2026, 7, 1), LAST_DAY)))
    with pytest.raises(Invalid, match="fixed dates"):
        await issue(await rooms.new(holder, fixed, date(2026, 8, 1)), OPERATOR, NOW)
    issued = await issue(await rooms.new(holder, fixed), OPERATOR, NOW)
    assert issued.valid.end == LAST_DAY
    assert static_text(issued, KEYS).startswith("BP1:")
    today = await issue(await rooms.new(holder, build.product("other")), OPERATOR, NOW)
    assert today.valid.start == business_day(NOW)
