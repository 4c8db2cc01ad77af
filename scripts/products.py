"""`products`: what can be held."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from passes.base.calendar import business_day
from passes.base.errors import unknown
from passes.base.text import Text
from passes.files.products import product_schema, read_products
from passes.files.tables import write_table
from passes.holding.losing import Loss, losses_by
from passes.terms.amendments import Amendment
from passes.terms.edition import Edition, SaleWindow
from passes.terms.holiday_publishing import years_unknown
from passes.terms.publishing import Published
from passes.terms.spot_withdrawals import Policy, SpotWithdrawal
from passes.terms.wording import rules_of
from scripts.common import (
    AsJson,
    DataDir,
    DryRun,
    note_look,
    operator,
    out_option,
    refuse,
    show,
    show_rows,
    show_with_lists,
    spot_named,
    with_system,
)
from scripts.publishing import YesFewer, publish_drafts, show_published
from server.clock import now
from server.system import System

app = typer.Typer(help="Products: what can be held.", no_args_is_help=True)

ProductFiles = Annotated[
    list[Path], typer.Argument(help="Product files (YAML), one product each.", dir_okay=False)
]
ProductId = Annotated[str, typer.Argument(help="The id of the product.")]


@app.command()
def publish(
    files: ProductFiles,
    yes: YesFewer = False,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publish product files. All are checked before anything is stored.

    Publishing the same file again changes nothing.
    """

    async def command(system: System) -> Published:
        drafts = read_products(files)
        published = await publish_drafts(system.terms.publishing, drafts, dry_run=dry_run, yes=yes)
        calendar = system.terms.holidays.calendar()
        for slug, years in years_unknown(drafts, calendar, business_day(now())).items():
            told = ", ".join(map(str, years))
            print(f"warning: {slug}: the holidays of {told} are not known", file=sys.stderr)
        await _warn_of_withdrawn_spots(system, drafts)
        return published

    show_published(with_system(command, data_dir, as_json), dry_run, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of product files, which editors can check them with."""
    print(product_schema(), end="")


@app.command("list")
def list_products(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all products."""

    async def command(system: System) -> list[dict[str, object]]:
        editions = [each for each in system.terms.editions.all_current() if not each.offer]
        for edition in editions:
            for spot_id in _still_sold(edition):
                _warn_that_it_sells(edition.product_id, spot_id)
        return [_row(edition) for edition in editions]

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command("show")
def show_product(
    product: ProductId,
    version: Annotated[
        int | None, typer.Option(min=1, help="An older version; the newest, if left out.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a product: its rules in words, versions, amendments, spots, and which spots leave it."""

    async def command(system: System) -> dict[str, Any]:
        editions = system.terms.editions
        versions = [each for each in editions.all() if each.product_id == product]
        if version is not None:
            found = next((each for each in versions if each.version == version), None)
        else:
            found = editions.current(product)
        if found is None:
            raise unknown(Text("票种", "product"), product)
        amendments = await system.terms.stored_amendments.all()
        return {
            **_row(found),
            "price_fen": found.price_fen,
            "rules": [rule.zh for rule in rules_of(found)],
            "spots": sorted(found.spots),
            "versions": [{"version": each.version, "number": each.number} for each in versions],
            "amendments": [asdict(each) for each in amendments if each.product_id == product],
            "spots_leaving": [
                {"spot": each.spot_id, "from": each.start, "policy": each.policy}
                for each in found.spot_withdrawals
            ],
        }

    show_with_lists(with_system(command, data_dir, as_json), as_json)


@app.command()
def amend(
    product: ProductId,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    versions: Annotated[
        list[int] | None, typer.Option("--version", help="One version; all there are, if left out.")
    ] = None,
    days: Annotated[int, typer.Option(help="So many days more at the end.")] = 0,
    spots: Annotated[list[str] | None, typer.Option("--spot", help="One spot more.")] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", help="A higher limit: `per_spot=4`.")
    ] = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add to passes that were sold already: days, spots or visits.

    It only adds, and holds at every gate within seconds. Tells how many passes it is for.
    """
    wanted = Amendment(
        product_id=product,
        number=0,
        at=now(),
        reason=reason,
        versions=frozenset(versions or ()),
        days=days,
        spots=frozenset(spots or ()),
        limits=dict(map(_limit, limits or ())),
    )

    async def command(system: System) -> dict[str, object]:
        amending = system.terms.amending
        if dry_run:
            done = await amending.preview(wanted)
        else:
            done = await amending.amend(wanted, operator(), now())
        sold = await system.holding.passes.of_product(product)
        today = business_day(now())
        meant = [held for held in sold if held.edition.version in done.versions]
        return {
            "product": product,
            "amendment": done.number,
            "versions": sorted(done.versions),
            "passes": len(meant),
            "in_force": sum(held.in_force_on(today) for held in meant),
            "stored": not dry_run,
        }

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def withdraw(
    product: ProductId,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Sell a product no more. Passes that were sold stay as they are."""

    async def command(system: System) -> dict[str, object]:
        await system.terms.withdrawing.withdraw(product, reason, operator(), now())
        return await _stored_row(system, product)

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def resume(product: ProductId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Sell a withdrawn product again."""

    async def command(system: System) -> dict[str, object]:
        await system.terms.withdrawing.resume(product, operator(), now())
        return await _stored_row(system, product)

    show(with_system(command, data_dir, as_json), as_json)


SpotOption = Annotated[str, typer.Option("--spot", help="The id of the spot.")]


@app.command("withdraw-spot")
def withdraw_spot(
    product: ProductId,
    spot: SpotOption,
    start: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day without the spot."),
    ],
    policy: Annotated[
        Policy, typer.Option(help="Whether sold passes go on admitting there, or end there.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    out: Annotated[
        Path | None, out_option("Write the passes that are affected into this .xlsx or .csv.")
    ] = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say that a spot leaves a product. Holds at every gate within seconds.

    Tells how many passes in force were sold with it. Doing it again changes nothing.
    """

    async def command(system: System) -> tuple[dict[str, object], list[Loss]]:
        found = spot_named(system, spot)
        wanted = SpotWithdrawal(
            product_id=product,
            spot_id=spot,
            start=start.date(),
            policy=policy,
            at=now(),
            reason=reason,
            name=Text(found.name.zh, found.name.en or found.name.zh),
        )
        withdrawing = system.terms.spot_withdrawing
        if dry_run:
            done = await withdrawing.preview(wanted)
        else:
            done = await withdrawing.withdraw(wanted, operator())
        losses = await _losses(system, done.withdrawal)
        if out is not None:
            await note_look(system, f"product:{product}")
        await system.terms.editions.load()
        edition = system.terms.editions.current(product)
        if edition is not None and not done.withdrawal.spots.isdisjoint(edition.spots):
            _warn_that_it_sells(product, spot)
        document = {
            "product": product,
            "spot": spot,
            "spots": sorted(done.withdrawal.spots),
            "from": done.withdrawal.start,
            "policy": done.withdrawal.policy,
            "passes": len(losses),
            "visited": sum(loss.visits > 0 for loss in losses),
            "lose_days": sum(loss.days_lost > 0 for loss in losses),
            "days_lost": sum(loss.days_lost for loss in losses),
            "may_rescind": sum(loss.may_rescind for loss in losses),
            "changed": not done.before and not dry_run,
        }
        return document, losses

    document, losses = with_system(command, data_dir, as_json)
    if out is not None:
        rows = [asdict(loss) for loss in losses]
        try:
            write_table(rows, out)
        except OSError as error:
            refuse(f"{out} cannot be written: {error.strerror}", as_json=as_json)
    show(document, as_json)


@app.command("resume-spot")
def resume_spot(
    product: ProductId, spot: SpotOption, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Take the withdrawal of a spot back: passes that were sold with it admit there again.

    Passes that were given back meanwhile stay so.
    """

    async def command(system: System) -> dict[str, object]:
        resuming = system.terms.spot_withdrawing
        changed = await resuming.resume(product, spot, operator(), now())
        return {"product": product, "spot": spot, "changed": changed}

    show(with_system(command, data_dir, as_json), as_json)


async def _losses(system: System, withdrawal: SpotWithdrawal) -> list[Loss]:
    """What a withdrawal takes from the passes that were sold."""
    sold = await system.holding.passes.of_product(withdrawal.product_id)
    records = await system.ledger.records.of_passes(held.id for held in sold)
    tallies = {record.pass_id: record.tally for record in records}  # the newest of each is last
    return losses_by(withdrawal, sold, tallies, business_day(now()))


async def _warn_of_withdrawn_spots(system: System, drafts: Iterable[Edition]) -> None:
    """Say which drafts would sell spots that have left their product."""
    withdrawn = await system.terms.stored_spot_withdrawals.all()
    for draft in drafts:
        for each in withdrawn:
            spot = system.catalogue.snapshot.get(each.spot_id)
            of_draft = each.product_id == draft.product_id
            if of_draft and spot is not None and draft.terms.coverage.covers(spot):
                _warn_that_it_sells(draft.product_id, each.spot_id)


def _still_sold(edition: Edition) -> list[str]:
    """The spots that leave a product and that its edition still opens."""
    return [
        each.spot_id
        for each in edition.spot_withdrawals
        if not each.spots.isdisjoint(edition.spots)
    ]


def _warn_that_it_sells(product: str, spot: str) -> None:
    what = f"{spot} leaves this product, whose newest version still sells it: publish it without"
    print(f"warning: {product}: {what}", file=sys.stderr)


async def _stored_row(system: System, product: str) -> dict[str, object]:
    """What `list` says of a product, as it is stored now."""
    await system.terms.editions.load()
    edition = system.terms.editions.current(product)
    if edition is None:
        raise unknown(Text("票种", "product"), product)
    return _row(edition)


def _limit(written: str) -> tuple[str, int]:
    name, _, value = written.partition("=")
    if not value.isdecimal():
        raise typer.BadParameter("write a limit as per_spot=4")
    return name, int(value)


def _row(edition: Edition) -> dict[str, object]:
    dates, sale = edition.terms.term.dates, edition.sale or SaleWindow()
    return {
        "id": edition.product_id,
        "number": edition.number,
        "version": edition.version,
        "title": edition.title.zh,
        "until": None if dates is None else dates.end,
        "sale_from": sale.start,
        "sale_until": sale.end,
        "withdrawn": edition.withdrawn,
        "on_sale": edition.on_sale(business_day(now())),
        "example": edition.example,
    }
