"""Gate programs in the process of a test, before a real server, over a line that can be cut."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from passes.admission.gates import Gate as GateOfSpot
from passes.admission.gates import GateKind
from passes.admission.offline.bundle import Bundle, encode, sign
from passes.admission.offline.flat import public_to
from passes.base.text import Text
from scripts.gate.client import Client
from scripts.gate.clock import GateClock, steady
from scripts.gate.deciding import Deciding
from scripts.gate.device import Device
from scripts.gate.enrolment import Enrolment
from scripts.gate.held import Held
from scripts.gate.journal import Journal
from scripts.gate.program import Gate
from scripts.gate.screen import Annulled, Came, LetIn, Shown
from scripts.gate.upkeep import Pace, Upkeep
from scripts.gate.uploading import Uploaded, upload_once
from tests.support.bundles import BUNDLE_KEY
from tests.support.line import Line
from tests.support.world import World

PUBLIC = {"id": BUNDLE_KEY.id, "public": public_to(BUNDLE_KEY.private.public_key())}


@dataclass
class Program:
    """A running gate program, and what it told."""

    device: Device
    deciding: Deciding
    gate: Gate
    upkeep: Upkeep
    told: list[str] = field(default_factory=list)

    async def scan(self, line: str) -> Came:
        return await self.gate.line(line)

    async def verdict(self, line: str) -> str:
        """The reason of what came of a line; with `offline` if the program decided alone."""
        came = await self.gate.line(line)
        if isinstance(came, Annulled):
            return "annulled"
        if isinstance(came, LetIn):
            return "let in"
        if not isinstance(came, Shown):
            return f"undecided {came.code}"
        reason = str(came.answer["reason"])
        return reason if came.online else f"{reason} offline"

    async def upload(self) -> Uploaded:
        """Send the oldest that wait, once."""
        device = self.device
        return await upload_once(device.client, device.journal, device.clock, device.held.version)

    async def queue(self) -> list[dict[str, Any]]:
        """The items that wait."""
        return [each.item for each in await self.device.journal.queue(100)]

    async def take(self, bundle: Bundle) -> None:
        """Hold a bundle that was made by hand."""
        await self.device.held._take(encode(sign(bundle, BUNDLE_KEY)), {})


@asynccontextmanager
async def gate_program(
    world: World,
    address: str | Line,
    folder: Path,
    kind: GateKind = GateKind.TURNSTILE,
    enrolled: tuple[GateOfSpot, str] | None = None,
) -> AsyncIterator[Program]:
    """A program that has enrolled as a new gate of 峨眉山, or as the one that is given.

    Its clock is that of the world.
    """
    gate, token = enrolled or await world.gate(kind=kind)
    spot = {"id": gate.spot_id, "name": {"zh": "峨眉山景区", "en": "Mount Emei"}}
    enrolment = Enrolment(gate.id, gate.kind.value, spot, token, None, (PUBLIC,))
    base = address if isinstance(address, str) else address.base
    journal = Journal(folder / f"{gate.id}.db")
    told: list[str] = []

    def tell(event: str, words: Text, **more: Any) -> None:
        told.append(event)

    device = Device(
        enrolment, Client([base], token), journal, clock_at(world.clock()), Held(enrolment), tell
    )
    deciding = Deciding(device)
    pace = Pace(beat=0.05, probe=0.01, slowest_probe=0.05, upload=0.05)
    try:
        await device.held.restore(journal)
        yield Program(device, deciding, Gate(deciding, "enter"), Upkeep(device, pace), told)
    finally:
        await journal.close()


def clock_at(now: datetime) -> GateClock:
    """A clock that has been told the time."""
    clock = GateClock()
    clock.learn(now, steady())
    return clock
