"""Conflicts: what is in excess follows from the records alone, in whatever order they arrive."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.gates import Gate, GateKind, Purpose
from passes.admission.offline.conflict import ConflictFile, ConflictState
from passes.admission.offline.conflicts import excesses
from passes.admission.offline.items import (
    AnnulItem,
    DecidedAlone,
    Item,
    ItemResult,
    Result,
    ScanItem,
    Timing,
)
from passes.base.errors import DomainError
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.ledger.records import Cause, Record, RecordKind, fold, not_annulled
from passes.ledger.verdicts import Reason
from passes.offers.offer import Quota
from passes.terms.prices import Benefit, BenefitKind, Party, Payment
from passes.terms.terms import Coverage, Limits, Pool
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, XIANNVSHAN
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

LATER = NOW + timedelta(hours=5)
GATES = (
    build.gate(id="emei-1"),
    build.gate(id="emei-2"),
    build.gate(GateKind.HANDHELD, XIANNVSHAN, id="xian-1"),
)
NORTH, SOUTH, FAR = GATES


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def let_in(
    held: Pass, gate: Gate, nonce: str, at: datetime, admits: int = 1, **more: Any
) -> ScanItem:
    """What a gate let in alone."""
    scan = build.live_scan(held, nonce, at, gate=gate, **more)
    return ScanItem(scan, DecidedAlone(Reason.OK, admits))


async def uploaded(
    rooms: RoomsUnderTest, *items: Item, at: datetime = LATER
) -> Sequence[ItemResult]:
    return await rooms.admission.uploading.upload(items, Timing(at, at, "0:1"))


async def open_ones(rooms: RoomsUnderTest) -> list[ConflictFile]:
    return await rooms.admission.conflicts.all(open_only=True)


async def ledger_of(rooms: RoomsUnderTest, held: Pass) -> Sequence[Record]:
    ledger = await rooms.ledger.records.whole(held.id)
    assert ledger[-1].tally == fold(ledger)
    return ledger


async def test_the_first_stands_though_it_arrives_last_and_the_server_admitted_the_other(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    online = build.live_scan(held, "on", after(10), gate=NORTH)
    assert_admitted(await rooms.verdict_on(online, after(10)))
    (told,) = await uploaded(rooms, let_in(held, SOUTH, "off", NOW))
    assert_fields(told, result=Result.RECORDED, conflict=None)
    (conflict,) = await open_ones(rooms)
    assert_fields(conflict, cause=Cause.TWO_GATES, nonce="on", online=True, at=after(10))
    assert_fields(conflict.against, nonce="off", gate_id=SOUTH.id, at=NOW, online=False)
    (again,) = await uploaded(rooms, let_in(held, SOUTH, "off", NOW))
    assert again.result is Result.KNOWN
    assert [each.id for each in await open_ones(rooms)] == [conflict.id]
    # Whoever comes next is refused, whatever is in conflict.
    assert_refused(
        await rooms.verdict_on(build.live_scan(held, "next", LATER), LATER), Reason.ALREADY_TODAY
    )


POOL = Pool(Coverage(spots=frozenset({XIANNVSHAN})), visits=0, spots=frozenset({XIANNVSHAN}))
ONCE = Limits(per_spot_day=None, total=1)


@pytest.mark.parametrize(
    ("terms", "items", "cause", "reason"),
    [
        ({}, [(NORTH, 0), (SOUTH, 5)], Cause.TWO_GATES, Reason.ALREADY_TODAY),
        ({}, [(NORTH, 0), (NORTH, 5)], Cause.OVER_LIMIT, Reason.ALREADY_TODAY),
        ({"limits": ONCE}, [(NORTH, 0), (FAR, 5)], Cause.OVER_LIMIT, Reason.NO_VISITS_LEFT),
        ({"pools": (POOL,)}, [(FAR, 5)], Cause.OVER_POOL, Reason.NO_VISITS_LEFT),
        (
            {"limits": Limits(minutes_between=60)},
            [(NORTH, 0), (FAR, 5)],
            Cause.OVER_LIMIT,
            Reason.TOO_SOON,
        ),
        (
            {"limits": Limits(per_spot_day=None)},
            [(NORTH, 0), (SOUTH, 0.1)],
            Cause.TWO_GATES,
            Reason.CODE_SPENT,
        ),
        (
            {"payment": Payment.AT_WINDOW, "party": Party(1, 1, 8000)},
            [(NORTH, 0)],
            Cause.UNPAID,
            Reason.PAY_AT_WINDOW,
        ),
    ],
)
async def test_what_is_in_excess_has_a_cause(
    rooms: RoomsUnderTest,
    terms: dict[str, Any],
    items: list[tuple[Gate, float]],
    cause: Cause,
    reason: Reason,
) -> None:
    held = await rooms.issued(terms=build.terms(**terms))
    told = [let_in(held, gate, f"n{n}", after(m)) for n, (gate, m) in enumerate(items)]
    results = await uploaded(rooms, *told)
    (conflict,) = await open_ones(rooms)
    assert_fields(conflict, cause=cause, reason=reason, nonce=f"n{len(items) - 1}", people=1)
    assert [each.conflict for each in results][-1] == conflict.id
    assert results[-1].result is Result.CONFLICT


async def test_what_is_owed_is_told(rooms: RoomsUnderTest) -> None:
    at_window = build.terms(payment=Payment.AT_WINDOW, party=Party(3, 2, 8000))
    held = await rooms.issued(terms=at_window)
    await uploaded(rooms, let_in(held, NORTH, "a", NOW, admits=3))
    (conflict,) = await open_ones(rooms)
    assert_fields(conflict, owed=2, owed_fen=16000)
    # A window had taken the money, and tells it later: nothing is owed.
    window = build.gate(GateKind.WINDOW)
    scan = build.live_scan(held, "paid", after(-1), gate=window, purpose=Purpose.PAY)
    await uploaded(rooms, ScanItem(scan, DecidedAlone(Reason.OK, 0, 2)))
    (conflict,) = await rooms.admission.conflicts.all(open_only=False)
    assert conflict.state is ConflictState.LAPSED


async def test_what_speaks_against_it_whatever_other_visits_there_were(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    shown = build.live_scan(held, "old", NOW)
    unknown = build.held(id="00000000000000ff")
    await uploaded(
        rooms,
        ScanItem(replace(shown, scanned_at=after(60)), DecidedAlone(Reason.OK, 1)),
        let_in(unknown, NORTH, "never", NOW, admits=2),
        ScanItem(build.scan("garbage", "text"), DecidedAlone(Reason.OK, 1)),
        let_in(held, NORTH, "early", LATER + timedelta(minutes=10)),
    )
    found = {each.nonce: each for each in await open_ones(rooms)}
    causes = {nonce: each.cause for nonce, each in found.items()}
    assert causes == {
        "old": Cause.STALE_STEP,
        "never": Cause.UNKNOWN_SERIAL,
        "text": Cause.UNKNOWN_SERIAL,
        "early": Cause.CLOCK_DOUBTFUL,
    }
    assert_fields(found["never"], pass_id="00000000000000ff", people=2, record=None)
    assert_fields(found["text"], pass_id=None, reason=Reason.CODE_MALFORMED)
    ledger = await ledger_of(rooms, held)
    assert {record.nonce for record in ledger} == {"old", "early"}


@pytest.mark.parametrize(
    ("minutes", "is_conflict"), [(29, False), (31, True), (59, True), (61, False)]
)
async def test_not_in_force_counts_from_the_moment_it_was(
    rooms: RoomsUnderTest, minutes: int, is_conflict: bool
) -> None:
    """Frozen after half an hour, for half an hour."""
    held = await rooms.issued()
    lifecycle = rooms.holding.lifecycle
    await lifecycle.take(held.id, Step.FREEZE, OPERATOR, after(30))
    await lifecycle.take(held.id, Step.UNFREEZE, OPERATOR, after(60))
    await uploaded(rooms, let_in(held, NORTH, "a", after(minutes)))
    causes = [(each.cause, each.reason) for each in await open_ones(rooms)]
    assert causes == [(Cause.NOT_IN_FORCE, Reason.FROZEN)] * is_conflict


async def test_a_code_of_before_a_reissue(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    items = [let_in(held, NORTH, "before", NOW), let_in(held, FAR, "after", after(40))]
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, after(30))
    for _ in range(2):
        await uploaded(rooms, *items)
        (conflict,) = await open_ones(rooms)
        assert_fields(conflict, nonce="after", cause=Cause.NOT_IN_FORCE, pass_id=new.id)
        ledger = await ledger_of(rooms, new)
        assert [each.shown_as for each in ledger] == [None, held.id, held.id]
        assert ledger[-1].tally.total == 2


async def test_a_visit_under_the_old_serial_and_one_under_the_new(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    online = build.live_scan(held, "on", NOW, gate=NORTH)
    assert_admitted(await rooms.verdict_on(online, NOW))
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, after(30))
    await uploaded(rooms, let_in(held, SOUTH, "off", after(10)))
    (conflict,) = await open_ones(rooms)
    assert_fields(conflict, nonce="off", cause=Cause.TWO_GATES, pass_id=new.id)
    assert (await uploaded(rooms, AnnulItem(SOUTH, "off", after(12))))[0].result is Result.RECORDED
    assert not await open_ones(rooms)


async def test_a_voucher_that_was_given_back(rooms: RoomsUnderTest) -> None:
    voucher = await rooms.claim()
    await rooms.offers.cancelling.cancel(voucher, OPERATOR, after(30))
    (told,) = await uploaded(rooms, let_in(voucher, NORTH, "a", NOW, admits=2))
    assert told.result is Result.CONFLICT
    (conflict,) = await open_ones(rooms)
    assert_fields(conflict, cause=Cause.NOT_IN_FORCE, record=None, pass_id=voucher.id)


async def test_beyond_the_visits_of_a_campaign(rooms: RoomsUnderTest) -> None:
    campaign = build.offer(
        benefit=Benefit(BenefitKind.FREE),
        spots=frozenset({EMEISHAN, XIANNVSHAN}),
        coverage=Coverage(tags=frozenset({"5A"})),
        limits=Limits(per_spot=1, per_spot_day=1),
        voucher_days=None,
        quota=Quota(total=500, per_spot_day=1),
    )
    vouchers = [await rooms.claim(n, campaign) for n in range(3)]
    items = [let_in(each, NORTH, f"n{n}", after(n)) for n, each in enumerate(vouchers)]
    for _ in range(2):
        await uploaded(rooms, *items)
        conflicts = await open_ones(rooms)
        assert [each.reason for each in conflicts] == [Reason.QUOTA_USED_UP] * 2
        assert (await rooms.counts())[f"bogo:{build.TODAY}:{EMEISHAN}"] == 3


@pytest.mark.parametrize(
    ("state", "counted"),
    [
        (ConflictState.STANDS, 2),
        (ConflictState.WRITTEN_OFF, 2),
        (ConflictState.ANNULLED, 1),
    ],
)
async def test_operators_resolve_a_conflict_once(
    rooms: RoomsUnderTest, state: ConflictState, counted: int
) -> None:
    held = await rooms.issued()
    items = [let_in(held, NORTH, "a", NOW), let_in(held, SOUTH, "b", after(5))]
    await uploaded(rooms, *items)
    (conflict,) = await open_ones(rooms)
    resolve = rooms.admission.conflicts.resolve
    with pytest.raises(DomainError, match="a note is needed"):
        await resolve(conflict.id, state, OPERATOR, " ", LATER)
    for _ in range(2):
        resolved = await resolve(conflict.id.lower(), state, OPERATOR, "两口都放行", LATER)
        assert_fields(resolved, state=state, settled_by=OPERATOR, note="两口都放行")
        assert not await open_ones(rooms)
        assert (await ledger_of(rooms, held))[-1].tally.total == counted
        await uploaded(rooms, *items)  # a gate that tells it again changes nothing
    other = ConflictState.STANDS if state is not ConflictState.STANDS else ConflictState.ANNULLED
    with pytest.raises(DomainError, match="settled"):
        await resolve(conflict.id, other, OPERATOR, "!", LATER)
    lines = await rooms.lines_about(f"conflict:{conflict.id}")
    assert [line.action for line in lines] == ["resolve"]


async def test_what_a_gate_annuls_live_lapses(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    online = build.live_scan(held, "on", after(10), gate=NORTH)
    assert_admitted(await rooms.verdict_on(online, after(10)))
    await uploaded(rooms, let_in(held, SOUTH, "off", NOW), at=after(11))
    assert len(await open_ones(rooms)) == 1
    await rooms.admission.annulling.annul(NORTH, "on", after(12))
    await rooms.admission.conflicts.settle_open(after(13))
    assert not await open_ones(rooms)


async def test_a_crash_between_record_and_conflict_is_healed_by_the_retry(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued()
    items = [let_in(held, NORTH, "a", NOW), let_in(held, SOUTH, "b", after(5))]
    await uploaded(rooms, *items)
    (conflict,) = await open_ones(rooms)
    await rooms.database.collection("conflicts").delete({})
    results = await uploaded(rooms, *items)
    assert [each.result for each in results] == [Result.KNOWN] * 2
    assert [each.id for each in await open_ones(rooms)] == [conflict.id]


@dataclass(frozen=True)
class Visit:
    """One showing at a gate: decided by the server at that moment, or by the gate alone."""

    minute: int
    gate: Gate
    online: bool
    leaving: bool
    taken_back: bool

    @property
    def nonce(self) -> str:
        return f"{self.gate.id}-{self.minute}"

    def scan(self, held: Pass) -> Any:
        purpose = Purpose.LEAVE if self.leaving else Purpose.ENTER
        nonce = f"{held.id}-{self.minute}"
        return build.live_scan(held, nonce, after(self.minute), gate=self.gate, purpose=purpose)

    def items(self, held: Pass) -> list[Item]:
        scan = self.scan(held)
        items: list[Item] = [ScanItem(scan, DecidedAlone(Reason.OK, 1))]
        if self.taken_back and not self.leaving:
            items.append(AnnulItem(self.gate, scan.nonce, after(self.minute + 1)))
        return items


_visits = st.lists(
    st.builds(
        Visit,
        st.integers(0, 2 * 24 * 60).map(lambda n: n),
        st.sampled_from(GATES),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([False, False, True]),
    ),
    min_size=2,
    max_size=7,
    unique_by=lambda visit: visit.minute,
)
_terms = st.sampled_from(
    [
        build.terms(),
        build.terms(limits=Limits(total=2)),
        build.terms(limits=Limits(per_spot_day=2, minutes_between=90)),
        build.terms(limits=Limits(per_spot_day=None, days=1), re_entry=True),
        build.terms(limits=Limits(per_spot=1), party=Party(2, 2)),
    ]
)
_serials = itertools.count(0xA000)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_visits, _terms, st.data())
def test_the_order_in_which_gates_tell_makes_no_difference(
    io_loop: IOLoop, rooms: RoomsUnderTest, visits: list[Visit], terms: Any, data: st.DataObject
) -> None:
    """Nothing is lost, each excess is one conflict, and what stands is the same in any order and
    however often it is told. An annulment is told after what it annuls, at least once."""

    async def lived(order: Sequence[int]) -> dict[str, Any]:
        held = await rooms.issued(id=f"{next(_serials):016x}", terms=terms)
        for visit in sorted(visits, key=lambda visit: visit.minute):
            if visit.online:
                await rooms.verdict_on(visit.scan(held), after(visit.minute))
        alone = [item for visit in visits if not visit.online for item in visit.items(held)]
        at = after(3 * 24 * 60)
        for place in order:
            if alone:
                await uploaded(rooms, *alone[place % len(alone) :][: 1 + place % 3], at=at)
        await uploaded(rooms, *alone, at=at)
        ledger = await rooms.ledger.records.whole(held.id)
        if not ledger:
            return {}
        assert ledger[-1].tally == fold(ledger)
        told = {item.name for item in alone}
        assert told <= {record.name for record in ledger}
        wanted = excesses(held, ledger)
        all_kept = await rooms.admission.conflicts.all(open_only=True)
        kept = [each for each in all_kept if each.pass_id == held.id]
        names = [each.name for each in kept]
        assert sorted(names) == sorted(each.record.name for each in wanted)
        stands = {each.name[1][16:] for each in not_annulled(ledger) if each.verdict}
        return {
            "stands": stands,
            "tally": fold(ledger),
            "conflicts": {
                (each.nonce[16:], each.cause, each.against and each.against.nonce[16:])
                for each in kept
            },
        }

    shuffled = data.draw(st.lists(st.integers(0, 20), max_size=8))
    assert io_loop.run_sync(lambda: lived(shuffled)) == io_loop.run_sync(lambda: lived([]))


def test_what_is_in_excess_is_left_out_of_what_comes_after() -> None:
    """Without it the ledger is clean."""
    held = build.limited(per_spot_day=None, total=2)
    ledger: list[Record] = []
    for n in range(1, 6):
        record = build.record(n, after(n * 100), fold(ledger))
        ledger.append(replace(record, online=False, kind=RecordKind.ADMITTED))
    found = excesses(held, ledger)
    assert [each.record.n for each in found] == [3, 4, 5]
    left = [record for record in ledger if record.n < 3]
    assert excesses(held, left) == []
    assert excesses(replace(held, state=PassState.REVOKED), ledger[::-1]) == found
