"""Spot import: brings a planned change of the catalogue into the database and to every process."""

from collections.abc import Sequence
from datetime import date, datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.offers.closures import Affected
from passes.store.versions import SPOTS
from scenic_data.importing import Plan
from server.system import System


async def what_breaks(system: System, plan: Plan, today: date) -> Sequence[Affected]:
    """The products and offers that lose spots by a plan: those it closes or retires."""
    before = {spot.id: spot.status for spot in system.catalogue.snapshot.all()}
    still_open = frozenset(spot.id for spot in plan.spots if spot.takes_visitors)
    closing = frozenset(
        spot.id
        for spot in plan.spots
        if not spot.takes_visitors and spot.status != before.get(spot.id, spot.status)
    )
    return await system.offers.closures.of(closing, still_open, today)


async def import_spots(system: System, plan: Plan, by: str, at: datetime) -> None:
    """Store what a plan changes, in one write, and tell every process. Doing it again changes
    nothing.

    Raises `Conflict`, with nothing stored, if the catalogue was changed since the plan was made.
    """
    if plan.changes_something:
        groups = {"created": plan.created, "changed": tuple(plan.changed), "retired": plan.retired}
        detail = {name: ", ".join(ids) for name, ids in groups.items() if ids}
        async with audited(system.base.audit) as entry:
            await entry.begin(AuditLine(at, by, "import", "spots", detail))
            if not await system.catalogue.replace(plan.spots):
                raise Conflict(
                    "imported_meanwhile",
                    Text("有人同时在导入，请重试", "someone else is importing; try again"),
                )
    await system.base.versions.bump(SPOTS)
