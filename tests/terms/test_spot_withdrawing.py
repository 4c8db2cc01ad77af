"""Withdrawing a spot: what passes do there before and after, and that it can be taken back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.holding.model import Pass
from passes.ledger.verdicts import Reason
from passes.terms.amendments import Amendment
from passes.terms.spot_withdrawals import Policy
from passes.terms.spot_withdrawing import Withdrawn
from passes.terms.terms import Coverage
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN, live_scan
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

DAY = timedelta(days=1)
LAST = NOW + 9 * DAY
GONE = NOW + 10 * DAY


async def withdraw(rooms: RoomsUnderTest, **changes: Any) -> Withdrawn:
    """Withdraw 峨眉山 from the annual pass, as another process does: this one loads anew."""
    wanted = build.spot_withdrawal(**changes)
    done = await rooms.terms.spot_withdrawing.withdraw(wanted, OPERATOR)
    await rooms.terms.editions.load()
    return done


async def scanned(rooms: RoomsUnderTest, held: Pass, at: datetime, spot: str = EMEISHAN) -> Any:
    scan = live_scan(held, f"{at:%j%H%M}{spot}", at, gate=build.gate(spot_id=spot))
    return await rooms.verdict_on(scan, at)


@pytest.mark.parametrize("policy", list(Policy))
async def test_sold_passes_are_served_or_end_there(rooms: RoomsUnderTest, policy: Policy) -> None:
    held = await rooms.issued()
    await withdraw(rooms, policy=policy)
    assert_admitted(await scanned(rooms, held, LAST))
    if policy is Policy.SERVE:
        assert_admitted(await scanned(rooms, held, GONE))
    else:
        verdict = await scanned(rooms, held, GONE)
        assert_refused(verdict, Reason.SPOT_WITHDRAWN, admitted_from=None)
    assert_admitted(await scanned(rooms, held, GONE + DAY, XIANNVSHAN))


async def test_nothing_is_promised_for_the_days_after_it(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await withdraw(rooms)
    assert_admitted(await scanned(rooms, held, LAST))
    again = await scanned(rooms, held, LAST + timedelta(minutes=5))
    assert_refused(again, Reason.ALREADY_TODAY, admitted_from=None)


async def test_it_can_be_taken_back_before_and_after(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    resume = rooms.terms.spot_withdrawing.resume
    await withdraw(rooms)
    assert await resume("annual", EMEISHAN, OPERATOR, GONE)
    assert not await resume("annual", EMEISHAN, OPERATOR, GONE)
    await rooms.terms.editions.load()
    assert_admitted(await scanned(rooms, held, GONE))
    lines = await rooms.lines_about("product:annual")
    assert [line.action for line in lines] == ["withdraw_spot", "resume_spot"]


async def test_doing_it_again_changes_nothing_even_when_its_day_has_come(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.issued()
    assert not (await withdraw(rooms)).before
    assert (await withdraw(rooms, at=GONE, reason="again")).before
    assert len(await rooms.lines_about("product:annual")) == 1
    with pytest.raises(Conflict, match="resume it first"):
        await withdraw(rooms, policy=Policy.SERVE)


async def test_who_is_a_moment_later_finds_it_done(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.issued()
    store = rooms.terms.stored_spot_withdrawals

    async def another() -> None:
        await store.add(build.spot_withdrawal(reason="of another"))

    overtake(monkeypatch, store, "add", another)
    done = await withdraw(rooms)
    assert done == Withdrawn(build.spot_withdrawal(reason="of another"), before=True)
    assert await rooms.lines_about("product:annual") == []


async def test_a_spot_that_an_amendment_has_added_leaves_with_its_versions(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(coverage=Coverage(frozenset({XIANNVSHAN}))))
    more = Amendment("annual", 0, NOW, "a gift", spots=frozenset({EMEISHAN}))
    await rooms.terms.amending.amend(more, OPERATOR, NOW)
    await withdraw(rooms)
    assert_admitted(await scanned(rooms, held, LAST))
    assert_refused(await scanned(rooms, held, GONE), Reason.SPOT_WITHDRAWN)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": TODAY}, "from"),
        ({"start": TODAY - DAY, "policy": Policy.SERVE}, "from"),
        ({"spot_id": "nowhere"}, "spot"),
        ({"reason": " "}, "reason"),
    ],
)
async def test_what_is_wrong_is_named(
    rooms: RoomsUnderTest, changes: dict[str, Any], field: str
) -> None:
    await rooms.issued()
    with pytest.raises(Invalid) as refused:
        await withdraw(rooms, **changes)
    assert [fault.where for fault in refused.value.faults] == [field]


async def test_only_products_lose_spots(rooms: RoomsUnderTest) -> None:
    await rooms.offers.publishing.publish([build.offer()], OPERATOR, NOW)
    for product_id in ("bogo", "nothing"):
        with pytest.raises(Unknown):
            await withdraw(rooms, product_id=product_id)


async def test_a_corrected_catalogue_takes_no_spot_from_sold_passes(
    rooms: RoomsUnderTest,
) -> None:
    draft = build.product(coverage=Coverage(tags=frozenset({"5A"})))
    await rooms.terms.publishing.publish([draft], OPERATOR, NOW)
    await rooms.terms.editions.load()
    held = await rooms.issued(edition=rooms.terms.editions.current("annual"))
    rooms.spots.change(EMEISHAN, level="4A")
    await rooms.terms.editions.load()
    assert_admitted(await scanned(rooms, held, NOW))
    await rooms.terms.publishing.publish([draft], OPERATOR, NOW)
    await rooms.terms.editions.load()
    now_sold = rooms.terms.editions.current("annual")
    assert now_sold is not None
    assert now_sold.spots == {XIANNVSHAN}
    assert_admitted(await scanned(rooms, held, NOW + DAY))
