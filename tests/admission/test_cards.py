"""Cards at gates: which pass of a person is used, what is kept, and what never is."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import json_util

from passes.admission.by_hand import Shown, WhyByHand
from passes.admission.cards import MANY_IN_VAIN
from passes.admission.gates import GateKind, GateState, Purpose
from passes.admission.order import Rank, place_of
from passes.admission.staff import StaffDecision
from passes.base.errors import Conflict, Forbidden, Invalid
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.ledger.records import By, RecordKind
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason
from passes.people.identity import DocumentKind, Identity
from passes.store.indexes import INDEXES
from passes.terms.prices import Party, Payment
from passes.terms.terms import Coverage, Limits, Pool
from passes.terms.validity import DateRange
from tests.support import build
from tests.support.build import EMEISHAN, HOLDER, NOW, OPERATOR, TODAY, XIANNVSHAN, live_scan
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused, reason_of

SOON, LATER = NOW + timedelta(seconds=2), NOW + timedelta(minutes=5)
STAFFED = build.gate(GateKind.HANDHELD)
WINDOW = build.gate(GateKind.WINDOW)
COUNTED = Limits(total=5)
NOBODY = build.person(77)


def held(serial: int, *, days: int = 300, voucher: bool = False, **changes: Any) -> Pass:
    """A pass of `build.HOLDER`, which ends so many days from today."""
    terms = changes.pop("terms", None)
    found = build.held(terms=terms, id=f"{serial:016x}", **changes)
    return replace(
        found,
        valid=DateRange(TODAY, TODAY + timedelta(days=days)),
        edition=replace(found.edition, offer=voucher),
    )


def terms(**limits: Any) -> Any:
    return build.terms(limits=Limits(**limits))


TO_PAY = build.terms(payment=Payment.AT_WINDOW, party=Party(1, 1))
HERE = frozenset({EMEISHAN})
POOL = build.terms(pools=(Pool(Coverage(spots=HERE), spots=HERE, visits=2),))
VOUCHER = {"voucher": True, "chosen_spot": EMEISHAN, "terms": terms(total=1)}
HERE_TODAY = Tally().with_visit(EMEISHAN, NOW)
PARTLY_IN = Tally().with_entry(Entry(EMEISHAN, NOW, people=1, room=2))
PAID_AHEAD = Tally().with_payment(EMEISHAN, NOW, 1)

RANKS: Mapping[str, tuple[Pass, Tally, bool, Rank]] = {
    "the rest of a party": (
        held(1, terms=build.terms(party=Party(2, 2))),
        PARTLY_IN,
        False,
        Rank.BEGUN,
    ),
    "paid ahead": (held(1, terms=TO_PAY), PAID_AHEAD, False, Rank.BEGUN),
    "every day": (held(1), Tally(), False, Rank.UNCOUNTED),
    "used today": (held(1), HERE_TODAY, False, Rank.UNCOUNTED),
    "for this spot": (held(1, **VOUCHER), Tally(), False, Rank.VOUCHER),
    "for many spots": (
        held(1, voucher=True, terms=terms(per_spot=1)),
        Tally(),
        False,
        Rank.COUNTED,
    ),
    "five visits": (held(1, terms=terms(total=5)), Tally(), False, Rank.COUNTED),
    "so many days": (held(1, terms=terms(days=3)), Tally(), False, Rank.COUNTED),
    "a pool": (held(1, terms=POOL), Tally(), False, Rank.COUNTED),
    "automatic": (held(1, voucher=True, terms=terms(per_spot=1)), Tally(), True, Rank.AUTOMATIC),
    "to be paid": (held(1, terms=TO_PAY), Tally(), False, Rank.TO_BE_PAID),
    "automatic, to be paid": (held(1, voucher=True, terms=TO_PAY), Tally(), True, Rank.TO_BE_PAID),
    "frozen": (held(1, state=PassState.FROZEN), Tally(), False, Rank.NOT_IN_FORCE),
    "over": (held(1, days=-1), Tally(), False, Rank.NOT_IN_FORCE),
}


@pytest.mark.parametrize(("of", "tally", "automatic", "rank"), RANKS.values(), ids=RANKS)
def test_the_rank_of_a_pass(of: Pass, tally: Tally, automatic: bool, rank: Rank) -> None:
    case = build.case(held=of, tally=tally, code=None)
    assert place_of(case, automatic=automatic)[0] is rank


ORDERS: Mapping[str, tuple[list[Pass], int]] = {
    "uncounted before a voucher": ([held(1, **VOUCHER), held(2)], 2),
    "a voucher before counted": ([held(1, terms=terms(total=5)), held(2, **VOUCHER)], 2),
    "counted before to be paid": ([held(1, terms=TO_PAY), held(2, terms=terms(total=5))], 2),
    "what ends first": ([held(1, terms=terms(total=5)), held(2, terms=terms(total=5), days=9)], 2),
    "then what was issued first": ([held(1), held(2, issued_at=NOW - timedelta(days=1))], 2),
    "then by serial": ([held(2), held(1)], 1),
    "past what is frozen": ([held(1, state=PassState.FROZEN), held(2, terms=terms(total=5))], 2),
    "past what is not for here": (
        [held(1, spots=frozenset({XIANNVSHAN})), held(2, terms=terms(total=5))],
        2,
    ),
}


@pytest.mark.parametrize(("passes", "used"), ORDERS.values(), ids=ORDERS)
async def test_of_several_passes_the_first_in_order_that_admits_is_used(
    rooms: RoomsUnderTest, passes: list[Pass], used: int
) -> None:
    for each in passes:
        await rooms.keep(each)
    verdict, found = await rooms.card_shown(gate=WINDOW)
    assert_admitted(verdict, check_identity=False)
    assert found is not None
    assert found.id == f"{used:016x}"
    (record,) = await rooms.ledger.records.whole(found.id)
    assert (record.by, record.step) == (By.CARD_CHIP, None)


REFUSED: Mapping[str, tuple[list[Pass], Reason]] = {
    "frozen": ([held(1, state=PassState.FROZEN)], Reason.FROZEN),
    "revoked": ([held(1, state=PassState.REVOKED)], Reason.REVOKED),
    "over": ([held(1, days=-1)], Reason.EXPIRED),
    "to be paid": ([held(1, terms=TO_PAY)], Reason.PAY_AT_WINDOW),
    "the one in force says why": (
        [held(1, state=PassState.REVOKED), held(2, terms=TO_PAY)],
        Reason.PAY_AT_WINDOW,
    ),
}


@pytest.mark.parametrize(("passes", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_says_what_stands_in_the_way_of_the_first(
    rooms: RoomsUnderTest, passes: list[Pass], reason: Reason
) -> None:
    for each in passes:
        await rooms.keep(each)
    verdict, found = await rooms.card_shown()
    assert_refused(verdict, reason)
    assert found is not None
    again, _ = await rooms.card_shown(at=LATER)
    assert again == verdict, "kept, as that of a code is"


NOT_THEIRS: Mapping[str, list[Pass]] = {
    "none at all": [],
    "for another spot": [held(1, spots=frozenset({XIANNVSHAN}))],
    "of nobody any more": [held(1, holder=replace(build.held().holder, lookup=""))],
}


@pytest.mark.parametrize("passes", NOT_THEIRS.values(), ids=NOT_THEIRS)
async def test_a_card_without_a_pass_leaves_a_count_and_nothing_else(
    rooms: RoomsUnderTest, passes: list[Pass]
) -> None:
    for each in passes:
        await rooms.keep(each)
    before = await everything(rooms)
    for _ in range(2):
        verdict, found = await rooms.card_shown()
        assert_refused(verdict, Reason.NO_PASS)
        assert found is None
    hour = NOW.replace(minute=0)
    assert await rooms.admission.vain_counts.since(hour) == {build.gate().id: [2]}
    after = await everything(rooms)
    counts = after.pop("cards_in_vain")
    before.pop("cards_in_vain")
    assert before == after
    (count,) = counts
    assert count.keys() == {"_id", "gate_id", "hour", "count"}
    await rooms.issue()
    decided_anew, _ = await rooms.card_shown()
    assert_admitted(decided_anew)


async def everything(rooms: RoomsUnderTest) -> dict[str, list[Any]]:
    """All that is stored, by collection."""
    return {name: await rooms.database.collection(name).find({}) for name in INDEXES}


async def test_the_same_scan_again_is_answered_as_before(rooms: RoomsUnderTest) -> None:
    first, used = held(1, days=9), held(2)
    await rooms.keep(used)
    verdict, found = await rooms.card_shown()
    await rooms.keep(first)
    again, of = await rooms.card_shown(at=LATER)
    assert again == verdict, "though another pass would be used now"
    assert found is not None
    assert of is not None
    assert of.id == found.id
    with pytest.raises(Conflict, match="names another scan"):
        await rooms.card_shown(purpose=Purpose.LEAVE)


async def test_a_card_and_a_code_are_different_scans(rooms: RoomsUnderTest) -> None:
    used = await rooms.issued()
    assert_admitted(await rooms.verdict_on(live_scan(used, "a")))
    with pytest.raises(Conflict, match="names another scan"):
        await rooms.card_shown(nonce="a")


async def test_one_person_at_two_times_cannot_be_told_from_what_is_kept(
    rooms: RoomsUnderTest,
) -> None:
    """Else whoever reads the ledger could tell that erased passes were of one person."""
    await rooms.issued(terms=terms(per_spot_day=None))
    await rooms.card_shown(nonce="a")
    await rooms.card_shown(nonce="b", at=LATER)
    first, second = await rooms.ledger.records.whole(build.SERIAL)
    assert first.code_digest != second.code_digest


async def test_a_card_read_twice_is_one_showing_whatever_pass_it_used(
    rooms: RoomsUnderTest,
) -> None:
    await rooms.keep(held(1, terms=terms(per_spot_day=None)))
    await rooms.keep(held(2, terms=terms(total=5)))
    assert_admitted((await rooms.card_shown(nonce="a"))[0])
    again, _ = await rooms.card_shown(nonce="b", at=SOON)
    assert_refused(again, Reason.REPEAT)
    counted_out, _ = await rooms.card_shown(nonce="c", at=SOON, party=1)
    assert_admitted(counted_out)
    elsewhere, _ = await rooms.card_shown(nonce="d", at=SOON, gate=build.gate(id="south"))
    assert_admitted(elsewhere)


async def test_many_reads_of_one_card_at_once_let_in_once(rooms: RoomsUnderTest) -> None:
    await rooms.keep(held(1, terms=terms(per_spot_day=None)))
    await rooms.keep(held(2, terms=terms(total=5)))
    told = await asyncio.gather(*(rooms.card_shown(nonce=f"n{n}") for n in range(8)))
    reasons = Counter(reason_of(verdict) for verdict, _ in told)
    assert reasons == {Reason.OK: 1, Reason.REPEAT: 7}


async def test_a_card_after_the_code_of_the_same_person_is_a_repeat(rooms: RoomsUnderTest) -> None:
    used = await rooms.issued(terms=terms(per_spot_day=None))
    assert_admitted(await rooms.verdict_on(live_scan(used, "a")))
    assert_refused((await rooms.card_shown(nonce="b", at=SOON))[0], Reason.REPEAT)


async def test_two_gates_at_once_let_one_card_in_once(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    gates = [build.gate(id=f"gate-{n}") for n in range(16)]
    told = await asyncio.gather(
        *(rooms.card_shown(nonce=f"n{n}", gate=gate) for n, gate in enumerate(gates))
    )
    reasons = Counter(reason_of(verdict) for verdict, _ in told)
    assert reasons == {Reason.OK: 1, Reason.ALREADY_TODAY: 15}


async def test_the_last_visit_falls_to_a_card_or_to_a_code(rooms: RoomsUnderTest) -> None:
    used = await rooms.issued(terms=terms(total=1))
    there = build.gate(spot_id=XIANNVSHAN)
    told = await asyncio.gather(
        rooms.card_shown(nonce="a"),
        rooms.admission.admission.admit(live_scan(used, "b", gate=there), NOW),
    )
    assert Counter(reason_of(verdict) for verdict, _ in told) == {
        Reason.OK: 1,
        Reason.NO_VISITS_LEFT: 1,
    }


async def test_who_is_let_in_by_card_leaves_by_card(rooms: RoomsUnderTest) -> None:
    await rooms.keep(held(1))
    await rooms.keep(held(2, terms=build.terms(re_entry=True, limits=COUNTED), days=9))
    _, entered = await rooms.card_shown(nonce="a")
    verdict, left = await rooms.card_shown(nonce="b", at=LATER, purpose=Purpose.LEAVE)
    assert_admitted(verdict, leaving=True)
    assert entered is not None
    assert left is not None
    assert left.id == entered.id
    *_, exit_ = await rooms.ledger.records.whole(left.id)
    assert (exit_.kind, exit_.by) == (RecordKind.EXITED, By.CARD_CHIP)


async def test_paid_at_a_window_by_card_opens_the_turnstile(rooms: RoomsUnderTest) -> None:
    await rooms.keep(held(1, terms=TO_PAY))
    assert_refused((await rooms.card_shown(nonce="a"))[0], Reason.PAY_AT_WINDOW)
    paid, _ = await rooms.card_shown(nonce="b", gate=WINDOW, purpose=Purpose.PAY)
    assert (paid.granted, paid.admitted, paid.pays) == (True, False, 1)
    await rooms.keep(held(2, terms=terms(total=5), days=9))
    verdict, used = await rooms.card_shown(nonce="c", at=LATER)
    assert_admitted(verdict, pays=0)
    assert used is not None
    assert used.id == f"{1:016x}", "what is paid is used"


async def test_a_number_is_typed_where_staff_look_at_the_card(rooms: RoomsUnderTest) -> None:
    await rooms.issued(card_due_since=NOW)
    with pytest.raises(Forbidden, match="staffed gates alone"):
        await rooms.card_shown(by=By.CARD_TYPED)
    typed, _ = await rooms.card_shown(by=By.CARD_TYPED, gate=STAFFED)
    assert_admitted(typed, check_identity=True)
    *_, record = await rooms.ledger.records.whole(build.SERIAL)
    assert record.tally.seen_at is None, "a look at a card says nothing of a phone"


async def test_the_card_itself_need_not_be_looked_at_first(rooms: RoomsUnderTest) -> None:
    """An account was bound, and its phone waits for a look; the card is not the phone."""
    used = await rooms.issued(card_due_since=NOW, terms=terms(per_spot_day=None))
    phone = await rooms.verdict_on(live_scan(used, "a"))
    assert_refused(phone, Reason.CHECK_IDENTITY)
    assert_admitted((await rooms.card_shown(nonce="b", by=By.CARD_MRZ))[0])


async def test_a_disabled_gate_learns_nothing_from_a_card(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    disabled = build.gate(state=GateState.DISABLED)
    for person in (HOLDER, NOBODY):
        verdict, found = await rooms.card_shown(person, gate=disabled)
        assert_refused(verdict, Reason.GATE_DISABLED)
        assert found is None
    assert await rooms.refusal_reasons() == []


async def test_a_passport_is_found_by_its_country_and_others_without(
    rooms: RoomsUnderTest,
) -> None:
    passport = Identity("TEST A", "12AB34567", HOLDER.born, DocumentKind.PASSPORT, "FRA")
    await rooms.issue(person=passport)
    await rooms.issue(person=HOLDER)
    assert_admitted((await rooms.card_shown(passport, "a", by=By.CARD_MRZ))[0])
    other = replace(passport, country="DEU")
    assert_refused((await rooms.card_shown(other, "b"))[0], Reason.NO_PASS)
    with_country = replace(HOLDER, country="CHN")
    assert_admitted((await rooms.card_shown(with_country, "c"))[0])
    with pytest.raises(Invalid):
        await rooms.card_shown(replace(HOLDER, number="110101199003070000"), "d")


async def test_passes_under_two_names_are_found_by_the_number_alone(rooms: RoomsUnderTest) -> None:
    """A name with a rare character is written in several ways; the number is one person's."""
    misspelt = replace(HOLDER, name="测试岬")
    await rooms.keep(held(1, state=PassState.FROZEN))
    await rooms.keep(held(2, holder=build.SEALER.seal(misspelt)))
    _, used = await rooms.card_shown()
    assert used is not None
    assert used.id == f"{2:016x}"


async def test_a_pass_that_somebody_wrote_into_the_database_is_none(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    await rooms.issued()
    await rooms.tamper_with(build.SERIAL, chosen_spot=EMEISHAN)
    assert_refused((await rooms.card_shown())[0], Reason.NO_PASS)
    assert "somebody who can write the database" in caplog.text


async def test_a_frozen_pass_is_no_repeat_and_lets_its_holder_out(rooms: RoomsUnderTest) -> None:
    used = await rooms.issued(terms=terms(per_spot_day=None))
    await rooms.card_shown(nonce="a")
    await rooms.holding.lifecycle.take(used.id, Step.FREEZE, OPERATOR, NOW)
    assert_refused((await rooms.card_shown(nonce="b", at=SOON))[0], Reason.FROZEN_BY_STAFF)
    out, _ = await rooms.card_shown(nonce="c", at=LATER, purpose=Purpose.LEAVE)
    assert_admitted(out, leaving=True)


async def test_a_reissued_pass_goes_on_by_card(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    await rooms.card_shown(nonce="a")
    again = await rooms.holding.reissuing.reissue(build.SERIAL, OPERATOR, NOW)
    verdict, found = await rooms.card_shown(nonce="b", at=LATER)
    assert_refused(verdict, Reason.ALREADY_TODAY)
    assert found is not None
    assert found.id == again.id
    answered, _ = await rooms.card_shown(nonce="a", at=LATER)
    assert_admitted(answered)


async def test_who_came_in_before_a_reissue_leaves_with_the_same_pass(
    rooms: RoomsUnderTest,
) -> None:
    """An exit recorded on another pass would cost them their return."""
    await rooms.keep(held(1, terms=build.terms(re_entry=True), days=9))
    await rooms.keep(held(2, terms=terms(total=5)))
    await rooms.card_shown(nonce="a")
    again = await rooms.holding.reissuing.reissue(f"{1:016x}", OPERATOR, NOW)
    _, left = await rooms.card_shown(nonce="b", at=SOON, purpose=Purpose.LEAVE)
    assert left is not None
    assert left.id == again.id
    back, used = await rooms.card_shown(nonce="c", at=LATER)
    assert_admitted(back)
    assert used is not None
    assert used.id == again.id


async def test_who_was_let_in_by_hand_leaves_by_card_where_the_pass_does_not_admit(
    rooms: RoomsUnderTest,
) -> None:
    used = await rooms.issued(spots=frozenset({XIANNVSHAN}))
    goodwill = StaffDecision(STAFFED, "h", WhyByHand.GOODWILL)
    await rooms.admission.by_hand.admit(goodwill, Shown(1, pass_id=used.id), NOW)
    out, _ = await rooms.card_shown(nonce="out", at=LATER, purpose=Purpose.LEAVE)
    assert_admitted(out, leaving=True)


async def test_a_gate_that_tries_numbers_raises_an_alarm(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(MANY_IN_VAIN):
        await rooms.card_shown(build.person(n % 100), f"n{n}")
    assert "has read many cards that have no pass" in caplog.text
    lines = await rooms.base.audit.about(f"gate:{build.gate().id}")
    assert [line.action for line in lines] == ["many_cards_in_vain"]


async def test_nothing_of_a_card_is_stored_or_logged(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await rooms.issued()
    for n, gate in enumerate((build.gate(), STAFFED)):
        by = By.CARD_TYPED if gate.kind.staffed else By.CARD_CHIP
        for person in (HOLDER, NOBODY):
            await rooms.card_shown(person, f"{n}", gate=gate, by=by)
    stored = json_util.dumps(await everything(rooms))
    assert build.SERIAL in stored
    for secret in (HOLDER.number, NOBODY.number, build.SEALER.lookup(NOBODY.number)):
        assert secret not in stored + caplog.text


@pytest.mark.parametrize(
    ("kind", "number"),
    [(DocumentKind.HM_PERMIT, "H12345678"), (DocumentKind.TAIWAN_PERMIT, "12345678")],
)
async def test_a_travel_permit_opens_though_its_number_tells_no_birth(
    rooms: RoomsUnderTest, kind: DocumentKind, number: str
) -> None:
    person = replace(HOLDER, kind=kind, number=number)
    held = await rooms.issue(person=person)
    verdict, used = await rooms.card_shown(person)
    assert_admitted(verdict)
    assert used is not None
    assert used.id == held.id
