"""A system with gates and passes, over a real database, at a standing clock."""

import itertools
from datetime import datetime
from typing import Any

from handlers.services import Services
from passes.admission.gates import Gate, GateKind, Reader
from passes.admission.ports import Carriers
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import live_text, static_text
from passes.offers.offer import Offer
from passes.people.identity import Identity
from passes.people.visitors import Visitor
from scenic_data.checking import load_spots
from server.keyfile import Keys
from server.mongo import Mongo
from server.settings import Settings
from server.system import System
from tests.support import build
from tests.support.bundles import BUNDLE_KEY


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = build.NOW

    def __call__(self) -> datetime:
        return self.time


def keys() -> Keys:
    return Keys(
        build.KEYS, build.SEALER, build.VAULT, {1: bytes(32)}, "test", bundles=(BUNDLE_KEY,)
    )


# A caller in a test is no proxy.
SETTINGS = Settings(_env_file=None, trusted_proxies=())  # type: ignore[call-arg]

PARTS = {build.XIANNVSHAN, "dujiangyan", "qingchengshan-qianshan"}
"""Parts of two 5A entries, at which gates stand."""

SOME_SPOTS = [spot for spot in load_spots() if spot.level == "5A" or spot.id in PARTS]


async def composed(mongo: Mongo, carriers: Carriers | None = None) -> System:
    """A system over a database, with the 5A spots, a few of their parts, and one product."""
    system = System(mongo, keys(), SETTINGS.privacy_version, carriers)
    await system.catalogue.replace(SOME_SPOTS)
    await system.catalogue.load()
    await system.terms.publishing.publish([build.product()], build.OPERATOR, build.NOW)
    await system.terms.editions.load()
    return system


class World:
    """A system with two gates in two provinces, and passes as they are needed."""

    def __init__(self, mongo: Mongo, system: System, services: Services, clock: Clock) -> None:
        self.mongo = mongo
        self.system = system
        self.services = services
        self.clock = clock
        self._people = itertools.count()
        self._any_gate: str | None = None

    async def gate(
        self,
        spot_id: str = build.EMEISHAN,
        kind: GateKind = GateKind.TURNSTILE,
        readers: frozenset[Reader] = frozenset(),
        *,
        hub: bool = False,
    ) -> tuple[Gate, str]:
        """An enrolled gate and its token."""
        new = await self.system.admission.gate_keeping.add(
            spot_id, kind, "", build.OPERATOR, self.clock(), readers, hub=hub
        )
        gate = await self.system.admission.gate_keeping.enrol(new.setup_code, self.clock())
        await self.system.admission.gates.load()
        return gate, self.services.tokens.for_gate(gate, self.clock())

    async def any_gate(self) -> str:
        """The token of a turnstile, the same each time."""
        if self._any_gate is None:
            _, self._any_gate = await self.gate()
        return self._any_gate

    async def issue(self, product_id: str = "annual", person: Identity | None = None) -> Pass:
        """A pass, of another person each time."""
        edition = self.system.terms.editions.current(product_id)
        assert edition is not None
        identity = person or build.person(next(self._people))
        holder = build.SEALER.seal(identity)
        new = NewPass(edition, holder, build.TODAY, identity)
        return await self.system.holding.issuing.issue(new, build.OPERATOR, self.clock())

    async def visitor(self, name: str = "甲") -> tuple[Visitor, str]:
        """A visitor who is signed in, and their token."""
        visitor = await self.system.people.accounts.of_openid(name, self.clock())
        session = await self.system.people.signing_in.begin(visitor, self.clock())
        return visitor, self.services.tokens.for_session(session, visitor, self.clock()).access

    async def known(self, n: int = 0) -> str:
        """The token of visitor n, who has said that they are person n."""
        visitor, token = await self.visitor(f"v{n}")
        statement = build.statement(build.person(n))
        await self.system.people.identification.identify(visitor, statement, self.clock())
        return token

    async def change_spot(self, slug: str, **changes: Any) -> None:
        """Import a correction of one spot."""
        spots = {spot.id: spot for spot in self.system.catalogue.snapshot.all()}
        spots[slug] = spots[slug].model_copy(update=changes)
        await self.system.catalogue.replace(list(spots.values()))
        await self.system.catalogue.load()

    async def publish_offers(self, *offers: Offer) -> None:
        """Publish offers, and make them known to the handlers."""
        await self.system.offers.publishing.publish(offers, build.OPERATOR, self.clock())
        await self.system.offers.offers.load()
        await self.system.terms.editions.load()

    async def publish(self, **terms: Any) -> None:
        """Publish the product `other` with these terms."""
        await self.system.terms.publishing.publish(
            [build.product("other", **terms)], build.OPERATOR, self.clock()
        )
        await self.system.terms.editions.load()

    def live(self, held: Pass) -> str:
        return live_text(held, build.KEYS, self.clock())

    def printed(self, held: Pass) -> str:
        return static_text(held, build.KEYS)

    def scan_body(
        self, held: Pass, nonce: str, text: str | None = None, **more: Any
    ) -> dict[str, Any]:
        code = self.live(held) if text is None else text
        return {"code": code, "nonce": nonce, "scanned_at": self.clock().isoformat(), **more}
