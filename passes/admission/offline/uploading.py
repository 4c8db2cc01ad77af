"""Uploading: what gates decided without a line is recorded, item by item, in the order in which it
happened.

Whatever a gate let in is recorded; where the server would have refused, it is a conflict
(`passes.admission.offline.conflicts`). Each item has a result of its own. Items about one person
follow one another, those about different people go together, so that the stores group them. Named
by gate and nonce, an item sent again, or answered live before, is recorded once.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from passes.admission.admitting import Admission, check_same_scan, record_of
from passes.admission.annulling import ANNUL_WITHIN, check_not_closed, too_late, undone_by
from passes.admission.appending import Appending, busy
from passes.admission.by_hand import HandAdmissions, Shown
from passes.admission.cases import CaseKind, Cases
from passes.admission.correcting import Correcting, Correction
from passes.admission.gates import GateState, Purpose, Scan, ShownCard
from passes.admission.offline.conflict import ConflictFile, ConflictState, Name
from passes.admission.offline.conflicts import Conflicts
from passes.admission.offline.evidence import (
    STEPS,
    doubt_about,
    state_at,
    verdict_of,
)
from passes.admission.offline.items import (
    CLOCK_TOLERANCE,
    AnnulItem,
    DecidedAlone,
    HandItem,
    Item,
    ItemResult,
    Result,
    ScanItem,
    Timing,
)
from passes.admission.order import place_of
from passes.admission.reading import Reading, read
from passes.admission.rules import Case, decide
from passes.base.calendar import to_milliseconds
from passes.base.errors import Conflict, DomainError, Invalid, Unavailable, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.genuine import is_genuine
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.holding.wallet import newest_serial
from passes.ledger.ports import Ledger, Refusals
from passes.ledger.records import (
    By,
    Cause,
    Doubt,
    Record,
    RecordKind,
    annulment,
    appended,
    not_annulled,
    tally_at,
)
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Refusal, Verdict
from passes.terms.ports import Spots

log = logging.getLogger(__name__)

_TRIES = 100


@dataclass(frozen=True, slots=True)
class _Serial:
    """The pass of a code, and the one that it has become by being reissued."""

    shown: Pass
    newest: Pass


@dataclass
class _Person:
    """The items about one person, by their places in the batch, in order; and the passes whose
    ledgers hold something of a gate that decided alone, each with its ledger if that is known."""

    places: list[int] = field(default_factory=list)
    touched: dict[str, tuple[Pass, Sequence[Record] | None]] = field(default_factory=dict)

    def ledger_of(self, held: Pass) -> Sequence[Record] | None:
        """The ledger of a pass as this upload has left it."""
        _, ledger = self.touched.get(held.id, (held, None))
        return ledger


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a batch before anything is recorded: what is recorded already under the
    names of its items, what codes say, and the passes that these name."""

    timing: Timing
    records: Mapping[Name, Sequence[Record]]
    readings: Mapping[int, Reading]
    serials: Mapping[str, _Serial]


class Uploading:
    """Records what gates decided."""

    def __init__(  # noqa: PLR0913, PLR0917 - it brings together what a scan needs
        self,
        keys: Keyring,
        spots: Spots,
        passes: Passes,
        ledger: Ledger,
        refusals: Refusals,
        cases: Cases,
        audit: Audit,
        admission: Admission,
        appending: Appending,
        by_hand: HandAdmissions,
        correcting: Correcting,
        conflicts: Conflicts,
    ) -> None:
        """`spots` is the catalogue in memory; `passes`, `ledger`, `refusals`, `cases` and `audit`
        are stores."""
        self._keys = keys
        self._spots = spots
        self._passes = passes
        self._ledger = ledger
        self._refusals = refusals
        self._cases = cases
        self._audit = audit
        self._admission = admission
        self._appending = appending
        self._by_hand = by_hand
        self._correcting = correcting
        self._conflicts = conflicts

    async def upload(self, items: Sequence[Item], timing: Timing) -> Sequence[ItemResult]:
        """Record items, and answer each, in their order.

        Doing it again changes nothing, and finishes what a crash cut short. What cannot be judged
        now is to come later; raises `Unavailable` if that is so of all.
        """
        # 1. What is recorded under these names already, and whose passes they are about.
        known = await self._known(items, timing)
        answers: dict[int, ItemResult] = {}
        # 2. One item of a person after the other; different people together.
        people = self._people(items, known)
        await asyncio.gather(*(self._all_of(each, items, known, answers) for each in people))
        results = [answers[place] for place in range(len(items))]
        # 3. Is it the database that does not answer, for anybody?
        away = [each.error for each in results if isinstance(each.error, Unavailable)]
        if away and len(away) == len(results):
            raise away[0]
        return results

    async def _known(self, items: Sequence[Item], timing: Timing) -> _Known:
        nonces: dict[str, list[str]] = {}
        for gate_id, nonce in (item.name for item in items):
            nonces.setdefault(gate_id, []).append(nonce)
        found = await asyncio.gather(*(self._ledger.all_named(*each) for each in nonces.items()))
        records: dict[Name, list[Record]] = {}
        for record in chain.from_iterable(found):
            records.setdefault(record.name, []).append(record)
        readings = {}
        for place, item in enumerate(items):
            text, at = _text_in(item), timing.corrected(item.at)[0]
            if isinstance(item, ScanItem) and isinstance(item.scan.shown, ShownCard):
                readings[place] = Reading(card=item.scan.shown)
            elif text is not None:
                readings[place] = read(text, self._keys, at, STEPS)
                await asyncio.sleep(0)  # a signature takes a while, and others wait
        named: list[str | None] = [each.code.pass_id for each in readings.values() if each.code]
        named += [each.shown.pass_id for each in items if isinstance(each, HandItem)]
        named += [records[item.name][0].pass_id for item in items if item.name in records]
        wanted = [each for each in dict.fromkeys(named) if each is not None]
        found_passes = await asyncio.gather(*map(self._serial_if_told, wanted))
        serials = {each: told for each, told in zip(wanted, found_passes, strict=True) if told}
        return _Known(timing, records, readings, serials)

    async def _serial(self, pass_id: str) -> _Serial | None:
        """The pass with a serial, if there is one. Raises `Unavailable` while it is reissued."""
        shown = await self._passes.get(pass_id)
        if shown is None:
            return None
        newest = shown
        if shown.reissued_as is not None:
            found = await newest_serial(shown.reissued_as, self._passes)
            if found is None:  # its successor is not stored yet
                raise busy()
            newest = found
        return _Serial(shown, newest)

    def _people(self, items: Sequence[Item], known: _Known) -> list[_Person]:
        """The items by person. What cannot be told of whom it is stands alone, with what undoes
        it."""
        people: dict[str, _Person] = {}
        of_name: dict[Name, str] = {}
        for place, item in enumerate(items):
            key = of_name.setdefault(item.name, _key_of(item, place, known))
            people.setdefault(key, _Person()).places.append(place)
        return list(people.values())

    async def _all_of(
        self,
        person: _Person,
        items: Sequence[Item],
        known: _Known,
        answers: dict[int, ItemResult],
    ) -> None:
        """Answer the items of a person. When one has to wait, those after it wait as well."""
        waiting: ItemResult | None = None
        for place in person.places:
            answer = waiting or await self._answer(items[place], place, known, person)
            answers[place] = answer
            if answer.result is Result.LATER:
                waiting = answer
        try:
            conflicts = await self._settled(person, known.timing.received_at)
        except Exception as error:
            # What is recorded is known when it comes again, and its conflicts are then opened.
            later = _later(error, "conflicts of an upload failed: gate %s, nonce %s", items[place])
            answers.update(dict.fromkeys(person.places, later))
            return
        for place in person.places:
            conflict = conflicts.get(items[place].name)
            if conflict is not None:
                answers[place] = _with_conflict(answers[place], conflict)

    async def _settled(self, person: _Person, now: datetime) -> Mapping[Name, ConflictFile]:
        """The conflicts of the passes of a person that are touched, as they are now."""
        conflicts: dict[Name, ConflictFile] = {}
        for held, ledger in person.touched.values():
            conflicts.update(await self._conflicts.settle(held, now, ledger))
        return conflicts

    async def _answer(self, item: Item, place: int, known: _Known, person: _Person) -> ItemResult:
        """What becomes of an item. Whatever is wrong with it is said of it alone."""
        try:
            if isinstance(item, ScanItem):
                return await self._scan(item, place, known, person)
            if isinstance(item, HandItem):
                return await self._hand(item, known, person)
            return await self._annul(item, known, person)
        except Unavailable as error:
            return ItemResult(Result.LATER, error=error)
        except DomainError as error:
            return ItemResult(Result.WRONG, error=error)
        except Exception as error:
            # Whatever it is that nobody has thought of, it keeps nobody else back.
            return _later(error, "an item of an upload failed: gate %s, nonce %s", item)

    async def _scan(self, item: ScanItem, place: int, known: _Known, person: _Person) -> ItemResult:
        now, decided = known.timing.received_at, item.decided
        earlier = _first(known.records.get(item.name, ()))
        if decided is None:
            verdict, held = await self._admission.admit(item.scan, now)
            result = Result.RECORDED if verdict.granted else Result.REFUSED
            return ItemResult(Result.KNOWN if earlier else result, verdict, held)
        if earlier is not None:
            _check_same(item, earlier, now)
        if decided.reason is not Reason.OK:
            return await self._refused(item, decided, place, known, person)
        if earlier is not None:
            held = await self._touch(earlier, person, known)
            return ItemResult(Result.KNOWN, earlier.verdict, held)
        return await self._let_in(item, decided, place, known, person)

    async def _refused(
        self,
        item: ScanItem,
        decided: DecidedAlone,
        place: int,
        known: _Known,
        person: _Person,
    ) -> ItemResult:
        """What a gate has refused. If the server had admitted it, and the gate never heard, that is
        undone: nobody came in."""
        scan, now = item.scan, known.timing.received_at
        at, _ = known.timing.corrected(item.at)
        reading = known.readings.get(place, Reading())
        verdict, serial = Verdict(decided.reason, at), await self._serial_of(reading, known)
        held = None if serial is None else serial.newest
        admitted = _undoable(known.records.get(item.name, ()))
        if admitted:
            await self._undo(admitted[0], at, person, known)
            return ItemResult(Result.REFUSED, verdict, held)
        kept, new = await self._refusals.keep_late(
            Refusal(
                gate_id=scan.gate.id,
                nonce=scan.nonce,
                spot_id=scan.gate.spot_id,
                pass_id=None if held is None else held.id,
                code_digest=scan.digest,
                scanned_at=scan.scanned_at,
                verdict=verdict,
            )
        )
        check_same_scan(scan, kept, now)
        return ItemResult(Result.REFUSED if new else Result.KNOWN, kept.verdict, held)

    async def _serial_if_told(self, pass_id: str) -> _Serial | None:
        try:
            return await self._serial(pass_id)
        except Unavailable:
            return None  # it is asked again for its own item, which then has to wait

    async def _serial_of(self, reading: Reading, known: _Known) -> _Serial | None:
        """The pass of a code, if it is one of ours."""
        if reading.code is None:
            return None
        told = known.serials.get(reading.code.pass_id)
        return told or await self._serial(reading.code.pass_id)

    async def _let_in(
        self,
        item: ScanItem,
        decided: DecidedAlone,
        place: int,
        known: _Known,
        person: _Person,
    ) -> ItemResult:
        """What a gate has let in, or out, or taken money for, is appended to the ledger."""
        now = known.timing.received_at
        reading = known.readings.get(place, Reading())
        serial = await self._serial_of(reading, known)
        for _ in range(_TRIES):
            # 1. Which pass is it, and what has happened to it?
            if isinstance(item.scan.shown, ShownCard):
                serial = await self._of_card(item.scan, item.scan.shown, known.timing)
            if serial is None or not is_genuine(serial.newest):
                return await self._without_pass(item, decided, reading, known)
            held = serial.newest
            ledger = person.ledger_of(held) or await self._ledger.whole(held.id)
            # 2. Answered live, or uploaded, meanwhile? Under an old serial nothing comes any more.
            earlier = _first(each for each in ledger if each.name == item.name)
            if earlier is None and held.reissued_from is not None:
                earlier = _first(await self._ledger.all_named(*_one(item.name)))
            if earlier is not None:
                _check_same(item, earlier, now)
                await self._touch(earlier, person, known)
                return ItemResult(Result.KNOWN, earlier.verdict, held)
            # 3. The record. Closed means that the pass was reissued just now, or given back.
            if ledger and ledger[-1].kind is RecordKind.CLOSED:
                person.touched.pop(held.id, None)
                serial = await self._serial(held.id)
                if serial is not None and serial.newest.id == held.id:
                    return await self._without_pass(item, decided, reading, known, held)
                continue
            record = await self._record(item, decided, reading, serial, ledger, known.timing)
            # 4. The insert. If the number is taken, another was first: all of that again.
            stored = await self._append(held, ledger, record, now)
            if stored is not None:
                person.touched[held.id] = held, [*ledger, stored]
                return ItemResult(Result.RECORDED, stored.verdict, held)
            person.touched.pop(held.id, None)
        raise busy()

    async def _append(
        self, held: Pass, ledger: Sequence[Record], record: Record, now: datetime
    ) -> Record | None:
        """Append a record, and return it as it is stored; None if its number is taken. The visit of
        a campaign is counted before, however many are left; a crash in between leaves it
        counted."""
        if held.terms.visits_per_spot_day is None:
            return record if await self._ledger.append(record) else None
        after = [*ledger, record]
        left = await self._appending.count_visits(held.id, ledger, after, now)
        if not left and record.doubt is None:
            record = replace(record, doubt=Doubt(Cause.OVER_LIMIT, Reason.QUOTA_USED_UP))
        if await self._ledger.append(record):
            return record
        await self._appending.count_visits(held.id, after, ledger, now)
        return None

    async def _record(
        self,
        item: ScanItem,
        decided: DecidedAlone,
        reading: Reading,
        serial: _Serial,
        ledger: Sequence[Record],
        timing: Timing,
    ) -> Record:
        """What a gate did, as the next record of a ledger, and what spoke against it."""
        scan, held = item.scan, serial.newest
        at, sure = timing.corrected(item.at)
        as_it_was = replace(held, state=await self._state_at(serial.shown, at))
        case = self._case(scan, as_it_was, reading.code, tally_at(ledger, at), at)
        doubt = None
        if scan.purpose is not Purpose.LEAVE:
            doubt = doubt_about(case, reading, item, sure=sure)
        verdict = verdict_of(case, decided, scan.purpose)
        now = to_milliseconds(timing.received_at)
        record = replace(
            record_of(scan, reading, case, verdict, 0, now),
            by=_by(item, reading),
            online=False,
            decision=item.on_paper,
            benefit=None if case.spot is None else held.edition.benefit_at(case.spot),
            month=max(0, case.month),
            shown_as=serial.shown.id if serial.shown.id != held.id else None,
            doubt=doubt,
            bundle=timing.bundle,
        )
        return appended(ledger, record)

    def _case(
        self, scan: Scan, held: Pass, code: codes.Code | None, tally: Tally, at: datetime
    ) -> Case:
        """What the rules are asked; what stops entry now may not have done so then."""
        case = self._admission.case_of(scan, held, code, tally, at)
        stopped_later = case.stop is not None and case.stop.since > at
        return replace(case, stop=None) if stopped_later else case

    async def _state_at(self, shown: Pass, at: datetime) -> PassState:
        """The state of a pass at an instant, by what is told of its changes."""
        if not shown.revision:
            return shown.state
        return state_at(shown, await self._audit.about(f"pass:{shown.id}"), at)

    async def _of_card(self, scan: Scan, card: ShownCard, timing: Timing) -> _Serial | None:
        """The pass of a person that was used: the first that admitted then; else the first."""
        spot = self._spots.get(scan.gate.spot_id)
        if card.unread is not None or spot is None:
            return None
        held = [
            each
            for each in await self._passes.of_holder(card.lookup)
            if each.opens(spot) and each.reissued_as is None
        ]
        at, _ = timing.corrected(scan.scanned_at)
        ledgers = await asyncio.gather(*(self._ledger.whole(each.id) for each in held))
        cases = [
            self._case(scan, each, None, tally_at(ledger, at), at)
            for each, ledger in zip(held, ledgers, strict=True)
        ]
        cases.sort(key=lambda case: place_of(case, automatic=False))
        admit = [case for case in cases if decide(case).granted]
        used = next(iter([*admit, *cases]), None)
        return None if used is None else _Serial(used.held, used.held)

    async def _without_pass(
        self,
        item: ScanItem,
        decided: DecidedAlone,
        reading: Reading,
        known: _Known,
        given_back: Pass | None = None,
    ) -> ItemResult:
        """What a gate let in without a pass to which it could be appended: a conflict alone, as
        evidence. Who left leaves none."""
        scan, (at, _) = item.scan, known.timing.corrected(item.at)
        if scan.purpose is Purpose.LEAVE:
            return ItemResult(Result.REFUSED, Verdict(Reason.CODE_UNKNOWN, at))
        cause, reason = Cause.UNKNOWN_SERIAL, reading.unsound or Reason.CODE_UNKNOWN
        if isinstance(scan.shown, ShownCard):
            reason = scan.shown.unread or Reason.NO_PASS
        if given_back is not None:
            cause, reason = Cause.NOT_IN_FORCE, Reason.REVOKED
        conflict, new = await self._conflicts.keep(
            ConflictFile(
                id="",
                cause=cause,
                reason=reason,
                spot_id=scan.gate.spot_id,
                gate_id=scan.gate.id,
                nonce=scan.nonce,
                at=at,
                scanned_at=scan.scanned_at,
                recorded_at=to_milliseconds(known.timing.received_at),
                online=False,
                pass_id=reading.code.pass_id if reading.code else None,
                people=decided.admits,
                by=_by(item, reading),
                step=reading.code.step if reading.code else None,
                bundle=known.timing.bundle,
                code_digest=scan.digest,
                owed=decided.admits,
                opened_at=to_milliseconds(known.timing.received_at),
            )
        )
        verdict = Verdict(Reason.OK, conflict.at, admits=conflict.people, pays=decided.pays)
        result = Result.CONFLICT if new else Result.KNOWN
        return ItemResult(result, verdict, given_back, conflict.id)

    async def _hand(self, item: HandItem, known: _Known, person: _Person) -> ItemResult:
        """What staff did by hand. Without a pass that can be told it is a case alone."""
        now, (at, _) = known.timing.received_at, known.timing.corrected(item.at)
        gate = replace(item.decision.gate, state=GateState.ENROLLED)  # it was then
        decision = replace(item.decision, gate=gate)
        earlier = await self._cases.of_decision(*item.name)
        try:
            let_in = await self._by_hand.admit(decision, item.shown, now, at)
        except (Invalid, Unknown) as error:
            if error.code not in _NO_PASS_TOLD:
                raise
            let_in = await self._by_hand.admit(decision, Shown(item.shown.people), now, at)
        except Conflict as error:
            if error.code != "pass_reissued":
                raise
            return ItemResult(Result.RECORDED)  # it was given back: the case is all there can be
        held = None
        if let_in.record is not None:
            held = await self._touch(let_in.record, person, known)
        return ItemResult(Result.KNOWN if earlier else Result.RECORDED, held=held)

    async def _annul(self, item: AnnulItem, known: _Known, person: _Person) -> ItemResult:
        """What a gate has taken back. Raises `Unknown` if it has not told what that was."""
        now, (at, _) = known.timing.received_at, known.timing.corrected(item.at)
        records = await self._ledger.all_named(*_one(item.name))
        case = await self._cases.of_decision(*item.name)
        if case is not None and case.kind is CaseKind.HAND_ADMISSION:
            await self._cases.annul(case.id, at)
        admitted = _undoable(records)
        if admitted:
            if at - admitted[-1].at > ANNUL_WITHIN + CLOCK_TOLERANCE:
                return ItemResult(Result.REFUSED, error=too_late())
            await self._undo(admitted[-1], at, person, known)
            return ItemResult(Result.RECORDED)
        if any(record.annuls for record in records):
            await self._touch(records[-1], person, known)
            return ItemResult(Result.KNOWN)
        if case is not None or await self._conflicts.withdraw(item.name, now):
            return ItemResult(Result.RECORDED)
        text = Text("本闸机没有这次入园记录", "this gate has told of no such scan")
        raise Unknown("scan_unknown", text)

    async def _undo(self, admitted: Record, at: datetime, person: _Person, known: _Known) -> None:
        """Annul a record, also if its pass was reissued since."""
        now = known.timing.received_at

        def made(ledger: Sequence[Record]) -> Record:
            earlier = undone_by(ledger, admitted)
            if earlier is None:
                check_not_closed(ledger)
                return annulment(ledger, admitted, at, to_milliseconds(now))
            return earlier

        try:
            await self._appending.append(admitted.pass_id, made, now)
        except Conflict:
            by = f"gate:{admitted.gate_id}"
            correction = Correction(admitted.pass_id, admitted.n, by, "annulled by the gate")
            await self._correcting.annul(correction, now)
        await self._touch(admitted, person, known)

    async def _touch(self, record: Record, person: _Person, known: _Known) -> Pass | None:
        """Note that the conflicts of the pass of a record are to be settled; the pass."""
        told = known.serials.get(record.pass_id)
        serial = told or await self._serial(record.pass_id)
        if serial is None:
            return None
        person.touched[serial.newest.id] = serial.newest, None
        return serial.newest


_NO_PASS_TOLD = frozenset({"code_unreadable", "pass_unknown"})
"""Errors that say that the pass of an admission by hand cannot be told."""

_UNDOABLE = frozenset({RecordKind.ADMITTED, RecordKind.LET_IN, RecordKind.PAID})
_HAPPENED = _UNDOABLE | {RecordKind.EXITED}


def _text_in(item: Item) -> str | None:
    """The text of a code that an item holds."""
    if isinstance(item, ScanItem) and isinstance(item.scan.shown, str):
        return item.scan.shown
    return item.shown.code if isinstance(item, HandItem) else None


def _key_of(item: Item, place: int, known: _Known) -> str:
    """Whose an item is: a person's, as a keyed hash, a pass, or nobody's that is known."""
    if isinstance(item, ScanItem) and isinstance(item.scan.shown, ShownCard):
        return item.scan.shown.lookup or ":".join(item.name)
    reading = known.readings.get(place, Reading())
    pass_id = reading.code.pass_id if reading.code else None
    if isinstance(item, HandItem) and pass_id is None:
        pass_id = item.shown.pass_id
    if pass_id is None and item.name in known.records:
        pass_id = known.records[item.name][0].pass_id
    serial = known.serials.get(pass_id or "")
    if serial is None:
        return pass_id or ":".join(item.name)
    return serial.newest.holder.lookup or serial.newest.id


def _by(item: ScanItem, reading: Reading) -> By:
    """By which means somebody got in."""
    return By.PAPER if item.on_paper is not None else reading.by


def _one(name: Name) -> tuple[str, list[str]]:
    gate_id, nonce = name
    return gate_id, [nonce]


def _first(records: Iterable[Record]) -> Record | None:
    """What happened under a name, as it was recorded first."""
    return next((record for record in records if record.kind in _HAPPENED), None)


def _undoable(records: Iterable[Record]) -> list[Record]:
    """What was recorded under a name and can be taken back: what stands."""
    return [record for record in not_annulled(records) if record.kind in _UNDOABLE]


def _check_same(item: ScanItem, earlier: Record, now: datetime) -> None:
    """Raise `Conflict` if something else was recorded under the name of an item. A line on paper is
    named by what it says."""
    if item.on_paper is None:
        check_same_scan(item.scan, earlier, now)


def _later(error: Exception, what: str, item: Item) -> ItemResult:
    """What an item is told that failed; a fault of ours is logged."""
    if isinstance(error, Unavailable):
        return ItemResult(Result.LATER, error=error)
    log.error(what, *item.name, exc_info=error)
    text = Text("系统内部错误，请联系运营人员", "this is a fault of ours; tell the operator")
    return ItemResult(Result.LATER, error=DomainError("internal_error", text))


def _with_conflict(answer: ItemResult, conflict: ConflictFile) -> ItemResult:
    """The answer to an item that is, or was, in conflict."""
    is_new = answer.result is Result.RECORDED and conflict.state is ConflictState.OPEN
    result = Result.CONFLICT if is_new else answer.result
    return replace(answer, result=result, conflict=conflict.id)
