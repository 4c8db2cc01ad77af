"""`spots`: entry is stopped at a spot, or at hundreds at once, until an hour; and resumed."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import typer

from passes.admission.stop import Stop, in_force
from passes.admission.stops import Plan, WhyStopped
from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from scenic_data.model import Spot, Status
from scenic_data.places import city_of
from scripts.common import (
    MOMENTS,
    AsJson,
    DataDir,
    DryRun,
    instant,
    operator,
    show,
    show_rows,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer()

Until = Annotated[datetime, typer.Option(formats=MOMENTS, help="Until when, at its clock.")]
Note = Annotated[str, typer.Option(help="Why, in your words; kept in the audit log.")]
District = Annotated[
    str | None,
    typer.Option(help="All spots of a district or city: its name, pinyin or adcode."),
]
Ids = Annotated[str | None, typer.Option(help="These spots: ids with commas between.")]


@app.command("stop-entry")
def stop_entry(
    spot: Annotated[str, typer.Argument(parser=typed.slug, help="The spot, or a whole.")],
    until: Until,
    reason: Annotated[WhyStopped, typer.Option(help="Why.")],
    note: Note = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let nobody in at a spot, and its parts, until an hour. Who is inside can leave."""

    async def command(system: System) -> dict[str, object]:
        begins, ends = now(), instant(until)
        wanted = Stop(spot, begins, ends, reason.value, operator())
        detail = {"until": ends.isoformat(), "reason": reason.value, "note": note}
        line = AuditLine(begins, operator(), "stop_entry", f"spot:{spot}", detail)
        return _stop_row(await system.admission.stopping.stop(wanted, line, begins))

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def resume(
    spot: Annotated[str, typer.Argument(parser=typed.slug, help="The spot, or a whole.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let visitors in again at a spot where entry is stopped."""

    async def command(system: System) -> dict[str, object]:
        at = now()
        line = AuditLine(at, operator(), "resume_entry", f"spot:{spot}", {"reason": reason})
        return _stop_row(await system.admission.stopping.resume(spot, operator(), line, at))

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def stops(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the spots at which entry is stopped."""

    async def command(system: System) -> list[dict[str, object]]:
        at = now()
        return [
            _stop_row(each) for each in system.admission.stopping.stops.all() if in_force(each, at)
        ]

    show_rows(with_system(command, data_dir, as_json), as_json)


def _stop_row(stop: Stop) -> dict[str, object]:
    return {
        "spot": stop.id,
        "since": stop.since,
        "until": stop.until,
        "reason": stop.reason,
        "by": stop.by,
    }


@app.command()
def close(
    until: Until,
    reason: Annotated[WhyStopped, typer.Option(help="Why.")],
    district: District = None,
    ids: Ids = None,
    note: Note = "",
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let nobody in at many spots until an hour: all of a district or city, or those named.

    Where entry is stopped for longer, or the doors are open in an emergency, that stays.
    """

    async def command(system: System) -> tuple[Plan, System]:
        begins, ends, by = now(), instant(until), operator()
        chosen = _chosen(system, district, ids)
        wanted = [Stop(spot_id, begins, ends, reason.value, by) for spot_id in chosen]
        stopping = system.admission.stopping
        plan = await stopping.plan_closing(wanted, begins)
        if not dry_run:
            await stopping.carry_out(plan, "stop_entry", note, by, begins)
        return plan, system

    _show_plan(*with_system(command, data_dir, as_json), "closed", dry_run, as_json)


@app.command()
def reopen(
    district: District = None,
    ids: Ids = None,
    note: Note = "",
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let visitors in again where operators have stopped entry: in a district or city, or at the
    spots named. What staff have stopped, and emergencies, stay."""

    async def command(system: System) -> tuple[Plan, System]:
        at, by = now(), operator()
        stopping = system.admission.stopping
        plan = await stopping.plan_reopening(_chosen(system, district, ids), at)
        if not dry_run:
            await stopping.carry_out(plan, "resume_entry", note, by, at)
        return plan, system

    _show_plan(*with_system(command, data_dir, as_json), "open", dry_run, as_json)


def _chosen(system: System, district: str | None, ids: str | None) -> Sequence[str]:
    """The ids that an operator means, in order, each once. Raises `Invalid`."""
    if (district is None) == (ids is None):
        raise typer.BadParameter("give --district or --ids")
    if ids is not None:
        named = dict.fromkeys(typed.slug(each) for each in re.split("[,，、]", ids) if each.strip())
        if not named:
            raise typer.BadParameter("--ids names no spot")
        return list(named)
    return _spots_in(system, district or "")


def _spots_in(system: System, called: str) -> Sequence[str]:
    """The spots of the one district or city of that name, those that are retired left out.

    Raises `Invalid` for a name of none or of several, and where there are no spots.
    """
    places = system.catalogue.reference.places
    found = sorted(places.districts(called) | places.cities(called))
    if not found:
        known = [form for row in places.rows() for form in row.forms()]
        fault = Fault("district", f"there is no {called}{typed.likest(called, known)}")
        raise Invalid("district_unknown", Text("没有这个区县", "no such district"), [fault])
    if len(found) > 1:
        several = ", ".join(f"{each} {_place(system, each)}" for each in found)
        fault = Fault("district", f"give one of the adcodes: {several}")
        text = Text("该名称不唯一", "several districts have this name")
        raise Invalid("district_ambiguous", text, [fault])
    (adcode,) = found
    spots = [spot for spot in system.catalogue.snapshot.all() if spot.status is not Status.RETIRED]
    inside = [spot.id for spot in spots if _lies_in(spot, adcode)]
    _note_doubtful(spots, adcode)
    if not inside:
        fault = Fault("district", f"no spot lies in {_place(system, adcode)}")
        raise Invalid("district_empty", Text("该区县没有景区", "no spot lies there"), [fault])
    return inside


def _lies_in(spot: Spot, adcode: str) -> bool:
    return adcode in {spot.adcode, city_of(spot.adcode)}


def _note_doubtful(spots: Iterable[Spot], adcode: str) -> None:
    """Name the spots of which only the city is known, and which may lie in the district."""
    if adcode == city_of(adcode):
        return
    doubtful = [spot.id for spot in spots if spot.adcode == city_of(adcode)]
    if doubtful:
        what = ", ".join(doubtful)
        print(f"note: of these only the city is known, name them by --ids: {what}", file=sys.stderr)


def _place(system: System, adcode: str) -> str:
    place = system.catalogue.reference.places.at(adcode)
    return " ".join(each for each in (place.province, place.city, place.district) if each)


def _show_plan(plan: Plan, system: System, done: str, dry_run: bool, as_json: bool) -> None:
    change = [_plan_row(system, stop, done) for stop in plan.change]
    keep = [_plan_row(system, stop, "stays") for stop in plan.keep]
    if as_json:
        show({"dry_run": dry_run, "spots": change, "stay": keep}, as_json)
        return
    show_rows([*change, *keep], as_json)
    print(f"{len(change)} {done}, {len(keep)} stay as they are")
    if dry_run:
        print("dry run: nothing was stored")


def _plan_row(system: System, stop: Stop, becomes: str) -> dict[str, object]:
    spot = system.catalogue.snapshot.get(stop.id)
    name = "" if spot is None else spot.name.zh
    return {**_stop_row(stop), "name": name, "emergency": stop.emergency, "becomes": becomes}
