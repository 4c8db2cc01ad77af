"""Admission: a scan comes in, a verdict goes out, and what was decided is stored in between.

A code names one pass. A card names a person, and the first of their passes that admits is used
(`passes.admission.order`).

Knows neither HTTP nor MongoDB. Each decision is one atomic write: an admission is an insert under
the next number of the ledger of the pass. Of two gates that want the last visit, one finds that
number taken, and decides again.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto

from passes.admission.appending import busy
from passes.admission.cards import CardsInVain
from passes.admission.clocks import CLOCKS_DIFFER, GateClocks
from passes.admission.gates import GateState, Purpose, Scan, ShownCard, check_lane
from passes.admission.offline.ports import Marks
from passes.admission.order import Place, Rank, place_of
from passes.admission.ports import AutomaticVouchers, VisitQuotas
from passes.admission.reading import Reading, read
from passes.admission.rules import Case, decide
from passes.admission.stop import Stop
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Forbidden, Invalid
from passes.base.once import once
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.genuine import is_genuine
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import (
    By,
    Record,
    RecordKind,
    appended,
    fold,
    standing,
    tally_after,
)
from passes.ledger.tally import TALLY_VERSION, Tally
from passes.ledger.verdicts import NEWEST_REFUSALS, Reason, Refusal, Verdict
from passes.terms.free_entry import CATEGORY_NAMES
from passes.terms.holidays import HolidayCalendar
from passes.terms.ports import Spots
from passes.terms.terms import SpotFacts

log = logging.getLogger(__name__)

ASKED_AGAIN_WITHIN = timedelta(hours=24)
"""For how long, by the clock of the server, a nonce names the scan it was first used for. Later it
does so only if the device says the same instant to the letter: else the gate counts its nonces
anew, and must not be given an old answer."""

SAME_SHOWING_WITHIN = timedelta(seconds=3)
"""A scanner may read one showing of a code several times."""

_KINDS = {
    Purpose.ENTER: RecordKind.ADMITTED,
    Purpose.LEAVE: RecordKind.EXITED,
    Purpose.PAY: RecordKind.PAID,
}
"""What a granted scan becomes in the ledger."""

_TRIES = 100

_CLOSING_TRIES = 5
"""How often a pass whose ledger is closed is read again before it is taken for revoked, as after a
crash in between."""


class _Stored(Enum):
    """What became of a record that was to be stored: stored; its number was taken by another gate;
    or its campaign has no visit left here today."""

    YES = auto()
    TAKEN = auto()
    FULL = auto()


@dataclass(frozen=True)
class _Facts:
    """All that is known of a pass when a scan of it is decided; `newest` are its newest records."""

    held: Pass
    newest: Sequence[Record]

    @property
    def closed(self) -> bool:
        """Whether nothing can be appended any more: the pass was reissued or given back."""
        return bool(self.newest) and self.newest[-1].kind is RecordKind.CLOSED

    @once
    def standing(self) -> Sequence[Record]:
        """The admissions among the newest records that none of them annuls."""
        return standing(self.newest)


@dataclass(frozen=True, slots=True)
class _Past:
    """What the visits so far add up to, and when a scan counts that follows them.

    `ledger` is set if a record has to be added to the whole of it, not behind the newest one.
    """

    tally: Tally
    at: datetime
    ledger: Sequence[Record] | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A pass that may be used, as it stands here and now."""

    facts: _Facts
    past: _Past
    case: Case
    is_draft: bool = False
    """Whether it is the voucher of an automatic campaign, which is not stored yet."""


class Admission:
    """Admits scans."""

    def __init__(  # noqa: PLR0913, PLR0917 - it brings together what a scan needs
        self,
        keys: Keyring,
        spots: Spots,
        holidays: Callable[[], HolidayCalendar],
        passes: Passes,
        ledger: Ledger,
        refusals: Refusals,
        visit_quotas: VisitQuotas,
        automatic: AutomaticVouchers,
        in_vain: CardsInVain,
        stop_at: Callable[[SpotFacts, datetime], Stop | None],
        marks: Marks,
    ) -> None:
        """`spots` is the catalogue in memory, `holidays` gives the calendar in memory; the next
        ones are stores. `automatic` makes the vouchers that nobody has to claim, `in_vain` counts
        the cards without a pass, `stop_at` tells what stops entry at a spot, `marks` are passes
        that bundles are told of."""
        self._marks = marks
        self._automatic = automatic
        self._in_vain = in_vain
        self._stop_at = stop_at
        self._visit_quotas = visit_quotas
        self._keys = keys
        self._spots = spots
        self._holidays = holidays
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals
        self._clocks = GateClocks()

    async def admit(self, scan: Scan, now: datetime) -> tuple[Verdict, Pass | None]:
        """The verdict on a scan, stored before it is returned, and the pass if there is one.

        The same scan sent again gets the same verdict. When nobody races, at most three database
        operations for an admission by a code and four for a refusal, and one more where a campaign
        counts its visits (ADR 32); for cards see ADR 36. Raises `Conflict` for a nonce that names
        another scan, `Invalid` for a ticket system that does not tell the lane, `Unavailable` when
        nothing could be stored.
        """
        check_lane(scan)
        if self._clocks.note(scan.gate.id, scan.scanned_at, now):
            log.error("the clocks of most gates disagree with that of this server: which is wrong?")
        if isinstance(scan.shown, ShownCard):
            return await self._admit_card(scan, scan.shown, now)

        # 1. What does the code say, and is it sound?
        reading = read(scan.shown, self._keys, now)
        if reading.code is None:
            return await self._refuse(scan, None, Verdict(reading.unsound or Reason.ERROR, now))

        for tries in range(_TRIES):
            # 2. The pass.
            held = await self._passes.get(reading.code.pass_id)
            if held is None:
                pass_id, gate_id = reading.code.pass_id, scan.gate.id
                log.error("well signed but never issued: pass %s, gate %s", pass_id, gate_id)
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))

            # A code of it may be about that was signed before somebody changed the pass.
            if not is_genuine(held):
                return await self._refuse(scan, None, Verdict(Reason.CODE_UNKNOWN, now))

            # 3. If this process has scanned the pass before, what it remembers may do to admit.
            verdict = None
            if tries == 0:
                verdict = await self._admitted_from_memory(scan, reading, held, now)

            # 4. Else what is stored decides; None if the pass has changed meanwhile: read it again.
            if verdict is not None:
                return verdict, held
            answer = await self._judged(scan, reading, [held], now, tries)
            if answer is not None:
                return answer
        raise busy()

    async def _admit_card(
        self, scan: Scan, card: ShownCard, now: datetime
    ) -> tuple[Verdict, Pass | None]:
        """The verdict on a card: by the first pass of its holder that admits.

        Nothing is kept of a card that has no pass here, so that the same scan sent again is decided
        anew.
        """
        if scan.gate.state is GateState.DISABLED:
            return Verdict(Reason.GATE_DISABLED, now), None  # it is not told who has a pass
        if card.unread is not None:
            return await self._unread(scan, card.unread, now)
        for tries in range(_TRIES):
            held = [each for each in await self._passes.of_holder(card.lookup) if is_genuine(each)]
            answer = await self._judged(scan, Reading(card=card), held, now, tries)
            if answer is not None:
                if answer[0].reason is Reason.NO_PASS:
                    await self._in_vain.note(scan, card, now)
                return answer
        raise busy()

    async def _unread(self, scan: Scan, why: Reason, now: datetime) -> tuple[Verdict, Pass | None]:
        """The verdict on a carrier of which it is not known whose it is: that of before, if it was
        known when this scan was sent first, for a token may be good once."""
        name = scan.gate.id, scan.nonce
        earlier = await self._ledger.admission(*name) or await self._refusals.get(*name)
        held = None
        if earlier is not None and earlier.pass_id is not None:
            held = await self._passes.get(earlier.pass_id)
        if held is not None:
            facts = _Facts(held, await self._ledger.newest(held.id, held.ledger_mark))
            answered = await self._earlier_answer(scan, facts, now)
            if answered is not None:
                return answered, held
        return Verdict(why, now), None

    async def _judged(
        self, scan: Scan, reading: Reading, passes: Sequence[Pass], now: datetime, tries: int
    ) -> tuple[Verdict, Pass | None] | None:
        """The verdict by the records that are stored, kept before it is returned, and the pass that
        it is about: the one of a code, or one of those of a person.

        None if a pass has changed since it was read, or another gate was first.
        """
        # 5. The newest records. Asked for at once, those of several passes are one query.
        known = await self._known(passes)
        if tries < _CLOSING_TRIES and any(map(_just_closed, known)):
            return None

        # 6. Before any rule: what this scan was answered before, though its code may be stale by
        #    now, and though the gate may ask another server this time.
        for facts in known:
            answered = await self._earlier_answer(scan, facts, now)
            if answered is not None:
                return answered, facts.held

        # 7. Is it the showing that was just let in? Nothing is counted, no gate opens twice.
        for facts in known:
            if _is_repeat(scan, facts, now):
                return await self._refuse(scan, facts.held, Verdict(Reason.REPEAT, now))

        # 8. Else the rules.
        return await self._first_that_admits(scan, reading, known, now)

    async def _known(self, passes: Sequence[Pass]) -> Sequence[_Facts]:
        if len(passes) == 1:
            (held,) = passes
            return [_Facts(held, await self._ledger.newest(held.id, held.ledger_mark))]
        newest = await asyncio.gather(
            *(self._ledger.newest(held.id, held.ledger_mark) for held in passes)
        )
        return [_Facts(*each) for each in zip(passes, newest, strict=True)]

    async def _first_that_admits(
        self, scan: Scan, reading: Reading, known: Sequence[_Facts], now: datetime
    ) -> tuple[Verdict, Pass | None] | None:
        """The verdict by the first of some passes that admits; else by the first of them.

        The insert is the decision: if the number is taken, another gate was first, and it is None.
        """
        refused: tuple[Pass, Verdict] | None = None
        async with aclosing(self._candidates(scan, reading, known, now)) as candidates:
            async for candidate in candidates:
                held = candidate.facts.held
                verdict, record = self._decide(scan, reading, candidate, now)
                if candidate.is_draft:
                    # Of what a person does not have yet they are not told why it does not admit.
                    if not verdict.granted:
                        continue
                    # Made at its first showing. Two gates at once make the same one.
                    made = await self._automatic.store(held, f"gate:{scan.gate.id}", now)
                    if made is None:
                        continue
                    held = made
                if record is not None:
                    stored = await self._store(record, candidate.facts)
                    if stored is not _Stored.FULL:
                        return (verdict, held) if stored is _Stored.YES else None
                    verdict = Verdict(Reason.QUOTA_USED_UP, verdict.decided_at)
                refused = refused or (held, verdict)
        if refused is None:
            return Verdict(Reason.NO_PASS, now), None
        return await self._refuse(scan, *refused)

    async def _candidates(
        self, scan: Scan, reading: Reading, known: Sequence[_Facts], now: datetime
    ) -> AsyncGenerator[_Candidate, None]:
        """The passes to try, in order: that of a code, or those of a person that open this spot,
        and vouchers that they may have without a claim, once those before do not admit."""
        card, spot = reading.card, self._spots.get(scan.gate.spot_id)
        if card is None:
            for facts in known:
                yield await self._candidate(scan, reading, facts, now)
            return
        if spot is None:
            return
        usable = _usable_here(known, spot, business_day(now))
        if scan.purpose is Purpose.LEAVE:
            # Who came in today leaves, too, with a pass that admits nobody here any more.
            every = [await self._candidate(scan, reading, facts, now) for facts in known]
            may = [each for each in every if each.facts in usable or _last_here(each)[0]]
            for candidate in sorted(may, key=_last_here, reverse=True):
                yield candidate
            return
        found = [await self._candidate(scan, reading, facts, now) for facts in usable]
        later = []
        for candidate in sorted(found, key=self._place):
            if self._place(candidate)[0] < Rank.AUTOMATIC:
                yield candidate
            else:
                later.append(candidate)
        held = [facts.held for facts in known]
        for draft in await self._automatic.drafts(card, held, spot, now):
            candidate = await self._candidate(scan, reading, _Facts(draft, ()), now)
            later.append(replace(candidate, is_draft=True))
        for candidate in sorted(later, key=self._place):
            yield candidate

    def _place(self, candidate: _Candidate) -> Place:
        """The place of a candidate among those of a person."""
        automatic = self._automatic.automatic(candidate.facts.held.product_id)
        return place_of(candidate.case, automatic=automatic)

    async def _admitted_from_memory(
        self, scan: Scan, reading: Reading, held: Pass, now: datetime
    ) -> Verdict | None:
        """The verdict on a scan that is admitted by the records which this process remembers, once
        it is stored; None if nothing is remembered, or they do not admit it.

        Another process may have appended more since. Then the number is taken and nothing is
        stored, so memory can cost time, never truth. Nothing but an admission may rest on it: the
        visit that stands in the way, or the answer given before, may be annulled by now.
        """
        remembered = self._ledger.remembered(held.id)
        if remembered is None:
            return None
        facts = _Facts(held, remembered)
        if _is_repeat(scan, facts, now) or await self._earlier(scan, facts, now) is not None:
            return None
        candidate = await self._candidate(scan, reading, facts, now)
        verdict, record = self._decide(scan, reading, candidate, now)
        if record is None or await self._store(record, facts) is not _Stored.YES:
            return None
        return verdict

    async def _store(self, record: Record, facts: _Facts) -> _Stored:
        """Append a record to the ledger. A new visit of a campaign that has only so many at a spot
        on a day is counted first, and given back if it is not stored.

        A crash, or a database that does not answer, leaves it counted: the counter is too high
        until it is reconciled, so that fewer are let in, and never more.
        """
        held = facts.held
        if held.used_up(record.tally) and _adds_a_visit(record, facts):
            await self._marks.mark(held.id)
        limit = held.terms.visits_per_spot_day
        if limit is None or not _adds_a_visit(record, facts):
            return _Stored.YES if await self._ledger.append(record) else _Stored.TAKEN
        place = held.product_id, record.spot_id, business_day(record.at)
        if not await self._visit_quotas.reserve(*place, limit, record.recorded_at):
            return _Stored.FULL
        if await self._ledger.append(record):
            return _Stored.YES
        await self._visit_quotas.give_back(*place, record.recorded_at)
        return _Stored.TAKEN

    async def _earlier_answer(self, scan: Scan, facts: _Facts, now: datetime) -> Verdict | None:
        """What this scan was answered before, if it was.

        Raises `Conflict` if its nonce names another scan.
        """
        earlier = await self._earlier(scan, facts, now)
        if earlier is None:
            return None
        check_same_scan(scan, earlier, now)
        if earlier.verdict is None:
            text = Text(
                "这次入园已撤销，请重新扫码",
                "this scan was admitted and annulled; scan again with a new nonce",
            )
            raise Conflict("scan_annulled", text)
        return earlier.verdict

    async def _earlier(self, scan: Scan, facts: _Facts, now: datetime) -> Record | Refusal | None:
        """What is kept under the nonce of a scan for its pass.

        It stands among the newest records or on the pass, unless so many have come since that the
        newest do not reach back a day, or the scan was not made today by its gate's clock: then it
        is looked up by name.
        """
        held, newest = facts.held, facts.newest
        answers: list[Record | Refusal] = [*reversed(newest), *reversed(held.refusals)]
        for each in answers:
            if (each.gate_id, each.nonce) == (scan.gate.id, scan.nonce):
                return each
        since = now - ASKED_AGAIN_WITHIN
        of_today = abs(scan.scanned_at - now) <= ASKED_AGAIN_WITHIN
        records_left_out = bool(newest) and newest[0].n > 1
        if records_left_out and (newest[0].at > since or not of_today):
            found = await self._ledger.named(held.id, scan.gate.id, scan.nonce)
            if found is not None:
                return found
        refusals_left_out = len(held.refusals) >= NEWEST_REFUSALS
        if refusals_left_out and (held.refusals[0].verdict.decided_at > since or not of_today):
            return await self._refusals.get(scan.gate.id, scan.nonce)
        return None

    async def _candidate(
        self, scan: Scan, reading: Reading, facts: _Facts, now: datetime
    ) -> _Candidate:
        """A pass as a scan finds it."""
        past = await self._past(facts, now)
        case = self.case_of(
            scan,
            facts.held,
            reading.code,
            past.tally,
            past.at,
            spent_at=_spent_at(reading.code, facts),
            came_free_on=_came_free_on(facts, scan.gate.spot_id),
        )
        check_beside(case)
        return _Candidate(facts, past, case)

    def case_of(  # noqa: PLR0913 - what is known of a scan
        self,
        scan: Scan,
        held: Pass,
        code: codes.Code | None,
        tally: Tally,
        at: datetime,
        *,
        spent_at: str | None = None,
        came_free_on: date | None = None,
    ) -> Case:
        """What the rules are asked about a scan of a pass with these visits, at an instant; with
        what stops entry now."""
        spot = self._spots.get(scan.gate.spot_id)
        return Case(
            held=held,
            code=code,
            tally=tally,
            spot=spot,
            gate=scan.gate,
            party=scan.party,
            at=at,
            spent_at=spent_at,
            holidays=self._holidays(),
            paying=scan.purpose is Purpose.PAY,
            typed=isinstance(scan.shown, ShownCard) and scan.shown.by is By.CARD_TYPED,
            stop=None if spot is None else self._stop_at(spot, at),
            beside=scan.free,
            came_free_on=came_free_on,
        )

    def _decide(
        self, scan: Scan, reading: Reading, candidate: _Candidate, now: datetime
    ) -> tuple[Verdict, Record | None]:
        """The verdict, and the record to append if somebody is let in or out."""
        facts, past, case = candidate.facts, candidate.past, candidate.case
        if reading.unsound is not None:
            return Verdict(reading.unsound, now), None
        if facts.closed:
            return Verdict(Reason.REVOKED, now), None
        if _may_leave(scan, facts, past.at):
            # Who leaves is let out: that asks no rule.
            people = scan.party or case.whole_party.admits
            verdict = Verdict(Reason.OK, past.at, admits=people, leaving=True)
        else:
            verdict = decide(case)
        if not verdict.granted:
            return verdict, None
        n = facts.newest[-1].n + 1 if facts.newest else 1
        record = record_of(scan, reading, case, verdict, n, now)
        if past.ledger is not None:  # it does not simply follow the newest record
            return verdict, appended(past.ledger, record)
        return verdict, replace(record, tally=tally_after(past.tally, record))

    async def _past(self, facts: _Facts, now: datetime) -> _Past:
        """What has happened before this scan."""
        if not facts.newest:
            return _Past(Tally(), now)
        newest = facts.newest[-1]
        tally = await self._tally(facts)
        last_at = max(newest.at, tally.last_at or newest.at)
        if last_at - now > CLOCKS_DIFFER:
            return await self._past_without_future(facts, now)
        # Time never runs backwards within one ledger, even if the clocks of two servers differ.
        return _Past(tally, max(now, last_at))

    async def _past_without_future(self, facts: _Facts, now: datetime) -> _Past:
        """What has happened, when a server whose clock was ahead has written the newest record.

        Its visits count, but not on that day to come, or the pass would be locked until then.
        """
        ledger = await self._ledger.whole(facts.held.id)
        whole = fold(ledger)
        so_far = fold([each for each in ledger if each.at - now <= CLOCKS_DIFFER])
        log.error("pass %s has a record of %s, in the future", facts.held.id, ledger[-1].at)
        tally = replace(
            so_far,
            total=whole.total,
            days=whole.days,
            by_spot=whole.by_spot,
            by_month=whole.by_month,
        )
        return _Past(tally, now, ledger)

    async def _tally(self, facts: _Facts) -> Tally:
        """What the visits so far add up to, as this version of the program works it out."""
        if not facts.newest:
            return Tally()
        tally = facts.newest[-1].tally
        if tally.version == TALLY_VERSION:
            return tally
        return fold(await self._ledger.whole(facts.held.id))

    async def _refuse(
        self, scan: Scan, held: Pass | None, verdict: Verdict
    ) -> tuple[Verdict, Pass | None]:
        """Keep the refusal. If this scan was refused before, the answer is that of then."""
        refusal = Refusal(
            gate_id=scan.gate.id,
            nonce=scan.nonce,
            spot_id=scan.gate.spot_id,
            pass_id=held.id if held else None,
            code_digest=scan.digest,
            scanned_at=scan.scanned_at,
            verdict=verdict,
        )
        kept = await self._refusals.keep(refusal)
        check_same_scan(scan, kept, verdict.decided_at)
        if held is not None and kept is not refusal and _is_missing_on(held, kept):
            # The try before this one died between its two writes.
            await self._refusals.note(kept)
        return kept.verdict, held


def record_of(
    scan: Scan, reading: Reading, case: Case, verdict: Verdict, n: int, now: datetime
) -> Record:
    """What a granted scan is in the ledger of its pass, with the visits before it."""
    held = case.held
    return Record(
        pass_id=held.id,
        n=n,
        kind=_KINDS[scan.purpose],
        spot_id=scan.gate.spot_id,
        gate_id=scan.gate.id,
        nonce=scan.nonce,
        code_digest=scan.digest,
        at=case.at,
        scanned_at=scan.scanned_at,
        recorded_at=now,
        tally=case.tally,
        verdict=verdict,
        room=case.whole_party.admits,
        by=reading.by,
        lane=scan.lane,
        staff=scan.staff,
        people=_people(verdict),
        party=scan.party,
        step=reading.code.step if reading.code else None,
        benefit=held.edition.benefit_at(case.spot),
        payers=case.payers,
        month=case.month,
        may_return=held.terms.re_entry,
    )


def _just_closed(facts: _Facts) -> bool:
    """Whether a pass was reissued or given back between the two reads."""
    return facts.closed and facts.held.state is not PassState.REVOKED


def _usable_here(known: Sequence[_Facts], spot: SpotFacts, today: date) -> list[_Facts]:
    """Of the passes of a person those that open a spot and are not over; if all are, the newest of
    them, which says why nobody is let in."""
    opening = [facts for facts in known if facts.held.opens(spot)]
    in_force = [facts for facts in opening if facts.held.in_force_on(today)]
    over = [facts for facts in opening if facts.held.reissued_as is None]
    return in_force or over[:1]


def _last_here(candidate: _Candidate) -> tuple[bool, datetime]:
    """Whether a pass has let somebody in at the spot today, also under the serial it had before;
    and when it last did, long ago if it has not."""
    case, spot_id = candidate.case, candidate.case.gate.spot_id
    here = [each.at for each in candidate.facts.standing if each.spot_id == spot_id]
    last_at = max(here, default=datetime.min.replace(tzinfo=UTC))
    return case.tally.visits_on(case.day, spot_id) > 0, last_at


def _adds_a_visit(record: Record, facts: _Facts) -> bool:
    """Whether a record is a new visit, not the rest of a party or a return."""
    if record.kind is not RecordKind.ADMITTED:
        return False
    before = facts.newest[-1].tally.total if facts.newest else 0
    return record.tally.total > before


def _is_missing_on(held: Pass, kept: Refusal) -> bool:
    """Whether a refusal should stand among the newest on its pass, and does not."""
    names = {(each.gate_id, each.nonce) for each in held.refusals}
    if (kept.gate_id, kept.nonce) in names:
        return False
    room = len(held.refusals) < NEWEST_REFUSALS
    return room or held.refusals[0].verdict.decided_at < kept.verdict.decided_at


def _is_repeat(scan: Scan, facts: _Facts, now: datetime) -> bool:
    """Whether a scan is another reading of the showing that this gate has just let in.

    It is none if the gate names a number of people, if that admission was annulled, or if the pass
    has changed its state since.
    """
    if scan.party is not None or scan.purpose is not Purpose.ENTER or facts.closed:
        return False
    if facts.held.state_on(business_day(now)) is not PassState.ACTIVE:
        return False
    return any(
        record.gate_id == scan.gate.id
        and record.online
        and record.decision is None
        and record.party is None
        and abs(now - record.recorded_at) <= SAME_SHOWING_WITHIN
        for record in facts.standing
    )


def _may_leave(scan: Scan, facts: _Facts, at: datetime) -> bool:
    """Whether somebody is let out: by any gate in service, and with a pass that was revoked if they
    came in with it today."""
    if scan.purpose is not Purpose.LEAVE or scan.gate.state is GateState.DISABLED:
        return False
    if facts.held.state is not PassState.REVOKED:
        return True
    return any(
        record.spot_id == scan.gate.spot_id and business_day(record.at) == business_day(at)
        for record in facts.standing
    )


def _spent_at(code: codes.Code | None, facts: _Facts) -> str | None:
    """The spot at which this very code has opened a gate, by an admission that stands."""
    if code is None or code.step is None:
        return None
    opened = (record for record in facts.standing if record.step == code.step)
    return next((record.spot_id for record in opened), None)


def _came_free_on(facts: _Facts, spot_id: str) -> date | None:
    """The day on which the holder last came in at a spot free by law, unless they have left since
    and may come back."""
    came = [each for each in facts.standing if each.free and each.spot_id == spot_id]
    if not came:
        return None
    left = any(
        each.kind is RecordKind.EXITED and each.may_return and each.spot_id == spot_id
        for each in facts.newest
        if each.n > came[-1].n
    )
    return None if left else business_day(came[-1].at)


def check_beside(case: Case) -> None:
    """Raise `Forbidden` if nobody is there to look at people who enter free by law, `Invalid` if
    such people do not enter free here today, as far as is known."""
    if not case.beside:
        return
    if not case.gate.kind.staffed:
        text = Text(
            "依法免票的随行人员请走人工通道", "who enters free by law goes to a staffed gate"
        )
        raise Forbidden("free_needs_staff", text)
    allowed = dict.fromkeys(each.category for each in case.free_rules_on(case.day))
    faults = [
        Fault(f"free.{each}", f"not free by law here today; {_listed(allowed)}")
        for each in case.beside
        if each not in allowed
    ]
    if faults:
        zh = "、".join(CATEGORY_NAMES[each].zh for each in allowed) or "无"
        text = Text(f"本景区今日依法免票的人员：{zh}", f"here today {_listed(allowed)}")
        raise Invalid("not_free_by_law", text, faults)


def _listed(categories: Iterable[str]) -> str:
    return f"free are: {', '.join(categories) or 'none that we know'}"


def _people(verdict: Verdict) -> dict[str, int]:
    """How many people of each category were let in."""
    by_right = {"any": verdict.counted} if verdict.counted or not verdict.free else {}
    return {**by_right, **verdict.free}


def check_same_scan(scan: Scan, earlier: Record | Refusal, now: datetime) -> None:
    """Raise `Conflict` if what a gate had answered under a nonce was another scan."""
    digest = scan.digest
    answered_at = earlier.recorded_at if isinstance(earlier, Record) else earlier.verdict.decided_at
    recent = abs(now - answered_at) <= ASKED_AGAIN_WITHIN
    same_instant = scan.scanned_at == earlier.scanned_at
    if digest != earlier.code_digest or not (recent or same_instant):
        text = Text(
            "nonce 已用于另一次扫码",
            "this nonce names another scan of this gate; use a new one for each scan",
        )
        raise Conflict("nonce_reused", text)
