"""People without an account: what is held about them is told and erased, by the document they show;
and requests are kept, with the counts for the yearly audit."""

import itertools
from datetime import date, timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind
from passes.admission.lookup import Card
from passes.base.audit import Outcome
from passes.base.errors import Conflict
from passes.holding.model import Pass
from passes.offers.claiming import Claim
from passes.offers.eligibility import NotClaimable
from passes.people.groups import UNION_MEMBER
from passes.people.holder import NOBODY
from passes.rights.auditing import RequestsRow
from passes.rights.requests import AgeGroup, Asked, RequestKind, age_group_in, asked_by
from passes.store.indexes import INDEXES
from scripts.common import plain
from server.mongo import Mongo
from tests.support import build
from tests.support.build import CHILD, HOLDER, NOW, OPERATOR, SEALER
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted

LOOKUP = SEALER.lookup(HOLDER.number)
SAID = build.statement()
BEFORE = NOW - timedelta(days=1)


def asked(what: RequestKind = RequestKind.ERASE, lookup: str = LOOKUP, **changes: Any) -> Asked:
    """What somebody asks staff for, showing the document of `HOLDER`."""
    return Asked(what, "operator", lookup, HOLDER.born.year, **changes)


async def planted(rooms: RoomsUnderTest, n: int = 0) -> Pass:
    """A person of whom something stands in every place, and an account that says to be them.

    `n` makes other accounts: each may say only so often who it is.
    """
    held = await rooms.issue()
    await rooms.people.memberships.join([LOOKUP], UNION_MEMBER, OPERATOR, NOW)
    await rooms.known(f"乙{n}")
    with pytest.raises(Conflict, match="another name"):
        await rooms.known(f"丙{n}", document=build.document(name="测试丁"))
    family = await rooms.visitor(40 + n)
    await rooms.people.accompanying.show_to_staff(family.lookup, HOLDER, OPERATOR, NOW)
    return held


async def everything(rooms: RoomsUnderTest) -> str:
    """All that is stored, as text."""
    return str([await rooms.database.collection(name).find({}) for name in INDEXES])


async def test_what_is_held_about_a_person_is_told_to_staff(rooms: RoomsUnderTest) -> None:
    held = await planted(rooms)
    await rooms.known("丁", document=CHILD, guardian=SAID.document)
    told = await rooms.rights.exporting.export_person(asked(RequestKind.EXPORT), OPERATOR, NOW)
    assert [each.id for each in told.passes] == [held.id]
    assert told.bound_since == NOW
    assert told.guardian_of == 1
    assert told.kept == {
        "holdings": [{"_id": "annual:…", "pass_id": held.id}],
        "companions": told.kept["companions"],
        "bars": [],
        "members": [{"_id": "union_member:…", "group": "union_member"}],
        "name_attempts": [{"_id": "…:2026-07-01", "count": 1, "at": NOW}],
    }
    (companionship,) = told.kept["companions"]
    assert companionship["basis"] == "shown"
    assert "account_lookup" not in companionship, "it finds somebody else"
    assert LOOKUP not in str(told.kept)


async def test_a_person_is_erased_by_their_document_and_leaves_counts(
    rooms: RoomsUnderTest,
) -> None:
    held = await planted(rooms)
    assert LOOKUP in await everything(rooms)
    erase = rooms.rights.erasing.erase_person
    with pytest.raises(Conflict, match=f"passes.{held.id}"):
        await erase(asked(), OPERATOR, "asked", give_up_passes=False, now=NOW)
    given_up = await erase(asked(), OPERATOR, "asked", give_up_passes=True, now=NOW)
    assert [each.id for each in given_up] == [held.id]
    assert LOOKUP not in await everything(rooms)
    kept = await rooms.holding.passes.get(held.id)
    assert kept is not None
    assert kept.holder == NOBODY
    account = await rooms.account("乙0")
    assert account.identity is None, "it may be somebody else's, and stays"
    assert account.notice is not None
    again = await rooms.issue()
    assert again.id != held.id
    refused, done = await rooms.rights.stored_requests.between(BEFORE, NOW + timedelta(days=1))
    assert (refused.outcome, done.outcome) == (Outcome.NOT_DONE, Outcome.DONE)
    assert_fields(done, by="operator", age_group=AgeGroup.ADULT, days=0, guarded=False)
    (line,) = await rooms.base.audit.about(f"request:{done.id}")
    assert (line.action, line.detail, line.outcome) == ("erase", {"reason": "asked"}, Outcome.DONE)


async def test_companions_of_an_account_do_not_come_back_after_its_person_was_erased(
    rooms: RoomsUnderTest,
) -> None:
    account = await rooms.known()
    await rooms.people.accompanying.add_child(account, CHILD, build.PRIVACY_VERSION, NOW)
    await rooms.rights.erasing.erase_person(asked(), OPERATOR, "", give_up_passes=True, now=NOW)
    assert await rooms.people.companionships.of_visitor(account.id) == []
    assert await rooms.people.companions.standing(await rooms.known(), NOW) == []


async def test_somebody_else_with_an_account_is_not_touched(rooms: RoomsUnderTest) -> None:
    await planted(rooms)
    other = await rooms.known("甲", person=build.person(7))
    theirs = await rooms.issue_to(other)
    await rooms.rights.erasing.erase_person(asked(), OPERATOR, "", give_up_passes=True, now=NOW)
    assert await rooms.account("甲") == other
    assert await rooms.holding.wallet.of_visitor(other) == [theirs]


async def test_erasing_a_person_is_finished_after_a_crash_at_any_write(mongo: Mongo) -> None:
    for writes in itertools.count():
        mortal = CrashingDatabase(mongo)
        rooms = RoomsUnderTest(mortal)
        held = await planted(rooms, writes)
        erase = rooms.rights.erasing.erase_person
        mortal.writes_left = writes + 0.5 * (writes % 2)
        try:
            await erase(asked(), OPERATOR, "asked", give_up_passes=True, now=NOW)
            cut_short = False
        except Crash:
            cut_short = True
        mortal.restart()
        await erase(asked(), OPERATOR, "asked", give_up_passes=True, now=NOW)
        assert LOOKUP not in await everything(rooms), f"after {writes} writes"
        kept = await rooms.holding.passes.get(held.id)
        assert kept is not None
        assert kept.holder == NOBODY
        if not cut_short:
            return


async def test_what_a_visitor_asks_for_themselves_is_kept(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.known(document=CHILD, guardian=SAID.document)
    await rooms.rights.erasing.erase(visitor, give_up_passes=False, now=NOW)
    (request,) = await rooms.rights.stored_requests.between(BEFORE, NOW + timedelta(days=1))
    assert_fields(
        request,
        what=RequestKind.ERASE,
        by="visitor",
        age_group=AgeGroup.CHILD,
        guarded=True,
        outcome=Outcome.DONE,
    )
    assert request.person not in {None, visitor.lookup}, "a hash that stands nowhere else"


async def test_an_account_that_is_erased_cannot_claim_again_what_it_has_used(
    rooms: RoomsUnderTest,
) -> None:
    """The hash stays, under the key of the offer, which finds nobody after that is destroyed."""
    await rooms.offers.publishing.publish([build.offer(version=0)], OPERATOR, NOW)
    await rooms.offers.offers.load()
    await rooms.terms.editions.load()
    offer, voucher = rooms.offers.offers.get("bogo"), rooms.terms.editions.current("bogo")
    assert offer is not None
    assert offer.key is not None
    assert voucher is not None
    visitor = await rooms.known()
    held = await rooms.offers.claiming.claim(visitor, Claim(offer, voucher), NOW)
    kept = str(await rooms.database.collection("holdings").find({}))
    assert visitor.lookup not in kept
    window = build.gate(GateKind.WINDOW)
    assert_admitted(await rooms.verdict_on(build.live_scan(held, gate=window)))
    await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)
    other = await rooms.known("乙")
    with pytest.raises(NotClaimable, match="which you have"):
        await rooms.offers.claiming.claim(other, Claim(offer, voucher), NOW)


async def test_the_audit_of_a_year_counts_and_names_nobody(rooms: RoomsUnderTest) -> None:
    child = await rooms.known("甲", document=CHILD, guardian=SAID.document)
    parent = await rooms.known("乙")
    companion = await rooms.people.accompanying.add_child(parent, CHILD, build.PRIVACY_VERSION, NOW)
    await rooms.people.accompanying.end(parent, companion.id, NOW)
    await rooms.account("丙")
    for _ in range(2):
        await rooms.rights.requests.exported(asked_by(child, RequestKind.EXPORT), NOW)
    late = asked(RequestKind.EXPORT, asked_on=date(2026, 6, 20))
    await rooms.rights.exporting.export_person(late, OPERATOR, NOW)
    await rooms.rights.erasing.erase(child, give_up_passes=False, now=NOW)
    gate = build.gate(GateKind.WINDOW)
    await rooms.admission.lookup.find(Card(HOLDER.number), gate, NOW)
    await rooms.rights.retention.run(OPERATOR, NOW)
    found = await rooms.rights.auditing.of(2026)
    assert_fields(
        found,
        accounts={"18+": 1, "no_real_name": 1},
        guardian_consents_given=2,
        guardian_consents_ended=2,
        lookups=1,
        lookup_alarms=0,
        retention_runs=1,
    )
    assert set(found.removed.values()) == {0}
    assert plain(found.accounts) == "18+ 1, no_real_name 1"
    assert found.requests == [
        RequestsRow("erase", "visitor", "0-13", "done", 1, 0),
        RequestsRow("export", "operator", "18+", "done", 1, 11),
        RequestsRow("export", "visitor", "0-13", "done", 1, 0),
    ]
    assert (await rooms.rights.auditing.of(2025)).requests == []


async def test_a_consent_of_a_guardian_ends_when_the_child_is_14(rooms: RoomsUnderTest) -> None:
    await rooms.known(document=CHILD, guardian=SAID.document)  # born in 2016
    ended = {year: (await rooms.rights.auditing.of(year)) for year in (2029, 2030)}
    assert [each.guardian_consents_ended for each in ended.values()] == [0, 1]


@pytest.mark.parametrize(
    ("born_year", "group"),
    [
        (2026, AgeGroup.CHILD),
        (2012, AgeGroup.CHILD),  # 13 until a day of the year
        (2011, AgeGroup.MINOR),
        (2008, AgeGroup.MINOR),
        (2007, AgeGroup.ADULT),
        (None, AgeGroup.UNKNOWN),
    ],
)
def test_the_age_group_is_the_youngest_of_the_year(born_year: int | None, group: AgeGroup) -> None:
    assert age_group_in(2026, born_year) is group
