"""Retention: what is too old goes, wherever a run is cut short, and nothing else."""

import itertools
from datetime import date, timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind
from passes.base.audit import AuditLine
from passes.base.calendar import start_of, years_before
from passes.holding.model import Pass
from passes.offers.claiming import Claim
from passes.offers.offer import Offer
from passes.people.barring import Bar
from passes.people.holder import NOBODY
from passes.people.traits import AgeBand, Traits
from passes.rights.requests import Asked, RequestKind
from passes.store.database import Index
from passes.store.indexes import ensure_indexes
from passes.terms.amendments import Amendment
from passes.terms.terms import Limits
from passes.terms.validity import DateRange, Term
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, live_scan
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest

NOTHING = {
    "passes_unlinked": 0,
    "passes_without_old_refusals": 0,
    "holdings_dropped": 0,
    "offer_keys_destroyed": 0,
    "audit_lines_unnamed": 0,
    "requests_unnamed": 0,
}
KEPT_UNTIL = start_of(date(2029, 6, 30))
"""A pass that is issued at `NOW` for a year still has its holder."""

LONG_AFTER = start_of(date(2029, 7, 1))


async def used_pass(rooms: RoomsUnderTest) -> Pass:
    """The pass of a visitor, frozen and unfrozen by them, admitted once and refused once."""
    visitor = await rooms.known()
    held = await rooms.issue_to(visitor)
    turn = {"on": "2027-03-07", "age_band": "18-59"}
    traits = {"origin": "1101", "age_band": "14-17", "turns": [turn]}
    await rooms.change_stored(held.id, traits=traits)
    await rooms.verdict_on(live_scan(held, "n1", gate=build.gate(GateKind.WINDOW)))
    at = NOW + timedelta(minutes=5)
    await rooms.verdict_on(live_scan(held, "n2", at, gate=build.gate(GateKind.WINDOW)), at)
    return held


async def published_offer(rooms: RoomsUnderTest, **changes: Any) -> Offer:
    """An offer as an operator publishes it, with a key of its own."""
    await rooms.offers.publishing.publish([build.offer(version=0, **changes)], OPERATOR, NOW)
    await rooms.offers.offers.load()
    await rooms.terms.editions.load()
    offer = rooms.offers.offers.get(str(changes.get("id", "bogo")))
    assert offer is not None
    return offer


async def claimed(rooms: RoomsUnderTest, offer: Offer, n: int = 0) -> Pass:
    """The voucher of an offer that visitor n claims."""
    voucher = rooms.terms.editions.current(offer.id)
    assert voucher is not None
    return await rooms.offers.claiming.claim(await rooms.visitor(n), Claim(offer, voucher), NOW)


async def test_a_pass_loses_its_holder_24_months_after_its_last_day(rooms: RoomsUnderTest) -> None:
    held = await used_pass(rooms)
    line = AuditLine(NOW, "visitor:8c5c4c1d8f2b6a90", "freeze", f"pass:{held.id}")
    await rooms.base.audit.write(line)
    assert await rooms.rights.retention.run(OPERATOR, KEPT_UNTIL) == NOTHING
    assert (await rooms.rights.retention.due(LONG_AFTER))["passes_unlinked"] == 1
    removed = await rooms.rights.retention.run(OPERATOR, LONG_AFTER)
    assert removed == NOTHING | {"passes_unlinked": 1}
    kept = await rooms.holding.passes.get(held.id)
    assert kept is not None
    assert kept.holder == NOBODY
    assert kept.genuine
    assert kept.traits == Traits("1101", AgeBand.UNDER_18), "the turns tell a birthday"
    assert await rooms.database.collection("holdings").find({}) == []
    assert "visitor:" not in str(await rooms.base.audit.about(f"pass:{held.id}"))
    assert len(await rooms.ledger.records.whole(held.id)) == 1, "the visit is a count"
    assert await rooms.rights.retention.run(OPERATOR, LONG_AFTER) == NOTHING


async def test_a_reissued_pass_keeps_its_holder_as_long_as_its_successor(
    rooms: RoomsUnderTest,
) -> None:
    draft = build.product("pausing", term=Term(days=365, pause_days=60))
    held = await rooms.issue(draft)
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, NOW)
    await rooms.change_stored(new.id, valid={"start": "2026-07-01", "end": "2027-07-15"})
    assert await rooms.rights.retention.run(OPERATOR, LONG_AFTER) == NOTHING
    removed = await rooms.rights.retention.run(OPERATOR, LONG_AFTER + timedelta(days=15))
    assert removed["passes_unlinked"] == 2


async def test_days_that_were_added_count(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue()
    more = Amendment(held.product_id, 0, NOW, "closed for ten days", days=10)
    await rooms.terms.amending.amend(more, OPERATOR, NOW)
    await rooms.terms.editions.load()
    assert await rooms.rights.retention.run(OPERATOR, LONG_AFTER) == NOTHING


async def test_a_pass_that_is_issued_meanwhile_keeps_its_holding(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms.issue()
    new: list[Pass] = []

    async def issue_again() -> None:
        new.append(await rooms.issue(at=LONG_AFTER))

    ageing = rooms.rights.retention._parts.ageing
    overtake(monkeypatch, ageing, "drop_holding", issue_again)
    await rooms.rights.retention.run(OPERATOR, LONG_AFTER)
    (holding,) = await rooms.database.collection("holdings").find({})
    assert holding["pass_id"] == new[0].id
    kept = await rooms.holding.passes.get(new[0].id)
    assert kept is not None
    assert kept.holder != NOBODY


async def test_who_claimed_is_forgotten_six_months_after_an_offer(rooms: RoomsUnderTest) -> None:
    offer = await published_offer(rooms)
    other = await published_offer(
        rooms, id="bogo-2", window=DateRange(build.TODAY, date(2027, 12, 31))
    )
    for each in (offer, other):
        await claimed(rooms, each)
    later = start_of(offer.window.end + timedelta(days=184))
    assert await rooms.rights.retention.run(OPERATOR, later - timedelta(days=1)) == NOTHING
    removed = await rooms.rights.retention.run(OPERATOR, later)
    assert removed == NOTHING | {"holdings_dropped": 2, "offer_keys_destroyed": 1}
    left = await rooms.database.collection("holdings").find({})
    assert {each["_id"].partition(":")[0] for each in left} == {"bogo-2"}
    await rooms.offers.offers.load()
    keys = [each.key for each in rooms.offers.offers.all()]
    assert keys == [None, other.key]
    again = await published_offer(rooms, price_fen=100)
    assert again.version == 2
    assert again.key is None, "a destroyed key does not come back"


async def test_who_was_barred_is_not_found_after_three_years(rooms: RoomsUnderTest) -> None:
    """A bar is called by the beginning of the hash that finds the person."""
    bar = Bar("ab" * 32, NOW + timedelta(days=30), "showed another's", OPERATOR, NOW)
    await rooms.people.barring.bar(bar)
    removed = await rooms.rights.retention.run(OPERATOR, start_of(date(2029, 7, 2)))
    assert removed == NOTHING | {"audit_lines_unnamed": 1}
    (line,) = await rooms.base.audit.about("person")
    assert (line.action, line.by) == ("bar", OPERATOR)
    assert await rooms.base.audit.about(f"person:{bar.name}") == []


async def test_audit_lines_and_requests_name_nobody_after_three_years(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.account()
    await rooms.rights.requests.begin(Asked(RequestKind.EXPORT, "visitor", "x", 1990), NOW)
    later = start_of(date(2029, 7, 2))
    removed = await rooms.rights.retention.run(OPERATOR, later)
    assert removed == NOTHING | {"audit_lines_unnamed": 1, "requests_unnamed": 1}
    assert await rooms.base.audit.about(f"visitor:{visitor.id}") == []
    (line,) = await rooms.base.audit.about("visitor")
    assert (line.by, line.action) == ("visitor", "sign_up")
    (request,) = await rooms.rights.stored_requests.between(NOW, later)
    assert request.person is None
    assert await rooms.rights.retention.run(OPERATOR, later) == NOTHING


async def test_old_refusals_leave_their_pass(rooms: RoomsUnderTest) -> None:
    draft = build.product("long", term=Term(days=3000), limits=Limits(per_spot_day=1))
    held = await rooms.issue(draft)
    for n in range(2):
        await rooms.verdict_on(live_scan(held, f"n{n}"))
    at = NOW + timedelta(days=900)
    for n in range(2, 4):
        await rooms.verdict_on(live_scan(held, f"n{n}", at), at)
    removed = await rooms.rights.retention.run(OPERATOR, start_of(date(2029, 7, 2)))
    assert removed == NOTHING | {"passes_without_old_refusals": 1}
    kept = await rooms.holding.passes.get(held.id)
    assert kept is not None
    assert {each.verdict.decided_at for each in kept.refusals} == {at}


async def test_a_run_that_is_cut_short_at_any_write_is_finished_by_the_next(mongo: Mongo) -> None:
    """Nothing that is left says whose the pass was, and no run fails on what another has left."""
    ended = NOW + timedelta(days=5 * 366)
    for writes in itertools.count():
        mortal = CrashingDatabase(mongo)
        rooms = RoomsUnderTest(mortal)
        offer = await published_offer(rooms, id=f"crash-{writes}")
        voucher = await claimed(rooms, offer, writes)
        mortal.writes_left = writes + 0.5 * (writes % 2)
        try:
            await rooms.rights.retention.run(OPERATOR, ended)
            cut_short = False
        except Crash:
            cut_short = True
        mortal.restart()
        await rooms.rights.retention.run(OPERATOR, ended)
        assert await rooms.rights.retention.due(ended) == NOTHING
        stored = str([await mongo.collection(name).find({}) for name in ("passes", "holdings")])
        assert voucher.holder.lookup not in stored, f"after {writes} writes"
        if not cut_short:
            return


async def test_an_index_that_dropped_refusals_too_early_is_replaced(mongo: Mongo) -> None:
    refusals = mongo.collection("refusals")
    early = Index("kept_a_year", (("verdict.decided_at", 1),), "", expire_seconds=60)
    await refusals.drop_index("kept_three_years")
    await refusals.ensure(early)
    for _ in range(2):
        await ensure_indexes(mongo)
        made = await refusals._collection.index_information()
        assert "kept_a_year" not in made
        assert made["kept_three_years"]["expireAfterSeconds"] == 3 * 366 * 24 * 3600


@pytest.mark.parametrize(
    ("day", "years", "before"),
    [
        (date(2029, 7, 1), 2, date(2027, 7, 1)),
        (date(2028, 2, 29), 2, date(2026, 2, 28)),
        (date(2028, 2, 29), 4, date(2024, 2, 29)),
    ],
)
def test_years_before(day: date, years: int, before: date) -> None:
    assert years_before(day, years) == before
