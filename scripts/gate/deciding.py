"""One scan, from what was shown to what is shown for it: the server decides, or this program alone.

Whatever opens a door is on disk first. A scan has one name, with and without a line: if the server
has decided it and its answer was lost, the upload of what was decided here meets that record, and
makes no second one. Scans of one pass wait for each other; others do not.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from weakref import WeakValueDictionary

from passes.admission.annulling import ANNUL_WITHIN
from passes.base.errors import DomainError
from passes.base.text import Text
from passes.codes import base45
from passes.codes.format import PREFIX
from passes.codes.scanned import one_form
from scripts.gate.client import NoAnswer, Refused
from scripts.gate.device import Device
from scripts.gate.held import Undecided
from scripts.gate.journal import Name, NotKept, Row
from scripts.gate.uploading import reckoned

DEADLINE = 3.0
"""In seconds, at a gate."""

DEADLINE_OF_HUB = 1.5
"""Less, because the gates behind it wait as well."""

_SETTLED_AGAIN_SECONDS = 1.0


class Asking(Protocol):
    """How the server is asked, in the name of one gate."""

    async def scan(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Its verdict. Raises `NoAnswer`, `Refused`."""

    async def annul(self, nonce: str) -> dict[str, Any]:
        """What it says of an admission that is taken back. Raises `NoAnswer`, `Refused`."""

    async def by_hand(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """What it says of people whom staff let in. Raises `NoAnswer`, `Refused`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scan is answered, in the words of the API, and whether the server said so."""

    document: dict[str, Any]
    online: bool


@dataclass
class Deciding:
    """Decides the scans of one gate, or of all gates behind a hub."""

    device: Device
    deadline: float = DEADLINE
    """Seconds after which nobody waits for the server any longer, where there is a bundle."""
    _taken: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _under_way: set[Name] = field(default_factory=set)
    _unsettled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nobody was told what the server may have decided, and the disk did not take it."""

    async def scan(self, gate_id: str, body: Mapping[str, Any], asking: Asking) -> Answer:
        """The answer to a scan, whose `body` is as the API takes it.

        Raises `Undecided`, `Refused` if the server will not have it, `DomainError` if this program
        will not, and `NoAnswer` if nobody answers and there is no bundle.
        """
        name = Name(gate_id, body["nonce"])
        self._under_way.add(name)
        try:
            return await self._scan(name, body, asking)
        finally:
            self._under_way.discard(name)

    async def _scan(self, name: Name, body: Mapping[str, Any], asking: Asking) -> Answer:
        pass_id = serial_in(body.get("code"))
        async with self._one_at_a_time(pass_id or digest_of(body)):
            # 1. Asked before? Then that again: only gates behind a hub ask twice.
            earlier = await self.device.journal.answer_to(name, digest_of(body))
            if earlier is not None:
                return Answer(earlier, online=False)
            # 2. The server, unless it is away, or does not know yet what was decided here.
            without_bundle = self.device.held.bundle is None
            online = self.device.line.online or without_bundle
            if not online or await self._waits_to_be_uploaded(pass_id):
                asked = await self.device.journal.is_asked(name)
                return await self._alone(name, body, arrived=asked)
            try:
                return await self._asked(name, body, asking)
            except NoAnswer as error:
                self.device.missed(error)
                # 3. Else alone. The server may have decided this scan all the same.
                arrived = error.sent
                if without_bundle:
                    await self._given_up(name, arrived=arrived)
                    raise
            try:
                return await self._alone(name, body, arrived=arrived)
            except (Undecided, DomainError):
                await self._given_up(name, arrived=arrived)
                raise

    async def annul(self, gate_id: str, nonce: str, asking: Asking) -> dict[str, Any]:
        """What an annulment is answered. Raises `Undecided`, `Refused`, `NoAnswer`."""
        name, now = Name(gate_id, nonce), self.device.clock.now()
        kept = await self.device.journal.scan_of(name)
        if self.device.line.online and (kept is None or kept.is_known_to_server):
            try:
                document = await asking.annul(nonce)
            except NoAnswer as error:
                self.device.missed(error)
                if kept is None:
                    raise
            else:
                await self._kept(self.device.journal.answered, Row(name, now, "annul"))
                return document
        if kept is None or kept.answer.get("verdict") == "refused":
            raise Undecided("scan_unknown", SCAN_UNKNOWN)
        if now - kept.at > ANNUL_WITHIN:
            raise Undecided("annul_too_late", _TOO_LATE)
        await self._kept(self.device.journal.queued, self._taken_back(name, now))
        self.device.queued.set()
        return {
            "nonce": nonce,
            "pass_id": kept.serial,
            "annulled_at": now.isoformat(),
            "gives_back": kept.answer["pays"],
            "gives_back_fen": kept.answer["amount_fen"],
        }

    async def by_hand(
        self, gate_id: str, body: Mapping[str, Any], asking: Asking
    ) -> dict[str, Any]:
        """What is answered for people whom staff let in: staff decide, this only keeps it.

        Raises `Undecided`, `Refused`.
        """
        device = self.device
        name, now = Name(gate_id, body["nonce"]), device.clock.now()
        entry = device.held.entry_by_hand(name, body, now)
        serial = None if entry is None else entry["serial"]
        row = Row(name, now, "hand", serial=serial, entry=entry)
        if device.line.online:
            try:
                document = await asking.by_hand(body, self.deadline)
            except NoAnswer as error:
                device.missed(error)  # the upload has the same nonce, if it has arrived
            else:
                await self._kept(device.journal.answered, row)
                return document
        if device.stopped is not None:
            raise Undecided(device.stopped, _STOPPED)
        if not device.held.is_staffed(gate_id):
            raise Undecided("hand_needs_staff", _HAND_NEEDS_STAFF)
        item = {"kind": "hand", **body, "at": now.isoformat(), **self.gate_in(name), **reckoned()}
        await self._kept(device.journal.queued, replace(row, item=item))
        device.queued.set()
        people = {"people": body["people"], "pass_id": serial or body.get("pass_id")}
        return {"case": None, **people, "counts": None, "admitted_at": now.isoformat()}

    async def recover(self) -> None:
        """The server may have decided scans whose answer nobody saw: the program ended, or the disk
        did not take it. No door has opened for them, so they are taken back. Raises `NotKept`."""
        own = self.device.enrolment.gate_id  # another gate asks again, or has kept its scan itself
        now = self.device.clock.now()
        for name in await self.device.journal.unanswered(own):
            if name not in self._under_way:
                await self.device.journal.queued(self._taken_back(name, now))
                await self.device.journal.forget(name)

    async def settle(self) -> None:
        """Take such scans back as soon as the disk takes it, until this is cancelled."""
        while True:
            await self._unsettled.wait()
            try:
                self._unsettled.clear()
                await self.recover()
                self.device.queued.set()
            except NotKept:
                self._unsettled.set()
            await asyncio.sleep(_SETTLED_AGAIN_SECONDS)

    async def _asked(self, name: Name, body: Mapping[str, Any], asking: Asking) -> Answer:
        """What the server says. Raises `NoAnswer`, `Refused`, `Undecided`."""
        device = self.device
        await self._kept(device.journal.asked, Row(name, device.clock.now()))
        try:
            document = await asking.scan(body, self.deadline)
        except Refused as error:
            await self._kept(device.journal.forget, name)
            device.answered()
            if self._is_own(name):
                await device.refused(error)
            raise
        decided_at = datetime.fromisoformat(document["decided_at"])
        device.answered()
        if self._is_own(name):
            await device.served(disabled=document["reason"] == "gate_disabled")
        entry = device.held.entry_of(name, body, document, decided_at)
        row = Row(
            name,
            decided_at,
            digest=digest_of(body),
            answer=document,
            serial=None if entry is None else entry["serial"],
            entry=entry,
        )
        try:
            await self._kept(device.journal.answered, row)
        except Undecided:
            self._unsettled.set()
            # Another gate asks again under the same name, and gets the same answer.
            if self._is_own(name) and document["verdict"] != "refused":
                # Without an answer nobody may decide alone: it may be taken back already.
                with suppress(NoAnswer, Refused):
                    await asking.annul(name.nonce)
            raise
        return Answer(document, online=True)

    async def _given_up(self, name: Name, *, arrived: bool) -> None:
        """Nobody has decided, and no door opens. If the server has, it is taken back; but another
        gate asks again under the same name."""
        journal = self.device.journal
        if not self._is_own(name):
            return
        try:
            if arrived:
                await journal.queued(self._taken_back(name, self.device.clock.now()))
                self.device.queued.set()
            await journal.forget(name)
        except NotKept:
            self._unsettled.set()

    async def _alone(self, name: Name, body: Mapping[str, Any], *, arrived: bool = False) -> Answer:
        """What this program says. `arrived`: the server may have decided this scan, too. Raises
        `Undecided`."""
        device, now = self.device, self.device.clock.now()
        pass_id = serial_in(body.get("code"))
        if device.stopped is not None:
            raise Undecided(device.stopped, _STOPPED)
        if body.get("code") is None:
            raise Undecided("card_needs_line", _CARD_NEEDS_LINE)
        entries = await device.journal.of_pass(pass_id)
        document, entry = device.held.decide(name.gate, body, entries, now)
        if document["reason"] == "repeat" and not arrived:
            return Answer(document, online=False)  # it changes nothing, and has no door to open
        rows = [
            Row(
                name,
                now,
                digest=digest_of(body),
                answer=document,
                item=self._item(name, body, document, now),
                serial=pass_id or None,
                entry=entry,
            )
        ]
        if arrived and document["verdict"] == "refused":
            rows.append(self._taken_back(name, now))
        await self._kept(device.journal.queued, *rows)
        device.queued.set()
        return Answer(document, online=False)

    def _item(
        self, name: Name, body: Mapping[str, Any], document: Mapping[str, Any], now: datetime
    ) -> dict[str, Any]:
        """What is uploaded of a scan that was decided here."""
        shown = {each: body[each] for each in _OF_A_SCAN if body.get(each) is not None}
        decided = {each: document[each] for each in ("reason", "admits", "pays")}
        at = {"scanned_at": now.isoformat(), **reckoned()}
        return {
            "kind": "scan",
            "nonce": name.nonce,
            **shown,
            **at,
            **self.gate_in(name),
            "decided": decided,
        }

    def _taken_back(self, name: Name, now: datetime) -> Row:
        """An annulment, to be uploaded."""
        at = {"at": now.isoformat(), **reckoned()}
        item = {"kind": "annul", "nonce": name.nonce, **at, **self.gate_in(name)}
        return Row(name, now, "annul", item=item)

    def gate_in(self, name: Name) -> dict[str, str]:
        """How an item says whose it is, if it is not this program's own."""
        return {} if self._is_own(name) else {"gate": name.gate}

    def _is_own(self, name: Name) -> bool:
        """Whether a scan is this program's own, and not that of a gate behind it."""
        return name.gate == self.device.enrolment.gate_id

    async def _waits_to_be_uploaded(self, pass_id: str) -> bool:
        """Whether the server does not know yet what was decided here about a pass."""
        entries = await self.device.journal.of_pass(pass_id)
        return any(entry.settled_at is None for entry in entries)

    async def _kept(self, keep: Callable[..., Awaitable[None]], *what: Any) -> None:
        """Keep something. Raises `Undecided` where the disk does not take it."""
        try:
            await keep(*what)
        except NotKept:
            words = Text(
                "本机存储写入失败，未放行，请联系管理员",
                "not let in: the disk of this gate takes nothing",
            )
            raise Undecided("not_kept", words) from None

    def _one_at_a_time(self, what: str) -> asyncio.Lock:
        """The lock of a pass; it goes when nobody holds it or waits for it."""
        lock = self._taken.get(what)
        if lock is None:
            self._taken[what] = lock = asyncio.Lock()
        return lock


_OF_A_SCAN = ("code", "purpose", "leaving", "party", "free", "lane", "staff")

SCAN_UNKNOWN = Text("没有这次放行", "this gate admitted no such scan")
_TOO_LATE = Text("超过15分钟，不能撤销", "more than 15 minutes ago")
_STOPPED = Text("本闸机已停用，请联系管理员", "this gate is out of service: ask an operator")
_HAND_NEEDS_STAFF = Text(
    "本通道无工作人员，请走人工通道", "nobody is let in by hand at a turnstile"
)
_CARD_NEEDS_LINE = Text(
    "网络中断，证件无法核验，请出示年票二维码", "offline: cards cannot be read, show the code"
)


def serial_in(code: str | None) -> str:
    """The serial that a text names, proven by nothing; empty if it names none."""
    form = one_form(code or "")
    if not form.startswith(PREFIX):
        return ""
    try:
        return base45.decode(form.removeprefix(PREFIX))[2:10].hex()
    except ValueError:
        return ""


def digest_of(body: Mapping[str, Any]) -> str:
    """Recognises what was shown, and what for, when it is sent again."""
    shown = {each: body.get(each) for each in ("document", "carrier", "purpose", "leaving", "free")}
    code = one_form(body.get("code") or "")
    return hashlib.sha256(json.dumps([code, shown], sort_keys=True).encode()).hexdigest()
