"""The first start: what fills a database that was never used."""

import logging
from datetime import datetime

from passes.base.calendar import business_day
from passes.files.holidays import SHIPPED as SHIPPED_HOLIDAYS
from passes.files.holidays import read_holidays
from passes.files.offers import EXAMPLES as EXAMPLE_OFFERS
from passes.files.offers import read_offers
from passes.files.products import EXAMPLES as EXAMPLE_PRODUCTS
from passes.files.products import read_products
from passes.store.versions import SPOTS
from scenic_data.checking import load_spots
from server.system import System

log = logging.getLogger(__name__)

FIRST_START = "first start"
"""Who stands in the audit log for what a first start publishes."""


async def fill(system: System, now: datetime) -> None:
    """Import the catalogue and the holidays. Doing it again, after a crash, does no harm."""
    spots = load_spots()
    if not await system.catalogue.replace(spots):
        log.warning("another process fills this database at the same time")
    await system.base.versions.bump(SPOTS)
    await system.catalogue.load()
    holidays = read_holidays(SHIPPED_HOLIDAYS)
    await system.terms.holiday_publishing.publish(holidays, FIRST_START, now)
    log.info("imported %d spots", len(spots))


async def publish_examples(system: System, now: datetime) -> None:
    """Publish the examples, but for those whose days are over, which nobody could use."""
    today = business_day(now)
    products = [
        draft
        for draft in read_products(sorted(EXAMPLE_PRODUCTS.glob("*.yaml")))
        if draft.on_sale(today)
    ]
    offers = [
        draft
        for draft in read_offers(sorted(EXAMPLE_OFFERS.glob("*.yaml")))
        if draft.may_run(today)
    ]
    await system.terms.publishing.publish(products, FIRST_START, now)
    await system.offers.publishing.publish(offers, FIRST_START, now)
    log.info("published %d products and %d offers", len(products), len(offers))
