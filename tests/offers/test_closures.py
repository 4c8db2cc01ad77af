"""Spots that close: the products and offers that lose them are told."""

from dataclasses import replace
from datetime import date, timedelta

from passes.offers.closures import Affected, AffectedKind
from passes.offers.offer import Offer, OfferState
from passes.terms.amendments import Amendment
from passes.terms.edition import Edition
from passes.terms.terms import Coverage
from passes.terms.validity import Term
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN, offer
from tests.support.rooms import RoomsUnderTest

CLOSING = frozenset({EMEISHAN})
PRODUCT, OFFER = AffectedKind.PRODUCT, AffectedKind.OFFER


async def published(rooms: RoomsUnderTest, *things: Edition | Offer) -> None:
    for each in things:
        if isinstance(each, Offer):
            await rooms.offers.publishing.publish([each], OPERATOR, NOW)
        else:
            await rooms.terms.publishing.publish([each], OPERATOR, NOW)
    await rooms.terms.editions.load()
    await rooms.offers.offers.load()


async def affected(rooms: RoomsUnderTest, day: date = TODAY) -> list[Affected]:
    """What loses 峨眉山, if that closes."""
    return list(await rooms.offers.closures.of(CLOSING, frozenset({XIANNVSHAN}), day))


async def test_products_on_sale_and_offers_that_have_not_ended_are_told(
    rooms: RoomsUnderTest,
) -> None:
    elsewhere = build.product("elsewhere", coverage=Coverage(frozenset({XIANNVSHAN})))
    await published(rooms, build.product(), elsewhere, offer(), offer(id="ended"))
    await rooms.offers.publishing.set_state("ended", OfferState.ENDED, OPERATOR, NOW)
    await rooms.offers.offers.load()
    assert await affected(rooms) == [
        Affected(PRODUCT, "annual", (EMEISHAN,), left=1, passes=0),
        Affected(OFFER, "bogo", (EMEISHAN,), left=0, passes=0),
    ]


async def test_passes_in_force_are_counted_also_of_a_withdrawn_product(
    rooms: RoomsUnderTest,
) -> None:
    await published(rooms, build.product(term=Term(days=10)))
    edition = rooms.terms.editions.current("annual")
    assert edition is not None
    held = await rooms.issued(edition=edition)
    await rooms.terms.withdrawing.withdraw("annual", "sold out", OPERATOR, NOW)
    await rooms.terms.editions.load()
    assert await affected(rooms) == [Affected(PRODUCT, "annual", (EMEISHAN,), 1, passes=1)]
    assert await affected(rooms, held.valid.end + timedelta(days=1)) == []


async def test_versions_that_were_sold_and_amendments_count(rooms: RoomsUnderTest) -> None:
    """The newest version opens the spot no more, and a pass of the first one does."""
    wide = build.product()
    await published(rooms, wide)
    first = rooms.terms.editions.current("annual")
    assert first is not None
    await rooms.issued(edition=first)
    narrow = replace(wide.terms, coverage=Coverage(frozenset({XIANNVSHAN})))
    await published(rooms, replace(wide, terms=narrow))
    assert await affected(rooms) == [Affected(PRODUCT, "annual", (EMEISHAN,), 1, passes=1)]
    other = build.product("other", coverage=Coverage(frozenset({XIANNVSHAN})))
    await published(rooms, other)
    wanted = Amendment("other", 0, NOW, "one more", spots=CLOSING)
    await rooms.terms.amending.amend(wanted, OPERATOR, NOW)
    await rooms.terms.editions.load()
    assert [each.id for each in await affected(rooms)] == ["annual", "other"]


async def test_vouchers_for_another_spot_are_not_counted(rooms: RoomsUnderTest) -> None:
    both = offer(spots=frozenset({EMEISHAN, XIANNVSHAN}), version=0)
    await published(rooms, both)
    voucher = rooms.terms.editions.current("bogo")
    assert voucher is not None
    for n, spot in enumerate((EMEISHAN, XIANNVSHAN, XIANNVSHAN)):
        held = build.held(edition=voucher, chosen_spot=spot)
        await rooms.holding.passes.add(replace(held, id=f"00000000000000b{n}"))
    assert await affected(rooms) == [Affected(OFFER, "bogo", (EMEISHAN,), 1, passes=1)]


async def test_nothing_is_told_if_no_spot_closes(rooms: RoomsUnderTest) -> None:
    await published(rooms, build.product())
    assert await rooms.offers.closures.of(frozenset(), frozenset({EMEISHAN}), TODAY) == []
