"""Whatever happens to one pass, in whatever order: scans by code and card, several gates at once,
hands, annulments, corrections, reissues, amendments, a spot that leaves, a stop. What was
acknowledged is in the ledger once, no rule exceeds a limit, and what is owed is right.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passes.admission.by_hand import Shown, WhyByHand
from passes.admission.correcting import Correction
from passes.admission.gates import Gate, GateKind, Purpose
from passes.admission.staff import StaffDecision, WhyAnnulled
from passes.admission.stops import WhyResumed, WhyStopped
from passes.base.calendar import business_day
from passes.base.errors import DomainError
from passes.holding.model import Pass
from passes.holding.wallet import newest_serial
from passes.ledger.records import Record, RecordKind, fold, without_undone_later
from passes.ledger.verdicts import Verdict
from passes.people.identity import Identity
from passes.terms.amendments import Amendment
from passes.terms.prices import Party, Payment
from passes.terms.spot_withdrawals import Policy
from passes.terms.terms import Limits, Terms
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, live_scan
from tests.support.rooms import RoomsUnderTest

WINDOW = build.gate(GateKind.WINDOW)
HANDHELD = build.gate(GateKind.HANDHELD)
TERMS = st.builds(
    build.terms,
    limits=st.builds(
        Limits,
        per_spot_day=st.sampled_from([None, 1, 2]),
        total=st.sampled_from([None, 2, 4]),
        minutes_between=st.sampled_from([None, 5]),
    ),
    party=st.sampled_from([Party(1, 1), Party(2, 1), Party(3, 3)]),
    payment=st.sampled_from(Payment),
    re_entry=st.booleans(),
)
DEEDS = (
    *("code", "card", "both", "pay", "leave", "again"),
    *("hand", "hand again", "annul", "annul elsewhere", "undo", "people", "time", "restore"),
    *("reissue", "amend", "withdraw", "stop", "resume"),
)
STEP = st.tuples(
    st.sampled_from(DEEDS),
    st.sampled_from([0, 1, 7, 60, 1440]),
    st.sampled_from([None, 1, 2]),
    st.integers(0, 5),
)
_numbers = itertools.count(1)


@dataclass
class Story:
    """What has happened to one pass of one person."""

    rooms: RoomsUnderTest
    beside: RoomsUnderTest
    """Another process over the same database."""
    person: Identity
    terms: Terms
    serial: str
    product: str
    now: datetime = NOW
    acknowledged: Counter[str] = field(default_factory=Counter)
    answers: dict[str, tuple[str, Verdict]] = field(default_factory=dict)
    total: int | None = None
    by_hand: tuple[int, str] = (0, "")
    """The newest admission by hand."""
    nonces: Iterator[int] = field(default_factory=itertools.count)

    async def held(self) -> Pass:
        found = await newest_serial(self.serial, self.rooms.holding.passes)
        assert found is not None
        return found

    async def records(self) -> list[Record]:
        """All records, under all serials; the newest tally is what they add up to."""
        line = await self.rooms.admission.histories.lineage(await self.held())
        found: list[Record] = []
        for each in line:
            ledger = await self.rooms.ledger.records.whole(each.id)
            if ledger:
                assert ledger[-1].tally == fold(ledger)
            found += ledger
        return found

    async def scan(
        self, how: str, party: int | None, purpose: Purpose, nonce: str, gate: Gate = WINDOW
    ) -> Verdict:
        """A scan; what it is owed is what stands."""
        rooms = self.beside if next(self.nonces) % 3 else self.rooms
        if how == "card":
            verdict, _ = await rooms.card_shown(
                self.person, nonce, self.now, party=party, purpose=purpose, gate=gate
            )
        else:
            shown = live_scan(await self.held(), nonce, self.now, party=party, purpose=purpose)
            verdict = await rooms.verdict_on(replace(shown, gate=gate), self.now)
        if verdict.granted:
            self.acknowledged[nonce] = 1
        self.answers[nonce] = how, verdict
        return verdict

    async def act(self, what: str, party: int | None, which: int) -> None:  # noqa: C901, PLR0912
        """One deed; what cannot be done now is refused, and changes nothing."""
        admission, nonce = self.rooms.admission, f"{self.serial}-{next(self.nonces)}"
        records = [each for each in await self.records() if each.gate_id]
        one = records[which % len(records)] if records else None
        correct = Correction(one.pass_id if one else "0", one.n if one else 1, OPERATOR, "试")
        if what in {"code", "card"}:
            verdict = await self.scan(what, party, Purpose.ENTER, nonce)
            if verdict.granted:
                left = left_of(await self.records())
                assert verdict.pays == owed_at_last(left, nonce), (left, verdict)
        elif what == "both":
            there = replace(WINDOW, id="south")
            await asyncio.gather(
                self.scan("code", party, Purpose.ENTER, nonce),
                self.scan("card", party, Purpose.ENTER, f"{nonce}b", there),
                self.scan("card", party, Purpose.ENTER, f"{nonce}c", HANDHELD),
            )
        elif what in {"pay", "leave"}:
            await self.scan("card" if which % 2 else "code", party, Purpose(what), nonce)
        elif what == "again" and one is not None:
            kept = self.answers.get(one.nonce)
            if kept and kept[0] == "card" and one.kind is RecordKind.ADMITTED:
                gate = replace(WINDOW, id=one.gate_id)
                again, _ = await self.rooms.card_shown(
                    self.person, one.nonce, self.now, party=one.party, gate=gate
                )
                assert again.reason is kept[1].reason
        elif what == "hand" or (what == "hand again" and self.by_hand[1]):
            people, by = (party or 1, nonce) if what == "hand" else self.by_hand
            decision = StaffDecision(HANDHELD, by, WhyByHand.NO_PHONE)
            await admission.by_hand.admit(decision, Shown(people, pass_id=self.serial), self.now)
            self.by_hand, self.acknowledged[by] = (people, by), 1
        elif what == "annul" and one is not None:
            await admission.annulling.annul(replace(WINDOW, id=one.gate_id), one.nonce, self.now)
        elif what == "annul elsewhere":
            decision = StaffDecision(HANDHELD, nonce, WhyAnnulled.DID_NOT_ENTER)
            await admission.annulling.annul_at_spot(decision, (await self.held()).id, self.now)
        elif what == "undo":
            await admission.correcting.annul(correct, self.now)
        elif what == "people":
            await admission.correcting.set_people(correct, party or 1, self.now)
        elif what == "time":
            await admission.correcting.set_time(correct, self.now - timedelta(minutes=30), self.now)
        elif what == "restore":
            await admission.correcting.restore(correct, self.now)
        else:
            await self.elsewhere(what, nonce)

    async def elsewhere(self, what: str, nonce: str) -> None:
        """What operators and others do to the pass, its product and its spot."""
        rooms, stopping = self.rooms, self.rooms.admission.stopping
        if what == "reissue":
            await rooms.holding.reissuing.reissue((await self.held()).id, OPERATOR, self.now)
        elif what == "amend" and self.total is not None:
            wanted = Amendment(self.product, 0, self.now, nonce, limits={"total": self.total + 1})
            await rooms.terms.amending.amend(wanted, OPERATOR, self.now)
            self.total += 1
        elif what == "withdraw":
            leaves = build.spot_withdrawal(
                product_id=self.product,
                start=business_day(self.now) + timedelta(days=3),
                policy=Policy.END,
                at=self.now,
            )
            await rooms.terms.spot_withdrawing.withdraw(leaves, OPERATOR)
        elif what == "stop":
            stop = StaffDecision(HANDHELD, nonce, WhyStopped.FULL)
            await stopping.stop_here(stop, self.now + timedelta(minutes=5), self.now)
        elif what == "resume":
            await stopping.resume_here(StaffDecision(HANDHELD, nonce, WhyResumed.OVER), self.now)
        for each in (rooms, self.beside):  # within seconds, by the versions
            await each.terms.editions.load()
            await each.admission.stopping.stops.load()

    async def check(self) -> None:
        """Nothing acknowledged is lost or doubled, and no rule has exceeded a limit."""
        records = await self.records()
        made = Counter(
            each.nonce
            for each in records
            if each.kind in _GRANTED
            if each.decision is None or each.decision.by != OPERATOR
        )
        assert made == self.acknowledged
        self.check_limits([each for each in left_of(records) if each.kind is RecordKind.ADMITTED])

    def check_limits(self, admitted: list[Record]) -> None:
        """Where operators and staff have changed nothing, the visits are within the limits."""
        if any(each.decision is not None for each in admitted):
            return
        people = Counter[object]()
        for each in admitted:
            assert each.verdict is not None
            people[business_day(each.at)] += each.verdict.admits
        limits, room = self.terms.limits, self.terms.party.admits
        if not self.terms.re_entry and limits.per_spot_day is not None:
            assert max(people.values(), default=0) <= limits.per_spot_day * room
        if not self.terms.re_entry and self.total is not None:
            assert people.total() <= self.total * room


def left_of(records: list[Record]) -> list[Record]:
    """The records under all serials that nothing undoes, in the order in which they count."""
    left = without_undone_later(records)
    undone = {(each.pass_id, each.annuls) for each in left if each.of_pass is None}
    standing = [each for each in left if (each.pass_id, each.n) not in undone]
    return sorted(standing, key=lambda each: each.at)


def owed_at_last(left: list[Record], nonce: str) -> int:
    """What the scan of a nonce had to pay: for those of each party who are in, less what was paid
    on that day. Counted anew."""
    (last,) = (each for each in left if each.nonce == nonce)
    due = paid = came = away = room = 0
    for record in left:
        if business_day(record.at) != business_day(last.at) or record.verdict is None:
            continue
        people = record.verdict.admits
        paid += record.verdict.pays if record is not last else 0
        if record.kind is RecordKind.EXITED and record.may_return and room:
            away += max(0, min(people, record.room - (room - came + away)))
        elif record.kind is RecordKind.ADMITTED:
            joins = people <= room - came + away
            room, came, away = (room, came, away) if joins else (record.room, 0, 0)
            back = min(away, people)
            before, came, away = came, came + people - back, away - back
            due += min(record.payers, came) - min(record.payers, before)
    return max(0, due - paid)


_GRANTED = (RecordKind.ADMITTED, RecordKind.LET_IN, RecordKind.EXITED, RecordKind.PAID)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms=TERMS, steps=st.lists(STEP, min_size=6, max_size=16))
def test_nothing_is_lost_or_doubled_whatever_happens(
    mongo: Mongo,
    io_loop: IOLoop,
    terms: Terms,
    steps: list[tuple[str, int, int | None, int]],
) -> None:
    async def told() -> None:
        rooms, beside, number = RoomsUnderTest(mongo), RoomsUnderTest(mongo), next(_numbers)
        person, product = build.person(number), f"mixed-{number}"
        draft = replace(build.product(product), terms=terms)
        issued = await rooms.issue(draft, person)
        await beside.terms.editions.load()
        total = terms.limits.total
        story = Story(rooms, beside, person, terms, issued.id, product, total=total)
        for what, minutes, party, which in steps:
            story.now += timedelta(minutes=minutes)
            with suppress(DomainError):
                await story.act(what, party, which)
            await story.check()
        late = story.now + timedelta(seconds=1)
        story.now = late
        verdict = await story.scan("code", None, Purpose.ENTER, f"{issued.id}-promise")
        if verdict.admitted_from is not None:
            story.now = verdict.admitted_from
            kept = await story.scan("code", None, Purpose.ENTER, f"{issued.id}-kept")
            assert kept.admitted, kept

    io_loop.run_sync(told)
