"""Rescinding: a time card is given back because a spot leaves, and what is due to the payer."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.holding.losing import losses_by
from passes.holding.model import Pass, PassState, Sale
from passes.holding.rescinding import refund_of
from passes.ledger.verdicts import Reason
from passes.terms.spot_withdrawals import Policy
from passes.terms.terms import Limits
from passes.terms.validity import DateRange
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, TODAY, XIANNVSHAN, live_scan
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

DAY = timedelta(days=1)
PAID = 36_500
SALE = Sale(batch="union-7", payer="测试工会", paid_fen=PAID)


async def sold(rooms: RoomsUnderTest, changes: dict[str, Any] | None = None, **held: Any) -> Pass:
    """A pass that was sold before 峨眉山 was withdrawn from it."""
    await rooms.issued(**({"sale": SALE} | held))
    withdrawal = build.spot_withdrawal(**(changes or {}))
    await rooms.terms.spot_withdrawing.withdraw(withdrawal, OPERATOR)
    await rooms.terms.editions.load()
    found = await rooms.holding.passes.get(SERIAL)
    assert found is not None
    return found


async def rescind(rooms: RoomsUnderTest, at: datetime = NOW + 4 * DAY, **more: Any) -> Pass:
    return await rooms.holding.rescinding.rescind(SERIAL, OPERATOR, at, "he asked", **more)


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2026, 6, 30), 1000),
        (date(2026, 7, 1), 667),
        (date(2026, 7, 2), 334),
        (date(2026, 7, 3), 0),
        (date(2026, 7, 4), 0),
    ],
)
def test_the_price_of_the_days_to_come_is_due(today: date, due: int) -> None:
    assert refund_of(1000, DateRange(date(2026, 7, 1), date(2026, 7, 3)), today) == due


async def test_a_pass_that_is_given_back_admits_no_more(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))
    after = await rescind(rooms)
    assert after.state is PassState.REFUNDED
    assert after.sale == replace(SALE, refund_fen=36_000), "five of 365 days are used"
    at = NOW + 5 * DAY
    assert_refused(await rooms.verdict_on(live_scan(held, "b", at), at), Reason.REFUNDED)
    (line,) = await rooms.lines_about(f"pass:{SERIAL}")
    expected = {"reason": "he asked", "payer": "测试工会", "batch": "union-7"}
    sums = {"paid_fen": "36500", "refund_fen": "36000"}
    assert (line.action, line.detail) == ("rescind", expected | sums)


async def test_beforehand_it_says_the_sum_and_stores_nothing(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms)
    seen = await rooms.holding.rescinding.preview(SERIAL, NOW + 4 * DAY, "he asked")
    assert await rooms.holding.passes.get(SERIAL) == held
    assert not await rooms.lines_about(f"pass:{SERIAL}")
    assert seen == await rescind(rooms)


async def test_again_it_says_the_same_sum(rooms: RoomsUnderTest) -> None:
    await sold(rooms)
    first = await rescind(rooms)
    again = await rescind(rooms, NOW + 30 * DAY)
    assert again.sale == first.sale
    assert len(await rooms.lines_about(f"pass:{SERIAL}")) == 1


async def test_a_pass_that_waits_is_refunded_whole(rooms: RoomsUnderTest) -> None:
    await sold(rooms, state=PassState.ISSUED, activate_by=TODAY + 30 * DAY)
    assert (await rescind(rooms)).sale.refund_fen == PAID


async def test_what_was_paid_is_asked_for_where_it_is_not_known(rooms: RoomsUnderTest) -> None:
    await sold(rooms, sale=Sale())
    with pytest.raises(Invalid) as refused:
        await rescind(rooms)
    assert [fault.where for fault in refused.value.faults] == ["paid_fen"]
    after = await rescind(rooms, paid_fen=PAID)
    assert (after.sale.paid_fen, after.sale.refund_fen) == (PAID, 36_000)


@pytest.mark.parametrize(
    ("changes", "held", "code"),
    [
        ({"policy": Policy.SERVE}, {}, "no_spot_withdrawn"),
        ({"at": NOW - DAY}, {}, "no_spot_withdrawn"),
        ({}, {"chosen_spot": XIANNVSHAN}, "no_spot_withdrawn"),
        ({}, {"terms": build.terms(limits=Limits(total=3))}, "no_time_card"),
        ({}, {"state": PassState.REVOKED}, "pass_state"),
    ],
    ids=["served", "sold_after_it_was_told", "another_spot", "counts_visits", "revoked"],
)
async def test_no_other_pass_is_given_back(
    rooms: RoomsUnderTest, changes: dict[str, Any], held: dict[str, Any], code: str
) -> None:
    await sold(rooms, changes, **held)
    with pytest.raises(Conflict) as refused:
        await rescind(rooms)
    assert refused.value.code == code


@pytest.mark.parametrize(("held", "paid_fen"), [({"sale": Sale(paid_fen=0)}, None), ({}, PAID - 1)])
async def test_sums_that_cannot_be_are_refused(
    rooms: RoomsUnderTest, held: dict[str, Any], paid_fen: int | None
) -> None:
    await sold(rooms, **held)
    with pytest.raises(Invalid):
        await rescind(rooms, paid_fen=paid_fen)


async def test_a_pass_that_changes_meanwhile_is_not_given_back(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await sold(rooms)

    async def frozen() -> None:
        await rooms.change_stored(held.id, revision=1)

    overtake(monkeypatch, rooms.holding.passes, "replace", frozen)
    with pytest.raises(Conflict, match="being changed right now"):
        await rescind(rooms)
    with pytest.raises(Unknown):
        await rooms.holding.rescinding.rescind("00000000000000ff", OPERATOR, NOW, "x")


async def test_the_office_is_told_which_passes_lose_what(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms)
    await rooms.verdict_on(live_scan(held))
    tallies = {held.id: await rooms.holding.wallet.tally_of(held)}
    withdrawal = held.loses[0]
    later = replace(held, id="00000000000000a2", issued_at=withdrawal.at)
    revoked = replace(held, id="00000000000000a3", state=PassState.REVOKED)
    (loss,) = losses_by(withdrawal, [held, later, revoked], tallies, TODAY)
    assert (loss.pass_id, loss.visits, loss.days_lost, loss.may_rescind) == (SERIAL, 1, 355, True)
    assert (loss.payer, loss.paid_fen, loss.valid_until) == ("测试工会", PAID, held.days.end)
    served = replace(withdrawal, policy=Policy.SERVE)
    (loss,) = losses_by(served, [held], tallies, TODAY)
    assert (loss.days_lost, loss.may_rescind) == (0, False)
