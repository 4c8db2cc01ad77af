"""Operators correct what the ledger says, by a record, at any time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from passes.admission.annulling import Annulled
from passes.admission.correcting import Correcting, Correction
from passes.admission.gates import GateKind
from passes.base.errors import DomainError
from passes.ledger.records import Record, RecordKind, fold, visits
from passes.ledger.verdicts import Reason
from passes.offers.offer import Quota
from passes.terms.prices import Party
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, SERIAL, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

DAY = timedelta(days=1)
LATER = NOW + 2 * DAY
ONCE = build.terms(limits=Limits(total=1), party=Party(4, 4))


def correction(n: int = 1, pass_id: str = SERIAL) -> Correction:
    return Correction(pass_id, n, OPERATOR, "误刷")


async def ledger_of(rooms: RoomsUnderTest, pass_id: str = SERIAL) -> list[Record]:
    """The records of a pass; the newest tally is what they add up to."""
    ledger = list(await rooms.ledger.records.whole(pass_id))
    assert ledger[-1].tally == fold(ledger)
    return ledger


async def test_a_visit_is_given_back_days_later_though_others_followed(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=2)))
    for n in range(2):
        at = NOW + n * DAY
        assert_admitted(await rooms.verdict_on(live_scan(held, f"n{n}", at), at))
    annulled = await rooms.admission.correcting.annul(correction(), LATER)
    assert annulled.undone.nonce == "n0"
    assert await rooms.admission.correcting.annul(correction(), LATER + DAY) == annulled
    ledger = await ledger_of(rooms)
    assert [record.kind for record in ledger][2:] == [RecordKind.ANNULLED]
    assert ledger[-1].decision == correction().decision
    assert ledger[-1].tally.total == 1
    assert_admitted(await rooms.verdict_on(live_scan(held, "next", LATER), LATER), visits_left=0)
    lines = [line.action for line in await rooms.lines_about(f"pass:{SERIAL}")]
    assert lines == ["correct"]
    history = await rooms.admission.histories.whole(held)
    assert [event.by for event in history if event.what == "annulled"] == [OPERATOR]


async def test_fewer_people_came_and_the_rest_may_follow(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=ONCE)
    assert_admitted(await rooms.verdict_on(live_scan(held, "all")), admits=4)
    corrected = await rooms.admission.correcting.set_people(correction(), 3, NOW)
    assert await rooms.admission.correcting.set_people(correction(), 3, LATER) == corrected
    with pytest.raises(DomainError, match="correct that one"):
        await rooms.admission.correcting.annul(correction(), NOW)
    assert (await ledger_of(rooms))[-1].tally.places == {EMEISHAN: 1}
    assert_admitted(await rooms.verdict_on(live_scan(held, "rest", party=1)), admits=1)
    await rooms.admission.correcting.annul(correction(2), LATER)
    ledger = await ledger_of(rooms)
    assert [(visit.n, visit.verdict and visit.verdict.admits) for visit in visits(ledger)] == [
        (3, 1)
    ]


async def test_what_was_annulled_in_error_counts_again(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=ONCE)
    first = await rooms.verdict_on(live_scan(held, "in"))
    with pytest.raises(DomainError, match="stands"):
        await rooms.admission.correcting.restore(correction(), NOW)
    await rooms.admission.annulling.annul(build.gate(), "in", NOW)
    restored = await rooms.admission.correcting.restore(correction(), LATER)
    assert await rooms.admission.correcting.restore(correction(), LATER) == restored
    assert (await ledger_of(rooms))[-1].tally.total == 1
    assert await rooms.verdict_on(live_scan(held, "in"), NOW) == first
    refused = await rooms.verdict_on(live_scan(held, "new", LATER), LATER)
    assert_refused(refused, Reason.NO_VISITS_LEFT)


async def test_what_counts_again_is_not_said_to_be_annulled(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=ONCE)
    await rooms.verdict_on(live_scan(held, "in"))
    correcting = rooms.admission.correcting
    await correcting.annul(correction(), NOW)
    await correcting.restore(correction(), NOW)
    with pytest.raises(DomainError, match="correct that one"):
        await correcting.annul(correction(), LATER)
    await correcting.annul(correction(3), LATER)
    with pytest.raises(DomainError, match="correct that one"):
        await correcting.restore(correction(), LATER)
    assert (await ledger_of(rooms))[-1].tally.total == 0


async def test_a_gate_annuls_what_stands_and_not_what_was_replaced(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=ONCE)
    await rooms.verdict_on(live_scan(held, "in"))
    earlier = NOW - timedelta(minutes=5)
    await rooms.admission.correcting.set_time(correction(), earlier, NOW)
    await rooms.admission.annulling.annul(build.gate(), "in", NOW)
    assert (await ledger_of(rooms))[-1].tally.total == 0


async def test_the_rest_of_a_party_after_a_reissue_is_no_visit_of_a_campaign(
    rooms: RoomsUnderTest,
) -> None:
    """Annulled, it would give back a visit that was never counted: one too many would come in."""
    campaign = build.offer(
        limits=Limits(per_spot=2), quota=Quota(total=5, per_spot_day=9), voucher_days=None
    )
    held = await rooms.claim(of=campaign)
    gate = build.gate(GateKind.WINDOW)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", gate=gate, party=1)), admits=1)
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, NOW)
    rest = live_scan(new, "b", gate=gate, party=1)
    assert_admitted(await rooms.verdict_on(rest), admits=1)
    key = f"bogo:{build.TODAY}:{EMEISHAN}"
    assert (await rooms.counts())[key] == 1
    await rooms.admission.annulling.annul(gate, "b", NOW)
    assert (await rooms.counts())[key] == 1
    await rooms.offers.reconciling.reconcile(campaign, OPERATOR, LATER)
    assert (await rooms.counts())[key] == 1


async def test_a_record_of_a_server_that_was_ahead_is_healed(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=3)))
    ahead = NOW + 30 * DAY
    await rooms.verdict_on(live_scan(held, "a", ahead), ahead)
    with pytest.raises(DomainError, match="to come"):
        await rooms.admission.correcting.set_time(correction(), ahead, NOW)
    await rooms.admission.correcting.set_time(correction(), NOW - DAY, NOW)
    assert (await ledger_of(rooms))[-1].tally.last_at == NOW - DAY
    assert_admitted(await rooms.verdict_on(live_scan(held, "b")), visits_left=1)
    await rooms.admission.correcting.annul(correction(2), NOW)
    assert (await ledger_of(rooms))[-1].at == NOW
    assert "in the future" not in caplog.text


async def test_what_was_recorded_before_a_reissue_is_annulled_in_the_newest_ledger(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(total=3)))
    for n in range(2):
        at = NOW + n * DAY
        await rooms.verdict_on(live_scan(held, f"n{n}", at), at)
    second = await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, LATER)
    assert_admitted(await rooms.verdict_on(live_scan(second, "c", LATER), LATER), visits_left=0)
    third = await rooms.holding.reissuing.reissue(second.id, OPERATOR, LATER)
    correcting = rooms.admission.correcting
    first = await correcting.annul(correction(1), LATER)
    assert await correcting.annul(correction(1), LATER) == first
    await correcting.annul(correction(2, second.id), LATER)
    ledger = await ledger_of(rooms, third.id)
    assert [(each.of_pass, each.annuls) for each in ledger[1:]] == [(SERIAL, 1), (second.id, 2)]
    assert ledger[-1].tally.by_spot == {EMEISHAN: 1}
    assert ledger[-1].tally.last_at == NOW + DAY
    history = await rooms.admission.histories.whole(third)
    counting = [event.detail["counts"] for event in history if event.what == "admitted"]
    assert counting == ["no", "yes", "no"]
    with pytest.raises(DomainError, match="reissued"):
        await correcting.set_people(correction(2), 1, LATER)


async def test_a_campaign_has_the_visit_again(rooms: RoomsUnderTest) -> None:
    campaign = build.offer(
        limits=Limits(per_spot=2), quota=Quota(total=5, per_spot_day=1), voucher_days=None
    )
    held = await rooms.claim(of=campaign)
    gate = build.gate(GateKind.WINDOW)
    assert_admitted(await rooms.verdict_on(live_scan(held, "a", gate=gate)))
    key = f"bogo:{build.TODAY}:{EMEISHAN}"
    assert (await rooms.counts())[key] == 1
    await rooms.admission.correcting.annul(correction(1, held.id), LATER)
    assert (await rooms.counts())[key] == 0
    await rooms.admission.correcting.restore(correction(1, held.id), LATER)
    assert (await rooms.counts())[key] == 1
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, LATER)
    await rooms.admission.correcting.annul(correction(3, held.id), LATER)
    assert (await rooms.counts())[key] == 0
    assert (await ledger_of(rooms, new.id))[-1].tally.total == 0
    await rooms.offers.reconciling.reconcile(campaign, OPERATOR, LATER)
    assert (await rooms.counts())[key] == 0


UNKNOWN: dict[str, Callable[[Correcting], Awaitable[Annulled]]] = {
    "no such pass": lambda to: to.annul(correction(1, "0" * 16), NOW),
    "no such record": lambda to: to.annul(correction(7), NOW),
    "the mark of a reissue": lambda to: to.annul(correction(2), NOW),
}


@pytest.mark.parametrize("wrong", UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_there_has_to_be_something_to_correct(
    rooms: RoomsUnderTest, wrong: Callable[[Correcting], Awaitable[Annulled]]
) -> None:
    held = await rooms.issued()
    await rooms.verdict_on(live_scan(held, "in"))
    await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)
    with pytest.raises(DomainError, match="there is no"):
        await wrong(rooms.admission.correcting)
