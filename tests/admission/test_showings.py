"""One showing of a code lets in once: however often it is read, and at however many gates."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from passes.admission.gates import GateKind, Purpose
from passes.base.errors import Conflict
from passes.holding.lifecycle import Step
from passes.ledger.records import RecordKind
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, XIANNVSHAN, live_scan, printed_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of

CARNET = build.terms(limits=Limits(per_spot_day=None, total=5))
FAMILY = build.terms(party=Party(4, 4), limits=Limits(per_spot_day=None, total=5))
SOON = NOW + timedelta(seconds=2)
LATER = NOW + timedelta(seconds=4)
GATE = build.gate(GateKind.HANDHELD)


async def visits(rooms: RoomsUnderTest) -> int:
    """How many visits the ledger counts."""
    ledger = await rooms.ledger.records.whole(SERIAL)
    return ledger[-1].tally.total if ledger else 0


async def test_a_double_read_takes_one_visit_of_a_carnet(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))
    again = await rooms.verdict_on(live_scan(held, "b", SOON), SOON)
    assert_refused(again, Reason.REPEAT, speak="请通过")
    assert await visits(rooms) == 1
    assert await rooms.verdict_on(live_scan(held, "b", SOON), LATER) == again, "its retry, too"


async def test_many_reads_of_one_showing_at_once_let_in_once(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=FAMILY)
    scans = [printed_scan(held, f"n{n}") for n in range(8)]
    verdicts = await asyncio.gather(*(rooms.verdict_on(scan) for scan in scans))
    reasons = Counter(reason_of(verdict) for verdict in verdicts)
    assert reasons == {Reason.OK: 1, Reason.REPEAT: 7}
    assert await visits(rooms) == 1


async def test_an_annual_pass_is_told_to_go_through_and_not_that_it_was_used_today(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))
    assert_refused(await rooms.verdict_on(live_scan(held, "b", SOON), SOON), Reason.REPEAT)
    at_last = await rooms.verdict_on(live_scan(held, "c", LATER), LATER)
    assert_refused(at_last, Reason.ALREADY_TODAY)


async def test_people_who_are_counted_out_are_no_repeat(rooms: RoomsUnderTest) -> None:
    """The gate names how many want to pass: the second reading is meant."""
    held = await rooms.issued(terms=FAMILY)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", party=1)), admits=1)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", SOON, party=2), SOON), admits=2)
    rest = await rooms.verdict_on(live_scan(held, "c", SOON), SOON)
    assert_admitted(rest, admits=1)
    assert await visits(rooms) == 1


async def test_an_annulled_admission_is_not_repeated(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    await rooms.verdict_on(live_scan(held, "a"))
    await rooms.admission.annulling.annul(build.gate(), "a", NOW)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", SOON), SOON))


async def test_a_pass_that_was_frozen_meanwhile_is_no_repeat(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    await rooms.verdict_on(live_scan(held, "a"))
    await rooms.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    again = await rooms.verdict_on(live_scan(held, "b", SOON), SOON)
    assert_refused(again, Reason.FROZEN_BY_STAFF)


async def test_another_gate_between_two_reads_makes_no_second_visit(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    other = build.gate(GateKind.HANDHELD, id="other")
    assert_admitted(await rooms.verdict_on(printed_scan(held, "a")))
    assert_admitted(await rooms.verdict_on(printed_scan(held, "b", gate=other)))
    assert_refused(await rooms.verdict_on(printed_scan(held, "c", SOON), SOON), Reason.REPEAT)


async def test_who_leaves_within_three_seconds_is_let_out(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(live_scan(held, "a"))
    out = await rooms.verdict_on(live_scan(held, "b", SOON, purpose=Purpose.LEAVE), SOON)
    assert_admitted(out, leaving=True)


async def test_a_nonce_names_the_way_in_or_the_way_out(rooms: RoomsUnderTest) -> None:
    """The same text on the way out is another scan: its nonce is taken."""
    held = await rooms.issued()
    first = await rooms.verdict_on(live_scan(held, "a"))
    with pytest.raises(Conflict, match="names another scan"):
        await rooms.verdict_on(live_scan(held, "a", purpose=Purpose.LEAVE))
    assert await rooms.verdict_on(live_scan(held, "a")) == first


async def test_one_rotating_text_does_not_open_gates_400_km_apart(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    there = build.gate(spot_id=XIANNVSHAN)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a")))
    copied = await rooms.verdict_on(live_scan(held, "b", gate=there), LATER)
    assert_refused(copied, Reason.CODE_SPENT)
    fresh = NOW + timedelta(seconds=30)
    assert_admitted(await rooms.verdict_on(live_scan(held, "c", fresh, gate=there), fresh))


async def test_one_rotating_text_at_two_gates_at_once_opens_one(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    gates = [build.gate(id=f"gate-{n}", spot_id=XIANNVSHAN) for n in range(8)]
    scans = [live_scan(held, gate.id, gate=gate) for gate in gates]
    verdicts = await asyncio.gather(*(rooms.verdict_on(scan) for scan in scans))
    reasons = Counter(reason_of(verdict) for verdict in verdicts)
    assert reasons == {Reason.OK: 1, Reason.CODE_SPENT: 7}


async def test_the_rest_of_a_party_follows_with_the_same_text(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=FAMILY)
    other = build.gate(id="other")
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", party=3)), admits=3)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", party=1, gate=other)), admits=1)
    one_more = await rooms.verdict_on(live_scan(held, "c", party=1, gate=other))
    assert_refused(one_more, Reason.CODE_SPENT)


async def test_an_annulment_frees_the_text(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=CARNET)
    there = build.gate(spot_id=XIANNVSHAN)
    await rooms.verdict_on(live_scan(held, "a"))
    await rooms.admission.annulling.annul(build.gate(), "a", NOW)
    assert_admitted(await rooms.verdict_on(live_scan(held, "b", gate=there)))


async def test_who_leaves_may_show_a_text_that_has_opened(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(live_scan(held, "a"))
    out = await rooms.verdict_on(live_scan(held, "b", purpose=Purpose.LEAVE), LATER)
    assert_admitted(out, leaving=True)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert [record.kind for record in ledger] == [RecordKind.ADMITTED, RecordKind.EXITED]
