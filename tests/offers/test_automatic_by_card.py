"""Automatic campaigns by card: a person without an account has the voucher when they show it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from passes.admission.gates import GateKind
from passes.holding import transitions
from passes.holding.change import change
from passes.holding.model import Pass, PassState
from passes.ledger.records import By
from passes.ledger.verdicts import Reason
from passes.offers.offer import ClaimKind, Offer, OfferState, Quota
from passes.people.groups import UNION_MEMBER, native_of
from passes.people.holder import NOBODY
from passes.people.identity import Identity, identify
from passes.terms.prices import Benefit, BenefitKind
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import (
    CHILD,
    EMEISHAN,
    HOLDER,
    NOW,
    OPERATOR,
    PRIVACY_VERSION,
    SEALER,
    XIANNVSHAN,
    live_scan,
)
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

FREE = build.offer(
    id="huimin",
    benefit=Benefit(BenefitKind.FREE),
    spots=frozenset({EMEISHAN}),
    voucher_days=None,
    limits=Limits(per_spot=1, per_spot_day=1),
    claim=ClaimKind.AUTOMATIC,
    quota=Quota(per_spot_day=2),
)
NATIVE = replace(HOLDER, number=build.id_number("50011019900307002"))


async def published(rooms: RoomsUnderTest, **changes: Any) -> Offer:
    offer = replace(FREE, **changes)
    await rooms.offers.publishing.publish([offer], OPERATOR, NOW)
    await rooms.offers.offers.load()
    await rooms.terms.editions.load()
    return offer


async def test_a_person_without_an_account_is_let_in_by_card(rooms: RoomsUnderTest) -> None:
    await published(rooms)
    verdict, voucher = await rooms.card_shown()
    assert_admitted(verdict, visits_left=0)
    assert voucher is not None
    assert voucher.holder.mask == "110***********002X"
    assert voucher.traits.origin == "1101"
    assert not voucher.holder.named
    (record,) = await rooms.ledger.records.whole(voucher.id)
    assert (record.by, record.benefit) == (By.CARD_CHIP, "free")
    (line,) = await rooms.lines_about(f"pass:{voucher.id}")
    assert (line.by, line.action) == (f"gate:{build.gate().id}", "claim")
    again, _ = await rooms.card_shown(nonce="b", gate=build.gate(id="south"))
    assert_refused(again, Reason.ALREADY_TODAY)
    assert [each.id for each in await rooms.vouchers("huimin")] == [voucher.id]


async def test_at_many_gates_at_once_there_is_one_voucher_and_one_visit(
    rooms: RoomsUnderTest,
) -> None:
    await published(rooms)
    gates = [build.gate(id=f"gate-{n}") for n in range(8)]
    told = await asyncio.gather(
        *(rooms.card_shown(nonce=f"n{n}", gate=gate) for n, gate in enumerate(gates))
    )
    assert sum(verdict.admitted for verdict, _ in told) == 1
    assert len(await rooms.vouchers("huimin")) == 1
    assert (await rooms.counts("huimin"))["huimin"] == 1


async def test_a_campaign_without_visits_left_today_does_not_stand_before_another(
    rooms: RoomsUnderTest,
) -> None:
    full = replace(FREE, id="full", claim=ClaimKind.VISITOR, quota=Quota(total=9, per_spot_day=1))
    claimed = await rooms.claim(0, of=full)
    other = await rooms.claim(1, of=full)
    window = build.gate(GateKind.WINDOW)
    assert_admitted(await rooms.verdict_on(live_scan(other, "a", gate=window)))
    used_up, _ = await rooms.card_shown(build.person(0), "b", gate=window)
    assert_refused(used_up, Reason.QUOTA_USED_UP)
    await published(rooms)
    verdict, used = await rooms.card_shown(build.person(0), "c", gate=window)
    assert_admitted(verdict)
    assert used is not None
    assert used.product_id == "huimin" != claimed.product_id


async def test_whoever_signs_in_later_finds_the_voucher(rooms: RoomsUnderTest) -> None:
    offer = await published(rooms)
    _, voucher = await rooms.card_shown()
    visitor = await rooms.known()
    assert visitor.identity is not None, "the voucher bears no name, so none is contradicted"
    (found,) = await rooms.holding.wallet.of_visitor(visitor)
    assert voucher is not None
    assert found.id == voucher.id == rooms.offers.automatic.serial(visitor, offer)
    assert await rooms.offers.automatic.shown(visitor, voucher.id, NOW) == found


async def test_a_guardian_shows_the_voucher_that_a_child_has_had_by_card(
    rooms: RoomsUnderTest,
) -> None:
    await published(rooms)
    _, voucher = await rooms.card_shown(identify(CHILD, NOW.date()))
    parent = await rooms.known()
    await rooms.people.accompanying.add_child(parent, CHILD, PRIVACY_VERSION, NOW)
    assert voucher is not None
    assert await rooms.holding.showing.of_pass(parent, voucher, NOW) is not None
    (listed,) = await rooms.holding.showing.of_visitor(parent, NOW)
    assert listed.held.id == voucher.id


async def test_the_voucher_of_an_account_is_used_by_card(rooms: RoomsUnderTest) -> None:
    offer = await published(rooms)
    visitor = await rooms.known()
    pass_id = rooms.offers.automatic.serial(visitor, offer)
    assert pass_id is not None
    shown = await rooms.offers.automatic.shown(visitor, pass_id, NOW)
    _, used = await rooms.card_shown()
    assert shown is not None
    assert used is not None
    assert used.id == shown.id


async def test_a_phone_of_somebody_who_says_to_be_them_waits_for_a_look(
    rooms: RoomsUnderTest,
) -> None:
    await published(rooms, limits=Limits(per_spot_day=None))
    await rooms.known()
    verdict, voucher = await rooms.card_shown()
    assert_admitted(verdict)
    assert voucher is not None
    phone = await rooms.verdict_on(live_scan(voucher, "b", gate=build.gate(id="south")))
    assert_refused(phone, Reason.CHECK_IDENTITY)


HALF_PRICE = Benefit(BenefitKind.PERCENT, 50)
NOT_FOR_THEM: Mapping[str, tuple[dict[str, Any], Identity]] = {
    "natives of elsewhere": ({"eligible": frozenset({native_of("chongqing")})}, HOLDER),
    "members alone": ({"eligible": frozenset({UNION_MEMBER})}, HOLDER),
    "of another spot": ({"spots": frozenset({XIANNVSHAN})}, HOLDER),
    "not yet": ({"opens": NOW.time().replace(hour=18)}, HOLDER),
    "to be paid at a turnstile": ({"benefit": HALF_PRICE}, HOLDER),
}


@pytest.mark.parametrize(("changes", "person"), NOT_FOR_THEM.values(), ids=NOT_FOR_THEM)
async def test_who_may_not_have_it_simply_has_none(
    rooms: RoomsUnderTest, changes: dict[str, Any], person: Identity
) -> None:
    await published(rooms, **changes)
    verdict, found = await rooms.card_shown(person)
    assert_refused(verdict, Reason.NO_PASS)
    assert found is None
    assert await rooms.vouchers("huimin") == []


FOR_THEM: Mapping[str, tuple[dict[str, Any], Identity]] = {
    "natives, by the number": ({"eligible": frozenset({native_of("chongqing")})}, NATIVE),
    "members, by the roster": ({"eligible": frozenset({UNION_MEMBER})}, NATIVE),
}


@pytest.mark.parametrize(("changes", "person"), FOR_THEM.values(), ids=FOR_THEM)
async def test_who_may_have_it_is_told_by_the_card_or_by_operators(
    rooms: RoomsUnderTest, changes: dict[str, Any], person: Identity
) -> None:
    await published(rooms, **changes)
    await rooms.people.members.add(SEALER.lookup(NATIVE.number), UNION_MEMBER)
    assert_admitted((await rooms.card_shown(person))[0])


async def test_half_price_is_paid_at_a_window(rooms: RoomsUnderTest) -> None:
    await published(rooms, benefit=HALF_PRICE)
    verdict, _ = await rooms.card_shown(gate=build.gate(GateKind.WINDOW))
    assert_admitted(verdict, pays=1)


ORDER: Mapping[str, tuple[Pass, str]] = {
    "after counted visits": (build.held(terms=build.terms(limits=Limits(total=5))), build.SERIAL),
    "before what cannot admit": (build.held(state=PassState.FROZEN), "huimin"),
}


@pytest.mark.parametrize(("held", "used"), ORDER.values(), ids=ORDER)
async def test_the_place_of_a_campaign_among_passes(
    rooms: RoomsUnderTest, held: Pass, used: str
) -> None:
    await rooms.keep(held)
    await published(rooms, with_pass=True)
    _, found = await rooms.card_shown()
    assert found is not None
    assert used in {found.id, found.product_id}


async def test_a_campaign_with_a_number_of_visits_keeps_it(rooms: RoomsUnderTest) -> None:
    await published(rooms, quota=Quota(per_spot_day=1))
    assert_admitted((await rooms.card_shown())[0])
    verdict, _ = await rooms.card_shown(build.person(1), "b")
    assert_refused(verdict, Reason.QUOTA_USED_UP)


async def test_whose_data_were_erased_has_it_once_all_the_same(rooms: RoomsUnderTest) -> None:
    await published(rooms)
    _, voucher = await rooms.card_shown()
    assert voucher is not None
    erased = await change(
        rooms.holding.passes, voucher.id, lambda each: transitions.give_to(each, NOBODY)
    )
    assert erased.something
    again, _ = await rooms.card_shown(nonce="b", gate=build.gate(id="south"))
    assert_refused(again, Reason.NO_PASS)
    counts = await rooms.counts("huimin")
    assert counts["huimin"] == 1


async def test_a_paused_campaign_makes_no_vouchers(rooms: RoomsUnderTest) -> None:
    offer = await published(rooms)
    await rooms.offers.stored.set_state(offer.id, OfferState.PAUSED, before=OfferState.PUBLISHED)
    await rooms.offers.offers.load()
    assert_refused((await rooms.card_shown())[0], Reason.NO_PASS)
