"""Staff at handhelds and windows decide: each decision has a nonce, a reason and a note."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from handlers.admission.gates import LONGEST_CODE, STAFFED, AnnulOut, GateHandler, Instant, Nonce
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out
from handlers.web.routing import Route
from passes.admission.annulling import Annulled
from passes.admission.by_hand import LetIn, Shown, WhyByHand
from passes.admission.emergency import WhyEmergency
from passes.admission.gates import Gate
from passes.admission.not_the_holder import Marked, WhyNotTheHolder
from passes.admission.staff import StaffDecision, WhyAnnulled
from passes.admission.stop import Stop, in_force
from passes.admission.stops import WhyResumed, WhyStopped
from passes.holding.model import PassState

PassId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Note = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]


class DecisionIn(In):
    """What every decision of staff says. A retry sends the same body again."""

    nonce: Nonce = Field(examples=["c1b40d6f8e52a973"])
    """Names this decision; new for each, as for scans."""
    note: Note = Field(default="", examples=["游客未入园"])
    """In the words of the staff; needed where the reason is `other`."""
    staff: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, examples=["07"]
    )
    """Who of the staff decides, if the gate knows."""

    def by(self, gate: Gate, reason: StrEnum) -> StaffDecision:
        """The decision as the domain sees it."""
        return StaffDecision(gate, self.nonce, reason, self.note, self.staff)


class AnnulmentIn(DecisionIn):
    """Which pass, and why."""

    pass_id: PassId = Field(examples=["70a69d540b54f65e"])
    """As the verdict on a scan, or a look-up, names it."""
    reason: WhyAnnulled


class AnnulledOut(AnnulOut):
    """An admission, or a payment, that no longer counts, at whatever gate of the spot it was."""

    gate_id: str = Field(examples=["emeishan-7qx2"])
    """The gate that had admitted; `nonce` is that of its scan."""
    admitted_at: datetime

    @classmethod
    def of(cls, annulled: Annulled) -> Self:
        """The view of an annulment."""
        fields = AnnulOut.of(annulled).model_dump()
        return cls(**fields, gate_id=annulled.undone.gate_id, admitted_at=annulled.undone.at)


class AnnulmentsEndpoint(GateHandler):
    """`/api/v1/gate/annulments`"""

    @endpoint(scope=STAFFED, body=AnnulmentIn, reply=AnnulledOut)
    async def post(self, body: AnnulmentIn) -> AnnulledOut:
        """Take back the newest admission, or payment, that any gate of this spot gave a pass within
        15 minutes; at staffed gates, and audited."""
        decision = body.by(await self.gate(), body.reason)
        annulled = await self.rooms.admission.annulling.annul_at_spot(
            decision, body.pass_id, self.now()
        )
        return AnnulledOut.of(annulled)


class StopIn(DecisionIn):
    """Until when nobody is let in here, and why."""

    until: Instant = Field(examples=["2026-07-01T14:00:00+08:00"])
    """Within 31 days."""
    reason: WhyStopped


class ResumeIn(DecisionIn):
    """Why visitors are let in again before the hour."""

    reason: WhyResumed


class StopOut(Out):
    """Whether visitors are let in at the spot of the gate."""

    spot: str = Field(examples=["emeishan"])
    since: datetime
    until: datetime
    """From then on visitors are let in; it is over once they are let in again."""
    reason: str = Field(examples=["full"])
    stopped: bool
    """Whether entry is stopped now."""
    emergency: bool
    """Whether the doors are open, and nothing is counted."""

    @classmethod
    def of(cls, stop: Stop, now: datetime) -> Self:
        """The view of a stop."""
        return cls(
            spot=stop.id,
            since=stop.since,
            until=stop.until,
            reason=stop.reason,
            stopped=in_force(stop, now),
            emergency=stop.emergency,
        )


class StopEntryEndpoint(GateHandler):
    """`/api/v1/gate/stop-entry`"""

    @endpoint(scope=STAFFED, body=StopIn, reply=StopOut)
    async def post(self, body: StopIn) -> StopOut:
        """Let nobody in at this spot until an hour; at staffed gates, and audited. Who is inside
        can leave."""
        decision, now = body.by(await self.gate(), body.reason), self.now()
        stop = await self.rooms.admission.stopping.stop_here(decision, body.until, now)
        return StopOut.of(stop, now)


class ResumeEntryEndpoint(GateHandler):
    """`/api/v1/gate/resume-entry`"""

    @endpoint(scope=STAFFED, body=ResumeIn, reply=StopOut)
    async def post(self, body: ResumeIn) -> StopOut:
        """Let visitors in again at this spot; at staffed gates, and audited."""
        decision, now = body.by(await self.gate(), body.reason), self.now()
        stop = await self.rooms.admission.stopping.resume_here(decision, now)
        return StopOut.of(stop, now)


class HandAdmissionIn(DecisionIn):
    """Who was let in, with what, and why."""

    people: Annotated[int, Field(ge=1, le=255)] = Field(examples=[2])
    reason: WhyByHand
    code: Annotated[str, StringConstraints(max_length=LONGEST_CODE)] | None = None
    """What the scanner read, if there was a code; it may be stale."""
    pass_id: PassId | None = None
    """The pass, if it was looked up."""

    @model_validator(mode="after")
    def _one_pass(self) -> Self:
        if self.code is not None and self.pass_id is not None:
            raise ValueError("give `code` or `pass_id`, not both")
        return self


class HandAdmissionOut(Out):
    """People who were let in by hand."""

    case: str = Field(examples=["7KQ2M9XD"])
    """The number that the visitor can quote."""
    people: int = Field(examples=[2])
    pass_id: str | None = Field(examples=["70a69d540b54f65e"])
    counts: bool
    """Whether it counts for the pass, as a visit or as the rest of a party."""
    admitted_at: datetime

    @classmethod
    def of(cls, let_in: LetIn) -> Self:
        """The view of an admission by hand."""
        case = let_in.case
        return cls(
            case=case.id,
            people=case.people or 0,
            pass_id=case.pass_id,
            counts=let_in.counts,
            admitted_at=case.opened_at,
        )


class HandAnnulOut(Out):
    """An admission by hand that no longer counts."""

    case: str = Field(examples=["7KQ2M9XD"])
    annulled_at: datetime | None


class HandAdmissionsEndpoint(GateHandler):
    """`/api/v1/gate/hand-admissions`"""

    @endpoint(scope=STAFFED, body=HandAdmissionIn, reply=HandAdmissionOut)
    async def post(self, body: HandAdmissionIn) -> HandAdmissionOut:
        """Let people in by hand, whatever the verdict; at staffed gates, audited, and a case for
        operators."""
        decision = body.by(await self.gate(), body.reason)
        shown = Shown(body.people, body.code, body.pass_id)
        let_in = await self.rooms.admission.by_hand.admit(decision, shown, self.now())
        return HandAdmissionOut.of(let_in)


class HandAnnulEndpoint(GateHandler):
    """`/api/v1/gate/hand-admissions/{nonce}/annul`"""

    @endpoint(scope=STAFFED, reply=HandAnnulOut)
    async def post(self, nonce: str) -> HandAnnulOut:
        """Take back an admission by hand of this gate, within 15 minutes. Doing it again changes
        nothing."""
        case = await self.rooms.admission.by_hand.annul(await self.gate(), nonce, self.now())
        return HandAnnulOut(case=case.id, annulled_at=case.annulled_at)


class EmergencyIn(DecisionIn):
    """That the doors are open, until when as far as is known, and why."""

    until: Instant = Field(examples=["2026-07-01T14:00:00+08:00"])
    reason: WhyEmergency


class EmergencyOut(StopOut):
    """The doors are open."""

    case: str = Field(examples=["7KQ2M9XD"])


class EmergencyEndpoint(GateHandler):
    """`/api/v1/gate/emergency`"""

    @endpoint(scope=STAFFED, body=EmergencyIn, reply=EmergencyOut)
    async def post(self, body: EmergencyIn) -> EmergencyOut:
        """The doors of this spot are open and nothing is counted: scans are refused with
        `emergency`; at staffed gates, audited, and a case."""
        decision, now = body.by(await self.gate(), body.reason), self.now()
        stop, case = await self.rooms.admission.emergencies.declare(decision, body.until, now)
        return EmergencyOut(**StopOut.of(stop, now).model_dump(), case=case.id)


class NotTheHolderIn(DecisionIn):
    """Which pass somebody else shows, and how staff know."""

    pass_id: PassId = Field(examples=["70a69d540b54f65e"])
    reason: WhyNotTheHolder


class NotTheHolderOut(Out):
    """The pass is marked."""

    case: str = Field(examples=["7KQ2M9XD"])
    pass_id: str = Field(examples=["70a69d540b54f65e"])
    annulled: bool
    """Whether an admission of it at this spot was annulled."""
    marks: int = Field(examples=[1])
    """How often somebody else has shown it."""
    frozen: bool
    """Whether it is frozen now."""

    @classmethod
    def of(cls, marked: Marked) -> Self:
        """The view of a pass that was marked."""
        return cls(
            case=marked.case.id,
            pass_id=marked.held.id,
            annulled=marked.annulled,
            marks=len(marked.held.misuses),
            frozen=marked.held.state is PassState.FROZEN,
        )


class NotTheHolderEndpoint(GateHandler):
    """`/api/v1/gate/not-the-holder`"""

    @endpoint(scope=STAFFED, body=NotTheHolderIn, reply=NotTheHolderOut)
    async def post(self, body: NotTheHolderIn) -> NotTheHolderOut:
        """Somebody else shows a pass: its admission here is annulled, the pass marked, and after
        some marks frozen; at staffed gates, audited, and a case."""
        decision = body.by(await self.gate(), body.reason)
        marked = await self.rooms.admission.holder_checks.mark(decision, body.pass_id, self.now())
        return NotTheHolderOut.of(marked)


routes = [
    Route("/api/v1/gate/emergency", EmergencyEndpoint, "gate-emergency"),
    Route("/api/v1/gate/not-the-holder", NotTheHolderEndpoint, "gate-not-the-holder"),
    Route("/api/v1/gate/hand-admissions", HandAdmissionsEndpoint, "gate-hand-admissions"),
    Route("/api/v1/gate/hand-admissions/{nonce}/annul", HandAnnulEndpoint, "gate-hand-annul"),
    Route("/api/v1/gate/stop-entry", StopEntryEndpoint, "gate-stop-entry"),
    Route("/api/v1/gate/resume-entry", ResumeEntryEndpoint, "gate-resume-entry"),
    Route("/api/v1/gate/annulments", AnnulmentsEndpoint, "gate-annulments"),
]
