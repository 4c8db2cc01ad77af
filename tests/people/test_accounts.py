"""Accounts over the real database: who visitors are, each bound at most once, and sealed."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.holding.ports import Holding
from passes.people.identification import Identification, Unbound
from passes.people.identity import IdentityDocument
from passes.people.sealing import Vault
from passes.people.tries import Tries
from passes.people.visitors import Binding, Visitor
from passes.store.people import AttemptStore
from passes.store.sealed import SealedStore
from server.mongo import Mongo
from tests.support import build
from tests.support.build import CHILD, HOLDER, NOW, OPERATOR, SEALER, VAULT
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest

SAID = build.statement()
OTHER = build.document(build.person(1), name="测试乙")


async def test_of_first_sign_ins_at_once_one_account_comes(rooms: RoomsUnderTest) -> None:
    visitors = await asyncio.gather(*(rooms.account() for _ in range(8)))
    assert len({visitor.id for visitor in visitors}) == 1
    assert rooms.people.accounts.openid(visitors[0]) == "甲"
    other = await rooms.account("乙")
    assert other.id != visitors[0].id


async def test_a_sign_in_finishes_what_a_crash_left(rooms: RoomsUnderTest) -> None:
    """The binding was written, the account was not."""
    left = Binding("0" * 16, NOW)
    await rooms.people.visitors.bind(f"account:{VAULT.digest('openid', '甲')}", left)
    visitor = await rooms.account()
    assert visitor.id == left.visitor_id


async def test_a_person_is_bound_to_one_account(rooms: RoomsUnderTest) -> None:
    first = await rooms.known()
    assert first.identity is not None
    assert first.identity.mask == "测** 110***********002X"
    assert await rooms.known() == first, "doing it again changes nothing"
    with pytest.raises(Conflict, match="sign in there and erase that account"):
        await rooms.known("乙")
    done = await asyncio.gather(
        *(rooms.known(name, document=OTHER) for name in "丙丁戊"), return_exceptions=True
    )
    assert sum(isinstance(each, Visitor) for each in done) == 1
    assert sum(isinstance(each, Conflict) for each in done) == 2


async def test_a_pass_is_not_found_under_another_name(rooms: RoomsUnderTest) -> None:
    await rooms.issue()
    with pytest.raises(Conflict, match="known under another name"):
        await rooms.known(document=build.document(name="测试偷"))
    visitor = await rooms.account()
    assert visitor.identity is None
    other = await rooms.known("乙")
    assert other.identity is not None, "nobody is bound by it"
    released = await rooms.people.identification.unbind(
        replace(HOLDER, name="测试真"), OPERATOR, NOW, "misspelt"
    )
    assert released.passes_renamed == 1
    right = await rooms.known("丙", document=build.document(name="测试真"))
    assert right.identity is not None


async def test_who_claimed_a_document_first_does_not_get_what_is_issued_to_it_later(
    rooms: RoomsUnderTest,
) -> None:
    thief = await rooms.known("贼", document=build.document(name="测试贼"))
    held = await rooms.issue()
    assert await rooms.holding.wallet.of_visitor(thief) == []
    assert await rooms.rights.erasing.erase(thief, give_up_passes=True, now=NOW) == []
    kept = await rooms.holding.passes.get(held.id)
    assert kept == held
    with pytest.raises(Conflict, match=held.id):
        await rooms.issue()
    of_holder = await rooms.holding.wallet.of_visitor(await rooms.known())
    assert [each.id for each in of_holder] == [held.id]


async def test_another_guardian_is_recorded(rooms: RoomsUnderTest) -> None:
    await rooms.known(document=CHILD, guardian=SAID.document)
    visitor = await rooms.known(document=CHILD, guardian=OTHER)
    assert visitor.consent is not None
    assert visitor.consent.guardian is not None
    assert SEALER.open(visitor.consent.guardian).number == OTHER.number


async def test_the_same_said_twice_at_once_binds_once_and_for_good(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.account()
    done = await asyncio.gather(
        *(rooms.people.identification.identify(visitor, SAID, NOW) for _ in range(6))
    )
    assert len({each.lookup for each in done}) == 1
    with pytest.raises(Conflict, match="another WeChat account"):
        await rooms.known("乙")


async def test_a_new_privacy_statement_is_agreed_to_with_a_pass_in_force(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.known()
    await rooms.issue_to(visitor)
    later = Identification(
        SEALER,
        "2027-01",
        rooms.people.visitors,
        rooms.people.companionships,
        rooms.holding.wallet,
        Tries(rooms.people.accounts, AttemptStore(rooms.database)),
        rooms.base.audit,
    )
    agreed = await later.identify(visitor, replace(SAID, consent_version="2027-01"), NOW)
    assert agreed.consent is not None
    assert agreed.consent.version == "2027-01"
    assert agreed.identity == visitor.identity


async def test_one_account_does_not_become_two_people(rooms: RoomsUnderTest) -> None:
    done = await asyncio.gather(rooms.known(), rooms.known(document=OTHER), return_exceptions=True)
    visitor = await rooms.account()
    assert visitor.identity is not None
    assert sum(isinstance(each, Visitor) for each in done) >= 1
    free = OTHER if SEALER.open(visitor.identity).name == HOLDER.name else SAID.document
    other = await rooms.known("乙", document=free)
    assert other.identity is not None, "the other person is not bound by mistake"


async def test_a_binding_left_by_a_crash_is_taken_over_after_a_minute(
    rooms: RoomsUnderTest,
) -> None:
    left = Binding("0" * 16, NOW)
    await rooms.people.visitors.bind(f"person:{SEALER.lookup(HOLDER.number)}", left)
    with pytest.raises(Conflict):
        await rooms.known()
    visitor, later = await rooms.account(), NOW + timedelta(minutes=2)
    known = await rooms.people.identification.identify(visitor, SAID, later)
    assert known.identity is not None


async def test_who_one_is_can_be_corrected_until_a_pass_is_in_force(rooms: RoomsUnderTest) -> None:
    await rooms.known(document=OTHER)
    visitor = await rooms.known()
    other = await rooms.known("乙", document=OTHER)
    assert other.identity is not None, "the first person is free again"
    await rooms.issue_to(visitor)
    misspelt, somebody_else = build.document(name="测试误"), build.document(build.person(5))
    for document in (misspelt, somebody_else):
        with pytest.raises(Conflict, match=r"only staff|known under another"):
            await rooms.known(document=document)
    right = replace(HOLDER, name="测试正")
    released = await rooms.people.identification.unbind(right, OPERATOR, NOW, "misspelt")
    assert released == Unbound(visitor.id, passes_renamed=1)
    corrected = await rooms.known(document=build.document(name="测试正"))
    passes = await rooms.holding.wallet.of_visitor(corrected)
    assert [held.holder.lookup for held in passes] == [corrected.lookup], "passes stay"
    with pytest.raises(Unknown):
        await rooms.people.identification.unbind(build.person(9), OPERATOR, NOW, "")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"consent_version": "1999"},
            "consent_version: the privacy statement in force is version 2026-11",
        ),
        ({"document": replace(SAID.document, number="1")}, "id_number"),
        ({"guardian": OTHER}, "guardian: is said below 14"),
        ({"document": CHILD}, "guardian: is needed"),
        ({"document": CHILD, "guardian": CHILD}, "guardian: has to be 18 years old"),
        ({"document": CHILD, "guardian": replace(OTHER, number="1")}, "guardian.id_number"),
    ],
)
async def test_what_is_wrong_is_named_and_leaves_nothing(
    mongo: Mongo, changes: dict[str, Any], fault: str
) -> None:
    rooms = RoomsUnderTest(mongo)
    with pytest.raises(Invalid, match=fault):
        await rooms.known(**changes)
    visitor = await rooms.account()
    assert visitor.identity is None
    assert len(await mongo.collection("bindings").find({})) == 1, "the account alone"


async def test_a_guardian_consents_for_a_child(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.known(document=CHILD, guardian=SAID.document)
    assert visitor.consent is not None
    assert visitor.consent.guardian is not None
    assert SEALER.open(visitor.consent.guardian) == HOLDER
    guardian = await rooms.known("乙")
    assert guardian.identity is not None, "a guardian is not bound by it"


async def test_a_person_holds_one_pass_of_a_product(rooms: RoomsUnderTest) -> None:
    lookup = SEALER.seal(HOLDER).lookup
    done = await asyncio.gather(*(rooms.issue() for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict"] * 5 + ["Pass"]
    (held,) = await rooms.holding.passes.of_holder(lookup)
    other = await rooms.issue(build.product("other"))
    assert other.product_id == "other"
    with pytest.raises(Conflict, match=held.id):
        await rooms.issue()
    when_it_is_over = await rooms.issue(at=NOW + timedelta(days=365))
    assert when_it_is_over.id != held.id
    await rooms.holding.passes.add(replace(held, id="0" * 15 + "1"))
    await rooms.holding.holdings.reserve(f"lost:{lookup}", Holding(lookup, "0" * 15 + "2"))
    lost = await rooms.issue(build.product("lost"))
    assert lost.id == "0" * 15 + "2", "a crash came before the pass"


async def test_all_that_is_sealed_is_brought_under_a_new_key_also_after_a_crash(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.known(document=CHILD, guardian=SAID.document)
    await rooms.people.accounts.set_phone(visitor, "+8610012345678", NOW)
    await rooms.issue_to(visitor)
    keys = {1: bytes(32), 2: bytes([2]) * 32}
    newer = Vault(keys, bytes(range(32)))
    mortal = CrashingDatabase(rooms.database)
    store, seen = SealedStore(mortal, newer), list[float]()
    assert await rooms.people.sealed.count_old() == 0
    assert await store.count_old() == 5
    mortal.writes_left = 1
    with pytest.raises(Crash):
        await store.renew(seen.append)
    left = await store.count_old()
    assert left > 0, "the accounts are not done"
    assert left < 5, "the passes are"
    mortal.writes_left = float("inf")
    await store.renew(seen.append)
    assert await store.count_old() == 0
    assert seen == [0.5, 1.0, 0.5, 1.0]
    started_before = Vault({1: bytes(32)}, bytes(range(32)), lambda: keys)
    running = RoomsUnderTest(rooms.database, started_before)
    again = await running.account()
    assert running.people.accounts.phone(again) == "+8610012345678"
    opened = RoomsUnderTest(rooms.database, newer).people.identities.open(again.holder)
    assert opened.born == date(2016, 3, 7)


async def test_two_names_said_at_once_with_one_document_leave_one(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await rooms.account()

    async def say_another_name() -> None:
        await rooms.known(document=build.document(name="测试误"))

    overtake(monkeypatch, rooms.people.visitors, "identify", say_another_name)
    with pytest.raises(Conflict, match="changes this moment"):
        await rooms.people.identification.identify(visitor, SAID, NOW)
    current = await rooms.account()
    assert current.identity is not None
    assert SEALER.open(current.identity).name == "测试误"
    with pytest.raises(Conflict, match="known under another name"):
        await rooms.known("乙")


@pytest.mark.parametrize(
    "before", [OTHER, build.document(name="测试误")], ids=["another person", "another name"]
)
async def test_a_pass_that_is_issued_while_somebody_becomes_another_undoes_that(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch, before: IdentityDocument
) -> None:
    visitor = await rooms.known(document=before)

    async def issue() -> None:
        await rooms.issue_to(visitor)

    overtake(monkeypatch, rooms.people.visitors, "identify", issue)
    with pytest.raises(Conflict, match="only staff can change"):
        await rooms.people.identification.identify(visitor, SAID, NOW)
    current = await rooms.account()
    assert current.identity == visitor.identity
    (held,) = await rooms.holding.wallet.of_visitor(current)
    assert held.holder.is_same(visitor.holder)


async def test_passes_are_renamed_though_nobody_is_bound_to_the_document(
    rooms: RoomsUnderTest,
) -> None:
    held = await rooms.issue()
    right = replace(HOLDER, name="测试正")
    released = await rooms.people.identification.unbind(right, OPERATOR, NOW, "misspelt")
    assert released == Unbound(None, passes_renamed=1)
    renamed = await rooms.holding.passes.get(held.id)
    assert renamed is not None
    assert SEALER.open(renamed.holder).name == "测试正"
    lines = await rooms.base.audit.about(f"pass:{held.id}")
    assert [line.action for line in lines] == ["issue", "rename"]


async def test_a_phone_number_that_was_stored_without_its_country_is_told_with_it(
    rooms: RoomsUnderTest,
) -> None:
    visitor = await rooms.account()
    phone = await rooms.people.accounts.set_phone(visitor, "10012345678", NOW)
    assert phone.mask == "100******78"
    stored = await rooms.people.accounts.current(visitor)
    assert rooms.people.accounts.phone(stored) == "+8610012345678"


async def test_a_name_is_corrected_while_there_is_no_pass(rooms: RoomsUnderTest) -> None:
    """The document is the same, so the account stays bound to it."""
    await rooms.known(document=build.document(name="测试误"))
    corrected = await rooms.known()
    assert corrected.identity is not None
    assert SEALER.open(corrected.identity) == HOLDER
    with pytest.raises(Conflict, match="another WeChat account"):
        await rooms.known("乙")


async def test_very_many_sealed_values_are_renewed_in_batches(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passes.store.sealed._BATCH", 2)
    rooms = RoomsUnderTest(mongo)
    for n in range(5):
        await rooms.visitor(n)
    newer = Vault({1: bytes(32), 2: bytes([2]) * 32}, bytes(range(32)))
    store, seen = SealedStore(mongo, newer), list[float]()
    old = await store.count_old()
    assert await store.renew(seen.append) == old
    assert await store.count_old() == 0
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
