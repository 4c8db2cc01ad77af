"""What admission needs from the outside: stores, campaigns, and who vouches for carriers.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from passes.admission.gates import Gate, SetGate, Setup, ShownCard
from passes.admission.heartbeats import Heartbeat
from passes.admission.lookup import Card
from passes.admission.stop import Stop
from passes.holding.model import Pass
from passes.terms.terms import SpotFacts


class Gates(Protocol):
    """Gates by id."""

    async def all(self) -> Sequence[Gate]:
        """Every gate, in order of id."""

    async def add(self, gate: Gate, setup: Setup) -> bool:
        """Store a new gate; False if the id is taken."""

    async def with_setups(self) -> Sequence[SetGate]:
        """Every gate with its setup code, in order of id."""

    async def of_setup(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        """The gate to which this setup code belongs, spent or not."""

    async def enrol(self, gate: Gate, setup: Setup) -> bool:
        """Compare-and-set: store an enrolled gate, and its setup code as spent; False if the stored
        token version is not the one before, or the code is another."""

    async def announce(self) -> None:
        """Tell every process to load the gates anew; for a crash may have come before that."""

    async def renew(self, gate: Gate, setup: Setup) -> bool:
        """Compare-and-set: store a gate and the new setup code with which it has to enrol again;
        False if the stored token version is not the one before."""

    async def get(self, gate_id: str) -> Gate | None:
        """The gate of that id, as it is stored."""

    async def renew_token(self, gate: Gate) -> bool:
        """Compare-and-set: store a gate whose device gets its next token; False if the stored token
        version is not the one before."""

    async def token_used(self, gate: Gate) -> None:
        """Store that the newest token of a gate is used, so that the one before ends."""

    async def rename(self, gate_id: str, name: str) -> None:
        """Give a gate another name."""

    async def disable(self, gate_id: str) -> None:
        """Take a gate out of service."""


class Heartbeats(Protocol):
    """The newest heartbeat of each gate."""

    async def put(self, heartbeat: Heartbeat) -> None:
        """Store the newest heartbeat of a gate."""

    async def all(self) -> Sequence[Heartbeat]:
        """The newest of every gate that has sent one."""

    async def get(self, gate_id: str) -> Heartbeat | None:
        """The newest of a gate."""


class Stops(Protocol):
    """At which spots entry is stopped, or was last: one for each spot."""

    async def all(self) -> Sequence[Stop]:
        """Every stop, in order of spot."""

    async def get(self, spot_id: str) -> Stop | None:
        """The newest stop of a spot."""

    async def put(self, stop: Stop) -> None:
        """Store the newest stop of its spot."""

    async def put_each(self, stops: Sequence[Stop]) -> None:
        """Store the newest stops of many spots, in two round trips; those where the doors are open
        in an emergency by now stay."""

    async def announce(self) -> None:
        """Tell every process to load the stops anew."""


class VisitQuotas(Protocol):
    """How many visits a day the campaigns have at their spots, of all vouchers together."""

    async def reserve(
        self, offer_id: str, spot_id: str, day: date, limit: int, now: datetime
    ) -> bool:
        """Count one more visit; False, and nothing is counted, if there are as many as allowed."""

    async def give_back(self, offer_id: str, spot_id: str, day: date, now: datetime) -> None:
        """Count one visit less."""


class AutomaticVouchers(Protocol):
    """The vouchers of campaigns that nobody has to claim, for people who show their card.

    `passes.offers.automatic` fulfils it.
    """

    def automatic(self, product_id: str) -> bool:
        """Whether a product is the voucher of such a campaign."""

    async def drafts(
        self, card: ShownCard, held: Sequence[Pass], spot: SpotFacts, now: datetime
    ) -> Sequence[Pass]:
        """The vouchers, not stored yet, that the holder of a card may have at a spot now besides
        the passes that they hold."""

    async def store(self, draft: Pass, by: str, now: datetime) -> Pass | None:
        """The voucher, stored, or as it was just stored by another; None if they may not have it
        after all."""


class VainCounts(Protocol):
    """How many cards without a pass gates have read, by hour."""

    async def add(self, gate_id: str, hour: datetime) -> None:
        """Count one more in the hour that begins at that instant."""

    async def since(self, hour: datetime) -> Mapping[str, Sequence[int]]:
        """The counts of each gate from that hour on, without hours in which there was none."""


class CarrierUnavailable(Exception):
    """Whoever vouches for a carrier does not answer."""


class Carriers(Protocol):
    """Who vouches for what is shown instead of a card; `server.carriers` asks over HTTP."""

    async def resolve(self, kind: str, token: str) -> Card | None:
        """The document for which a carrier stands; None for one that is not known, or not any
        more. Raises `CarrierUnavailable`."""


class NoCarriers(Carriers):
    """Where nobody vouches for carriers."""

    async def resolve(self, kind: str, token: str) -> Card | None:  # noqa: ARG002 - of the port
        """Raises `CarrierUnavailable`."""
        raise CarrierUnavailable
