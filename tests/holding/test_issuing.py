"""Issuing: which days a pass can have, and that nothing is stored when it cannot."""

from datetime import date

import pytest

from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.codes.format import LAST_DAY
from passes.holding.shown_code import static_text
from passes.terms.terms import DateRange, Term
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW
from tests.support.rooms import RoomsUnderTest


@pytest.fixture
def desk(any_mongo: Mongo) -> RoomsUnderTest:
    return RoomsUnderTest(any_mongo)


@pytest.mark.parametrize(
    "first_day", [date(2019, 12, 31), date(2190, 1, 1), date(9999, 12, 31), date.min]
)
async def test_a_day_that_no_code_can_name_issues_nothing(
    desk: RoomsUnderTest, first_day: date
) -> None:
    issuing = desk.holding.issuing
    with pytest.raises(Invalid, match="too early or too late"):
        await issuing.issue(
            await desk.new(build.SEALER.seal(build.HOLDER), build.product(), first_day),
            "operator:test",
            NOW,
        )
    assert await desk.database.collection("passes").find({}) == []
    assert await desk.database.collection("audit_log").find({}) == []


async def test_a_first_day_is_for_terms_of_so_many_days(desk: RoomsUnderTest) -> None:
    issuing = desk.holding.issuing
    fixed = build.product(term=Term(dates=DateRange(date(2026, 7, 1), LAST_DAY)))
    holder = build.SEALER.seal(build.HOLDER)
    with pytest.raises(Invalid, match="fixed dates"):
        await issuing.issue(await desk.new(holder, fixed, date(2026, 8, 1)), "operator:test", NOW)
    issued = await issuing.issue(await desk.new(holder, fixed), "operator:test", NOW)
    assert issued.valid.end == LAST_DAY
    assert static_text(issued, KEYS).startswith("BP1:")
    today = await issuing.issue(
        await desk.new(holder, build.product("other")), "operator:test", NOW
    )
    assert today.valid.start == business_day(NOW)
