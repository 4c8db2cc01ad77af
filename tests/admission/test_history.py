"""The history of a pass: under all the serials it has had, as far as they are kept."""

from dataclasses import replace
from datetime import timedelta

from passes.admission.correcting import Correction
from passes.admission.gates import GateKind
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, live_scan
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted

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


async def test_the_history_tells_people_who_paid_and_what_a_correction_undoes(
    rooms: RoomsUnderTest,
) -> None:
    party = Party(admits=2, pays=1, each_fen=16_000)
    held = await rooms.issued(terms=build.terms(party=party, payment=Payment.AT_WINDOW))
    window, late = build.gate(GateKind.WINDOW), NOW + timedelta(minutes=5)
    scan = replace(live_scan(held, "a", gate=window), scanned_at=late)
    assert_admitted(await rooms.verdict_on(scan))
    wrong = Correction(SERIAL, 1, OPERATOR, "one came")
    await rooms.admission.correcting.set_people(wrong, 1, NOW + timedelta(hours=1))
    admitted, corrected = [
        event.detail
        for event in await rooms.admission.histories.whole(held)
        if event.what == "admitted"
    ]
    assert_fields(admitted, way="rotating", people="2", paid_by="1", amount_fen="16000")
    assert_fields(admitted, counts="no", scanned_at=late.isoformat())
    assert "undoes" not in admitted
    assert_fields(corrected, people="1", undoes="1", reason="one came", counts="yes")


async def test_a_lineage_ends_where_a_pass_is_kept_no_more(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    await rooms.issued()
    second = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    third = await rooms.holding.reissuing.reissue(second.id, OPERATOR, NOW)
    await mongo.collection("passes").delete({"_id": SERIAL})
    lineage = await rooms.admission.histories.lineage(third)
    assert [held.id for held in lineage] == [second.id, third.id]
