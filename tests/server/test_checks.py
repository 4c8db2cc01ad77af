"""What the doctor finds in a database: each fault is made there, and told with what to do."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from passes.store.database import Index
from passes.store.indexes import ensure_indexes
from passes.terms.holidays import Holiday, HolidayYear
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from scenic_data.model import Status
from server.checks import (
    of_catalogue,
    of_counters,
    of_database,
    of_holidays,
    of_indexes,
    of_ledgers,
    of_schema,
)
from server.clock import now
from server.findings import Finding, Level
from server.mongo import Mongo
from server.system import System
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, TODAY, XIANNVSHAN
from tests.support.rooms import RoomsUnderTest
from tests.support.world import World


def told(findings: Iterable[Finding]) -> list[tuple[Level, str, str]]:
    """What needs a look: level, the beginning of the words, and of the remedy."""
    return [
        (each.level, each.what.split(":")[0], each.remedy.split(" ")[0])
        for each in findings
        if each.level is not Level.OK
    ]


async def test_indexes_that_are_missing_extra_or_different_are_told(mongo: Mongo) -> None:
    assert told(await of_indexes(mongo)) == []
    passes = mongo.collection("passes")
    await passes.drop_index("holder")
    await passes.drop_index("product")
    await passes.ensure(Index("product", (("state", 1),), serves="nothing"))
    await passes.ensure(Index("theirs", (("version", 1),), serves="nothing"))
    assert told(await of_indexes(mongo)) == [
        (Level.NOTICE, "passes.holder was missing, and is made now", "right"),
        (Level.FAULT, "passes.product is not what it should be", 'db.passes.dropIndex("product")'),
        (
            Level.NOTICE,
            "passes.theirs is no index of this version",
            'db.passes.dropIndex("theirs")',
        ),
    ]
    await passes.drop_index("product")
    await ensure_indexes(mongo)
    (left,) = told(await of_indexes(mongo))
    assert left[0] is Level.NOTICE


@pytest.mark.parametrize(("ahead", "level"), [(0, Level.OK), (60, Level.FAULT), (-60, Level.FAULT)])
async def test_a_clock_beside_that_of_the_database_is_a_fault(
    mongo: Mongo, tmp_path: Path, ahead: int, level: Level
) -> None:
    findings = await of_database(mongo, tmp_path, now() + timedelta(seconds=ahead))
    assert {each.check: each.level for each in findings} == {
        "database": Level.OK,
        "clock": level,
        "disk": Level.OK,
    }


async def test_a_key_file_of_another_epoch_is_a_fault(system: System) -> None:
    assert told(await of_schema(system)) == []
    system.keys = replace(system.keys, epoch=1)
    (fault,) = told(await of_schema(system))
    assert fault[0] is Level.FAULT


async def visited(world: World) -> str:
    """The id of a pass with an admission."""
    held = await world.issue()
    gate, _ = await world.gate()
    scan = build.live_scan(held, gate=gate)
    verdict, _ = await world.system.admission.admission.admit(scan, NOW)
    assert verdict.admitted
    return held.id


@pytest.mark.parametrize(
    ("collection", "change", "fault"),
    [
        ("passes", {"ledger_mark": 9}, "its ledger mark 9 is beyond its newest record 1"),
        ("passes", {"valid.end": "2099-12-31"}, "it was changed by somebody who has no key"),
        ("admissions", {"tally.total": 7}, "its newest tally is not that of its records"),
        ("admissions", {"n": 3}, "the numbers of its records have a gap"),
    ],
)
async def test_a_ledger_that_does_not_add_up_is_a_fault(
    world: World, collection: str, change: dict[str, Any], fault: str
) -> None:
    pass_id = await visited(world)
    assert told(await of_ledgers(world.system, whole=False)) == []
    key = pass_id if collection == "passes" else f"{pass_id}:1"
    await world.mongo.collection(collection).update({"_id": key}, {"$set": change})
    findings = await of_ledgers(world.system, whole=False)
    assert [each.level for each in findings] == [Level.FAULT]
    assert findings[0].what.startswith(f"{pass_id}: {fault}")


async def test_a_sample_of_many_passes_finds_some_and_the_whole_all(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passes.holding.proving._FEW", 1)
    for n in range(3):
        await rooms.issue(person=build.person(n))

    bucket = int(build.SEALER.name_bucket(build.HOLDER.name), 16)
    chance = Random(1)
    proving = rooms.holding.proving
    for drawn, passes in (([0, bucket], 3), ([bucket ^ 1], 0)):
        monkeypatch.setattr(chance, "sample", lambda _, k, drawn=drawn: drawn[:k])
        assert (await proving.sample(chance)).passes == passes
    assert (await proving.whole()).passes == 3


async def test_a_counter_that_is_wrong_is_told_and_left_alone(system: System, world: World) -> None:
    await world.publish_offers(build.offer())
    for _ in range(3):
        await system.offers.counters.increment("bogo", "bogo", None, NOW)
    assert told(await of_counters(system, NOW, whole=False)) == [], "it may just be right"
    later = NOW + timedelta(minutes=2)
    for _ in range(2):
        assert told(await of_counters(system, later, whole=False)) == [
            (Level.FAULT, "bogo counts 3, and there are 0", "offers")
        ]
    (counter,) = await system.offers.counters.of_offer("bogo")
    await system.offers.counters.correct("bogo", counter, 9999)
    assert told(await of_counters(system, later, whole=False))[0][2] == "doctor"
    assert told(await of_counters(system, later, whole=True))[0][0] is Level.FAULT


async def test_what_is_sold_and_closed_or_has_no_gate_is_told(system: System, world: World) -> None:
    assert told(await of_catalogue(system, NOW)) == [(Level.NOTICE, "annual", "gates")]
    await world.gate(EMEISHAN)
    await world.gate(XIANNVSHAN)
    assert told(await of_catalogue(system, NOW)) == []
    await world.change_spot(EMEISHAN, status=Status.RETIRED)
    (closed,) = await of_catalogue(system, NOW)
    assert closed.level is Level.NOTICE
    assert "1 spots that are closed: emeishan" in closed.what
    assert closed.remedy.startswith("products withdraw-spot annual --spot emeishan")
    await world.change_spot(XIANNVSHAN, status=Status.CLOSED)
    (none_left,) = await of_catalogue(system, NOW)
    assert none_left.level is Level.FAULT
    await system.terms.withdrawing.withdraw("annual", "over", OPERATOR, NOW)
    await system.terms.editions.load()
    assert told(await of_catalogue(system, NOW)) == [], "it is sold no more"


@pytest.mark.parametrize(
    ("at", "known", "level"),
    [
        (NOW, [2026], Level.OK),
        (NOW, [], Level.FAULT),
        (NOW.replace(month=10), [2026], Level.OK),
        (NOW.replace(month=11), [2026], Level.NOTICE),
        (NOW.replace(month=11), [2026, 2027], Level.OK),
    ],
)
async def test_holidays_that_rules_name_have_to_be_known(
    system: System, world: World, at: datetime, known: list[int], level: Level
) -> None:
    without = of_holidays(system, at)
    await world.publish(blackout=Blackout(holidays=frozenset({Holiday.NATIONAL_DAY.value})))
    for year in known:
        days = {Holiday.NATIONAL_DAY.value: (DateRange(TODAY, TODAY),)}
        await system.terms.stored_holidays.put(HolidayYear(year, days))
    await system.terms.holidays.load()
    (finding,) = of_holidays(system, at)
    assert finding.level is level
    assert without == [] or "1 products" not in without[0].what
