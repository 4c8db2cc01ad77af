"""Amendments: in favour of sold passes, in force at once, and never a taking away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.base.errors import Fault, Invalid, Unknown
from passes.holding.model import Pass
from passes.ledger.verdicts import Reason
from passes.terms.amendments import Amendment
from passes.terms.terms import Coverage, Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

ONE_SPOT = Coverage(frozenset({EMEISHAN}))


def amendment(**changes: Any) -> Amendment:
    usual = Amendment("annual", 0, NOW, "closed for a month")
    return replace(usual, **changes)


async def sold(rooms: RoomsUnderTest, **terms: Any) -> Pass:
    """A pass of the annual product, published as operators do."""
    await rooms.terms.publishing.publish([build.product(**terms)], OPERATOR, NOW)
    await rooms.terms.editions.load()
    return await rooms.issued(edition=rooms.terms.editions.current("annual"))


async def amend(rooms: RoomsUnderTest, **changes: Any) -> Amendment:
    """Amend, as another process does: this one loads anew."""
    done = await rooms.terms.amending.amend(amendment(**changes), OPERATOR, NOW)
    await rooms.terms.editions.load()
    return done


async def test_days_are_added_to_passes_that_were_sold(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms)
    last_day = NOW + timedelta(days=364)
    after = last_day + timedelta(days=30)
    assert_refused(await rooms.verdict_on(live_scan(held, "a", after), after), Reason.EXPIRED)
    await amend(rooms, days=30)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", after), after))
    too_late = after + timedelta(days=1)
    assert_refused(await rooms.verdict_on(live_scan(held, "c", too_late), too_late), Reason.EXPIRED)
    now_held = await rooms.holding.passes.get(held.id)
    assert now_held is not None
    assert now_held.days.end == TODAY + timedelta(days=364 + 30)
    assert now_held.valid == held.valid, "what is stored stays as it is"


async def test_a_spot_is_added_to_passes_that_were_sold(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms, coverage=ONE_SPOT)
    there = build.gate(spot_id=XIANNVSHAN)
    refused = await rooms.verdict_on(live_scan(held, "a", gate=there))
    assert_refused(refused, Reason.SPOT_NOT_COVERED)
    await amend(rooms, spots=frozenset({XIANNVSHAN}))
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", gate=there)))


async def test_visits_are_added_to_passes_that_were_sold(rooms: RoomsUnderTest) -> None:
    held = await sold(rooms, limits=Limits(total=1))
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")), visits_left=0)
    await amend(rooms, limits={"total": 3})
    tomorrow = NOW + timedelta(days=1)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", tomorrow), tomorrow), visits_left=1)


async def test_an_amendment_is_for_the_versions_there_are(rooms: RoomsUnderTest) -> None:
    first = await sold(rooms, limits=Limits(total=1))
    await amend(rooms, limits={"total": 5})
    await rooms.terms.publishing.publish([build.product(limits=Limits(total=2))], OPERATOR, NOW)
    await rooms.terms.editions.load()
    second = rooms.terms.editions.current("annual")
    assert second is not None
    assert second.terms.limits.total == 2
    assert (await rooms.terms.editions.find("annual", 1)).terms.limits.total == 5
    assert first.edition.version == 1


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({}, "amendment"),
        ({"days": -1}, "days"),
        ({"days": 5_000}, "days"),
        ({"spots": frozenset({"nowhere"})}, "spots"),
        ({"versions": frozenset({7}), "days": 1}, "versions"),
        ({"limits": {"total": 3}}, "total"),
        ({"limits": {"total": 2}}, "total"),
        ({"limits": {"minutes_between": 900}}, "minutes_between"),
        ({"reason": "  ", "days": 1}, "reason"),
    ],
)
async def test_what_adds_nothing_is_refused_and_nothing_is_stored(
    rooms: RoomsUnderTest, changes: dict[str, Any], where: str
) -> None:
    await sold(rooms, limits=Limits(total=3))
    with pytest.raises(Invalid) as refused:
        await amend(rooms, **changes)
    assert where in {fault.where for fault in refused.value.faults}
    assert await rooms.terms.stored_amendments.all() == []


async def test_what_has_no_limit_gets_none_by_an_amendment(rooms: RoomsUnderTest) -> None:
    await sold(rooms)
    with pytest.raises(Invalid, match="no amendment") as refused:
        await amend(rooms, limits={"total": 3})
    assert refused.value.faults == (Fault("total", "is without limit already"),)


async def test_there_has_to_be_such_a_product(rooms: RoomsUnderTest) -> None:
    with pytest.raises(Unknown):
        await amend(rooms, product_id="nothing", days=1)


async def test_the_same_amendment_made_again_adds_nothing(rooms: RoomsUnderTest) -> None:
    await sold(rooms, limits=Limits(total=10))
    first = await amend(rooms, days=10, limits={"total": 20})
    assert await amend(rooms, days=10, limits={"total": 20}) == first
    assert await rooms.terms.stored_amendments.all() == [first]
    another = await amend(rooms, days=10, reason="closed for another month")
    assert another.number == 2


async def test_amendments_add_up_and_are_audited(rooms: RoomsUnderTest) -> None:
    await sold(rooms)
    await amend(rooms, days=10)
    second = await amend(rooms, days=5)
    assert second.number == 2
    assert (await rooms.terms.editions.find("annual", 1)).extended_by == 15
    lines = await rooms.base.audit.about("product:annual")
    assert [line.action for line in lines][-2:] == ["amend", "amend"]


async def test_publishing_the_same_file_again_after_an_amendment_changes_nothing(
    rooms: RoomsUnderTest,
) -> None:
    await sold(rooms, coverage=ONE_SPOT)
    await amend(rooms, spots=frozenset({XIANNVSHAN}), days=3)
    draft = build.product(coverage=ONE_SPOT)
    done = await rooms.terms.publishing.publish([draft], OPERATOR, NOW)
    assert done.unchanged == ("annual",)
