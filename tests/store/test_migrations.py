"""Migrations, on a copy of a data directory that the version before has left."""

import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from passes.admission.gates import Gate
from passes.base.errors import Conflict
from passes.holding.finding import Search
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text
from passes.ledger.verdicts import Reason
from passes.people.holder import NOBODY
from passes.people.sealing import Sealed
from passes.store.database import Document
from passes.store.migrations import SCHEMA, migrate
from server.embedded import embedded_database
from server.mongo import Mongo
from server.settings import Settings
from server.system import System, open_system
from tests.support import build
from tests.support.build import NOW
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.rooms import RoomsUnderTest

pytestmark = pytest.mark.slow

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "schema-1.tar.xz"
THEN = datetime(2026, 11, 25, 3, 56, tzinfo=UTC)
"""When the data directory was made."""

ANNUAL = "bashu-annual-example"
OF_PASSES = ("passes", "products", "editions", "offers", "admissions", "users")

Documents = dict[str, list[Document]]


def extracted(folder: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "var"


@asynccontextmanager
async def database(data_dir: Path) -> AsyncIterator[Mongo]:
    async with embedded_database(data_dir) as uri, Mongo(uri, "bashu", "pymongo") as mongo:
        yield mongo


@asynccontextmanager
async def migrated(data_dir: Path) -> AsyncIterator[tuple[Documents, System, Mongo]]:
    """What was stored before, and the system over it as it is now."""
    settings = Settings(_env_file=None, data_dir=data_dir)  # type: ignore[call-arg]
    async with database(data_dir) as mongo:
        before = await stored(mongo)
        yield before, await open_system(settings, mongo, THEN, serves=False), mongo


async def stored(mongo: Mongo) -> Documents:
    return {
        name: await mongo.collection(name).find({}, [("_id", 1)])
        for name in (*OF_PASSES, "settings")
    }


def unsealed(documents: Any) -> Any:
    """The same without what is sealed, which differs each time."""
    if isinstance(documents, dict):
        return {name: unsealed(part) for name, part in documents.items() if name != "content"}
    if isinstance(documents, list):
        return [unsealed(each) for each in documents]
    return documents


async def pass_of(system: System, document: Document) -> Pass:
    held = await system.holding.passes.get(document["_id"])
    assert held is not None
    return held


def pick(before: Documents, **fields: Any) -> Document:
    """The first pass that has these fields."""
    found = [
        document
        for document in before["passes"]
        if all(document[name] == value for name, value in fields.items())
    ]
    assert found, fields
    return found[0]


async def test_every_pass_keeps_its_terms_days_state_and_holder(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        assert len(before["passes"]) == 10
        for document in before["passes"]:
            held = await pass_of(system, document)
            terms = document["terms"]
            assert held.product_id == document["product_id"]
            assert held.valid.start.isoformat() == document["valid"]["start"]
            assert held.valid.end.isoformat() == document["valid"]["end"]
            assert held.state.value == document["state"]
            assert held.holder.lookup == document["holder"]["lookup"]
            assert held.voucher == document["voucher"]
            assert held.terms.limits.total == terms["limits"]["total"]
            assert held.terms.party.admits == terms["party"]["admits"]
            assert held.terms.payment.value == terms["payment"]
            if terms["coverage"]["spots"]:
                assert sorted(held.spots) == terms["coverage"]["spots"]


async def test_whoever_has_a_name_is_found_by_it(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (_, system, mongo):
        sealer = system.people.identities
        passes = [await pass_of(system, each) for each in await mongo.collection("passes").find({})]
        named = [held for held in passes if held.holder.sealed is not None]
        assert named
        for held in named:
            name = sealer.open(held.holder).name
            found = await system.holding.finding.find(Search(name=name), "operator:test", THEN)
            assert held.id in {match.held.id for match in found.matches}


async def test_an_account_of_schema_3_is_found_by_its_phone(
    mongo: Mongo, rooms: RoomsUnderTest
) -> None:
    visitor, accounts = await rooms.account(), rooms.people.accounts
    await accounts.set_phone(visitor, "+8613800000000", NOW)
    await mongo.collection("users").update({"_id": visitor.id}, {"$unset": {"phone.lookup": ""}})
    await mongo.collection("settings").insert({"_id": "schema", "number": 3})
    assert await accounts.of_phone("+8613800000000") == []
    await migrate(mongo, build.Spots(), build.SEALER, build.MACS, is_new=False)
    (found,) = await accounts.of_phone("+8613800000000")
    assert found.id == visitor.id


async def test_terms_become_editions_and_that_of_today_keeps_its_number(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        current = system.terms.editions.current(ANNUAL)
        (product,) = [each for each in before["products"] if each["_id"] == ANNUAL]
        assert current is not None
        assert current.number == product["number"]
        assert current.version == product["version"]
        assert current.price_fen == product["price_fen"]
        editions = await system.terms.stored.all()
        of_annual = sorted(
            (edition for edition in editions if edition.product_id == ANNUAL),
            key=lambda edition: edition.version,
        )
        assert [edition.terms.limits.total for edition in of_annual] == [3, None]
        assert len({edition.number for edition in editions}) == len(editions)
        five_a = {spot.id for spot in system.catalogue.snapshot.all() if "5A" in spot.tags}
        assert all(edition.spots >= five_a for edition in of_annual), "tags are spots now"


async def test_a_voucher_keeps_the_spot_it_was_claimed_for(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        vouchers = [each for each in before["passes"] if each["product_id"] == "two-spots"]
        chosen = {(await pass_of(system, each)).chosen_spot for each in vouchers}
        assert chosen == {"emeishan", "wulong-xiannvshan"}
        for document in vouchers:
            held = await pass_of(system, document)
            assert held.edition.spots == {"emeishan", "wulong-xiannvshan"}
            assert held.edition.benefit == "percent:50"


async def test_holders_traits_are_told_while_their_names_are_there(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        for document in before["passes"]:
            held = await pass_of(system, document)
            origin = "1101" if held.holder.sealed is not None else None
            assert held.traits.origin == origin
        erased = [each for each in before["passes"] if each["holder"]["lookup"] == ""]
        assert (await pass_of(system, erased[0])).holder == NOBODY


async def test_scans_go_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    later = THEN + timedelta(hours=1)
    async with migrated(extracted(tmp_path)) as (before, system, mongo):
        gates = {gate.kind.value: gate for gate in system.admission.gates.all()}
        gate = gates["handheld"]
        active = {each["_id"] for each in before["passes"] if each["state"] == "active"}
        (visit,) = [
            each
            for each in before["admissions"]
            if each["gate_id"] == gate.id
            and each["kind"] == "admitted"
            and each["n"] == 1
            and each["pass_id"] in active
        ]
        held = await pass_of(system, pick(before, _id=visit["pass_id"]))
        assert await scanned(system, held, gate, later) is Reason.ALREADY_TODAY
        next_day = later + timedelta(days=1)
        assert await scanned(system, held, gate, next_day) is Reason.OK
        frozen = await pass_of(system, pick(before, state="frozen"))
        assert await scanned(system, frozen, gates["handheld"], next_day) is Reason.FROZEN_BY_STAFF
        for number, documents in (await ledgers(mongo)).items():
            assert [each["n"] for each in documents] == [*range(1, len(documents) + 1)], number


async def scanned(system: System, held: Pass, gate: Gate, at: datetime) -> Reason:
    scan = build.scan(live_text(held, system.codes, at), f"n{at.timestamp()}", at, gate=gate)
    verdict, _ = await system.admission.admission.admit(scan, at)
    return verdict.reason


async def ledgers(mongo: Mongo) -> Mapping[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in await mongo.collection("admissions").find({}, [("n", 1)]):
        found.setdefault(document["pass_id"], []).append(document)
    return found


async def test_a_migrated_pass_can_be_changed(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        frozen = await pass_of(system, pick(before, state="frozen"))
        thawed = await system.holding.lifecycle.take(
            frozen.id, Step.UNFREEZE, "operator:test", THEN
        )
        assert thawed.state is PassState.ACTIVE
        assert thawed.revision == 1


async def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    data_dir = extracted(tmp_path)
    async with migrated(data_dir) as (_, _, mongo):
        after_first = await stored(mongo)
    async with migrated(data_dir) as (_, _, mongo):
        assert await stored(mongo) == after_first


async def test_a_migration_cut_short_at_any_write_is_finished_by_the_next_start(
    tmp_path: Path, mongo: Mongo
) -> None:
    """The documents of before are put into a database of the tests, again for each crash."""
    async with migrated(extracted(tmp_path)) as (before, system, old):
        expected = await stored(old)
        expected["settings"] = [each for each in expected["settings"] if each["_id"] == "schema"]
        writes = 0.5
        crashed = True
        while crashed:
            for name in (*OF_PASSES, "settings"):
                await mongo.collection(name).delete({})
            for name in OF_PASSES:
                if before[name]:
                    await mongo.collection(name).insert_each(before[name])
            mortal = CrashingDatabase(mongo)
            mortal.writes_left = writes
            crashed = False
            try:
                await migrate(
                    mortal, system.catalogue, system.people.identities, system.macs, is_new=False
                )
            except Crash:
                crashed = True
            await migrate(
                mongo, system.catalogue, system.people.identities, system.macs, is_new=False
            )
            assert unsealed(await stored(mongo)) == unsealed(expected), f"a crash at write {writes}"
            for document in await mongo.collection("passes").find({}):
                held = await pass_of(system, document)
                assert held.holder.sealed is None or system.people.identities.open(held.holder)
            writes += 0.5
        assert writes > 10, "it was cut short often enough"


async def test_what_was_sealed_opens_in_its_own_document_alone(tmp_path: Path) -> None:
    async with migrated(extracted(tmp_path)) as (before, system, _):
        opened = 0
        for document in before["passes"]:
            held = await pass_of(system, document)
            if held.holder.sealed is None:
                continue
            system.people.identities.open(held.holder)
            stored_before = {**document["holder"]["sealed"]}
            as_before = replace(held.holder, sealed=Sealed(**stored_before))
            with pytest.raises(InvalidTag):
                system.people.identities.open(as_before)
            opened += 1
        for user in before["users"]:
            visitor = await system.people.visitors.get(user["_id"])
            assert visitor is not None
            if visitor.identity is not None:
                system.people.identities.open(visitor.identity)
                opened += 1
        assert opened > 5
        assert await system.people.sealed.count_old() == 0


async def test_an_older_program_is_shut_out_as_soon_as_a_migration_begins(
    tmp_path: Path, mongo: Mongo
) -> None:
    """It knows this number, and would find half of the names sealed in a way it does not know."""
    async with migrated(extracted(tmp_path)) as (before, system, _):
        for name in ("passes", "products", "offers"):
            await mongo.collection(name).insert_each(before[name])
        mortal = CrashingDatabase(mongo)
        mortal.writes_left = 2
        with pytest.raises(Crash):
            await migrate(
                mortal, system.catalogue, system.people.identities, system.macs, is_new=False
            )
        number = await mongo.collection("settings").get({"_id": "schema"})
        assert number == {"_id": "schema", "number": SCHEMA, "from": 1}


async def test_a_database_of_a_newer_program_is_refused(mongo: Mongo) -> None:
    await mongo.collection("settings").insert({"_id": "schema", "number": SCHEMA + 1})
    with pytest.raises(Conflict, match="install the newer version again") as refused:
        await migrate(mongo, build.Spots(), build.SEALER, build.MACS, is_new=False)
    assert refused.value.code == "schema_newer"


async def test_version_0_1_refuses_a_migrated_database(tmp_path: Path) -> None:
    """It compares this to the letter, and knows no schema number."""
    async with migrated(extracted(tmp_path)) as (before, system, mongo):
        (then,) = [each for each in before["settings"] if each["_id"] == "keys"]
        now = await mongo.collection("settings").get({"_id": "keys"})
        assert now is not None
        assert now["fingerprint"] == f"schema {SCHEMA}:{then['fingerprint']}"
        assert then["fingerprint"] == system.keys.fingerprint


async def test_a_new_database_is_not_migrated(mongo: Mongo) -> None:
    await migrate(mongo, build.Spots(), build.SEALER, build.MACS, is_new=True)
    assert await mongo.collection("settings").find({}) == [{"_id": "schema", "number": SCHEMA}]
    await migrate(mongo, build.Spots(), build.SEALER, build.MACS, is_new=False)
