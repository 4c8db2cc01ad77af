"""The history of a pass: under all the serials it has had, as far as they are kept."""

from datetime import timedelta

from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, live_scan
from tests.support.rooms import RoomsUnderTest

MANY_A_DAY = build.terms(limits=Limits(per_spot_day=None))


async def test_the_history_of_a_reissued_pass_is_that_of_both_serials(
    rooms: RoomsUnderTest,
) -> None:
    old = await rooms.issued(terms=MANY_A_DAY)
    await rooms.verdict_on(live_scan(old, "a"))
    an_hour_later = NOW + timedelta(hours=1)
    new = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, an_hour_later)
    later_still = NOW + timedelta(hours=2)
    await rooms.verdict_on(live_scan(old, "b", later_still), later_still)
    last = NOW + timedelta(hours=3)
    await rooms.verdict_on(live_scan(new, "c", last), last)
    whole = await rooms.admission.histories.whole(new)
    assert [event.what for event in whole] == [
        "admitted",
        "reissue",
        "issue",
        "refused",
        "admitted",
    ]
    assert [event.at for event in whole] == sorted(event.at for event in whole)
    present = await rooms.admission.histories.under_serial(new)
    assert [event.what for event in present] == ["issue", "admitted"]


async def test_a_lineage_ends_where_a_pass_is_kept_no_more(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    await rooms.issued()
    second = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    third = await rooms.holding.reissuing.reissue(second.id, OPERATOR, NOW)
    await mongo.collection("passes").delete({"_id": SERIAL})
    lineage = await rooms.admission.histories.lineage(third)
    assert [held.id for held in lineage] == [second.id, third.id]
