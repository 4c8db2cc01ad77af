"""The system: stores, books and services put together over one database. Shared by the server and the scripts."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from passes.admission.admitting import Admission
from passes.admission.gate_keeping import GateKeeping
from passes.admission.gates import Gate
from passes.admission.lookup import Lookup
from passes.base.cache import Book
from passes.files import offers as offer_files
from passes.files import products as product_files
from passes.holding.issuing import Issuing
from passes.holding.lifecycle import Life
from passes.holding.reissuing import Reissuing
from passes.offers.cancelling import Cancelling
from passes.offers.claiming import Claiming, Standings
from passes.offers.offer import Offer
from passes.offers.publishing import OfferPublishing
from passes.offers.quotas import Quotas
from passes.people.accounts import Accounts
from passes.people.sessions import SigningIn
from passes.rights.erasing import Erasing
from passes.store.admission import GateStore
from passes.store.audit import AuditStore
from passes.store.holding import HoldingStore, PassStore
from passes.store.indexes import ensure_indexes
from passes.store.ledger import LedgerStore, RefusalStore
from passes.store.offers import CounterStore, OfferStore
from passes.store.people import MemberStore, SessionStore, VisitorStore
from passes.store.sealed import SealedStore
from passes.store.terms import ProductStore
from passes.store.versions import GATES, OFFERS, PRODUCTS, SPOTS, Versions
from passes.store.wechat import AppTokenStore
from passes.terms.product import Product
from passes.terms.publishing import ProductPublishing
from scenic_data.catalogue import Catalogue
from scenic_data.checking import load_spots
from scenic_data.reference import Reference
from server.keyfile import Keys, keys_for
from server.mongo import Mongo
from server.settings import Settings

log = logging.getLogger(__name__)

FIRST_START = "first start"
"""Who stands in the audit log for what a first start publishes."""


@dataclass(frozen=True, slots=True)
class System:
    """Everything that works on one database. The books and the catalogue are held in memory."""

    keys: Keys
    versions: Versions
    audit: AuditStore
    catalogue: Catalogue
    products: Book[Product]
    offers: Book[Offer]
    offer_store: OfferStore
    gates: Book[Gate]
    passes: PassStore
    ledger: LedgerStore
    admission: Admission
    lookup: Lookup
    issuing: Issuing
    life: Life
    reissuing: Reissuing
    refusals: RefusalStore
    publishing: ProductPublishing
    offer_publishing: OfferPublishing
    gate_keeping: GateKeeping
    visitors: VisitorStore
    sessions: SessionStore
    app_tokens: AppTokenStore
    accounts: Accounts
    signing_in: SigningIn
    erasing: Erasing
    sealed: SealedStore
    members: MemberStore
    quotas: Quotas
    standings: Standings
    claiming: Claiming
    cancelling: Cancelling

    def loaders(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What brings each topic of `versions` into memory."""
        return {
            SPOTS: self.catalogue.load,
            PRODUCTS: self.products.load,
            OFFERS: self.offers.load,
            GATES: self.gates.load,
        }


async def open_system(
    settings: Settings, mongo: Mongo, now: datetime, *, serves: bool = True
) -> System:
    """The system over a database, loaded; ready for requests if it `serves`. One that was never used is filled first.

    Raises `StartError` if the key file is not that of the database, `DataError` or `Invalid` if the data files that
    fill a new database are wrong, `Unavailable` if the database does not answer.
    """
    await mongo.ping()
    await ensure_indexes(mongo)
    system = compose(
        mongo, await keys_for(mongo, settings.key_file), settings.privacy_version, serves=serves
    )
    started_before = mongo.collection("settings")
    if await started_before.get({"_id": "filled"}) is None:
        await _fill(system, now)
        await started_before.insert({"_id": "filled", "at": now})
    for load in system.loaders().values():
        await load()
    return system


def compose(mongo: Mongo, keys: Keys, privacy_version: str, *, serves: bool = True) -> System:
    """The parts put together; nothing is loaded yet."""
    catalogue = Catalogue(mongo.collection("catalogue"), Reference.load(), serves=serves)
    passes, ledger, refusals, audit = (
        PassStore(mongo),
        LedgerStore(mongo),
        RefusalStore(mongo),
        AuditStore(mongo),
    )
    products, offers, gates = ProductStore(mongo), OfferStore(mongo), GateStore(mongo)
    visitors, sessions, holdings = VisitorStore(mongo), SessionStore(mongo), HoldingStore(mongo)
    life, signing_in = Life(passes, audit), SigningIn(visitors, sessions, audit)
    publishing = ProductPublishing(catalogue, products, audit)
    counters, members = CounterStore(mongo), MemberStore(mongo)
    quotas = Quotas(counters, passes)
    standings = Standings(keys.identities, catalogue, visitors, passes, members)
    cancelling = Cancelling(quotas, passes, ledger, audit)
    accounts = Accounts(keys.vault, privacy_version, visitors, passes, ledger, audit)
    return System(
        keys=keys,
        versions=Versions(mongo),
        audit=audit,
        catalogue=catalogue,
        products=Book(products.all),
        offers=Book(offers.all),
        offer_store=offers,
        gates=Book(gates.all),
        passes=passes,
        ledger=ledger,
        admission=Admission(keys.codes, catalogue, passes, ledger, refusals),
        lookup=Lookup(keys.codes, keys.identities, passes, audit),
        issuing=Issuing(passes, holdings, audit),
        life=life,
        reissuing=Reissuing(passes, ledger, audit),
        refusals=refusals,
        publishing=publishing,
        offer_publishing=OfferPublishing(catalogue, offers, publishing, audit),
        gate_keeping=GateKeeping(catalogue, gates, audit),
        visitors=visitors,
        sessions=sessions,
        app_tokens=AppTokenStore(mongo),
        accounts=accounts,
        signing_in=signing_in,
        erasing=Erasing(accounts, signing_in, life, cancelling, passes, ledger, holdings, members),
        sealed=SealedStore(mongo, keys.vault),
        members=members,
        quotas=quotas,
        standings=standings,
        claiming=Claiming(keys.vault, standings, quotas, passes, holdings, audit),
        cancelling=cancelling,
    )


async def _fill(system: System, now: datetime) -> None:
    """Import the catalogue and publish the example products. Doing it again, after a crash, does no harm."""
    spots = load_spots()
    await system.catalogue.load()
    if not await system.catalogue.replace(spots):
        log.warning("another process fills this database at the same time")
    await system.versions.bump(SPOTS)
    await system.catalogue.load()
    products = product_files.read_products(sorted(product_files.EXAMPLES.glob("*.yaml")))
    offers = offer_files.read_offers(sorted(offer_files.EXAMPLES.glob("*.yaml")))
    await system.publishing.publish(products, FIRST_START, now)
    await system.offer_publishing.publish(offers, FIRST_START, now)
    log.info(
        "imported %d spots, published %d products and %d offers",
        len(spots),
        len(products),
        len(offers),
    )
