"""The rooms of the domain over a real database, with the keys and the two spots of the tests."""

from datetime import date
from typing import Any

from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.offers.claiming import Claim
from passes.offers.offer import Offer
from passes.people.holder import Holder
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, Identity, IdentityDocument
from passes.people.sealing import Vault
from passes.people.visitors import Visitor
from passes.rooms import Rooms
from passes.store.database import Database
from passes.terms.edition import Edition
from tests.support import build
from tests.support.build import KEYS, NOW, SEALER, VAULT, Spots

PRIVACY_VERSION = "2026-11"
OPERATOR = "operator:test"


class RoomsUnderTest(Rooms):
    """All rooms, and how tests fill them."""

    def __init__(self, database: Database, vault: Vault = VAULT) -> None:
        """Over a database of its own."""
        super().__init__(database, KEYS, vault, Spots(), PRIVACY_VERSION)
        self.database = database

    async def published(self, draft: Edition) -> Edition:
        """A published edition."""
        edition = build.published(draft)
        await self.terms.stored.put(edition)
        return edition

    async def new(
        self, holder: Holder, draft: Edition | None = None, first_day: date | None = None
    ) -> NewPass:
        """What issues a pass of a product, the annual pass by default, to somebody."""
        return NewPass(await self.published(draft or build.product()), holder, first_day)

    async def keep(self, held: Pass) -> Pass:
        """Store a pass as it is, and the edition that it names."""
        await self.terms.stored.put(held.edition)
        await self.terms.editions.load()
        await self.holding.passes.add(held)
        return held

    async def issued(self, **changes: Any) -> Pass:
        """The pass of `build.held`, stored."""
        return await self.keep(build.held(**changes))

    async def issue(self, draft: Edition | None = None, person: Identity = build.HOLDER) -> Pass:
        """A pass of a product, as an operator issues it."""
        new = await self.new(SEALER.seal(person), draft)
        return await self.holding.issuing.issue(new, OPERATOR, NOW)

    async def visitor(self, n: int = 0) -> Visitor:
        """Visitor n, who has said who they are."""
        visitor = await self.people.accounts.of_openid(f"v{n}", NOW)
        person = build.person(n)
        said = IdentityDocument(DocumentKind.RESIDENT, person.name, person.number)
        statement = IdentityStatement(said, PRIVACY_VERSION)
        return await self.people.identification.identify(visitor, statement, NOW)

    async def claim(self, n: int = 0, of: Offer | None = None, at: Any = NOW, **more: Any) -> Pass:
        """A voucher of an offer, claimed by visitor n."""
        wanted = await self.wanted(of or build.offer(), **more)
        return await self.offers.claiming.claim(await self.visitor(n), wanted, at)

    async def wanted(self, offer: Offer, **more: Any) -> Claim:
        """A claim of an offer whose voucher is published."""
        return Claim(offer, await self.published(offer.voucher()), **more)

    async def counts(self, offer_id: str = "bogo") -> dict[str, int]:
        """The counters of an offer."""
        counters = await self.offers.counters.of_offer(offer_id)
        return {counter.key: counter.count for counter in counters}
