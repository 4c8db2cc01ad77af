"""By hand: staff let people in whom the rules did not, or without any code, and say why.

It is a case for operators. With a pass it is a record of its ledger, for its holder got in on it:
the rest of a party, or a visit, whatever the limits say; but nothing more where the pass has a
visit here today. Nobody owes money for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from passes.admission.annulling import (
    Annulling,
    check_not_closed,
    check_not_too_late,
    decided,
)
from passes.admission.appending import Appending, next_at
from passes.admission.cases import CaseFile, CaseKind, Cases, check_same
from passes.admission.gates import Gate
from passes.admission.staff import StaffDecision, check_in_service
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Invalid, Unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.model import Pass
from passes.holding.ports import Passes
from passes.holding.wallet import newest_genuine
from passes.ledger.ports import Ledger
from passes.ledger.records import By, Record, RecordKind, appended, fold, tally_at
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.ports import Spots
from passes.terms.validity import months_between


class WhyByHand(StrEnum):
    """Why staff let people in by hand."""

    CODE_UNREADABLE = "code_unreadable"
    NO_PHONE = "no_phone"
    DEVICE_FAULT = "device_fault"
    NETWORK_DOWN = "network_down"
    VERDICT_WRONG = "verdict_wrong"
    GOODWILL = "goodwill"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Shown:
    """What people had with them who were let in: a code, or a pass that was looked up, or none."""

    people: int
    code: str | None = None
    pass_id: str | None = None


@dataclass(frozen=True, slots=True)
class LetIn:
    """The case, and the record of the pass if there is one."""

    case: CaseFile
    record: Record | None

    @property
    def counts(self) -> bool:
        """Whether it counts as a visit, or as the rest of a party."""
        return self.record is not None and self.record.kind is RecordKind.ADMITTED


class HandAdmissions:
    """Lets people in by hand."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it uses
        self,
        keys: Keyring,
        spots: Spots,
        passes: Passes,
        ledger: Ledger,
        cases: Cases,
        appending: Appending,
        annulling: Annulling,
        audit: Audit,
    ) -> None:
        """`keys` read codes, `spots` is the catalogue in memory; `passes`, `ledger`, `cases` and
        `audit` are stores."""
        self._keys = keys
        self._spots = spots
        self._passes = passes
        self._ledger = ledger
        self._cases = cases
        self._appending = appending
        self._annulling = annulling
        self._audit = audit

    async def admit(
        self,
        decision: StaffDecision,
        shown: Shown,
        now: datetime,
        alone_at: datetime | None = None,
    ) -> LetIn:
        """Let people in. The same decision sent again changes nothing.

        `alone_at` is when a gate let them in that had no line, and tells it now. Raises what
        `StaffDecision.check` raises, `Invalid` for a code that is none of ours, `Unknown` for a
        pass that is not there, `Conflict` for one that was given back, and for a nonce that names
        another decision.
        """
        decision.check()
        held = await self._shown_pass(shown, alone_at or now)
        case = CaseFile.of(decision, CaseKind.HAND_ADMISSION, alone_at or now)
        case = replace(case, people=shown.people, pass_id=held.id if held else None)
        subject = f"spot:{case.spot_id}" if held is None else f"pass:{held.id}"
        line = decision.line("admit_by_hand", subject, now, people=str(shown.people))
        async with audited(self._audit) as entry:
            await entry.begin(line)
            # The case first: without a pass it is all there is. After a crash the gate repeats it.
            case = await self._cases.open(case)
            await check_same(case, CaseKind.HAND_ADMISSION, held, self._passes)
            if held is None:
                return LetIn(case, None)
            earlier = await self._before_reissue(case, held, decision)
            if earlier is not None:
                await entry.not_done()
                return LetIn(case, earlier)
            done = await self._appending.append(
                held.id,
                lambda ledger: self._record(ledger, held, decision, shown.people, now, alone_at),
                now,
            )
            if not done.new:
                await entry.not_done()
        return LetIn(case, done.record)

    async def annul(self, gate: Gate, nonce: str, now: datetime) -> CaseFile:
        """They did not go in. Doing it again changes nothing.

        Raises `Unknown` if this gate has let nobody in under that nonce, `Conflict` after 15
        minutes.
        """
        check_in_service(gate)
        case = await self._cases.of_decision(gate.id, nonce)
        if case is None or case.kind is not CaseKind.HAND_ADMISSION:
            text = Text("本闸机没有这次人工放行", "this gate has let nobody in by hand like that")
            raise Unknown("scan_unknown", text)
        if case.pass_id is not None:
            await self._annulling.annul(gate, nonce, now)
        elif case.annulled_at is None:
            check_not_too_late(case.opened_at, now)
        await self._cases.annul(case.id, now)
        return await self._cases.get(case.id) or case

    async def _before_reissue(
        self, case: CaseFile, held: Pass, decision: StaffDecision
    ) -> Record | None:
        """What a decision has recorded under the serial of its case, if that is an old one."""
        if case.pass_id is None or case.pass_id == held.id:
            return None
        ledger = await self._ledger.whole(case.pass_id)
        return decided(ledger, decision.in_ledger, undoes=False)

    async def _shown_pass(self, shown: Shown, now: datetime) -> Pass | None:
        pass_id = shown.pass_id
        if shown.code is not None:
            pass_id = self._read(shown.code, now)
        if pass_id is None:
            return None
        return await newest_genuine(pass_id, self._passes)

    def _read(self, text: str, now: datetime) -> str:
        """The pass of a code, also if it is stale by now."""
        try:
            return codes.read(text, self._keys, now).pass_id
        except codes.CodeError as error:
            if error.reason is Reason.CODE_STALE and error.code is not None:
                return error.code.pass_id
        words = Text(
            "无法识别此码，请留空或查找证件", "that is no code of ours; leave it out, or look it up"
        )
        raise Invalid("code_unreadable", words)

    def _record(
        self,
        ledger: Sequence[Record],
        held: Pass,
        decision: StaffDecision,
        people: int,
        now: datetime,
        alone_at: datetime | None,
    ) -> Record:
        earlier = decided(ledger, decision.in_ledger, undoes=False)
        if earlier is not None:
            return earlier
        check_not_closed(ledger)
        at, spot_id = alone_at or next_at(ledger, now), decision.gate.spot_id
        tally = fold(ledger) if alone_at is None else tally_at(ledger, alone_at)
        day, spot = business_day(at), self._spots.get(spot_id)
        party = held.terms.party if spot is None else held.terms.party_at(spot, day)
        first_day = held.first_day_after(tally) or day
        counted = tally.visits_on(day, spot_id) and people > tally.may_follow(day, spot_id)
        record = Record(
            pass_id=held.id,
            n=0,
            kind=RecordKind.LET_IN if counted else RecordKind.ADMITTED,
            spot_id=spot_id,
            gate_id=decision.gate.id,
            nonce=decision.nonce,
            code_digest="",
            at=at,
            scanned_at=alone_at or now,
            recorded_at=now,
            tally=Tally(),
            verdict=Verdict(Reason.OK, alone_at or now, admits=people),
            room=max(people, party.admits),
            by=By.HAND,
            online=alone_at is None,
            staff=decision.staff,
            people={"any": people},
            party=people,
            benefit=None if spot is None else held.edition.benefit_at(spot),
            month=max(0, months_between(first_day, day)),
            decision=decision.in_ledger,
        )
        return appended(ledger, record)
