"""Emergency: staff say that the doors of their spot are open, and nothing is counted any more.

Scans are refused with `emergency` until it is over; who leaves is let out. One record says where,
from when, and until when as far as was known: a case, for how many people went through nobody
knows. It ends like a stop of entry, by resuming.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from passes.admission.cases import CaseFile, CaseKind, Cases
from passes.admission.staff import StaffDecision, names_another_decision
from passes.admission.stop import Stop
from passes.admission.stops import Stopping


class WhyEmergency(StrEnum):
    """What has happened."""

    FIRE = "fire"
    EARTHQUAKE = "earthquake"
    CROWD = "crowd"
    WEATHER = "weather"
    OTHER = "other"


class Emergencies:
    """Opens the doors of a spot."""

    def __init__(self, stopping: Stopping, cases: Cases) -> None:
        """`cases` is a store."""
        self._stopping = stopping
        self._cases = cases

    async def declare(
        self, decision: StaffDecision, until: datetime, now: datetime
    ) -> tuple[Stop, CaseFile]:
        """The doors of this spot are open. The same decision again changes nothing, also after it
        was over. Raises what `Stopping.stop_here` raises, and `Conflict` for a nonce that names
        another decision."""
        earlier = await self._cases.of_decision(decision.gate.id, decision.nonce)
        if earlier is not None and earlier.kind is not CaseKind.EMERGENCY:
            raise names_another_decision()
        stop = await self._stopping.stop_here(decision, until, now, emergency=True)
        case = CaseFile.of(decision, CaseKind.EMERGENCY, stop.since)
        return stop, await self._cases.open(replace(case, until=until))
