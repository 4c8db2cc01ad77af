"""Spot import: brings a planned change of the catalogue into the database and to every process."""

from datetime import datetime

from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.store.versions import SPOTS
from scenic_data.importing import Plan
from server.system import System


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
