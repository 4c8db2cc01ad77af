"""`offers`: what is promised to visitors for some weeks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from passes.base.calendar import business_day
from passes.base.errors import unknown
from passes.base.text import Text
from passes.files.offers import offer_schema, read_offers
from passes.offers.offer import Offer, OfferState
from passes.offers.quotas import Reconciled, counted
from passes.offers.wording import rules_of_offer
from passes.terms.publishing import Published
from scripts.common import (
    AsJson,
    DataDir,
    DryRun,
    operator,
    show,
    show_rows,
    show_with_lists,
    with_system,
)
from scripts.publishing import YesFewer, publish_drafts, show_published
from server.clock import now
from server.system import System

app = typer.Typer(help="Offers: buy one, get one free, and the like.", no_args_is_help=True)

OfferFiles = Annotated[
    list[Path], typer.Argument(help="Offer files (YAML), one offer or many each.", dir_okay=False)
]
OfferId = Annotated[str, typer.Argument(help="The id of the offer.")]


@app.command()
def publish(
    files: OfferFiles,
    yes: YesFewer = False,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publish offer files. All are checked before anything is stored.

    Publishing the same file again changes nothing.
    """

    async def command(system: System) -> Published:
        drafts = read_offers(files)
        return await publish_drafts(system.offers.publishing, drafts, dry_run=dry_run, yes=yes)

    show_published(with_system(command, data_dir, as_json), dry_run, as_json)


@app.command()
def pause(offer_id: OfferId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Stop an offer for a while."""
    _set_state(OfferState.PAUSED, offer_id, data_dir, as_json)


@app.command()
def resume(offer_id: OfferId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let a paused offer run again."""
    _set_state(OfferState.PUBLISHED, offer_id, data_dir, as_json)


@app.command()
def end(offer_id: OfferId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """End an offer for good."""
    _set_state(OfferState.ENDED, offer_id, data_dir, as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of an offer, which editors can check files with."""
    print(offer_schema(), end="")


@app.command("list")
def list_offers(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all offers, with how many vouchers are claimed."""

    async def command(system: System) -> list[dict[str, object]]:
        today, offers = business_day(now()), system.offers.offers.all()
        used = await system.offers.quotas.used(offers, today)
        rows = []
        for offer in offers:
            counters = counted(offer, today, None)
            claimed = {
                "claimed": used.get(counters["total"].key, 0),
                "claimed_today": used.get(counters["per_day"].key, 0),
            }
            rows.append(_row(offer) | claimed)
        return rows

    show_rows(with_system(command, data_dir, as_json), as_json)


@app.command("show")
def show_offer(offer_id: OfferId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show an offer: its rules in words, quotas and what is used of them, spots, benefits."""

    async def command(system: System) -> dict[str, Any]:
        offer = system.offers.offers.get(offer_id)
        voucher = system.terms.editions.current(offer_id)
        if offer is None or voucher is None:
            raise unknown(Text("优惠活动", "offer"), offer_id)
        today = business_day(now())
        used = await system.offers.quotas.used([offer], today)
        quotas = counted(offer, today, None)
        return {
            **_row(offer),
            "benefit": str(offer.benefit),
            "claim": offer.claim,
            "eligible": sorted(offer.eligible),
            "per_person": offer.quota.per_person,
            "price_fen": offer.price_fen,
            "rules": [rule.zh for rule in rules_of_offer(offer, voucher)],
            "quotas": [
                {"quota": name, "limit": each.limit, "used": used.get(each.key, 0)}
                for name, each in quotas.items()
            ],
            "spots": sorted(offer.spots),
            "benefits": {spot: str(each) for spot, each in offer.benefits.items()},
        }

    show_with_lists(with_system(command, data_dir, as_json), as_json)


@app.command()
def reconcile(
    offer_id: Annotated[
        str | None, typer.Argument(help="The id of one offer; all, if left out.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make counters say how many vouchers there are, after a crash.

    It is safe at any time, also while claims come in.
    """

    async def command(system: System) -> list[dict[str, object]]:
        if offer_id is not None and system.offers.offers.get(offer_id) is None:
            raise unknown(Text("优惠活动", "offer"), offer_id)
        offers = [each for each in system.offers.offers.all() if offer_id in {None, each.id}]
        rows = []
        for offer in offers:
            reconciled = await system.offers.reconciling.reconcile(offer, operator(), now())
            rows.append(_reconciled_row(offer, reconciled))
        return rows

    show_rows(with_system(command, data_dir, as_json), as_json)


def _reconciled_row(offer: Offer, done: Reconciled) -> dict[str, object]:
    corrected = [f"{each.key}: {each.counted} → {each.vouchers}" for each in done.corrected]
    return {"id": offer.id, "corrected": corrected, "exact": done.exact, "busy": done.busy}


def _set_state(state: OfferState, offer_id: str, data_dir: Path | None, as_json: bool) -> None:
    async def command(system: System) -> dict[str, object]:
        offer = await system.offers.publishing.set_state(offer_id, state, operator(), now())
        return _row(offer)

    show(with_system(command, data_dir, as_json), as_json)


def _row(offer: Offer) -> dict[str, object]:
    return {
        "id": offer.id,
        "version": offer.version,
        "title": offer.title.zh,
        "from": offer.window.start,
        "until": offer.window.end,
        "state": offer.state,
        "runs_today": offer.runs_on(business_day(now())),
        "example": offer.example,
    }
