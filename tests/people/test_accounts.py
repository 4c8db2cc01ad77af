"""Visitors over the real database: accounts, who they are, sessions, and that all of it can be erased."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from passes.base.errors import Conflict, Invalid, Unknown
from passes.holding.model import PassState
from passes.people.accounts import Accounts, IdentityStatement, Released
from passes.people.holder import NOBODY
from passes.people.identity import Document, DocumentKind, check_digit
from passes.people.sealing import Vault
from passes.people.sessions import REPLY_LOST_WITHIN, SESSION_LIFE
from passes.people.visitors import Binding, Visitor
from passes.store.sealed import SealedStore
from server.mongo import Mongo
from tests.support import build
from tests.support.build import HOLDER, NOW, SEALER, VAULT
from tests.support.rooms import RoomsUnderTest

VERSION = "2026-11"


class Desk(RoomsUnderTest):
    """The rooms, and visitors by the name of their WeChat account."""

    async def account(self, name: str = "甲") -> Visitor:
        return await self.people.accounts.of_openid(name, NOW)

    async def known(self, name: str = "甲", **changes: Any) -> Visitor:
        return await self.people.accounts.identify(
            await self.account(name), replace(SAID, **changes), NOW
        )


SAID = IdentityStatement(Document(DocumentKind.RESIDENT, HOLDER.name, HOLDER.number), VERSION)
OTHER = Document(DocumentKind.RESIDENT, "测试乙", build.person(1).number)
CHILD = Document(
    DocumentKind.RESIDENT, "测试童", "110101201603070" + "02" + check_digit("11010120160307002")
)


@pytest.fixture
def desk(any_mongo: Mongo) -> Desk:
    return Desk(any_mongo)


async def test_of_first_sign_ins_at_once_one_account_comes(desk: Desk) -> None:
    visitors = await asyncio.gather(*(desk.account() for _ in range(8)))
    assert len({visitor.id for visitor in visitors}) == 1
    assert desk.people.accounts.openid(visitors[0]) == "甲"
    assert (await desk.account("乙")).id != visitors[0].id


async def test_a_sign_in_finishes_what_a_crash_left(desk: Desk) -> None:
    """The binding was written, the account was not."""
    left = Binding("0" * 16, NOW)
    await desk.people.visitors.bind(f"account:{VAULT.digest('openid', '甲')}", left)
    assert (await desk.account()).id == left.visitor_id


async def test_a_person_is_bound_to_one_account(desk: Desk) -> None:
    first = await desk.known()
    assert first.identity is not None
    assert first.identity.mask == "测** 110***********002X"
    assert await desk.known() == first, "doing it again changes nothing"
    with pytest.raises(Conflict, match="sign in there and erase that account"):
        await desk.known("乙")
    done = await asyncio.gather(
        *(desk.known(name, document=OTHER) for name in "丙丁戊"), return_exceptions=True
    )
    assert sum(isinstance(each, Visitor) for each in done) == 1
    assert sum(isinstance(each, Conflict) for each in done) == 2


async def test_a_pass_is_not_found_under_another_name(desk: Desk) -> None:
    await desk.holding.issuing.issue(await desk.new(SEALER.seal(HOLDER)), "operator:test", NOW)
    with pytest.raises(Conflict, match="name another person"):
        await desk.known(document=replace(SAID.document, name="测试偷"))
    assert (await desk.account()).identity is None
    assert (await desk.known("乙")).identity, "nobody is bound by it"
    released = await desk.people.accounts.release(
        replace(HOLDER, name="测试真"), "operator:test", NOW, "misspelt"
    )
    assert released.passes_renamed == 1
    assert (await desk.known("丙", document=replace(SAID.document, name="测试真"))).identity


async def test_who_claimed_a_document_first_does_not_get_what_is_issued_to_it_later(
    desk: Desk,
) -> None:
    thief = await desk.known("贼", document=replace(SAID.document, name="测试贼"))
    held = await desk.holding.issuing.issue(
        await desk.new(SEALER.seal(HOLDER)), "operator:test", NOW
    )
    assert await desk.holding.wallet.of_visitor(thief) == []
    assert await desk.rights.erasing.erase(thief, give_up_passes=True, now=NOW) == []
    kept = await desk.holding.passes.get(held.id)
    assert kept == held
    with pytest.raises(Conflict, match=held.id):
        await desk.holding.issuing.issue(await desk.new(SEALER.seal(HOLDER)), "operator:test", NOW)
    assert [each.id for each in await desk.holding.wallet.of_visitor(await desk.known())] == [
        held.id
    ]


async def test_another_guardian_is_recorded(desk: Desk) -> None:
    await desk.known(document=CHILD, guardian=SAID.document)
    visitor = await desk.known(document=CHILD, guardian=OTHER)
    assert visitor.consent is not None
    assert visitor.consent.guardian is not None
    assert SEALER.open(visitor.consent.guardian).number == OTHER.number


async def test_the_same_said_twice_at_once_binds_once_and_for_good(desk: Desk) -> None:
    visitor = await desk.account()
    done = await asyncio.gather(
        *(desk.people.accounts.identify(visitor, SAID, NOW) for _ in range(6))
    )
    assert len({each.lookup for each in done}) == 1
    with pytest.raises(Conflict, match="another WeChat account"):
        await desk.known("乙")


async def test_a_new_privacy_statement_is_agreed_to_with_a_pass_in_force(desk: Desk) -> None:
    visitor = await desk.known()
    await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    later = Accounts(VAULT, "2027-01", desk.people.visitors, desk.holding.wallet, desk.base.audit)
    agreed = await later.identify(visitor, replace(SAID, consent_version="2027-01"), NOW)
    assert agreed.consent is not None
    assert agreed.consent.version == "2027-01"
    assert agreed.identity == visitor.identity


async def test_one_account_does_not_become_two_people(desk: Desk) -> None:
    done = await asyncio.gather(desk.known(), desk.known(document=OTHER), return_exceptions=True)
    visitor = await desk.account()
    assert visitor.identity is not None
    assert sum(isinstance(each, Visitor) for each in done) >= 1
    free = OTHER if SEALER.open(visitor.identity).name == HOLDER.name else SAID.document
    assert (await desk.known("乙", document=free)).identity, (
        "the other person is not bound by mistake"
    )


async def test_a_binding_left_by_a_crash_is_taken_over_after_a_minute(desk: Desk) -> None:
    left = Binding("0" * 16, NOW)
    await desk.people.visitors.bind(f"person:{SEALER.lookup(HOLDER.number)}", left)
    with pytest.raises(Conflict):
        await desk.known()
    visitor = await desk.account()
    assert (await desk.people.accounts.identify(visitor, SAID, NOW + timedelta(minutes=2))).identity


async def test_who_one_is_can_be_mended_until_a_pass_is_in_force(desk: Desk) -> None:
    await desk.known(document=OTHER)
    visitor = await desk.known()
    assert (await desk.known("乙", document=OTHER)).identity, "the first person is free again"
    await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    for document in (replace(SAID.document, name="测试误"), build_other(5)):
        with pytest.raises(Conflict, match=r"only staff|name another"):
            await desk.known(document=document)
    right = replace(HOLDER, name="测试正")
    assert await desk.people.accounts.release(right, "operator:test", NOW, "misspelt") == Released(
        visitor.id, 1
    )
    mended = await desk.known(document=replace(SAID.document, name="测试正"))
    assert [held.holder.lookup for held in await desk.holding.wallet.of_visitor(mended)] == [
        mended.lookup
    ], "passes stay"
    with pytest.raises(Unknown):
        await desk.people.accounts.release(build.person(9), "operator:test", NOW, "")


def build_other(n: int) -> Document:
    return Document(DocumentKind.RESIDENT, "测试丙", build.person(n).number)


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
    desk = Desk(mongo)
    with pytest.raises(Invalid, match=fault):
        await desk.known(**changes)
    assert (await desk.account()).identity is None
    assert len(await mongo.collection("bindings").find({})) == 1, "the account alone"


async def test_a_guardian_consents_for_a_child(desk: Desk) -> None:
    visitor = await desk.known(document=CHILD, guardian=SAID.document)
    assert visitor.consent is not None
    assert visitor.consent.guardian is not None
    assert SEALER.open(visitor.consent.guardian) == HOLDER
    assert (await desk.known("乙")).identity, "a guardian is not bound by it"


async def test_a_person_holds_one_pass_of_a_product(desk: Desk) -> None:
    holder = SEALER.seal(HOLDER)

    async def issue(at: Any = NOW, product: Any = None) -> Any:
        return await desk.holding.issuing.issue(
            await desk.new(SEALER.seal(HOLDER), product or build.product()), "operator:test", at
        )

    done = await asyncio.gather(*(issue() for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict"] * 5 + ["Pass"]
    (held,) = await desk.holding.passes.of_holder(holder.lookup)
    assert (await issue(product=build.product("other"))).product_id == "other"
    with pytest.raises(Conflict, match=held.id):
        await issue()
    assert (await issue(NOW + timedelta(days=365))).id != held.id, "the next one when it is over"
    await desk.holding.passes.add(replace(held, id="0" * 15 + "1"))
    key = f"lost:{holder.lookup}"
    await desk.holding.holdings.reserve(key, holder.lookup, "0" * 15 + "2")
    assert (await issue(product=build.product("lost"))).id == "0" * 15 + "2", (
        "a crash came before the pass"
    )


async def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(desk: Desk) -> None:
    visitor = await desk.account()
    session = await desk.people.signing_in.begin(visitor, NOW)
    second = await desk.people.signing_in.carry_on(session.id, 1, NOW + timedelta(hours=1))
    assert second is not None
    assert second.generation == 2
    assert second.ends_at == NOW + timedelta(hours=1) + SESSION_LIFE
    lost = await desk.people.signing_in.carry_on(
        session.id, 1, NOW + timedelta(hours=1, seconds=30)
    )
    assert lost == second, "the reply was lost"
    late = second.renewed_at + REPLY_LOST_WITHIN
    assert await desk.people.signing_in.carry_on(session.id, 1, late) is None
    assert await desk.people.signing_in.carry_on(session.id, 2, late) is None, (
        "it has ended for both"
    )
    assert [line.action for line in await desk.base.audit.about(f"visitor:{visitor.id}")] == [
        "sign_up",
        "refresh_reused",
    ]


async def test_of_refreshes_at_once_all_get_the_same_generation(desk: Desk) -> None:
    session = await desk.people.signing_in.begin(await desk.account(), NOW)
    done = await asyncio.gather(
        *(desk.people.signing_in.carry_on(session.id, 1, NOW) for _ in range(6))
    )
    assert {each.generation for each in done if each} == {2}
    assert None not in done


async def test_a_session_ends_by_itself_or_by_signing_out(desk: Desk) -> None:
    visitor = await desk.account()
    here, there, third = [await desk.people.signing_in.begin(visitor, NOW) for _ in range(3)]
    assert await desk.people.signing_in.carry_on(here.id, 1, NOW + SESSION_LIFE) is None
    await desk.people.signing_in.end(there.id)
    assert await desk.people.signing_in.carry_on(there.id, 1, NOW) is None
    await desk.people.signing_in.end_all(visitor.id, NOW)
    assert await desk.people.signing_in.carry_on(third.id, 1, NOW) is None
    assert (await desk.account()).token_version == visitor.token_version + 1


async def test_erasing_leaves_no_trace_of_the_person(desk: Desk) -> None:
    visitor = await desk.known(document=CHILD, guardian=SAID.document)
    await desk.people.accounts.set_phone(visitor, "10012345678")
    await desk.people.signing_in.begin(visitor, NOW)
    held = await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    with pytest.raises(Conflict, match=f"passes.{held.id}"):
        await desk.rights.erasing.erase(visitor, give_up_passes=False, now=NOW)
    assert await desk.people.visitors.get(visitor.id) == await desk.account()
    given_up = await desk.rights.erasing.erase(await desk.account(), give_up_passes=True, now=NOW)
    assert [each.id for each in given_up] == [held.id]
    kept = await desk.holding.passes.get(held.id)
    assert kept is not None
    assert kept.state == PassState.REVOKED
    assert kept.holder == NOBODY
    for name in ("users", "bindings", "sessions", "holdings"):
        assert await desk.database.collection(name).find({}) == [], name
    again = await desk.known(document=CHILD, guardian=SAID.document)
    assert again.id != visitor.id
    assert await desk.holding.wallet.of_visitor(again) == []


async def test_an_account_that_is_erased_does_not_come_back(desk: Desk) -> None:
    """Whoever signs in at the same moment gets another account, or the one that is going and no token for it."""
    for n in range(10):
        visitor = await desk.account(f"v{n}")
        _, *signed_in = await asyncio.gather(
            desk.rights.erasing.erase(visitor, give_up_passes=False, now=NOW),
            *(desk.people.accounts.of_openid(f"v{n}", NOW) for _ in range(4)),
            return_exceptions=True,
        )
        assert await desk.people.visitors.get(visitor.id) is None
        again = await desk.account(f"v{n}")
        assert again.id != visitor.id
        assert {each.id for each in signed_in if isinstance(each, Visitor)} <= {
            visitor.id,
            again.id,
        }


async def test_a_pass_that_is_over_does_not_hinder_erasing(desk: Desk) -> None:
    visitor = await desk.known()
    held = await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    later = NOW + timedelta(days=400)
    assert await desk.rights.erasing.erase(visitor, give_up_passes=False, now=later) == []
    kept = await desk.holding.passes.get(held.id)
    assert kept is not None
    assert kept.holder == NOBODY


async def test_all_that_is_sealed_is_brought_under_a_new_key_also_after_a_crash(desk: Desk) -> None:
    visitor = await desk.known(document=CHILD, guardian=SAID.document)
    await desk.people.accounts.set_phone(visitor, "10012345678")
    await desk.holding.issuing.issue(await desk.new(visitor.holder), "operator:test", NOW)
    newer = Vault({1: bytes(32), 2: bytes([2]) * 32}, bytes(range(32)))
    store, seen = SealedStore(desk.database, newer), list[float]()
    assert await desk.people.sealed.count_old() == 0
    assert await store.count_old() == 5

    def crash(part: float) -> None:
        if part > 0.5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.renew(crash)
    await store.renew(seen.append)
    assert await store.count_old() == 0
    assert seen == [0.5, 1.0]
    running = Desk(
        desk.database,
        Vault({1: bytes(32)}, bytes(range(32)), lambda: {1: bytes(32), 2: bytes([2]) * 32}),
    )
    again = await running.account()
    assert running.people.accounts.phone(again) == "10012345678"
    assert date(2016, 3, 7) == Desk(desk.database, newer).people.identities.open(again.holder).born
