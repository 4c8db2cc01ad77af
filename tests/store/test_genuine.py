"""Who can write the database can neither make a pass nor make one worth more."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.lookup import Card
from passes.base.errors import Conflict
from passes.holding.lifecycle import Step
from passes.holding.model import Pass
from passes.holding.shown_code import live_code, live_text, static_text
from passes.ledger.verdicts import Reason
from passes.store.database import Document
from passes.store.documents import from_pass
from passes.terms.validity import DateRange
from tests.support import build
from tests.support.build import HOLDER, KEYS, NOW, OPERATOR, SERIAL, TODAY
from tests.support.rooms import RoomsUnderTest

MINTED = "00000000000000ff"

TAMPERED: Mapping[str, Mapping[str, Any]] = {
    "days": {"valid.end": "2099-12-31"},
    "state": {"state": "active"},
    "product": {"product_id": "other", "version": build.published(build.product("other")).version},
    "spot": {"chosen_spot": build.EMEISHAN},
    "holder": {"holder.lookup": "0" * 64},
    "name that staff see": {"holder.name_mask": "贼*"},
    "origin of time": {"issued_at": NOW - timedelta(days=1)},
    "no code": {"mac": None},
    "code of no use": {"mac": "0" * 64},
    "code of another type": {"mac": 7},
}


async def minted(rooms: RoomsUnderTest, **changes: Any) -> Document:
    """A pass that somebody has copied and put into the database under another serial."""
    held = await rooms.issued()
    genuine = await rooms.database.collection("passes").get({"_id": held.id})
    assert genuine is not None
    document = {**genuine, "_id": MINTED, **changes}
    await rooms.database.collection("passes").insert(document)
    return document


async def stored(rooms: RoomsUnderTest, pass_id: str = SERIAL) -> Pass:
    held = await rooms.holding.passes.get(pass_id)
    assert held is not None
    return held


async def test_a_minted_pass_gets_a_signed_code(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    await minted(rooms)
    forged = await stored(rooms, MINTED)
    with caplog.at_level(logging.ERROR):
        for show in (
            lambda: static_text(forged, KEYS),
            lambda: live_text(forged, KEYS, NOW),
            lambda: live_code(forged, KEYS, NOW),
        ):
            with pytest.raises(Conflict) as refused:
                show()
            assert refused.value.code == "pass_not_genuine"
    assert MINTED in caplog.text


async def test_a_minted_pass_is_found_at_a_look_up(rooms: RoomsUnderTest) -> None:
    await minted(rooms)
    gate = build.gate()
    found = await rooms.admission.lookup.find(Card(HOLDER.number), gate, NOW)
    assert [each.held.id for each in found] == [SERIAL]


async def test_a_reissue_or_a_change_makes_a_minted_pass_genuine(rooms: RoomsUnderTest) -> None:
    await minted(rooms)
    with pytest.raises(Conflict, match="not stored by this system"):
        await rooms.holding.reissuing.reissue(MINTED, OPERATOR, NOW)
    for step in (Step.FREEZE, Step.UNFREEZE):
        await rooms.holding.lifecycle.take(MINTED, step, OPERATOR, NOW)
        assert not (await stored(rooms, MINTED)).genuine


@pytest.mark.parametrize("fields", TAMPERED.values(), ids=TAMPERED)
async def test_a_code_that_is_about_admits_to_a_pass_that_was_made_worth_more(
    rooms: RoomsUnderTest, caplog: pytest.LogCaptureFixture, fields: Mapping[str, Any]
) -> None:
    held = await rooms.issued(valid=DateRange(TODAY, TODAY + timedelta(days=1)))
    other = build.published(build.product("other"))
    await rooms.keep(build.held(id=MINTED, edition=other))
    if "state" in fields:
        await rooms.holding.lifecycle.take(held.id, Step.REVOKE, OPERATOR, NOW)
    await rooms.tamper_with(held.id, **fields)
    with caplog.at_level(logging.ERROR):
        verdict = await rooms.verdict_on(build.live_scan(held))
    assert verdict.reason is Reason.CODE_UNKNOWN
    assert held.id in caplog.text


async def test_every_change_of_ours_keeps_a_pass_genuine(rooms: RoomsUnderTest) -> None:
    held = await rooms.issue()
    for step in (Step.FREEZE, Step.UNFREEZE):
        await rooms.holding.lifecycle.take(held.id, step, OPERATOR, NOW)
        assert (await stored(rooms, held.id)).genuine
    new = await rooms.holding.reissuing.reissue(held.id, OPERATOR, NOW)
    for each in (held.id, new.id):
        assert (await stored(rooms, each)).genuine
    await rooms.holding.lifecycle.take(new.id, Step.REVOKE, OPERATOR, NOW)
    assert (await stored(rooms, new.id)).genuine


async def test_what_is_not_known_yet_is_the_same_missing_or_null(rooms: RoomsUnderTest) -> None:
    """Documents of older versions have no field for what was added later."""
    document = from_pass(build.held())
    bare = {name: value for name, value in document.items() if value is not None}
    assert bare != document
    assert rooms.macs.of(bare) == rooms.macs.of(document)
