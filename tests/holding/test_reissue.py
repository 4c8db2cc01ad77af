"""Reissue: the visits go along, old codes are dead, and neither a crash nor a race loses or doubles a visit."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Unavailable, Unknown
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text
from passes.ledger.records import RecordKind, fold, standing
from passes.ledger.verdicts import Reason
from passes.terms.terms import Limits
from server.mongo import Mongo
from tests.support import build
from tests.support.build import KEYS, NOW, SERIAL
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest


class Desk(RoomsUnderTest):
    """The rooms, and a scan in a word."""

    async def scan(self, held: Pass, nonce: str, at: Any = NOW) -> Reason:
        return (
            await self.admission.admission.admit(
                build.scan(live_text(held, KEYS, at), nonce, at), at
            )
        )[0].reason


async def test_visits_go_along_and_the_old_code_is_dead(any_mongo: Mongo) -> None:
    desk = Desk(any_mongo)
    old = await desk.issued(terms=build.terms(limits=Limits(total=2)))
    assert await desk.scan(old, "a") is Reason.OK
    new = await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW, "stolen")
    assert_fields(
        new,
        state=PassState.ACTIVE,
        reissued_from=SERIAL,
        valid=old.valid,
        holder=old.holder,
    )
    assert new.id != SERIAL
    assert await desk.scan(old, "b") is Reason.REVOKED
    assert await desk.scan(new, "c") is Reason.ALREADY_TODAY, "the visit of this morning counts"
    tomorrow = NOW + timedelta(days=1)
    assert await desk.scan(new, "d", tomorrow) is Reason.OK
    assert await desk.scan(new, "e", tomorrow + timedelta(days=1)) is Reason.NO_VISITS_LEFT
    ledger = await desk.ledger.records.whole(new.id)
    assert [record.kind for record in ledger] == [RecordKind.CARRIED, RecordKind.ADMITTED]
    assert ledger[-1].tally == fold(ledger)
    assert ledger[-1].tally.total == 2
    assert await desk.scan(old, "a") is Reason.OK, "a retry of the first scan has the first answer"
    with pytest.raises(Conflict, match="reissued"):
        await desk.admission.admission.annul(build.gate(), "a", NOW)


async def test_doing_it_again_gives_the_same(any_mongo: Mongo) -> None:
    desk = Desk(any_mongo)
    await desk.issued()
    new = await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW)
    assert await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW) == new
    third = await desk.holding.reissuing.reissue(new.id, "operator:test", NOW)
    assert [held.id for held in await desk.admission.histories.lineage(third)] == [
        SERIAL,
        new.id,
        third.id,
    ]
    assert third.reissued_from == new.id
    assert len(await desk.base.audit.about(f"pass:{SERIAL}")) == 1
    with pytest.raises(Unknown):
        await desk.holding.reissuing.reissue("0" * 16, "operator:test", NOW)


@pytest.mark.parametrize("state", [PassState.REVOKED, PassState.REFUNDED, PassState.EXPIRED])
async def test_what_is_not_in_force_is_not_reissued(mongo: Mongo, state: PassState) -> None:
    desk = Desk(mongo)
    await desk.issued(state=state)
    with pytest.raises(Conflict, match="cannot be reissued"):
        await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW)


@pytest.mark.parametrize("writes", range(6))
async def test_a_reissue_cut_short_is_finished_by_doing_it_again(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The database goes away after so many writes."""
    desk = Desk(mongo)
    old = await desk.issued(terms=build.terms(limits=Limits(total=2)))
    assert await desk.scan(old, "a") is Reason.OK
    left = iter(range(writes))

    def counted(operation: Any) -> Any:
        async def run(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise Unavailable("database_unavailable", build.product().title)
            return await operation(*arguments, **options)

        return run

    with monkeypatch.context() as broken:
        for name in ("insert", "update"):
            original = getattr(type(mongo.collection("x")), name)
            broken.setattr(f"server.mongo.MongoCollection.{name}", counted(original))
        with pytest.raises(Unavailable):
            await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW)
    assert await desk.scan(old, "b") in {Reason.ALREADY_TODAY, Reason.REVOKED}
    new = await desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW)
    (carried,) = await desk.ledger.records.whole(new.id)
    assert carried.kind == RecordKind.CARRIED
    assert carried.tally.total == 1
    assert await desk.scan(new, "c") is Reason.ALREADY_TODAY


async def test_scans_that_race_with_a_reissue_are_counted_once(any_mongo: Mongo) -> None:
    desk = Desk(any_mongo)
    terms = build.terms(limits=Limits(per_spot_day=None, total=12))
    old = await desk.issued(terms=terms)
    before = [desk.scan(old, f"n{n}") for n in range(16)]
    *reasons, new = await asyncio.gather(
        *before, desk.holding.reissuing.reissue(SERIAL, "operator:test", NOW)
    )
    assert isinstance(new, Pass)
    admitted = reasons.count(Reason.OK)
    assert set(reasons) <= {Reason.OK, Reason.REVOKED, Reason.NO_VISITS_LEFT}
    closed = await desk.ledger.records.whole(SERIAL)
    assert closed[-1].kind is RecordKind.CLOSED
    assert len(standing(closed)) == admitted == closed[-1].tally.total
    after = [await desk.scan(new, f"m{n}") for n in range(16)]
    assert admitted + after.count(Reason.OK) == 12
    assert replace(new, id=SERIAL).holder == old.holder
