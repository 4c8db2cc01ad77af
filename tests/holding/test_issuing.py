"""Issuing: which days a pass can have, and that nothing is stored when it cannot."""

from datetime import date

import pytest

from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.codes.format import LAST_DAY
from passes.holding.issuing import Issuing
from passes.holding.shown_code import static_text
from passes.store.audit import AuditStore
from passes.store.holding import HoldingStore, PassStore
from passes.terms.terms import DateRange, Term
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW


@pytest.mark.parametrize(
    "first_day", [date(2019, 12, 31), date(2190, 1, 1), date(9999, 12, 31), date.min]
)
async def test_a_day_that_no_code_can_name_issues_nothing(
    any_mongo: Mongo, first_day: date
) -> None:
    issuing = Issuing(PassStore(any_mongo), HoldingStore(any_mongo), AuditStore(any_mongo))
    with pytest.raises(Invalid, match="too early or too late"):
        await issuing.issue(
            build.product(), build.SEALER.seal(build.HOLDER), first_day, "operator:test", NOW
        )
    assert await any_mongo.collection("passes").find({}) == []
    assert await any_mongo.collection("audit_log").find({}) == []


async def test_a_first_day_is_for_terms_of_so_many_days(any_mongo: Mongo) -> None:
    issuing = Issuing(PassStore(any_mongo), HoldingStore(any_mongo), AuditStore(any_mongo))
    fixed = build.product(term=Term(dates=DateRange(date(2026, 7, 1), LAST_DAY)))
    holder = build.SEALER.seal(build.HOLDER)
    with pytest.raises(Invalid, match="fixed dates"):
        await issuing.issue(fixed, holder, date(2026, 8, 1), "operator:test", NOW)
    issued = await issuing.issue(fixed, holder, None, "operator:test", NOW)
    assert issued.valid.end == LAST_DAY
    assert static_text(issued, KEYS).startswith("BP1:")
    today = await issuing.issue(build.product("other"), holder, None, "operator:test", NOW)
    assert today.valid.start == business_day(NOW)
