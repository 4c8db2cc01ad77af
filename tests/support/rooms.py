"""The rooms of the domain over a real database, with the keys and the two spots of the tests."""

from datetime import date, datetime
from typing import Any

from passes.admission.gates import Gate, Purpose, Scan
from passes.admission.lookup import Card
from passes.admission.ports import Carriers
from passes.base.audit import AuditLine, Outcome
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.ledger.records import By
from passes.ledger.verdicts import Verdict
from passes.offers.claiming import Claim
from passes.offers.offer import Offer
from passes.people.holder import Holder
from passes.people.identity import Identity
from passes.people.sealing import Vault
from passes.people.visitors import Visitor
from passes.rooms import Rooms
from passes.store.database import Database
from passes.terms.edition import Edition
from tests.support import build
from tests.support.build import KEYS, NOW, OPERATOR, PRIVACY_VERSION, SEALER, VAULT, Spots
from tests.support.bundles import BUNDLE_KEY


class RoomsUnderTest(Rooms):
    """All rooms, how tests fill them, and a look behind them."""

    def __init__(
        self, database: Database, vault: Vault = VAULT, carriers: Carriers | None = None
    ) -> None:
        """Over a database of its own."""
        self.spots = Spots()
        super().__init__(
            database,
            KEYS,
            vault,
            self.spots,
            PRIVACY_VERSION,
            carriers,
            bundle_keys=[BUNDLE_KEY],
        )
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

    async def issue(
        self, draft: Edition | None = None, person: Identity = build.HOLDER, at: datetime = NOW
    ) -> Pass:
        """A pass of a product, as an operator issues it."""
        new = await self.new(SEALER.seal(person), draft)
        return await self.holding.issuing.issue(new, OPERATOR, at)

    async def issue_to(self, visitor: Visitor) -> Pass:
        """An annual pass for a visitor."""
        return await self.holding.issuing.issue(await self.new(visitor.holder), OPERATOR, NOW)

    async def verdict_on(self, scan: Scan, at: datetime = NOW) -> Verdict:
        """What a gate is told about a scan."""
        verdict, _ = await self.admission.admission.admit(scan, at)
        return verdict

    async def card_shown(
        self,
        person: Identity = build.HOLDER,
        nonce: str = "n1",
        at: datetime = NOW,
        *,
        gate: Gate | None = None,
        by: By = By.CARD_CHIP,
        party: int | None = None,
        purpose: Purpose = Purpose.ENTER,
    ) -> tuple[Verdict, Pass | None]:
        """What a gate is told about the card of a person, and with which pass."""
        gate = gate or build.gate()
        card = Card(person.number, person.kind, person.country)
        shown = self.admission.cards.read(card, by, gate, nonce, at)
        scan = Scan(gate, shown, nonce, at, party, purpose)
        return await self.admission.admission.admit(scan, at)

    async def refusal_reasons(self) -> list[str]:
        """Why scans were refused, as it is kept."""
        kept = await self.database.collection("refusals").find({})
        return [document["verdict"]["reason"] for document in kept]

    async def lines_about(self, subject: str) -> list[AuditLine]:
        """The audit lines about a subject, without those whose change was not made."""
        lines = await self.base.audit.about(subject)
        return [line for line in lines if line.outcome is not Outcome.NOT_DONE]

    async def change_stored(self, pass_id: str, **fields: Any) -> None:
        """Change a stored pass behind the back of everybody, as another process of ours might."""
        await self.tamper_with(pass_id, **fields)
        document = await self.database.collection("passes").get({"_id": pass_id})
        assert document is not None
        await self.tamper_with(pass_id, mac=self.macs.of(document))

    async def tamper_with(self, pass_id: str, **fields: Any) -> None:
        """Change a stored pass as somebody does who can write the database and has no keys."""
        await self.database.collection("passes").update({"_id": pass_id}, {"$set": fields})

    async def account(self, openid: str = "甲") -> Visitor:
        """The visitor of a WeChat account, who may not have said who they are."""
        return await self.people.accounts.of_openid(openid, NOW)

    async def known(self, openid: str = "甲", **changes: Any) -> Visitor:
        """The visitor of a WeChat account, who says to be `build.HOLDER`, or what is given."""
        visitor = await self.account(openid)
        return await self.people.identification.identify(visitor, build.statement(**changes), NOW)

    async def visitor(self, n: int = 0) -> Visitor:
        """Visitor n, who has said that they are person n."""
        return await self.known(f"v{n}", person=build.person(n))

    async def claim(self, n: int = 0, of: Offer | None = None, at: Any = NOW, **more: Any) -> Pass:
        """A voucher of an offer, claimed by visitor n."""
        wanted = await self.wanted(of or build.offer(), **more)
        return await self.offers.claiming.claim(await self.visitor(n), wanted, at)

    async def wanted(self, offer: Offer, **more: Any) -> Claim:
        """A claim of an offer whose voucher is published."""
        return Claim(offer, await self.published(offer.voucher()), **more)

    async def vouchers(self, offer_id: str = "bogo") -> list[Pass]:
        """The vouchers that an offer counts."""
        return [each for each in await self.holding.passes.of_product(offer_id) if each.counts]

    async def counts(self, offer_id: str = "bogo") -> dict[str, int]:
        """The counters of an offer."""
        counters = await self.offers.counters.of_offer(offer_id)
        return {counter.key: counter.count for counter in counters}
