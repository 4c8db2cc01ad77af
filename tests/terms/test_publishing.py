"""Publishing products: checked wholly first, and told apart when two publish at once."""

from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid
from passes.terms.edition import Edition
from passes.terms.terms import Coverage
from server.mongo import Mongo
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, XIANNVSHAN
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest

ONLY_EMEISHAN = Coverage(spots=frozenset({EMEISHAN}))


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        (
            {"coverage": Coverage(spots=frozenset({EMEISHAN, "nowhere"}))},
            "annual.coverage",
            "there is no spot nowhere",
        ),
        (
            {"coverage": Coverage(tags=frozenset({"6A"}))},
            "annual.coverage",
            "there is no tag 6A",
        ),
        (
            {"coverage": ONLY_EMEISHAN, "overrides": {XIANNVSHAN: {"per_spot": 1}}},
            "annual.overrides.wulong-xiannvshan",
            "coverage does not open wulong-xiannvshan: name it there, too, or take it out here",
        ),
        (
            {"coverage": Coverage(spots=frozenset({EMEISHAN}), excluded=frozenset({EMEISHAN}))},
            "annual.coverage",
            "it covers no spot at all: name one under spots, or a tag",
        ),
    ],
)
async def test_what_a_file_cannot_tell_by_itself_is_checked_first(
    mongo: Mongo, changes: dict[str, Any], where: str, what: str
) -> None:
    rooms = RoomsUnderTest(mongo)
    sound, broken = build.product("sound"), build.product(**changes)
    with pytest.raises(Invalid) as refused:
        await rooms.terms.publishing.publish([sound, broken], OPERATOR, NOW)
    (fault,) = refused.value.faults
    assert fault.where == where
    assert fault.what == what
    assert await rooms.terms.stored.all() == [], "the sound one neither"


async def test_a_product_and_an_offer_do_not_share_an_id(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    publish = rooms.terms.publishing.publish
    await publish([build.product("bogo"), build.offer(id="other").voucher()], OPERATOR, NOW)
    for draft, what in (
        (build.offer().voucher(), "a product has this id"),
        (build.product("other"), "an offer has this id"),
    ):
        with pytest.raises(Invalid, match=what):
            await publish([draft], OPERATOR, NOW)


async def test_the_same_id_twice_in_one_publication_is_refused(mongo: Mongo) -> None:
    rooms = RoomsUnderTest(mongo)
    with pytest.raises(Invalid, match=r"annual\.id: stands twice"):
        await rooms.terms.publishing.publish([build.product()] * 2, OPERATOR, NOW)


async def test_of_two_who_publish_at_once_one_is_told_so(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = RoomsUnderTest(rooms.database)

    async def publish_first() -> None:
        await rival.terms.publishing.publish([build.product()], OPERATOR, NOW)

    overtake(monkeypatch, rooms.terms.stored, "put", publish_first)
    with pytest.raises(Conflict, match="someone else is publishing"):
        await rooms.terms.publishing.publish([build.product()], OPERATOR, NOW)
    (stored,) = await rooms.terms.stored.all()
    assert stored.version == 1
    again = await rooms.terms.publishing.publish([build.product()], OPERATOR, NOW)
    assert again.unchanged == ("annual",)


async def test_when_codes_can_name_no_more_editions_none_is_published(mongo: Mongo) -> None:
    """The number of an edition has 16 bits in a code."""
    rooms = RoomsUnderTest(mongo)
    await rooms.terms.stored.put(numbered(0xFFFF))
    with pytest.raises(Invalid, match="has room for 65535 editions"):
        await rooms.terms.publishing.publish([build.product("next")], OPERATOR, NOW)


def numbered(number: int) -> Edition:
    edition = build.published(build.product("last"))
    return Edition(edition.product_id, 1, number, edition.title, edition.terms, spots=edition.spots)
