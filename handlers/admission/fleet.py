"""The fleet: a gate says how it is, asks who it is, and renews its token."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from handlers.admission.gates import SCAN, BundleKeyOut, GateHandler, GateSpotOut, Instant, Lane
from handlers.web.access import unauthenticated
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out
from handlers.web.routing import Route
from passes.admission.gates import TOKEN_LIFE, Gate, GateKind, GateState, Reader
from passes.admission.heartbeats import BundleHeld, Counters, Heartbeat
from passes.admission.stop import Stop
from passes.base import forms

_Number = Annotated[int, Field(ge=0, le=10**9)]
_Big = Annotated[int, Field(ge=0, le=2**53)]
_MOST_LANES = 200


class BundleIn(In):
    """The bundle that the gate holds."""

    epoch: _Number = Field(examples=[0])
    number: _Big = Field(examples=[1782871200000])
    made_at: Instant = Field(examples=["2026-07-01T10:00:00+08:00"])


class CountersIn(In):
    """How many people this gate has let in and out today, and how many of them are inside."""

    in_: _Number = Field(default=0, alias="in", examples=[412])
    out: _Number = Field(default=0, examples=[127])
    inside: Annotated[int, Field(ge=-(10**9), le=10**9)] = Field(default=0, examples=[285])
    """Negative, if more have left here than came in here."""


class HeartbeatIn(In):
    """How a gate is; every minute or so, and once a scan is late."""

    version: Annotated[str, StringConstraints(max_length=64)] = Field(
        default="", examples=["bashu-gate 1.0"]
    )
    """Of its program."""
    queued: _Number = Field(examples=[0])
    """How many scans wait to be uploaded."""
    skew_ms: Annotated[int, Field(ge=-(2**53), le=2**53)] = Field(default=0, examples=[-120])
    """How far its clock is ahead of the server's, as it has measured it."""
    bundle: BundleIn | None = None
    last_scan_at: Instant | None = Field(default=None, examples=["2026-07-01T10:00:00.123+08:00"])
    counters: CountersIn = CountersIn()
    lanes: Annotated[list[Lane], Field(max_length=_MOST_LANES)] = Field(
        default=[], examples=[["1", "2"]]
    )
    """The lanes that a ticket system has, or a hub."""

    def to_heartbeat(self, gate: Gate, now: datetime) -> Heartbeat:
        """The heartbeat as the domain sees it."""
        bundle, counters = self.bundle, self.counters
        held = None
        if bundle is not None:
            held = BundleHeld(bundle.epoch, bundle.number, bundle.made_at)
        return Heartbeat(
            id=gate.id,
            at=now,
            version=self.version,
            queued=self.queued,
            skew_ms=self.skew_ms,
            bundle=held,
            last_scan_at=self.last_scan_at,
            counters=Counters(counters.in_, counters.out, counters.inside),
            lanes=tuple(self.lanes),
        )


class StopNowOut(Out):
    """That nobody is let in at the spot."""

    since: datetime
    until: datetime
    reason: str = Field(examples=["weather"])
    emergency: bool
    """Whether the doors are open, and nothing is counted."""

    @classmethod
    def of(cls, stop: Stop) -> Self:
        """The view of a stop."""
        return cls(since=stop.since, until=stop.until, reason=stop.reason, emergency=stop.emergency)


class CommandsOut(Out):
    """What the gate has to do."""

    disabled: bool
    """Out of service: admit nobody, neither online nor alone."""
    renew_token: bool
    """The token ends within 30 days: `POST /gate/renew`."""
    stop: StopNowOut | None
    """Let nobody in until then; null if entry is not stopped."""


class HeartbeatOut(Out):
    """What the server says in return."""

    server_time: datetime
    commands: CommandsOut


class GateOut(Out):
    """Who the gate is."""

    gate_id: str = Field(examples=["emeishan-7qx2"])
    kind: GateKind
    name: str = Field(examples=["北门2"])
    state: GateState
    spot: GateSpotOut
    readers: list[Reader]
    hub: bool
    """Whether it may speak for the other gates of its spot."""
    token_expires_at: datetime | None
    """When the token ends with which it asks."""
    bundle_keys: list[BundleKeyOut]
    """Those that its enrolment gave, and any made since."""
    server_time: datetime


class RenewIn(In):
    """How a device asks for its next token."""

    device: Annotated[str, StringConstraints(pattern=forms.DEVICE)] = Field(
        examples=["b1f0c2d46f9a4be8a7d35c19"]
    )
    """A random name, at least 64 random bits, that the device makes and stores before it asks: the
    same body sent again gets the same token, however often an answer is lost."""


class RenewOut(Out):
    """The next token."""

    token: str
    token_expires_at: datetime


class HeartbeatEndpoint(GateHandler):
    """`/api/v1/gate/heartbeat`"""

    @endpoint(scope=SCAN, body=HeartbeatIn, reply=HeartbeatOut)
    async def post(self, body: HeartbeatIn) -> HeartbeatOut:
        """Say how the gate is, and learn what it has to do. Every minute."""
        gate, now = await self.gate(), self.now()
        await self.rooms.admission.heartbeats.put(body.to_heartbeat(gate, now))
        return HeartbeatOut(
            server_time=now,
            commands=CommandsOut(
                disabled=gate.state is GateState.DISABLED,
                renew_token=self.token_ends_soon,
                stop=self._stop_at(gate),
            ),
        )

    def _stop_at(self, gate: Gate) -> StopNowOut | None:
        spot = self.services.catalogue.get(gate.spot_id)
        if spot is None:
            return None
        stop = self.rooms.admission.stopping.at(spot, self.now())
        return None if stop is None else StopNowOut.of(stop)


class MeEndpoint(GateHandler):
    """`/api/v1/gate/me`"""

    @endpoint(scope=SCAN, reply=GateOut)
    async def get(self) -> GateOut:
        """Who this gate is, where it stands, and when its token ends."""
        gate = await self.gate()
        return GateOut(
            gate_id=gate.id,
            kind=gate.kind,
            name=gate.name,
            state=gate.state,
            spot=self.spot_of(gate),
            readers=sorted(gate.readers),
            hub=gate.hub,
            token_expires_at=self.caller.ends_at,
            bundle_keys=self.bundle_keys(),
            server_time=self.now(),
        )


class RenewEndpoint(GateHandler):
    """`/api/v1/gate/renew`"""

    @endpoint(scope=SCAN, body=RenewIn, reply=RenewOut, limit="renew")
    async def post(self, body: RenewIn) -> RenewOut:
        """The next token for the newest one; the same again, if the answer was lost. The old one is
        good until the new one is used, for 15 minutes at most."""
        now, token = self.now(), (self.caller.id, self.caller.version)
        gate = await self.rooms.admission.token_renewing.renew(token, body.device, now)
        if gate is None:
            raise unauthenticated("token_withdrawn")
        await self.services.refresh()
        return RenewOut(
            token=self.services.tokens.for_gate(gate, now),
            token_expires_at=gate.token_ends_at or now + TOKEN_LIFE,
        )


routes = [
    Route("/api/v1/gate/heartbeat", HeartbeatEndpoint, "gate-heartbeat"),
    Route("/api/v1/gate/me", MeEndpoint, "gate-me"),
    Route("/api/v1/gate/renew", RenewEndpoint, "gate-renew"),
]
