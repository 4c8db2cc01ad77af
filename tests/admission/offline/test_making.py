"""Making bundles and their filter, over a real database."""

from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind
from passes.admission.offline import filtering
from passes.admission.offline.bundle import Bundle, opened
from passes.admission.offline.flat import State
from passes.base.errors import Unavailable
from passes.codes.format import step_of
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.ledger.verdicts import Reason
from passes.people.traits import AgeBand, Traits
from passes.terms.terms import Limits
from passes.terms.validity import Term, Unactivated
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, SERIAL, TODAY, XIANNVSHAN
from tests.support.rooms import RoomsUnderTest

HANDHELD = build.gate(GateKind.HANDHELD)
SERIALS = [f"{n:016x}" for n in range(0x1000, 0x20000)]
TOMORROW = NOW + timedelta(days=1)


async def bundle(rooms: RoomsUnderTest, at: Any = NOW, spot_id: str = EMEISHAN) -> Bundle:
    for load in rooms.loaders().values():
        await load()
    return opened(await rooms.admission.bundles.package(spot_id, lambda _: None, at))


async def filtered(rooms: RoomsUnderTest, at: Any = NOW) -> None:
    await rooms.terms.editions.load()
    assert await rooms.filters.filtering.make(at)


def standing(of: Bundle, serial: str = SERIAL) -> Reason | None:
    """What a gate without a line knows against a pass."""
    if serial in of.changes.refuse:
        return of.changes.refuse[serial]
    if serial not in of.changes.allow and of.cascade.refuses(serial):
        return Reason.NOT_IN_FORCE
    return None


WAITS = build.terms(term=Term(days=365, activate_within=30, unactivated=Unactivated.STARTS))
FOR_ONE = build.terms(limits=Limits(per_spot_day=None, total=1))


def waiting(days: int) -> Pass:
    day = TODAY + timedelta(days=days)
    return build.held(WAITS, state=PassState.ISSUED, activate_by=day)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (build.held(), None),
        (build.held(state=PassState.REVOKED), Reason.NOT_IN_FORCE),
        (build.held(state=PassState.FROZEN), Reason.NOT_IN_FORCE),
        (build.held(state=PassState.REFUNDED), Reason.NOT_IN_FORCE),
        (waiting(days=30), Reason.NOT_IN_FORCE),
        (waiting(days=3), None),
        (build.held(genuine=False), Reason.NOT_IN_FORCE),
    ],
    ids=["active", "revoked", "frozen", "refunded", "waits", "begins by itself", "not genuine"],
)
async def test_the_filter_has_what_admits_nowhere(
    rooms: RoomsUnderTest, held: Pass, expected: Reason | None
) -> None:
    await rooms.keep(held)
    await filtered(rooms, NOW)
    await filtered(rooms, TOMORROW)
    await filtered(rooms, TOMORROW + timedelta(days=1))  # by then no mark is left
    assert await rooms.filters.marks.all() == {}
    assert standing(await bundle(rooms, TOMORROW)) is expected


async def test_what_changes_after_the_filter_is_told_with_its_reason(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.issued()
    assert standing(await bundle(rooms)) is None
    await rooms.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    later = NOW + timedelta(minutes=1)
    assert standing(await bundle(rooms, later)) is Reason.FROZEN_BY_STAFF
    await filtered(rooms, TOMORROW)
    await rooms.holding.lifecycle.take(SERIAL, Step.UNFREEZE, OPERATOR, TOMORROW)
    told = await bundle(rooms, TOMORROW)
    assert told.cascade.refuses(SERIAL)
    assert standing(told) is None


async def test_a_change_while_the_filter_is_made_is_not_lost(rooms: RoomsUnderTest) -> None:
    """Its mark is written before the filter is begun, and its pass is changed after it was read."""
    await rooms.issued()
    await rooms.filters.marks.mark(SERIAL)
    await filtered(rooms)
    await rooms.change_stored(SERIAL, state="revoked")
    assert standing(await bundle(rooms)) is Reason.REVOKED


async def test_a_pass_that_is_used_up_is_told_and_given_back_by_an_annulment(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=FOR_ONE)
    assert standing(await bundle(rooms)) is None
    assert (await rooms.verdict_on(build.printed_scan(held))).admitted
    assert standing(await bundle(rooms, NOW + timedelta(minutes=1))) is Reason.NO_VISITS_LEFT
    await rooms.admission.annulling.annul(HANDHELD, "n1", NOW + timedelta(minutes=2))
    assert standing(await bundle(rooms, NOW + timedelta(minutes=3))) is None


async def test_who_has_used_up_a_pass_today_is_known_however_often_filters_are_made(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issued(terms=FOR_ONE)
    assert (await rooms.verdict_on(build.printed_scan(held))).admitted
    for hours in (1, 2, 3):
        await filtered(rooms, NOW + timedelta(hours=hours))
    assert standing(await bundle(rooms, NOW + timedelta(hours=3))) is Reason.NO_VISITS_LEFT


@pytest.mark.parametrize("band", [None, AgeBand.FROM_65])
async def test_who_enters_free_by_law_is_not_kept_out_by_a_pass_that_is_used_up(
    rooms: RoomsUnderTest, band: AgeBand | None
) -> None:
    held = await rooms.issued(terms=FOR_ONE, traits=Traits(age_band=band))
    assert (await rooms.verdict_on(build.printed_scan(held))).admitted
    told = standing(await bundle(rooms, NOW + timedelta(minutes=1)))
    assert told is (None if band else Reason.NO_VISITS_LEFT)


async def test_the_bundle_has_the_state_of_all_that_were_here_today(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    assert (await rooms.verdict_on(build.live_scan(held))).admitted
    (hour,) = (await bundle(rooms)).hours.items()
    seen = State(visits=1, here=1, last_at=NOW, steps=frozenset({step_of(NOW)}))
    assert hour == ("2026-07-01T10", {SERIAL: seen})
    elsewhere = await bundle(rooms, spot_id=XIANNVSHAN)
    assert elsewhere.hours == {}
    assert (await bundle(rooms, TOMORROW)).hours == {}


async def test_what_arrives_late_is_in_the_next_bundle(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    await rooms.verdict_on(build.printed_scan(held))
    await bundle(rooms)
    later = NOW + timedelta(hours=2)
    await rooms.verdict_on(build.printed_scan(held, "n2", later), later)
    states = (await bundle(rooms, later + timedelta(minutes=1))).states()
    assert states[SERIAL].visits == 2


async def test_who_has_nothing_left_here_is_told_on_the_next_days(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot=1)))
    await rooms.verdict_on(build.printed_scan(held))
    await filtered(rooms, TOMORROW)
    assert len((await bundle(rooms, TOMORROW)).spent) == 1
    assert len((await bundle(rooms, TOMORROW, XIANNVSHAN)).spent) == 0


async def test_an_annulled_visit_is_left_again(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot=1)))
    await rooms.verdict_on(build.printed_scan(held))
    assert len((await bundle(rooms)).spent) == 1
    await rooms.admission.annulling.annul(HANDHELD, "n1", NOW + timedelta(minutes=5))
    await filtered(rooms, TOMORROW)
    assert (await bundle(rooms, TOMORROW)).spent == frozenset()


async def test_vouchers_for_another_spot_are_known(rooms: RoomsUnderTest) -> None:
    both = frozenset({EMEISHAN, XIANNVSHAN})
    of_both = build.offer(spots=both)
    voucher = await rooms.claim(of=of_both, spot_id=XIANNVSHAN)
    await filtered(rooms, TOMORROW)
    here, there = [await bundle(rooms, TOMORROW, each) for each in (EMEISHAN, XIANNVSHAN)]
    assert here.rules.editions[voucher.edition.number].bound
    assert here.bound is not None
    assert there.bound is not None
    assert voucher.id not in here.bound.serials
    assert voucher.id in there.bound.serials
    assert here.bound.since == TODAY + timedelta(days=1)


async def test_no_new_serial_is_taken_for_refused(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.issued(state=PassState.REVOKED)
    await filtered(rooms)
    drawn = iter([SERIAL, "00000000000000b1"])
    monkeypatch.setattr("passes.holding.serials.secrets.token_hex", lambda _: next(drawn))
    assert rooms.filters.serials.new() == "00000000000000b1"


async def test_a_serial_that_follows_is_let_in_though_the_filter_refuses_it(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.issued(id="00000000000000c1", state=PassState.REVOKED)
    await filtered(rooms)
    (kept,) = rooms.filters.kept.all()
    taken = next(each for each in SERIALS if kept.cascade.refuses(each))
    await rooms.issued(id=taken)
    assert standing(await bundle(rooms), taken) is None


async def test_who_is_issued_a_pass_while_the_filter_is_made_is_let_in(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.issued(id="00000000000000c1", state=PassState.REVOKED)
    put = rooms.filters.stored.put
    taken: list[str] = []

    async def meanwhile(made: Any) -> None:
        """When the filter is there and not told yet: all passes were read before."""
        if made.cascade.levels and not made.ready:
            taken.append(next(each for each in SERIALS if made.cascade.refuses(each)))
            await rooms.issued(id=taken[0])
        await put(made)

    monkeypatch.setattr(rooms.filters.stored, "put", meanwhile)
    await filtered(rooms)
    told = await bundle(rooms)
    assert told.cascade.refuses(taken[0])
    assert standing(told, taken[0]) is None


async def test_one_process_makes_the_filter(rooms: RoomsUnderTest) -> None:
    await rooms.filters.stored.begin(NOW, NOW)
    assert not await rooms.filters.filtering.make(NOW)
    assert await rooms.filters.filtering.make(NOW + timedelta(hours=1))


async def test_a_first_bundle_waits_only_seconds_for_a_process_that_died(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.filters.stored.begin(NOW, NOW)
    with pytest.raises(Unavailable):
        await bundle(rooms, NOW + timedelta(seconds=20))
    assert await bundle(rooms, NOW + timedelta(seconds=21))


async def test_a_filter_is_due_each_day_and_after_many_changes(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    making = rooms.filters.filtering
    assert await making.is_due(NOW)
    await filtered(rooms)
    assert not await making.is_due(NOW + timedelta(hours=2))
    assert await making.is_due(TOMORROW)
    monkeypatch.setattr(filtering, "MOST_MARKS", 1)
    for serial in ("00000000000000a1", "00000000000000a2"):
        await rooms.filters.marks.mark(serial)
    assert not await making.is_due(NOW + timedelta(minutes=59))
    assert await making.is_due(NOW + timedelta(minutes=61))


async def test_filters_are_kept_as_long_as_they_may_stand_in_a_bundle(
    rooms: RoomsUnderTest,
) -> None:
    for days in range(12):
        await filtered(rooms, NOW + timedelta(days=days))
    began = [each.began_at for each in rooms.filters.kept.all()]
    assert began[0] == NOW + timedelta(days=2)


async def test_a_large_system_says_that_the_first_bundle_is_being_made(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passes.admission.offline.making._MOST_AT_ONCE", -1)
    with pytest.raises(Unavailable, match="being made"):
        await bundle(rooms)


async def test_a_marked_pass_is_read_again_only_until_its_change_was_made(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.issued()
    await bundle(rooms)
    await rooms.holding.lifecycle.take(SERIAL, Step.REVOKE, OPERATOR, NOW)
    read: list[str] = []
    of = rooms.filters.passes.of

    async def noted(pass_ids: Any) -> Any:
        read.extend(pass_ids)
        return await of(pass_ids)

    monkeypatch.setattr(rooms.filters.passes, "of", noted)
    for minutes in (1, 3, 5, 7):
        told = await bundle(rooms, NOW + timedelta(minutes=minutes))
        assert standing(told) is Reason.REVOKED
    assert read == [SERIAL, SERIAL]
