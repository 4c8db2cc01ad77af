"""Stops: nobody is let in at a spot until an hour, because it is full, or for a storm or a fire.

Staff stop their own spot, operators any, also a whole with all its parts. Every process holds the
stops in memory. Who is inside can always leave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from passes.admission.ports import Stops
from passes.admission.staff import StaffDecision
from passes.admission.stop import Stop, in_force
from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.cache import CachedCollection
from passes.base.errors import Conflict, Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.ports import Spots
from passes.terms.terms import SpotFacts

LONGEST = timedelta(days=31)
"""A spot that takes no visitors for longer is closed in the catalogue."""

_OPERATOR = "operator:"


class WhyStopped(StrEnum):
    """Why nobody is let in."""

    FULL = "full"
    WEATHER = "weather"
    FIRE = "fire"
    REPAIR = "repair"
    OTHER = "other"


class WhyResumed(StrEnum):
    """Why visitors are let in again before the hour."""

    OVER = "over"
    MISTAKE = "mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Plan:
    """Stops as they are to be stored, and those that stay as they are."""

    change: Sequence[Stop]
    keep: Sequence[Stop]


class Stopping:
    """Stops entry at spots, and resumes it."""

    def __init__(self, spots: Spots, stored: Stops, audit: Audit) -> None:
        """`spots` is the catalogue in memory, the others are stores. Nothing is in memory before
        `stops` is loaded."""
        self._spots = spots
        self._stored = stored
        self._audit = audit
        self.stops = CachedCollection(stored.all)

    def at(self, spot: SpotFacts, now: datetime) -> Stop | None:
        """What stops entry at a spot now: an emergency first; else its own stop or that of its
        whole, whichever lasts longer."""
        stops = map(self.stops.get, (spot.id, *spot.tags))
        found = [stop for stop in stops if stop is not None and in_force(stop, now)]
        return max(found, key=lambda stop: (stop.emergency, stop.until), default=None)

    async def stop_here(
        self, decision: StaffDecision, until: datetime, now: datetime, *, emergency: bool = False
    ) -> Stop:
        """Staff stop entry at their spot, or open its doors in an emergency, which takes the place
        of any other stop. Raises what `StaffDecision.check` and `stop` raise."""
        decision.check()
        spot_id, reason = decision.gate.spot_id, decision.reason.value
        action = "emergency" if emergency else "stop_entry"
        line = decision.line(action, f"spot:{spot_id}", now, until=until.isoformat())
        wanted = Stop(spot_id, now, until, reason, decision.by, decision.nonce, emergency)
        return await self.stop(wanted, line, now)

    async def resume_here(self, decision: StaffDecision, now: datetime) -> Stop:
        """Staff resume entry at their spot. Raises what `StaffDecision.check` and `resume`
        raise."""
        decision.check()
        spot_id = decision.gate.spot_id
        line = decision.line("resume_entry", f"spot:{spot_id}", now)
        return await self.resume(spot_id, decision.by, line, now)

    async def plan_closing(self, wanted: Sequence[Stop], now: datetime) -> Plan:
        """What stopping entry at many spots would change: where entry is stopped for longer, or the
        doors are open in an emergency, nothing.

        Raises `Invalid` naming every spot that is not there, or for an hour that is over or too
        far.
        """
        self._check_spots(stop.id for stop in wanted)
        for stop in wanted:
            _check_until(stop.until, now)
        current = {stop.id: stop for stop in await self._stored.all()}
        change, keep = [], []
        for stop in wanted:
            there = current.get(stop.id)
            if there is not None and in_force(there, now) and _stays(there, stop):
                keep.append(there)
            else:
                change.append(stop)
        return Plan(tuple(change), tuple(keep))

    async def plan_reopening(self, spot_ids: Iterable[str], now: datetime) -> Plan:
        """What ending the stops of operators at spots would change; those of staff, and
        emergencies, stay. Raises `Invalid` naming every spot that is not there."""
        wanted = frozenset(spot_ids)
        self._check_spots(sorted(wanted))
        change, keep = [], []
        for stop in await self._stored.all():
            if stop.id not in wanted or not in_force(stop, now):
                continue
            if stop.emergency or not stop.by.startswith(_OPERATOR):
                keep.append(stop)
            else:
                change.append(replace(stop, until=now))
        return Plan(tuple(change), tuple(keep))

    def _check_spots(self, spot_ids: Iterable[str]) -> None:
        """Raise `Invalid` naming every spot that is not there."""
        known = list(self._spots.ids())
        faults = [
            Fault("spots", f"there is no spot {each}{typed.likest(each, known)}")
            for each in spot_ids
            if self._spots.get(each) is None
        ]
        if faults:
            raise Invalid("spots_unknown", Text("没有这些景区", "there are no such spots"), faults)

    async def carry_out(self, plan: Plan, action: str, note: str, by: str, now: datetime) -> None:
        """Store what a plan changes: one audit line a spot, and three round trips for all. A crash
        leaves some spots as they were; planned and carried out again, they follow."""
        lines = [
            AuditLine(
                now,
                by,
                action,
                f"spot:{stop.id}",
                {"until": stop.until.isoformat(), "reason": stop.reason, "note": note},
            )
            for stop in plan.change
        ]
        if lines:
            async with audited(self._audit) as entry:
                await entry.begin(*lines)
                await self._stored.put_each(plan.change)
        await self._everywhere()

    async def stop(self, wanted: Stop, line: AuditLine, now: datetime) -> Stop:
        """Let nobody in until an hour; the last word counts. `line` is the audit line.

        The same decision again changes nothing, also after entry was resumed. Raises `Unknown` for
        a spot that is not there, `Invalid` for an hour that is over or too far, `Conflict` where an
        operator has stopped entry and staff would change that.
        """
        if self._spots.get(wanted.id) is None:
            raise unknown(Text("景区", "spot"), wanted.id, self._spots.ids())
        _check_until(wanted.until, now)
        current = await self._stored.get(wanted.id)
        if current is not None and wanted.nonce and _same_decision(current, wanted):
            await self._everywhere()
            return current
        if not wanted.emergency:
            _check_may_change(current, wanted.by, now)
        async with audited(self._audit) as entry:
            await entry.begin(line)
            await self._stored.put(wanted)
        await self._everywhere()
        return wanted

    async def resume(self, spot_id: str, by: str, line: AuditLine, now: datetime) -> Stop:
        """Let visitors in again; the stop as it ended. Doing it again changes nothing.

        Raises `Unknown` for a spot that is not there, `Conflict` if entry was never stopped there,
        and where an operator has stopped it and staff would resume it.
        """
        current = await self._stored.get(spot_id)
        if current is None and self._spots.get(spot_id) is None:
            raise unknown(Text("景区", "spot"), spot_id, self._spots.ids())
        if current is None:
            text = Text("本景区未暂停入园", "entry is not stopped at that spot")
            raise Conflict("entry_not_stopped", text)
        if in_force(current, now):
            _check_may_change(current, by, now)
            async with audited(self._audit) as entry:
                await entry.begin(line)
                current = replace(current, until=now)
                await self._stored.put(current)
        await self._everywhere()
        return current

    async def _everywhere(self) -> None:
        """Load the stops here at once, and tell every process; a crash may have come before."""
        await self._stored.announce()
        await self.stops.load()


def _check_until(until: datetime, now: datetime) -> None:
    """Raise `Invalid` for an hour that is over, or too far."""
    if not now < until <= now + LONGEST:
        fault = Fault("until", f"give an instant to come, within {LONGEST.days} days")
        raise Invalid("until_wrong", Text("截止时间有误", "that is no time to stop until"), [fault])


def _stays(there: Stop, wanted: Stop) -> bool:
    """Whether a stop that holds is more than one that is wanted."""
    return there.emergency or there.until > wanted.until


def _same_decision(one: Stop, other: Stop) -> bool:
    """Whether two stops are one decision sent twice; a stop is no emergency, whatever its nonce."""
    name = other.by, other.nonce, other.emergency
    return (one.by, one.nonce, one.emergency) == name


def _check_may_change(current: Stop | None, by: str, now: datetime) -> None:
    if current is None or not in_force(current, now) or by.startswith(_OPERATOR):
        return
    if current.by.startswith(_OPERATOR):
        text = Text(
            "由运营人员暂停入园，请联系运营人员",
            "operators have stopped entry here, and they alone change that",
        )
        raise Conflict("stopped_by_operators", text)
