"""Key rolling: in the middle of a day another key signs codes, and no honest pass is refused.

Four steps, each a command, and each safe to repeat (docs/adr/0043-signing-keys-roll.md):

1. `make_signing_key`  the key is in the key file, and signs nothing;
2. `announce`          every running server knows it, and says so in the database;
3. `sign_with`         it signs, once all servers and the bundles of gates hold it;
4. `retire`            the one before is trusted until a day, once nothing good is signed by it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from passes.admission.heartbeats import Heartbeat
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict, Fault, unknown
from passes.base.text import Text
from passes.codes.keys import KeyUse, signer_of
from passes.codes.ports import Process
from server.clock import Clock
from server.keyfile import add_signing_key
from server.system import System

_ASKED_AGAIN_AFTER = 0.2
"""In seconds."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Which running processes know a key, and which do not."""

    key_id: int
    known_by: Sequence[Process]
    unknown_to: Sequence[Process]


class KeyRolling:
    """Rolls the keys that sign codes."""

    def __init__(self, system: System, key_file: Path, by: str, now: Clock) -> None:
        """`by` stands in the audit log."""
        self._system = system
        self._key_file = key_file
        self._by = by
        self._now = now
        self._uses = system.signing.uses

    async def make(self) -> KeyUse:
        """A new key in the key file, that signs nothing yet. Raises `StartError` if there is no
        room for it."""
        now = self._now()
        async with audited(self._system.base.audit) as entry:
            await entry.begin(AuditLine(now, self._by, "make", "key:signing"))
            # Which key signs is decided before there is a choice: a process that starts in between
            # would sign with the newest.
            uses = await self._uses.all()
            if signer_of(uses) is None:
                current = self._system.keys.codes.newest().id
                await self._uses.put(KeyUse(current, now, now, now))
            made = KeyUse(add_signing_key(self._key_file), now)
            await self._uses.put(made)
            await entry.done(key_id=str(made.id))
        await self._uses.announce()
        return made

    async def announce(self, within: float) -> Announced:
        """Wait until every running server knows the newest key, for so many seconds at most.

        The key counts as announced only if all do. Raises `Conflict` if there is none to announce.
        """
        uses = await self._uses.all()
        waiting = [use for use in uses if use.signs_since is None]
        if not waiting:
            text = Text("没有待启用的密钥", "there is no key that waits: make one first")
            raise Conflict("no_key_waits", text)
        key = max(waiting, key=lambda use: use.id)
        await self._uses.announce()
        announced = await self._heard(key.id)
        ends = asyncio.get_running_loop().time() + within
        while announced.unknown_to and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(_ASKED_AGAIN_AFTER)
            announced = await self._heard(key.id)
        if not announced.unknown_to and key.announced_at is None:
            now = self._now()
            await self._put(replace(key, announced_at=now), "announce", {}, now)
        return announced

    async def _heard(self, key_id: int) -> Announced:
        now = self._now()
        running = [each for each in await self._system.signing.processes.all() if each.runs(now)]
        return Announced(
            key_id,
            [each for each in running if key_id in each.keys],
            [each for each in running if key_id not in each.keys],
        )

    async def sign_with(self, key_id: int, *, yes: bool = False) -> KeyUse:
        """Let a key sign from now on. Doing it again changes nothing.

        Raises `Unknown`; `Conflict` if it is retired; and, unless `yes`, if a running server or a
        gate that was just heard of does not know it, for these would refuse honest passes.
        """
        key = await self._use(key_id)
        uses = await self._uses.all()
        if signer_of(uses) == key:
            await self._uses.announce()  # a crash may have come before it
            return key
        if key.last_day is not None:
            text = Text("该密钥已停用", "this key is retired: make another one")
            raise Conflict("key_retired", text)
        if not yes:
            await self._check_all_know(key)
        detail = {"yes": "yes"} if yes else {}
        now = self._now()
        signs = replace(key, signs_since=now)
        await self._put(signs, "sign_with", detail, now)
        await self._uses.announce()
        return signs

    async def _put(
        self, use: KeyUse, action: str, detail: Mapping[str, str], now: datetime
    ) -> None:
        """Store what is decided about a key, after its audit line."""
        line = AuditLine(now, self._by, action, f"key:signing:{use.id}", detail)
        async with audited(self._system.base.audit) as entry:
            await entry.begin(line)
            await self._uses.put(use)

    async def _check_all_know(self, key: KeyUse) -> None:
        """Raise `Conflict` naming every server and gate that does not know a key."""
        faults = [
            Fault(process.where, "this server does not know the key: keys announce")
            for process in (await self._heard(key.id)).unknown_to
        ]
        if key.announced_at is None:
            faults.append(Fault("key", "it is not announced: keys announce"))
        else:
            faults += [
                Fault(beat.id, "its bundle is older than the key; it fetches one within minutes")
                for beat in await self._gates_heard()
                if beat.bundle is not None and beat.bundle.made_at < key.announced_at
            ]
        if faults:
            text = Text(
                "还有服务器或闸机不认识该密钥",
                "some do not know this key, and would refuse honest passes; wait, or add --yes",
            )
            raise Conflict("key_not_known", text, faults)

    async def _gates_heard(self) -> Sequence[Heartbeat]:
        now = self._now()
        return [beat for beat in await self._system.admission.heartbeats.all() if beat.fresh(now)]

    async def silent_gates(self, key: KeyUse) -> Sequence[str]:
        """The gates that are silent and would refuse what this key signs, if they still decide
        alone."""
        now = self._now()
        return [
            beat.id
            for beat in await self._system.admission.heartbeats.all()
            if beat.bundle is not None
            and not beat.fresh(now)
            and (key.announced_at is None or beat.bundle.made_at < key.announced_at)
        ]

    async def retire(self, key_id: int, last_day: date, *, yes: bool = False) -> KeyUse:
        """Trust a key up to a day, that included, and not longer.

        Raises `Unknown`; `Conflict` for the key that signs, and, unless `yes`, while passes may
        have codes by it that are good after that day.
        """
        key, uses = await self._use(key_id), await self._uses.all()
        signer = signer_of(uses)
        if signer is not None and signer.id == key_id:
            text = Text("该密钥正在签发", "this key signs: let another one sign first")
            raise Conflict("key_signs", text)
        if not yes:
            await self._check_outlived(key, uses, last_day)
        detail = {"last_day": last_day.isoformat(), **({"yes": "yes"} if yes else {})}
        retired = replace(key, last_day=last_day)
        await self._put(retired, "retire", detail, self._now())
        await self._uses.announce()
        return retired

    async def _check_outlived(self, key: KeyUse, uses: Sequence[KeyUse], last_day: date) -> None:
        """Raise `Conflict` while codes by a key are good after a day: those of every pass that was
        issued before another key signed."""
        if key.signs_since is None:
            return  # it has signed nothing
        began = [use.signs_since for use in uses if use.signs_since is not None]
        ended = min((each for each in began if each > key.signs_since), default=None)
        signed = {} if ended is None else {"issued_at": {"$lt": ended}}
        number, last = await self._system.signing.outliving.count(last_day, signed)
        if last is not None:
            text = Text(
                f"还有{number}张票的码由该密钥签发，最晚到{last}",
                f"{number} passes may have codes by this key that are good after {last_day}, the "
                f"last of them until {last}; give that day, or add --yes and print them anew",
            )
            raise Conflict("key_still_used", text)

    async def _use(self, key_id: int) -> KeyUse:
        for use in await self._uses.all():
            if use.id == key_id:
                return use
        raise unknown(Text("密钥", "key"), str(key_id))
