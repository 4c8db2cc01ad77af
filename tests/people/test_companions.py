"""Companions over the real database: by whose consent they begin, and whatever ends them."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from passes.admission.gates import GateKind
from passes.base.errors import Conflict, DomainError, TooOften, Unknown
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.ledger.verdicts import Reason
from passes.offers.eligibility import NotClaimable
from passes.offers.offer import Quota
from passes.people.companions import CODE_LIFE, MOST_COMPANIONS, Basis, Companionship, birthday
from passes.people.identity import Identity, IdentityDocument, identify
from passes.people.sealing import Vault
from passes.people.tries import MOST_CODES, MOST_OF_ACCOUNT
from passes.people.visitors import Visitor
from passes.store.sealed import SealedStore
from tests.support import build
from tests.support.build import CHILD, NOW, OPERATOR, PRIVACY_VERSION, SEALER, TODAY
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

GRANDMOTHER = Identity("测试婆", build.id_number("11010119500307002"), date(1950, 3, 7))
YOUTH = Identity("测试青", build.id_number("11010120110307002"), date(2011, 3, 7))
CHILD_14TH, CHILD_18TH = date(2030, 3, 7), date(2034, 3, 7)
YOUTH_18TH = date(2029, 3, 7)


def child(n: int) -> IdentityDocument:
    """Children of ten, the first of whom is `CHILD`."""
    return IdentityDocument(CHILD.kind, CHILD.name, build.id_number(f"11010120160307{2 + n:03}"))


CHILD_IDENTITY = identify(CHILD, TODAY)


def start_of(day: date) -> datetime:
    """An instant of the morning of a day."""
    return NOW + (day - TODAY)


async def of_child(rooms: RoomsUnderTest, visitor: Visitor, n: int = 0) -> Companionship:
    """Visitor shows child n."""
    return await rooms.people.accompanying.add_child(visitor, child(n), PRIVACY_VERSION, NOW)


async def confirmed(
    rooms: RoomsUnderTest, visitor: Visitor, giver: Visitor, at: datetime = NOW
) -> Companionship:
    """Visitor says the code of another."""
    new = await rooms.people.accompanying.make_code(giver, PRIVACY_VERSION, at)
    return await rooms.people.accompanying.confirm(visitor, new.code, at)


async def by_staff(rooms: RoomsUnderTest, visitor: Visitor, person: Identity) -> Companionship:
    """Staff have seen the document of somebody."""
    return await rooms.people.accompanying.show_to_staff(visitor.lookup, person, OPERATOR, NOW)


async def shown(rooms: RoomsUnderTest, visitor: Visitor, at: datetime = NOW) -> list[str]:
    """The passes that an account shows."""
    return [each.held.id for each in await rooms.holding.showing.of_visitor(visitor, at)]


async def test_an_account_shows_the_passes_of_a_child_an_elder_and_a_friend(
    rooms: RoomsUnderTest,
) -> None:
    parent, friend = await rooms.visitor(0), await rooms.visitor(1)
    own = await rooms.issue_to(parent)
    theirs = [await rooms.issue(person=each) for each in (CHILD_IDENTITY, GRANDMOTHER)]
    theirs.append(await rooms.issue_to(friend))
    begun = [
        await of_child(rooms, parent),
        await by_staff(rooms, parent, GRANDMOTHER),
        await confirmed(rooms, parent, friend),
    ]
    assert [each.basis for each in begun] == [Basis.GUARDIAN, Basis.SHOWN, Basis.CONFIRMED]
    assert await shown(rooms, parent) == [held.id for held in (own, *theirs)]
    assert await shown(rooms, friend) == [theirs[2].id], "it does not work backwards"
    lines = await rooms.lines_about(f"visitor:{parent.id}")
    assert [line.action for line in lines].count("companion") == 3
    assert "测试" not in str(lines)


async def test_doing_it_again_changes_nothing(rooms: RoomsUnderTest) -> None:
    parent, friend = await rooms.visitor(0), await rooms.visitor(1)
    first = await of_child(rooms, parent)
    assert await of_child(rooms, parent) == first
    new = await rooms.people.accompanying.make_code(friend, PRIVACY_VERSION, NOW)
    said = [await rooms.people.accompanying.confirm(parent, new.code, NOW) for _ in range(2)]
    assert said[0] == said[1]


async def test_five_at_most_and_each_once_whatever_comes_at_once(rooms: RoomsUnderTest) -> None:
    parent = await rooms.visitor()
    done = await asyncio.gather(
        *(of_child(rooms, parent, n % 7) for n in range(9)), return_exceptions=True
    )
    refused = {each.code for each in done if isinstance(each, DomainError)}
    kept = await rooms.people.companionships.of_visitor(parent.id)
    assert refused == {"companions_full"}
    assert len(kept) == MOST_COMPANIONS
    assert len({each.person.lookup for each in kept}) == MOST_COMPANIONS
    await rooms.people.accompanying.end(parent, kept[2].id, NOW)
    assert (await by_staff(rooms, parent, GRANDMOTHER)).slot == kept[2].slot


async def test_a_word_of_the_account_alone_is_not_enough(rooms: RoomsUnderTest) -> None:
    nameless, adult = await rooms.account("无名"), await rooms.visitor(0)
    youth = await rooms.known("青", document=build.document(YOUTH))
    minor = await rooms.known("童", document=CHILD, guardian=build.document())
    accompanying = rooms.people.accompanying
    refused = {
        "real_name_needed": accompanying.add_child(nameless, CHILD, PRIVACY_VERSION, NOW),
        "guardian_too_young": accompanying.add_child(youth, CHILD, PRIVACY_VERSION, NOW),
        "companion_not_a_child": accompanying.add_child(
            adult, build.document(YOUTH), PRIVACY_VERSION, NOW
        ),
        "consent_needed": accompanying.add_child(adult, CHILD, "1999-01", NOW),
        "guardian_needed": accompanying.make_code(minor, PRIVACY_VERSION, NOW),
        "companion_code_invalid": accompanying.confirm(adult, "0000000000", NOW),
        "companion_is_self": confirmed(rooms, adult, adult),
        "person_unknown": accompanying.show_to_staff("nobody", GRANDMOTHER, OPERATOR, NOW),
    }
    for code, trying in refused.items():
        with pytest.raises(DomainError) as error:
            await trying
        assert error.value.code == code
    assert await rooms.people.companionships.of_visitor(adult.id) == []


async def test_a_code_is_good_for_one_account_and_ten_minutes(rooms: RoomsUnderTest) -> None:
    giver, first, second = [await rooms.visitor(n) for n in range(3)]
    accompanying = rooms.people.accompanying

    async def refused(visitor: Visitor, code: str, at: datetime = NOW) -> None:
        with pytest.raises(DomainError) as error:
            await accompanying.confirm(visitor, code, at)
        assert error.value.code == "companion_code_invalid"

    old = await accompanying.make_code(giver, PRIVACY_VERSION, NOW)
    new = await accompanying.make_code(giver, PRIVACY_VERSION, NOW)
    await refused(first, old.code)
    await refused(first, new.code, NOW + CODE_LIFE)
    grouped = f"{new.code[:5]} {new.code[5:]}"
    assert await accompanying.confirm(first, grouped, NOW)
    await refused(second, new.code)
    (ended,) = await rooms.people.companionships.of_visitor(first.id)
    await rooms.holding.showing.take_back(giver.lookup, ended.id, OPERATOR, NOW)
    await refused(first, new.code)
    other = await accompanying.make_code(giver, PRIVACY_VERSION, NOW)
    await rooms.known("v0", document=build.document(build.person(9)))
    await refused(second, other.code)
    kept = str(await rooms.database.collection("companion_codes").find({}))
    assert new.code not in kept


async def test_codes_and_names_are_not_guessed(rooms: RoomsUnderTest) -> None:
    guesser = await rooms.visitor()
    for n in range(MOST_CODES):
        with pytest.raises(DomainError):
            await rooms.people.accompanying.confirm(guesser, f"{n}", NOW)
    with pytest.raises(TooOften, match="too many companion codes"):
        await rooms.people.accompanying.confirm(guesser, "11", NOW)
    await rooms.issue(person=Identity("测试童", CHILD.number, CHILD_IDENTITY.born))
    wrong = IdentityDocument(CHILD.kind, "测试他", CHILD.number)
    with pytest.raises(Conflict, match="another name"):
        await rooms.people.accompanying.add_child(guesser, wrong, PRIVACY_VERSION, NOW)
    tries = MOST_OF_ACCOUNT - 2  # one to say who they are, one for the wrong name
    for n in range(1, tries + 1):
        companion = await of_child(rooms, guesser, n)
        await rooms.people.accompanying.end(guesser, companion.id, NOW)
    with pytest.raises(TooOften, match="too often today who it is"):
        await of_child(rooms, guesser, tries + 1)


async def test_staff_look_once_at_a_child_whose_number_alone_was_said(
    rooms: RoomsUnderTest,
) -> None:
    """Also with a pass that is issued later, and not again for those whom staff have seen."""
    parent = await rooms.visitor()
    before = await rooms.issue(person=CHILD_IDENTITY)
    await of_child(rooms, parent)
    after = await rooms.issue(build.product("other"), person=CHILD_IDENTITY)
    for nonce, held in enumerate((before, after)):
        verdict = await rooms.verdict_on(build.live_scan(await read(rooms, held), f"a{nonce}"))
        assert_refused(verdict, Reason.CHECK_IDENTITY)
    at_window = build.live_scan(before, "b", gate=build.gate(GateKind.HANDHELD))
    assert_admitted(await rooms.verdict_on(at_window), check_identity=True)
    freed = await rooms.holding.wallet.with_card_seen(await read(rooms, after))
    assert_admitted(await rooms.verdict_on(build.live_scan(freed, "c")))
    await by_staff(rooms, parent, GRANDMOTHER)
    hers = await rooms.issue(person=GRANDMOTHER)
    assert_admitted(await rooms.verdict_on(build.live_scan(hers, "d")))


async def read(rooms: RoomsUnderTest, held: Pass) -> Pass:
    """A pass as it is stored now."""
    stored = await rooms.holding.passes.get(held.id)
    assert stored is not None
    return stored


async def test_growing_up_ends_what_rests_on_a_guardian(rooms: RoomsUnderTest) -> None:
    parent = await rooms.visitor(0)
    young = await rooms.known("青", document=build.document(YOUTH))
    child_pass = await rooms.issue(person=CHILD_IDENTITY)
    young_pass = await rooms.issue_to(young)
    companions = rooms.people.companions
    of_a_child = await of_child(rooms, parent)
    assert companions.ends_on(of_a_child) == CHILD_14TH
    assert child_pass.id in await shown(rooms, parent, start_of(CHILD_14TH) - timedelta(days=1))
    assert child_pass.id not in await shown(rooms, parent, start_of(CHILD_14TH))
    seen = await by_staff(rooms, parent, YOUTH)
    assert companions.ends_on(seen) == YOUTH_18TH
    assert young_pass.id not in await shown(rooms, parent, start_of(YOUTH_18TH))
    # What the person agreed to themselves rests on nobody else; it takes the place of the other.
    own = await confirmed(rooms, parent, young)
    assert own.slot == seen.slot
    assert companions.ends_on(own) is None
    assert young_pass.id in await shown(rooms, parent, start_of(YOUTH_18TH))


def test_a_birthday_is_the_day_on_which_somebody_is_that_old() -> None:
    for born, age in ((date(2016, 2, 29), 14), (date(2016, 2, 29), 16), (date(2016, 3, 7), 14)):
        person = Identity("测试童", "", born)
        day = birthday(person, age)
        assert person.age_on(day) == age
        assert person.age_on(day - timedelta(days=1)) == age - 1


async def test_both_parents_show_a_child_and_one_of_them_stops(rooms: RoomsUnderTest) -> None:
    mother, father = await rooms.visitor(0), await rooms.visitor(1)
    held = await rooms.issue(person=CHILD_IDENTITY)
    of_mother, _ = await of_child(rooms, mother), await of_child(rooms, father)
    await rooms.people.accompanying.end(mother, of_mother.id, NOW)
    assert await shown(rooms, mother) == []
    assert await shown(rooms, father) == [held.id]
    with pytest.raises(Unknown):
        await rooms.people.accompanying.end(mother, of_mother.id, NOW)


async def test_a_separated_couple(rooms: RoomsUnderTest) -> None:
    """What the other phone keeps opens nothing from that moment on, keys of a week or not."""
    wife, husband = await rooms.visitor(0), await rooms.visitor(1)
    held = await rooms.issue_to(wife)
    shown_by = await confirmed(rooms, husband, wife)
    voucher = await rooms.claim(0, of=build.offer(with_pass=True))
    with pytest.raises(Unknown):
        await rooms.holding.showing.take_back(husband.lookup, shown_by.id, "visitor:x", NOW)
    reissued = await rooms.holding.showing.take_back(
        wife.lookup, shown_by.id, f"visitor:{wife.id}", NOW
    )
    assert {each.reissued_from for each in reissued} == {held.id, voucher.id}
    assert await shown(rooms, husband) == []
    kept_on_his_phone = build.live_scan(held, "a", gate=build.gate(GateKind.HANDHELD))
    assert_refused(await rooms.verdict_on(kept_on_his_phone), Reason.REVOKED)


async def test_taking_back_goes_on_where_a_crash_cut_it_short(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    wife, husband = await rooms.visitor(0), await rooms.visitor(1)
    held = await rooms.issue_to(wife)
    shown_by = await confirmed(rooms, husband, wife)

    async def crash(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(rooms.holding.passes, "add", crash)
        with pytest.raises(RuntimeError):
            await rooms.holding.showing.take_back(wife.lookup, shown_by.id, OPERATOR, NOW)
    assert await shown(rooms, husband) == []
    again = await rooms.holding.showing.take_back(wife.lookup, shown_by.id, OPERATOR, NOW)
    assert [each.reissued_from for each in again] == [held.id]
    assert await rooms.people.companionships.of_person(wife.lookup) == []


async def test_what_staff_have_frozen_stays_frozen(rooms: RoomsUnderTest) -> None:
    wife, husband = await rooms.visitor(0), await rooms.visitor(1)
    held = await rooms.issue_to(wife)
    shown_by = await confirmed(rooms, husband, wife)
    await rooms.holding.lifecycle.take(held.id, Step.FREEZE, OPERATOR, NOW)
    with pytest.raises(Conflict, match="staff"):
        await rooms.holding.reissuing.reissue(held.id, f"visitor:{wife.id}", NOW)
    taken_back = await rooms.holding.showing.take_back(wife.lookup, shown_by.id, OPERATOR, NOW)
    assert taken_back == []
    assert (await read(rooms, held)).state is PassState.FROZEN


async def test_erasing_an_account_ends_companionships_both_ways(rooms: RoomsUnderTest) -> None:
    daughter, friend = await rooms.visitor(0), await rooms.visitor(1)
    hers = await rooms.issue(person=GRANDMOTHER)
    await by_staff(rooms, daughter, GRANDMOTHER)
    await confirmed(rooms, friend, daughter)
    await rooms.people.accompanying.make_code(daughter, PRIVACY_VERSION, NOW)
    await rooms.rights.erasing.erase(daughter, give_up_passes=True, now=NOW)
    for name in ("companions", "companion_codes"):
        assert await rooms.database.collection(name).find({}) == [], name
    assert (await read(rooms, hers)).state is PassState.ACTIVE, "a pass is its holder's"


async def test_a_companion_that_comes_while_the_account_is_erased_goes_with_it(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, giver = await rooms.visitor(0), await rooms.visitor(1)
    rival = RoomsUnderTest(rooms.database)
    for erased, refusal in ((parent, "erased this moment"), (giver, "not valid")):
        adult = await rooms.visitor(0)

        async def erase(gone: Visitor = erased) -> None:
            await rival.rights.erasing.erase(gone, give_up_passes=True, now=NOW)

        overtake(monkeypatch, rooms.people.companionships, "add", erase)
        with pytest.raises(DomainError, match=refusal):
            await confirmed(rooms, adult, giver)
        assert await rooms.database.collection("companions").find({}) == []


async def test_a_companion_that_comes_while_its_account_is_unbound_does_not_come_back(
    rooms: RoomsUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = await rooms.visitor(0)
    rival = RoomsUnderTest(rooms.database)

    async def show() -> None:
        await of_child(rival, parent)

    overtake(monkeypatch, rooms.people.visitors, "identify", show)
    await rooms.people.identification.unbind(build.person(0), OPERATOR, NOW, "lost phone")
    again = await rooms.visitor(0)
    assert await rooms.people.companions.standing(again, NOW) == []


@pytest.mark.parametrize("released", ["account", "person"])
async def test_unbinding_ends_companionships_both_ways(
    rooms: RoomsUnderTest, released: str
) -> None:
    account, person = await rooms.visitor(0), await rooms.visitor(1)
    held = await rooms.issue_to(person)
    await confirmed(rooms, account, person)
    identity = build.person(0 if released == "account" else 1)
    await rooms.people.identification.unbind(identity, OPERATOR, NOW, "lost phone")
    assert await shown(rooms, account) == []
    assert await rooms.database.collection("companions").find({}) == []
    assert (await read(rooms, held)).state is PassState.ACTIVE


async def test_an_account_that_becomes_somebody_else_shows_nobody(rooms: RoomsUnderTest) -> None:
    """Not even between the write that says so and the one that cleans up."""
    account, person = await rooms.visitor(0), await rooms.visitor(1)
    await rooms.issue_to(person)
    companion = await confirmed(rooms, account, person)
    other = await rooms.known("v0", document=build.document(build.person(2)))
    assert await rooms.people.companionships.of_visitor(account.id) == []
    assert not rooms.people.companions.stands(companion, other, NOW)


async def test_a_family_claims_on_one_phone(rooms: RoomsUnderTest) -> None:
    """One for each person, and for no more than five others, however often they are changed."""
    mother = await rooms.visitor(0)
    wanted = await rooms.wanted(build.offer(quota=Quota(total=50, per_person=1)))
    claim = rooms.offers.claiming.claim
    await claim(mother, wanted, NOW)
    for n in range(MOST_COMPANIONS):
        companion = await of_child(rooms, mother, n)
        acting = mother.acting(companion.person)
        voucher = await claim(acting, wanted, NOW)
        assert voucher.holder.is_same(companion.person)
        with pytest.raises(NotClaimable, match="each may claim 1"):
            await claim(acting, wanted, NOW)
        await rooms.people.accompanying.end(mother, companion.id, NOW)
    sixth = await of_child(rooms, mother, MOST_COMPANIONS)
    with pytest.raises(NotClaimable) as refused:
        await claim(mother.acting(sixth.person), wanted, NOW)
    assert refused.value.code == "claimed_for_another"
    assert (await rooms.counts())["bogo"] == MOST_COMPANIONS + 1


async def test_claims_for_companions_at_once_take_a_place_each(rooms: RoomsUnderTest) -> None:
    """A place that another claim has just taken is not free because its voucher is still coming."""
    mother = await rooms.visitor()
    wanted = await rooms.wanted(build.offer(quota=Quota(per_person=1)))
    family = [await of_child(rooms, mother, n) for n in range(MOST_COMPANIONS)]
    claim = rooms.offers.claiming.claim
    await asyncio.gather(*(claim(mother.acting(each.person), wanted, NOW) for each in family))
    await rooms.people.accompanying.end(mother, family[0].id, NOW)
    sixth = await of_child(rooms, mother, MOST_COMPANIONS)
    with pytest.raises(NotClaimable) as refused:
        await claim(mother.acting(sixth.person), wanted, NOW)
    assert refused.value.code == "claimed_for_another"


async def test_a_claim_for_who_is_no_companion_any_more_is_taken_back(
    rooms: RoomsUnderTest,
) -> None:
    mother = await rooms.visitor(0)
    companion = await of_child(rooms, mother)
    await rooms.people.accompanying.end(mother, companion.id, NOW)
    wanted = await rooms.wanted(build.offer())
    with pytest.raises(Conflict) as refused:
        await rooms.offers.claiming.claim(mother.acting(companion.person), wanted, NOW)
    assert refused.value.code == "visitor_changed"
    assert (await rooms.counts())["bogo"] == 0


async def test_an_offer_by_account_is_not_claimed_for_companions(rooms: RoomsUnderTest) -> None:
    mother = await rooms.visitor(0)
    companion = await of_child(rooms, mother)
    wanted = await rooms.wanted(build.offer(real_name=False))
    with pytest.raises(NotClaimable) as refused:
        await rooms.offers.claiming.claim(mother.acting(companion.person), wanted, NOW)
    assert refused.value.code == "claimed_by_account"


async def test_a_companion_is_sealed_for_one_place(rooms: RoomsUnderTest) -> None:
    """Copied into the identity of an account of one's own it is not read out."""
    parent, thief = await rooms.visitor(0), await rooms.account("贼")
    await of_child(rooms, parent)
    (stored,) = await rooms.database.collection("companions").find({})
    assert CHILD.name not in str(stored)
    assert CHILD.number not in str(stored)
    await rooms.database.collection("users").update(
        {"_id": thief.id}, {"$set": {"identity": stored["person"]}}
    )
    read_out = await rooms.people.visitors.get(thief.id)
    assert read_out is not None
    assert read_out.identity is not None
    with pytest.raises(InvalidTag):
        SEALER.open(read_out.identity)


async def test_companions_are_brought_under_a_new_key(rooms: RoomsUnderTest) -> None:
    parent = await rooms.visitor(0)
    await of_child(rooms, parent)
    newer = Vault({1: bytes(32), 2: bytes([2]) * 32}, bytes(range(32)))
    store = SealedStore(rooms.database, newer)
    await store.renew(lambda _: None)
    assert await store.count_old() == 0
    later = RoomsUnderTest(rooms.database, newer)
    (companion,) = await later.people.companionships.of_visitor(parent.id)
    assert companion.person.sealed is not None
    assert companion.person.sealed.key_id == 2
    assert later.people.companions.ends_on(companion) == CHILD_14TH
