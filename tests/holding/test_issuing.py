"""Issuing: which days a pass can have, and that nothing is stored when it cannot."""

from datetime import date, timedelta

import pytest

from passes.base.calendar import business_day
from passes.base.errors import Conflict, Invalid
from passes.codes.format import LAST_DAY
from passes.holding.ports import Holding
from passes.holding.shown_code import static_text
from passes.terms.validity import DateRange, Term
from server.mongo import Mongo
from tests.support import build
from tests.support.build import HOLDER, KEYS, NOW, OPERATOR, SEALER
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest


@pytest.mark.parametrize(
    "first_day", [date(2019, 12, 31), date(2190, 1, 1), date(9999, 12, 31), date.min]
)
async def test_a_day_that_no_code_can_name_issues_nothing(
    rooms: RoomsUnderTest, first_day: date
) -> None:
    new = await rooms.new(SEALER.seal(HOLDER), build.product(), first_day)
    with pytest.raises(Invalid, match="has to be from"):
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


async def test_what_nobody_can_be_issued_is_refused(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    issue, holder = rooms.holding.issuing.issue, SEALER.seal(HOLDER)
    last_year = DateRange(date(2025, 1, 1), date(2025, 12, 31))
    over = build.product(term=Term(dates=last_year))
    with pytest.raises(Conflict, match="ended on 2025-12-31"):
        await issue(await rooms.new(holder, over), OPERATOR, NOW)
    voucher = build.offer().voucher()
    with pytest.raises(Conflict, match="claimed, not issued"):
        await issue(await rooms.new(holder, voucher), OPERATOR, NOW)
    assert await mongo.collection("passes").find({}) == []
    assert await mongo.collection("holdings").find({}) == []


async def test_of_two_who_finish_what_a_crash_left_one_is_first(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The serial was reserved and the pass never stored; two processes issue it at once."""
    rooms, rival = RoomsUnderTest(mongo), RoomsUnderTest(mongo)
    lookup, left = SEALER.seal(HOLDER).lookup, "0" * 15 + "2"
    await rooms.holding.holdings.reserve(f"annual:{lookup}", Holding(lookup, left))
    overtake(monkeypatch, rooms.holding.passes, "add", rival.issue)
    with pytest.raises(Conflict, match=left):
        await rooms.issue()
    (held,) = await rooms.holding.passes.of_holder(lookup)
    assert held.id == left


async def test_of_two_who_issue_the_next_pass_at_once_one_is_first(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass before has ended; another process issues the next one a moment earlier."""
    rooms, rival = RoomsUnderTest(mongo), RoomsUnderTest(mongo)
    ended = await rooms.issue()
    later = NOW + timedelta(days=365)

    async def issue_first() -> None:
        await rival.issue(at=later)

    overtake(monkeypatch, rooms.holding.holdings, "pass_on", issue_first)
    with pytest.raises(Conflict, match="has a pass of this product in force"):
        await rooms.issue(at=later)
    held = await rooms.holding.passes.of_holder(ended.holder.lookup)
    assert len(held) == 2


async def test_a_holder_who_is_erased_while_a_pass_is_issued_to_them_is_free_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holding is taken when it is asked for, and gone when it is read."""
    rooms = RoomsUnderTest(mongo)
    holdings, lookup = rooms.holding.holdings, SEALER.seal(HOLDER).lookup
    await holdings.reserve("annual", Holding(lookup, "a" * 16))

    async def erase() -> None:
        await rooms.rights.kept.forget(lookup)

    overtake(monkeypatch, holdings._holdings, "get", erase)
    free_again = Holding(lookup, "b" * 16)
    assert await holdings.reserve("annual", free_again) == free_again
