"""Who enters free by law: the holder of a pass, and people beside them. Nothing of the pass is
used, and the record names the category.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind, Purpose
from passes.admission.order import Rank, place_of
from passes.admission.rules import decide
from passes.base.calendar import start_of
from passes.base.errors import Conflict, Forbidden, Invalid
from passes.holding.model import Pass, PassState
from passes.ledger.records import Record, fold
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.offers.report import RowsBy, offer_rows
from passes.people.traits import OLDEST, AgeBand, Traits, Turn, traits_of
from passes.terms.free_entry import CATEGORY_NAMES, FreeCategory
from passes.terms.holidays import HolidayCalendar, HolidayYear
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits, Terms
from passes.terms.validity import DateRange, Starts, Term
from scenic_data.kinds import FreeEntry, FreeFor
from scenic_data.model import Spot
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, NOW, SERIAL, TODAY, live_scan, printed_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

TOMORROW = TODAY + timedelta(days=1)
RULES: list[dict[str, Any]] = [
    {"who": "children", "to_age": 6, "to_cm": 120},
    {"who": "seniors", "from_age": 60, "to_age": 64, "not_on_holidays": True},
    {"who": "seniors", "from_age": 65},
    {"who": "soldiers"},
]
RULED: dict[str, Any] = {"free_entry": RULES, "sources": {"free_entry": "a notice"}}
WINDOW, HANDHELD = build.gate(GateKind.WINDOW), build.gate(GateKind.HANDHELD)
FAMILY = {"child": 2}


def calendar(*days: date) -> HolidayCalendar:
    """The calendar of 2026, with these as the only holidays."""
    spans = {"new_year": tuple(DateRange(day, day) for day in days)}
    return HolidayCalendar({2026: HolidayYear(2026, spans)})


def aged(band: AgeBand | None, *turns: Turn, until: date | None = date(2027, 6, 30)) -> Traits:
    return Traits(age_band=band, turns=turns, turns_until=until)


SENIOR, YOUNGER = aged(AgeBand.FROM_65), aged(AgeBand.UNDER_65)
CHILD, ADULT = aged(AgeBand.UNDER_6), aged(AgeBand.UNDER_60)
USED_UP = build.terms(limits=Limits(total=1))
USED = Tally().with_visit(EMEISHAN, NOW)


def spot(*rules: dict[str, Any]) -> Spot:
    return build.spot(**RULED | ({"free_entry": list(rules)} if rules else {}))


def told(traits: Traits, **changes: Any) -> Verdict:
    """The verdict on a pass of somebody whose one visit is used up."""
    held = build.held(USED_UP, traits=traits, **changes.pop("pass_", {}))
    usual = {"held": held, "spot": spot(), "tally": USED, "at": NOW, "holidays": calendar()}
    return decide(build.case(**usual | changes))


HOLDERS: Mapping[str, tuple[Traits, dict[str, Any], str | None]] = {
    "a senior": (SENIOR, {}, "senior"),
    "a younger senior": (YOUNGER, {}, "senior"),
    "… on a holiday": (YOUNGER, {"holidays": calendar(TODAY)}, None),
    "… when holidays are not known": (YOUNGER, {"holidays": HolidayCalendar()}, None),
    "a senior on a holiday": (SENIOR, {"holidays": calendar(TODAY)}, "senior"),
    "a child": (CHILD, {}, "child"),
    "… whose birthdays are not known": (aged(AgeBand.UNDER_6, until=None), {}, None),
    "a senior whose birthdays are not known": (aged(AgeBand.FROM_65, until=None), {}, "senior"),
    "a band that the rule does not cover": (CHILD, {"spot": spot(RULES[2])}, None),
    "a band that the rule covers in part": (
        SENIOR,
        {"spot": spot({"who": "seniors", "from_age": 70})},
        None,
    ),
    "one who turns 65 today": (
        aged(AgeBand.UNDER_65, Turn(TODAY, AgeBand.FROM_65)),
        {"holidays": calendar(TODAY)},
        "senior",
    ),
    "an adult": (ADULT, {}, None),
    "whose age is not known": (aged(None), {}, None),
    "at a spot without rules": (SENIOR, {"spot": build.spot()}, None),
    "alone": (SENIOR, {"party": 1}, "senior"),
    "with another": (SENIOR, {"party": 2}, None),
}


@pytest.mark.parametrize(("traits", "changes", "category"), HOLDERS.values(), ids=HOLDERS)
def test_who_is_surely_covered_needs_no_visit(
    traits: Traits, changes: dict[str, Any], category: str | None
) -> None:
    verdict = told(traits, **changes)
    if category is None:
        assert not verdict.granted
        return
    free = {category: 1}
    assert_admitted(verdict, admits=1, pays=0, category=category, free=free, visits_left=0)


STILL_ASKED: Mapping[str, tuple[dict[str, Any], Reason]] = {
    "frozen": ({"pass_": {"state": PassState.FROZEN}}, Reason.FROZEN),
    "over": ({"at": NOW + timedelta(days=400)}, Reason.EXPIRED),
    "not covered": ({"pass_": {"spots": frozenset[str]()}}, Reason.SPOT_NOT_COVERED),
    "closed": ({"spot": build.spot(**RULED, status="closed")}, Reason.SPOT_CLOSED),
    "paper at a turnstile": ({"code": build.code(rotating=False)}, Reason.CODE_STATIC),
    "a spent code": ({"spent_at": EMEISHAN}, Reason.CODE_SPENT),
    "in today already, at a turnstile": ({"came_free_on": TODAY}, Reason.ALREADY_TODAY),
    "the card is due": ({"pass_": {"card_due_since": NOW}}, Reason.CHECK_IDENTITY),
}


@pytest.mark.parametrize(("changes", "reason"), STILL_ASKED.values(), ids=STILL_ASKED)
def test_what_is_asked_of_everybody_is_asked(changes: dict[str, Any], reason: Reason) -> None:
    assert_refused(told(SENIOR, **changes), reason)


def test_a_staffed_gate_lets_in_again_and_always_looks() -> None:
    again = told(SENIOR, came_free_on=TODAY, gate=HANDHELD)
    assert_admitted(again, check_identity=True)


def test_a_party_of_several_is_counted_as_before() -> None:
    held = build.held(build.terms(party=Party(2, 2)), traits=SENIOR)
    assert_admitted(
        decide(build.case(held=held, spot=spot(), holidays=calendar())), category=None, admits=2
    )


@pytest.mark.parametrize(
    ("paying", "words"),
    [
        (False, "Welcome (free by law: 1 × senior)"),
        (True, "Free by law; please go in through a gate"),
    ],
)
def test_nothing_is_paid(paying: bool, words: str) -> None:
    held = build.held(build.terms(payment=Payment.AT_WINDOW), traits=SENIOR)
    verdict = decide(build.case(held=held, spot=spot(), holidays=calendar(), paying=paying))
    assert (verdict.granted, verdict.pays, verdict.category) == (True, 0, "senior")
    assert verdict.message.en == words


def test_who_is_free_from_tomorrow_is_told_so() -> None:
    """After a holiday, and from a birthday on; not before the holidays of a day are known."""
    assert told(YOUNGER, holidays=calendar(TODAY)).admitted_from == start_of(TOMORROW)
    turning = aged(AgeBand.UNDER_60, Turn(TOMORROW, AgeBand.UNDER_65))
    assert told(turning).admitted_from == start_of(TOMORROW)
    assert told(YOUNGER, holidays=HolidayCalendar()).admitted_from is None
    again = told(SENIOR, came_free_on=TODAY)
    assert again.admitted_from == start_of(TOMORROW)


def test_free_by_law_comes_first_among_the_passes_of_a_person() -> None:
    case = build.case(held=build.held(traits=SENIOR), spot=spot(), holidays=calendar())
    assert place_of(case, automatic=False)[0] is Rank.FREE_BY_LAW


def test_every_group_of_the_catalogue_has_a_category_with_words() -> None:
    rules = [FreeEntry(who=who, from_age=60, to_age=99) for who in FreeFor]
    assert [rule.category for rule in rules] == list(FreeCategory) == list(CATEGORY_NAMES)


def test_how_old_somebody_surely_is() -> None:
    born_1990 = traits_of(build.HOLDER, TODAY, date(2027, 6, 30))
    assert born_1990.ages_on(TODAY) == (18, 59)
    assert born_1990.ages_on(date(2027, 7, 1)) == (18, OLDEST)
    assert aged(AgeBand.FROM_65).ages_on(TODAY) == (65, OLDEST)


@pytest.fixture
def ruled(io_loop: IOLoop, mongo: Mongo) -> RoomsUnderTest:
    """Rooms in which 峨眉山 has rules, and 2026 a calendar without holidays."""
    rooms = RoomsUnderTest(mongo)
    rooms.spots.change(EMEISHAN, **RULED)
    io_loop.run_sync(lambda: publish(rooms))
    return rooms


async def publish(rooms: RoomsUnderTest, *holidays: date) -> None:
    await rooms.terms.stored_holidays.put(calendar(*holidays).years[2026])
    await rooms.terms.holidays.load()


async def whole(rooms: RoomsUnderTest) -> list[Record]:
    """The ledger, in which every tally is that of the records before it."""
    ledger = list(await rooms.ledger.records.whole(SERIAL))
    for number, record in enumerate(ledger, 1):
        assert record.tally == fold(ledger[:number])
    return ledger


async def senior(rooms: RoomsUnderTest, terms: Terms | None = None, **changes: Any) -> Pass:
    return await rooms.issued(terms=terms, traits=SENIOR, **changes)


async def test_a_senior_comes_in_and_leaves_and_nothing_is_counted(ruled: RoomsUnderTest) -> None:
    terms = build.terms(
        term=Term(days=20, starts=Starts.FIRST_VISIT, start_within=30), limits=Limits(total=1)
    )
    held = await senior(ruled, terms)
    for hour in range(3):
        at, nonce = NOW + timedelta(hours=hour), f"n{hour}"
        verdict = await ruled.verdict_on(live_scan(held, nonce, at, gate=HANDHELD), at)
        assert_admitted(verdict, category="senior", check_identity=True)
    assert verdict.message.zh == "欢迎入园（依法免票：老年人1人）"
    out = live_scan(held, "out", at, gate=HANDHELD, purpose=Purpose.LEAVE)
    assert_admitted(await ruled.verdict_on(out, at), leaving=True, admits=1)
    *came, left = await whole(ruled)
    assert [(each.people, each.free) for each in came] == [({"senior": 1}, True)] * 3
    assert (left.tally.total, left.tally.first_day, left.tally.last_at) == (0, None, None)
    told = [event.detail for event in await ruled.admission.histories.whole(held)]
    assert {each["counts"] for each in told} == {"no"}
    assert [each.get("category") for each in told] == [*["senior"] * 3, None]


async def test_a_turnstile_lets_a_code_in_once_a_day_and_a_repeat_is_one(
    ruled: RoomsUnderTest,
) -> None:
    held = await senior(ruled)
    assert_admitted(await ruled.verdict_on(live_scan(held)), category="senior")
    assert_refused(await ruled.verdict_on(live_scan(held, "n2")), Reason.REPEAT)
    later = NOW + timedelta(minutes=5)
    again = await ruled.verdict_on(live_scan(held, "n3", later), later)
    assert_refused(again, Reason.ALREADY_TODAY, admitted_from=start_of(TOMORROW))
    next_day = NOW + timedelta(days=1)
    assert_admitted(await ruled.verdict_on(live_scan(held, "n4", next_day), next_day))


async def test_who_left_and_may_return_passes_the_turnstile_again(ruled: RoomsUnderTest) -> None:
    held = await senior(ruled, build.terms(re_entry=True))
    await ruled.verdict_on(live_scan(held))
    later = NOW + timedelta(minutes=5)
    await ruled.verdict_on(live_scan(held, "out", later, purpose=Purpose.LEAVE), later)
    assert_admitted(await ruled.verdict_on(live_scan(held, "n2", later), later), category="senior")
    assert (await whole(ruled))[-1].tally.total == 0


async def test_a_card_is_let_in_by_the_pass_that_is_free_by_law(ruled: RoomsUnderTest) -> None:
    held = await senior(ruled, build.terms(payment=Payment.AT_WINDOW))
    await ruled.keep(build.held(id="00000000000000b2", traits=ADULT))
    verdict, used = await ruled.card_shown()
    assert_admitted(verdict, category="senior", pays=0)
    assert used is not None
    assert used.id == held.id


async def test_on_a_holiday_the_younger_senior_is_counted(ruled: RoomsUnderTest) -> None:
    await publish(ruled, TODAY)
    held = await ruled.issued(traits=YOUNGER)
    assert_admitted(await ruled.verdict_on(live_scan(held)), category=None, free={})
    (record,) = await whole(ruled)
    assert (record.people, record.free, record.tally.total) == ({"any": 1}, False, 1)


async def test_an_annulment_of_it_gives_nothing_back(ruled: RoomsUnderTest) -> None:
    held = await senior(ruled, USED_UP)
    await ruled.verdict_on(live_scan(held))
    annulled = await ruled.admission.annulling.annul(build.gate(), "n1", NOW)
    assert (annulled.gives_back, annulled.gives_back_fen) == (0, 0)
    later = NOW + timedelta(minutes=1)
    assert_admitted(await ruled.verdict_on(live_scan(held, "n2", later), later))
    assert (await whole(ruled))[-1].tally.total == 0


async def test_children_come_in_beside_the_holder(ruled: RoomsUnderTest) -> None:
    held = await ruled.issued(terms=USED_UP, traits=ADULT)
    family = printed_scan(held, gate=HANDHELD, free=FAMILY)
    verdict = await ruled.verdict_on(family)
    assert_admitted(verdict, admits=3, pays=0, free=FAMILY, category=None, visits_left=0)
    assert verdict.message.en == "Welcome (free by law: 2 × child)"
    assert await ruled.verdict_on(family) == verdict
    (record,) = await whole(ruled)
    assert record.people == {"any": 1, "child": 2}
    assert (record.tally.total, record.tally.places) == (1, {})
    with pytest.raises(Conflict):
        await ruled.verdict_on(replace(family, free={"child": 3}))
    again = printed_scan(held, "n2", NOW + timedelta(minutes=1), gate=HANDHELD, free=FAMILY)
    assert_refused(await ruled.verdict_on(again, again.scanned_at), Reason.ALREADY_TODAY)


async def test_beside_a_party_only_the_party_counts_and_pays(ruled: RoomsUnderTest) -> None:
    terms = build.terms(party=Party(3, 2), payment=Payment.AT_WINDOW)
    held = await ruled.issued(terms=terms, traits=ADULT)
    scan = live_scan(held, gate=WINDOW, party=2, free={"child": 1, "soldier": 1})
    assert_admitted(await ruled.verdict_on(scan), admits=4, pays=2)
    rest = live_scan(held, "n2", NOW + timedelta(seconds=40), gate=WINDOW)
    assert_admitted(await ruled.verdict_on(rest, rest.scanned_at), admits=1, pays=0)


async def test_beside_a_senior_all_are_free(ruled: RoomsUnderTest) -> None:
    held = await senior(ruled)
    scan = printed_scan(held, free={"child": 2, "senior": 1})
    assert_admitted(await ruled.verdict_on(scan), admits=4, free={"senior": 2, "child": 2})
    (record,) = await whole(ruled)
    assert (record.people, record.tally.total) == ({"senior": 2, "child": 2}, 0)


async def test_a_turnstile_and_a_category_that_is_not_free_are_refused(
    ruled: RoomsUnderTest,
) -> None:
    held = await ruled.issued(traits=ADULT)
    with pytest.raises(Forbidden, match="staffed gate"):
        await ruled.verdict_on(live_scan(held, free=FAMILY))
    with pytest.raises(Invalid, match=r"free are: child, senior, soldier; free\.police: ") as error:
        await ruled.verdict_on(printed_scan(held, free={"child": 1, "police": 1}))
    assert [fault.where for fault in error.value.faults] == ["free.police"]
    assert await whole(ruled) == []


async def test_the_catalogue_may_change_before_a_retry(ruled: RoomsUnderTest) -> None:
    scan = printed_scan(await ruled.issued(traits=ADULT), free=FAMILY)
    first = await ruled.verdict_on(scan)
    ruled.spots.change(EMEISHAN)
    assert await ruled.verdict_on(scan) == first


async def test_a_report_counts_no_voucher_as_used_by_it(ruled: RoomsUnderTest) -> None:
    free, other = await senior(ruled), build.held(id="00000000000000b2", traits=ADULT)
    await ruled.keep(other)
    await ruled.verdict_on(live_scan(free))
    await ruled.verdict_on(printed_scan(other, "n2", free=FAMILY))
    records = await ruled.ledger.records.of_passes([free.id, other.id])
    (row,) = offer_rows(RowsBy.OFFER, [free, other], records, TODAY)
    assert (row.unused, row.admissions, row.people) == (1, 1, 1)
