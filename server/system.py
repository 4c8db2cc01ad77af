"""The system: every room over one database, with the keys and the catalogue it was opened with.

Shared by the server, the scripts and the tests. Opening one makes what is missing: indexes, keys,
and, in a database that was never used, the catalogue and, where they are asked for, the examples.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from passes.admission.not_the_holder import MARKS_THAT_FREEZE
from passes.base.calendar import business_day
from passes.files.holidays import SHIPPED as SHIPPED_HOLIDAYS
from passes.files.holidays import read_holidays
from passes.files.offers import EXAMPLES as EXAMPLE_OFFERS
from passes.files.offers import read_offers
from passes.files.products import EXAMPLES as EXAMPLE_PRODUCTS
from passes.files.products import read_products
from passes.rooms import Rooms
from passes.store.database import Database
from passes.store.indexes import ensure_indexes
from passes.store.migrations import migrate
from passes.store.versions import SPOTS
from scenic_data.catalogue import Catalogue
from scenic_data.checking import load_spots
from scenic_data.reference import Reference
from server.epoch import compare_epochs
from server.keyfile import Keys, keys_for
from server.mongo import Mongo
from server.settings import Settings

log = logging.getLogger(__name__)

FIRST_START = "first start"
"""Who stands in the audit log for what a first start publishes."""


class System(Rooms):
    """The rooms over one database, with its keys and its catalogue."""

    def __init__(
        self,
        mongo: Mongo,
        keys: Keys,
        privacy_version: str,
        *,
        serves: bool = True,
        marks_that_freeze: int = MARKS_THAT_FREEZE,
    ) -> None:
        """Nothing is loaded yet. The catalogue of one that `serves` is loaded ready for
        requests."""
        self.database: Database = mongo
        self.keys = keys
        self.catalogue = Catalogue(mongo.collection("catalogue"), Reference.load(), serves=serves)
        super().__init__(
            mongo, keys.codes, keys.vault, self.catalogue, privacy_version, marks_that_freeze
        )

    def loaders(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What brings each topic of `versions` into memory."""
        return {SPOTS: self.catalogue.load, **super().loaders()}


async def open_system(
    settings: Settings, mongo: Mongo, now: datetime, *, serves: bool = True
) -> System:
    """The system over a database, loaded; ready for requests if it `serves`.

    Raises `StartError` if the key file is not that of the database, `DataError` or `Invalid` if the
    data files that fill a new database are wrong, `Conflict` if a newer program has used it,
    `Unavailable` if the database does not answer.
    """
    await mongo.ping()
    await ensure_indexes(mongo)
    keys = await keys_for(mongo, settings.key_file)
    await compare_epochs(mongo, keys.epoch)
    system = System(
        mongo,
        keys,
        settings.privacy_version,
        serves=serves,
        marks_that_freeze=settings.marks_that_freeze,
    )
    marks = mongo.collection("settings")
    is_new = await marks.get({"_id": "filled"}) is None
    await system.catalogue.load()
    await migrate(mongo, system.catalogue, system.people.identities, system.macs, is_new=is_new)
    if is_new:
        await _fill(system, now)
        if settings.publishes_examples:
            await _publish_examples(system, now)
        await marks.insert({"_id": "filled", "at": now})
    for load in system.loaders().values():
        await load()
    return system


async def _fill(system: System, now: datetime) -> None:
    """Import the catalogue and the holidays. Doing it again, after a crash, does no harm."""
    spots = load_spots()
    if not await system.catalogue.replace(spots):
        log.warning("another process fills this database at the same time")
    await system.base.versions.bump(SPOTS)
    await system.catalogue.load()
    holidays = read_holidays(SHIPPED_HOLIDAYS)
    await system.terms.holiday_publishing.publish(holidays, FIRST_START, now)
    log.info("imported %d spots", len(spots))


async def _publish_examples(system: System, now: datetime) -> None:
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
