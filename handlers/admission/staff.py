"""Staff at handhelds and windows decide: each decision has a nonce, a reason and a note."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from handlers.admission.gates import STAFFED, AnnulOut, GateHandler, Nonce
from handlers.web.endpoint import endpoint
from handlers.web.models import In
from handlers.web.routing import Route
from passes.admission.annulling import Annulled
from passes.admission.gates import Gate
from passes.admission.staff import StaffDecision, WhyAnnulled

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


routes = [
    Route("/api/v1/gate/annulments", AnnulmentsEndpoint, "gate-annulments"),
]
