"""Every change has its audit line, or did not happen, whatever write the process dies at."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from passes.admission.gates import GateKind
from passes.base.audit import AuditLine, Outcome
from passes.base.auditing import audited
from passes.base.errors import Conflict, Unavailable
from passes.base.text import Text
from passes.holding.lifecycle import Step
from passes.holding.model import PassState
from passes.offers.offer import OfferState
from passes.people.groups import UNION_MEMBER
from passes.terms.amendments import Amendment
from passes.terms.holidays import HolidayYear
from passes.terms.validity import DateRange, Term
from scenic_data.importing import Plan
from server.keyfile import load_keys, make_keys
from server.mongo import Mongo
from server.rotation import rotate_identity_key
from server.spot_import import import_spots
from server.system import System
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR, SERIAL
from tests.support.crashing import Crash, CrashingDatabase
from tests.support.rooms import RoomsUnderTest
from tests.support.world import SOME_SPOTS, composed

Act = Callable[[RoomsUnderTest], Awaitable[object]]

LINE = AuditLine(NOW, OPERATOR, "freeze", "pass:x")


@dataclass(frozen=True)
class Trial:
    """A change, what has to be there before it, and in which collection it is seen."""

    prepare: Act
    act: Act
    collection: str
    action: str


async def nothing(_: RoomsUnderTest) -> None:
    """Nothing has to be there."""


async def a_pass(rooms: RoomsUnderTest) -> None:
    await rooms.issued()


async def a_frozen_pass(rooms: RoomsUnderTest) -> None:
    await rooms.issued(state=PassState.FROZEN, frozen_by=OPERATOR)


async def an_offer(rooms: RoomsUnderTest) -> None:
    await rooms.offers.publishing.publish([build.offer()], OPERATOR, NOW)


async def a_voucher(rooms: RoomsUnderTest) -> None:
    await rooms.claim()


async def a_claimant(rooms: RoomsUnderTest) -> None:
    await rooms.visitor()


async def a_visitor(rooms: RoomsUnderTest) -> None:
    await rooms.known()


async def an_account(rooms: RoomsUnderTest) -> None:
    await rooms.account()


async def a_member(rooms: RoomsUnderTest) -> None:
    await rooms.people.memberships.join(["somebody"], UNION_MEMBER, OPERATOR, NOW)


async def a_misnamed_pass(rooms: RoomsUnderTest) -> None:
    misspelt = build.SEALER.seal(replace(build.HOLDER, name="测试丁"))
    await rooms.issued(holder=misspelt)


async def a_gate(rooms: RoomsUnderTest) -> None:
    keeping = rooms.admission.gate_keeping
    await keeping.add(EMEISHAN, GateKind.WINDOW, "", OPERATOR, NOW)


async def gate_id(rooms: RoomsUnderTest) -> str:
    (found,) = await rooms.admission.gate_keeping.all()
    return found.gate.id


def step(what: Step) -> Act:
    return lambda rooms: rooms.holding.lifecycle.take(SERIAL, what, OPERATOR, NOW)


def offer_to(state: OfferState) -> Act:
    return lambda rooms: rooms.offers.publishing.set_state("bogo", state, OPERATOR, NOW)


async def issue(rooms: RoomsUnderTest) -> None:
    await rooms.issue()


async def reissue(rooms: RoomsUnderTest) -> None:
    await rooms.holding.reissuing.reissue(SERIAL, OPERATOR, NOW)


async def publish_product(rooms: RoomsUnderTest) -> None:
    await rooms.terms.publishing.publish([build.product()], OPERATOR, NOW)


async def amend(rooms: RoomsUnderTest) -> None:
    wanted = Amendment(build.product().product_id, 0, NOW, "snow", days=3)
    await rooms.terms.amending.amend(wanted, OPERATOR, NOW)


async def withdraw(rooms: RoomsUnderTest) -> None:
    await rooms.terms.withdrawing.withdraw(build.product().product_id, "over", OPERATOR, NOW)


async def a_withdrawn_product(rooms: RoomsUnderTest) -> None:
    await publish_product(rooms)
    await withdraw(rooms)


async def resume(rooms: RoomsUnderTest) -> None:
    await rooms.terms.withdrawing.resume(build.product().product_id, OPERATOR, NOW)


async def withdraw_spot(rooms: RoomsUnderTest) -> None:
    await rooms.terms.spot_withdrawing.withdraw(build.spot_withdrawal(), OPERATOR)


async def a_withdrawn_spot(rooms: RoomsUnderTest) -> None:
    await publish_product(rooms)
    await withdraw_spot(rooms)


async def resume_spot(rooms: RoomsUnderTest) -> None:
    await rooms.terms.spot_withdrawing.resume("annual", build.EMEISHAN, OPERATOR, NOW)


async def a_pass_that_loses_a_spot(rooms: RoomsUnderTest) -> None:
    await a_pass(rooms)
    await withdraw_spot(rooms)
    await rooms.terms.editions.load()


async def rescind(rooms: RoomsUnderTest) -> None:
    await rooms.holding.rescinding.rescind(build.SERIAL, OPERATOR, NOW, "a spot left", 19_900)


async def publish_holidays(rooms: RoomsUnderTest) -> None:
    days = {"national_day": (DateRange(date(2026, 10, 1), date(2026, 10, 8)),)}
    await rooms.terms.holiday_publishing.publish(
        [HolidayYear(2026, days, "the notice")], OPERATOR, NOW
    )


async def add_gate(rooms: RoomsUnderTest) -> None:
    await a_gate(rooms)


async def renew_gate(rooms: RoomsUnderTest) -> None:
    await rooms.admission.gate_keeping.renew(await gate_id(rooms), OPERATOR, NOW)


async def disable_gate(rooms: RoomsUnderTest) -> None:
    await rooms.admission.gate_keeping.disable(await gate_id(rooms), OPERATOR, NOW)


async def cancel(rooms: RoomsUnderTest) -> None:
    (voucher,) = await rooms.holding.passes.of_product("bogo")
    await rooms.offers.cancelling.cancel(voucher, "visitor:v", NOW)


async def identify(rooms: RoomsUnderTest) -> None:
    await rooms.known()


async def unbind(rooms: RoomsUnderTest) -> None:
    await rooms.people.identification.unbind(build.HOLDER, OPERATOR, NOW, "lost")


async def sign_out(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.account()
    await rooms.people.signing_in.end_all(visitor.id, NOW)


async def set_phone(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.account()
    await rooms.people.accounts.set_phone(visitor, "10012345678", NOW)


async def erase(rooms: RoomsUnderTest) -> None:
    visitor = await rooms.account()
    await rooms.rights.erasing.erase(visitor, give_up_passes=True, now=NOW)


async def join(rooms: RoomsUnderTest) -> None:
    people = ["one", "two", "three"]
    await rooms.people.memberships.join(people, UNION_MEMBER, OPERATOR, NOW)


async def leave(rooms: RoomsUnderTest) -> None:
    await rooms.people.memberships.leave("somebody", UNION_MEMBER, OPERATOR, NOW)


async def wrong_counters(rooms: RoomsUnderTest) -> None:
    await rooms.claim()
    counters = rooms.database.collection("offer_counters")
    await counters.update({"_id": "bogo"}, {"$set": {"count": 5}})


async def reconcile(rooms: RoomsUnderTest) -> None:
    later = NOW + timedelta(hours=1)
    await rooms.offers.reconciling.reconcile(build.offer(), OPERATOR, later)


TRIALS = {
    "activate": Trial(
        lambda rooms: rooms.issued(
            state=PassState.ISSUED,
            activate_by=build.TODAY,
            terms=build.terms(term=Term(days=30, activate_within=30)),
        ),
        step(Step.ACTIVATE),
        "passes",
        "activate",
    ),
    "freeze": Trial(a_pass, step(Step.FREEZE), "passes", "freeze"),
    "unfreeze": Trial(a_frozen_pass, step(Step.UNFREEZE), "passes", "unfreeze"),
    "revoke": Trial(a_pass, step(Step.REVOKE), "passes", "revoke"),
    "issue": Trial(nothing, issue, "passes", "issue"),
    "reissue": Trial(a_pass, reissue, "passes", "reissue"),
    "publish": Trial(nothing, publish_product, "editions", "publish"),
    "amend": Trial(publish_product, amend, "amendments", "amend"),
    "withdraw": Trial(publish_product, withdraw, "withdrawals", "withdraw"),
    "resume": Trial(a_withdrawn_product, resume, "withdrawals", "resume"),
    "withdraw a spot": Trial(publish_product, withdraw_spot, "spot_withdrawals", "withdraw_spot"),
    "resume a spot": Trial(a_withdrawn_spot, resume_spot, "spot_withdrawals", "resume_spot"),
    "rescind": Trial(a_pass_that_loses_a_spot, rescind, "passes", "rescind"),
    "publish holidays": Trial(nothing, publish_holidays, "holidays", "publish"),
    "publish an offer": Trial(nothing, an_offer, "offers", "publish"),
    "pause": Trial(an_offer, offer_to(OfferState.PAUSED), "offers", "paused"),
    "end": Trial(an_offer, offer_to(OfferState.ENDED), "offers", "ended"),
    "gates add": Trial(nothing, add_gate, "gates", "add"),
    "gates renew": Trial(a_gate, renew_gate, "gates", "roll"),
    "gates disable": Trial(a_gate, disable_gate, "gates", "disable"),
    "claim": Trial(a_claimant, a_voucher, "passes", "claim"),
    "cancel": Trial(a_voucher, cancel, "admissions", "cancel"),
    "sign up": Trial(nothing, an_account, "users", "sign_up"),
    "identify": Trial(an_account, identify, "users", "identify"),
    "unbind": Trial(a_visitor, unbind, "users", "release"),
    "rename": Trial(a_misnamed_pass, unbind, "passes", "rename"),
    "sign out": Trial(an_account, sign_out, "users", "sign_out"),
    "set phone": Trial(an_account, set_phone, "users", "set_phone"),
    "join": Trial(nothing, join, "members", "join"),
    "reconcile": Trial(wrong_counters, reconcile, "offer_counters", "reconcile"),
    "leave": Trial(a_member, leave, "members", "leave"),
}


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
async def test_no_change_is_without_its_line_when_the_process_dies(
    mongo: Mongo, trial: Trial
) -> None:
    """It dies before and after each write, its answer lost; then the change is made again."""
    for half_writes in range(200):
        await _emptied(mongo)
        database = CrashingDatabase(mongo)
        rooms = RoomsUnderTest(database)
        await trial.prepare(rooms)
        before = await _in(mongo, trial.collection)
        earlier = len(await _lines(mongo, trial.action))
        database.writes_left = half_writes / 2
        try:
            await trial.act(rooms)
        except Crash:
            pass
        else:
            break
        if await _in(mongo, trial.collection) != before:
            lines = (await _lines(mongo, trial.action))[earlier:]
            assert lines, f"after {half_writes / 2} writes {trial.action} has no line"
            assert lines[-1]["outcome"] in {"begun", "done"}
            assert lines[-1]["by"]
    assert half_writes > 2, "nothing was written"
    last = (await _lines(mongo, trial.action))[-1]
    assert last["outcome"] == "done", "a change that ends well is settled"


async def test_an_erasure_that_is_cut_short_has_its_line(mongo: Mongo) -> None:
    """Once a pass is nobody's, or the account is gone, the line is there."""
    for half_writes in range(200):
        await _emptied(mongo)
        database = CrashingDatabase(mongo)
        rooms = RoomsUnderTest(database)
        visitor = await rooms.known()
        held = await rooms.issue_to(visitor)
        database.writes_left = half_writes / 2
        try:
            await erase(rooms)
        except Crash:
            pass
        else:
            break
        stored = await rooms.holding.passes.get(held.id)
        gone = await rooms.people.visitors.get(visitor.id) is None
        assert stored is not None
        if gone or stored.holder != held.holder:
            (line,) = await _lines(mongo, "erase")
            assert line["outcome"] == "begun"
    (line,) = await _lines(mongo, "erase")
    assert line["outcome"] == "done"


async def test_an_import_that_is_cut_short_has_its_line(mongo: Mongo) -> None:
    corrected = SOME_SPOTS[0].model_copy(update={"open_hours": "05:00-19:30"})
    spots = (corrected, *SOME_SPOTS[1:])
    plan = Plan(spots, (), {corrected.id: (("open_hours", None, "05:00-19:30"),)}, (), ())
    for half_writes in range(20):
        await _emptied(mongo)
        database = CrashingDatabase(mongo)
        system = await composed(cast(Mongo, database))
        before = await _in(mongo, "catalogue")
        database.writes_left = half_writes / 2
        try:
            await import_spots(system, plan, OPERATOR, NOW)
        except Crash:
            pass
        else:
            break
        if await _in(mongo, "catalogue") != before:
            assert await _lines(mongo, "import")
    (line,) = await _lines(mongo, "import")
    assert line["outcome"] == "done"


async def test_a_rotation_that_is_cut_short_has_its_line(mongo: Mongo, tmp_path: Path) -> None:
    """Also one that has only added a key to the file, and changed nothing in the database."""
    for half_writes in range(20):
        await _emptied(mongo)
        file = tmp_path / f"keys{half_writes}.json"
        make_keys(file)
        keys_before = file.read_bytes()
        database = CrashingDatabase(mongo)
        system = System(cast(Mongo, database), load_keys(file), build.PRIVACY_VERSION)
        await system.people.accounts.of_openid("甲", NOW)
        before = await _in(mongo, "users")
        database.writes_left = half_writes / 2
        try:
            await rotate_identity_key(system, file, 0, OPERATOR, NOW, lambda _: None)
        except Crash:
            pass
        else:
            break
        if file.read_bytes() != keys_before or await _in(mongo, "users") != before:
            assert await _lines(mongo, "rotate")
    (line,) = await _lines(mongo, "rotate")
    assert line["outcome"] == "done"
    assert line["detail"] == {"key_id": "2", "renewed": "1"}


async def test_a_refused_change_leaves_a_line_that_says_so(mongo: Mongo) -> None:
    audit = RoomsUnderTest(mongo).base.audit
    with pytest.raises(Conflict):  # noqa: PT012 - the block is what is tested
        async with audited(audit) as entry:
            await entry.begin(LINE)
            raise Conflict("refused", Text("拒绝", "refused"))
    (line,) = await audit.about("pass:x")
    assert line == replace(LINE, outcome=Outcome.NOT_DONE)


async def test_nobody_knows_of_a_change_whose_reply_is_lost(mongo: Mongo) -> None:
    audit = RoomsUnderTest(mongo).base.audit
    with pytest.raises(Unavailable):  # noqa: PT012 - the block is what is tested
        async with audited(audit) as entry:
            await entry.begin(LINE)
            raise Unavailable("database_unavailable", Text("繁忙", "busy"))
    (line,) = await audit.about("pass:x")
    assert line.outcome is Outcome.BEGUN


async def test_a_change_whose_line_cannot_be_settled_is_answered(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = RoomsUnderTest(mongo)
    await rooms.issued()

    async def no_answer(*_: Any) -> None:
        raise Unavailable("database_unavailable", Text("繁忙", "busy"))

    monkeypatch.setattr(rooms.base.audit, "settle", no_answer)
    held = await rooms.holding.lifecycle.take(SERIAL, Step.FREEZE, OPERATOR, NOW)
    assert held.state is PassState.FROZEN
    (event,) = await rooms.admission.histories.whole(held)
    assert event.detail == {"outcome": "begun"}


async def _emptied(mongo: Mongo) -> None:
    await mongo.drop()


async def _in(mongo: Mongo, collection: str) -> list[dict[str, Any]]:
    return await mongo.collection(collection).find({}, [("_id", 1)])


async def _lines(mongo: Mongo, action: str) -> list[dict[str, Any]]:
    return await mongo.collection("audit_log").find({"action": action}, [("at", 1)])
