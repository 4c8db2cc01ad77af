"""The program: puts the parts together, and takes a line of the scanner to what is shown for it."""

import asyncio
import json
import re
import secrets
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passes.base import forms
from passes.base.errors import DomainError
from passes.base.text import Text
from passes.base.unreadable import system_words
from scripts.gate.client import Client, NoAnswer, Refused, until_answered
from scripts.gate.clock import GateClock
from scripts.gate.deciding import DEADLINE, DEADLINE_OF_HUB, SCAN_UNKNOWN, Answer, Deciding
from scripts.gate.device import Device
from scripts.gate.enrolment import Enrolment, OtherGate, by_token, digest_of, enrolled, restored
from scripts.gate.held import Held, Undecided
from scripts.gate.journal import InUse, Journal, NotKept
from scripts.gate.readers import NoReader, is_device, lines_of
from scripts.gate.screen import Annulled, Came, LetIn, NotDecided, Screen, Shown, Sounds
from scripts.gate.upkeep import Pace, Upkeep
from scripts.gate.wrongly_set import caps_lock, hint

_LAST_UPLOAD_SECONDS = 5.0
_LAST_SOUND_SECONDS = 2.0
_DEVICE_BACK_SECONDS = 2.0
_CARD = re.compile(r"[0-9]{17}[0-9Xx]")
"""The number of a resident ID card; no code looks like one."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What was said on the command line."""

    servers: Sequence[str]
    journal: Path
    setup_code: str | None = None
    token: str | None = None
    read: str | None = "stdin"
    as_json: bool = False
    hub: tuple[str, int] | None = None
    purpose: str = "enter"
    on_admitted: str | None = None
    on_refused: str | None = None


class CannotStart(Exception):
    """Why there is no gate; for people."""


class OwnAsking:
    """Asks the server in the name of this gate."""

    def __init__(self, device: Device) -> None:
        """By the client of the device."""
        self._device = device

    async def scan(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The verdict; asked for again while nothing comes back, if nobody else could decide."""
        client = self._device.client
        if self._device.held.bundle is None:
            return await until_answered(client, "/gate/scans", body)
        return await client.post("/gate/scans", body, seconds)

    async def annul(self, nonce: str) -> dict[str, Any]:
        """Take an admission back."""
        return await self._device.client.post(f"/gate/scans/{nonce}/annul", {})

    async def by_hand(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Say whom staff have let in."""
        return await self._device.client.post("/gate/hand-admissions", body, seconds)


class Gate:
    """Takes lines to what is shown for them."""

    def __init__(self, deciding: Deciding, purpose: str) -> None:
        """`purpose` is that of every scan which names none."""
        self._deciding = deciding
        self._device = deciding.device
        self._asking = OwnAsking(deciding.device)
        self._purpose = purpose

    async def line(self, line: str) -> Came:
        """What came of a line. A gate goes on, whatever comes of one line."""
        try:
            return await self._came(line)
        except Exception as error:  # also a fault of ours: nothing opens, the next one is served
            return _not_decided(error)

    async def _came(self, line: str) -> Came:
        asked = _asked_by(line)
        if "annul" in asked:
            return Annulled(await self._annulled(asked["annul"]))
        if "hand" in asked:
            return LetIn(await self._by_hand(asked["hand"]))
        answer = await self._scanned(asked)
        leaving = asked.get("purpose", self._purpose) == "leave"
        self._device.note(answer.document, leaving=leaving)
        return Shown(answer.document, answer.online, _hint(asked, answer))

    async def _scanned(self, asked: Mapping[str, Any]) -> Answer:
        body = {
            "nonce": secrets.token_hex(16),
            "purpose": self._purpose,
            **asked,
            "scanned_at": self._device.clock.now().isoformat(),
        }
        gate_id = self._device.enrolment.gate_id
        return await self._deciding.scan(gate_id, body, self._asking)

    async def _by_hand(self, decision: Mapping[str, Any]) -> Mapping[str, Any]:
        body = {"nonce": secrets.token_hex(16), **decision}
        gate_id = self._device.enrolment.gate_id
        return await self._deciding.by_hand(gate_id, body, self._asking)

    async def _annulled(self, nonce: str) -> Mapping[str, Any]:
        gate_id = self._device.enrolment.gate_id
        if nonce == "last":
            nonce = await self._device.journal.last_granted(gate_id) or ""
        if not re.fullmatch(forms.NONCE, nonce):
            raise Undecided("scan_unknown", SCAN_UNKNOWN)
        return await self._deciding.annul(gate_id, nonce, self._asking)


def _asked_by(line: str) -> dict[str, Any]:
    """What a line asks for: a program writes a JSON document, a scanner the text of a code, and a
    reader of ID cards a number. Raises `Undecided` for a document that says nothing of ours."""
    if _CARD.fullmatch(line):
        return {"document": {"kind": "resident", "number": line}, "read": "chip"}
    if line.startswith("{"):
        # A scanner never needs this, and it takes as long to import as all the rest.
        from scripts.gate.written import checked  # noqa: PLC0415

        with suppress(json.JSONDecodeError):
            return checked(json.loads(line))
    return {"code": line}


def _not_decided(error: Exception) -> NotDecided:
    """What is shown of a scan that ended so."""
    match error:
        case NoAnswer():
            return NotDecided(None, str(error))
        case Refused():
            return NotDecided(error.code, str(error))
        case Undecided():
            return NotDecided(error.code, f"{error.words.zh} / {error.words.en}")
        case DomainError():
            return NotDecided(error.code, f"{error.text.zh} / {error.text.en}")
        case NotKept():
            return NotDecided("not_kept", str(error))
    traceback.print_exception(error)
    return NotDecided("error", f"{type(error).__name__}: {error}")


def _hint(asked: Mapping[str, Any], answer: Answer) -> Text | None:
    code = str(asked.get("code") or "")
    if answer.document["reason"] == "code_malformed":
        return hint(code)
    return caps_lock(code)


async def run(flags: Flags, pace: Pace | None = None) -> None:
    """Run a gate until its input ends, or a hub, or both, until the task is cancelled.

    Raises `CannotStart`.
    """
    screen = Screen(as_json=flags.as_json)
    try:
        journal = Journal(flags.journal)
    except InUse as error:
        raise CannotStart(f"{flags.journal} cannot be used: {error}; is it in use?") from None
    except NotKept as error:
        raise CannotStart(f"{flags.journal} cannot be used: {error}") from None
    try:
        device = await _device(flags, journal, screen)
        await _serve(flags, device, screen, pace or Pace())
    finally:
        await journal.close()


async def _device(flags: Flags, journal: Journal, screen: Screen) -> Device:
    settings = journal.settings()
    clock = GateClock()
    clock.restore(settings.get("clock", {}))
    newest = await journal.newest_at()
    if newest is not None:
        clock.not_before(newest)
    client = Client(flags.servers)
    try:
        enrolment = await _enrolment(flags, client, journal)
    except NoAnswer as error:
        raise CannotStart(f"{client.address} does not answer: {error}") from None
    except Refused as error:
        raise CannotStart(f"{error.code}: {error}") from None
    except (OtherGate, NotKept) as error:
        raise CannotStart(str(error)) from None
    client.token = enrolment.token
    before = settings.get("gate", {}).get("token")
    screen.enrolled(enrolment, None if enrolment.token == before else enrolment.token)
    held = Held(enrolment)
    await held.restore(journal)
    if held.bundle is not None:
        clock.not_before(held.bundle.made_at)
    device = Device(enrolment, client, journal, clock, held, screen.state)
    device.stopped = settings.get("stopped")
    return device


async def _enrolment(flags: Flags, client: Client, journal: Journal) -> Enrolment:
    """Which gate this is: as it is told, or as the journal has it."""
    kept = journal.settings().get("gate")
    before = None if kept is None else restored(kept)
    given = flags.setup_code or flags.token
    if given is not None and (before is None or before.given != digest_of(given)):
        if flags.token is not None:
            return await by_token(client, journal, flags.token)
        return await enrolled(client, journal, given)
    if before is None:
        raise CannotStart("enrol first: give --setup-code with the code from `gates add`")
    return before


async def _serve(flags: Flags, device: Device, screen: Screen, pace: Pace) -> None:
    deadline = DEADLINE if flags.hub is None else DEADLINE_OF_HUB
    deciding, upkeep = Deciding(device, deadline), Upkeep(device, pace)
    await deciding.recover()
    await upkeep.first()
    beside = [asyncio.create_task(upkeep.run()), asyncio.create_task(deciding.settle())]
    if flags.hub is not None:
        from scripts.gate.hub import serve  # noqa: PLC0415 - a gate alone needs no web server

        try:
            await serve(deciding, *flags.hub)
        except OSError as error:
            raise CannotStart(f"the hub cannot listen there: {system_words(error)}") from None
    try:
        if flags.read is not None:
            sounds = Sounds(flags.on_admitted, flags.on_refused)
            await _read(flags.read, Gate(deciding, flags.purpose), screen, sounds)
            await sounds.end(_LAST_SOUND_SECONDS)
        if flags.hub is not None:
            await asyncio.gather(*beside)
        with suppress(NoAnswer, Refused, NotKept, TimeoutError):
            async with asyncio.timeout(_LAST_UPLOAD_SECONDS):
                while await upkeep.upload():
                    pass
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        with suppress(NotKept):  # the next start does it
            await deciding.recover()


async def _read(source: str, gate: Gate, screen: Screen, sounds: Sounds) -> None:
    """Serve the lines of a reader. A device that is pulled out is waited for."""
    while True:
        try:
            async for line in lines_of(source):
                came = await gate.line(line)
                screen.came(came)
                sounds.came(came)
        except NoReader as error:
            if not source.startswith("serial:"):
                raise CannotStart(str(error)) from None
            screen.state("reader", Text(f"读卡器断开：{error}", str(error)))
        if not is_device(source):
            return
        await asyncio.sleep(_DEVICE_BACK_SECONDS)
