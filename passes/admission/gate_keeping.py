"""Gate keeping: gates are added by operators, enrolled by their device, renewed, and disabled.

A device enrols once, with a setup code that an operator types into it, and gets a token. If it is
lost or replaced, the gate is renewed: the token is withdrawn and there is a new setup code.

The reply to an enrolment may be lost, so for a few minutes the same code may be sent again. A
device that has given itself a name (`device`) gets the same token again, and nobody else gets any.
One that has not gets another token, and the former is withdrawn: if that was a thief, the honest
gate stops, and people notice (docs/gate-protocol.md, "Tokens").
"""

import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from passes.admission.gates import Gate, GateKind, GateState, Reader, SetGate, Setup
from passes.admission.ports import Gates, Heartbeats
from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict, Fault, Invalid, Unknown, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.ports import Spots

log = logging.getLogger(__name__)

SETUP_LIFE = timedelta(days=7)
"""How long a setup code can be used."""

REPLY_LOST_WITHIN = timedelta(minutes=15)
"""For how long after it was used a setup code may be sent again."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_MISREAD = str.maketrans("oil", "011")
_HYPHENS = r"[-‐-―−ー—_]"
"""What input methods write for a hyphen, after NFKC."""
_SETUP_LENGTH, _GROUP_LENGTH = 12, 4
_SUFFIX_LENGTH = 4
_LONGEST_NAME = 60
_GATE = Text("闸机", "gate")


@dataclass(frozen=True, slots=True)
class NewGate:
    """A gate that waits for its device, and the one-time code to type into it.

    The code is stored nowhere; it is told this once.
    """

    gate: Gate
    setup_code: str
    expires_at: datetime


class GateKeeping:
    """Adds, enrols, renews and disables gates."""

    def __init__(self, spots: Spots, gates: Gates, heartbeats: Heartbeats, audit: Audit) -> None:
        """`spots` is the catalogue in memory; the others are stores."""
        self._spots = spots
        self._gates = gates
        self._heartbeats = heartbeats
        self._audit = audit

    def check(self, spot_id: str, name: str) -> None:
        """Raise what `add` raises for a gate that cannot be added."""
        _check_name(name)
        self._check_spot(spot_id)

    async def add(  # noqa: PLR0913 - what a gate is
        self,
        spot_id: str,
        kind: GateKind,
        name: str,
        by: str,
        now: datetime,
        readers: frozenset[Reader] = frozenset(),
        *,
        hub: bool = False,
    ) -> NewGate:
        """A new gate at a spot, named by its id if `name` is empty.

        Raises `Unknown` if there is no such spot, `Invalid` for a name of several lines or more
        than 60 characters.
        """
        self.check(spot_id, name)
        setup_code, setup = _new_setup(now)
        detail = {"spot": spot_id, "kind": kind, **_told(readers)}
        if hub:
            detail["hub"] = "yes"
        while True:
            gate_id = f"{spot_id}-{_random(_SUFFIX_LENGTH)}"
            added = GateState.ADDED
            gate = Gate(gate_id, spot_id, kind, name or gate_id, added, readers=readers, hub=hub)
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, "add", f"gate:{gate.id}", detail))
                if await self._gates.add(gate, setup):
                    return NewGate(gate, setup_code, setup.expires_at)
                # The id is taken, of about a million at a spot: another one.
                await entry.not_done()

    async def enrol(self, setup_code: str, now: datetime, device: str | None = None) -> Gate:
        """The gate that a device becomes by typing in its setup code, once and in time.

        `device` is a random name that the device gives itself, and keeps. Raises `Unknown` for a
        code that is wrong or spent, `Conflict` for one that has expired.
        """
        digest = _digest(setup_code)
        name = None if device is None else sha256(device.encode()).hexdigest()
        while True:
            found = await self._gates.of_setup(digest)
            if found is None:
                raise _no_such_setup()
            gate, setup = found
            # 1. Sent again by the device that has enrolled with it: its reply was lost.
            if setup.spent_at is not None and _is_asked_again(setup, name, now):
                if name is not None:
                    await self._gates.announce()  # a crash may have come before it
                    return gate
                log.warning("gate %s enrols again with the same setup code", gate.id)
            # 2. Sent for the first time, or again by a device without a name: a new token.
            elif setup.spent_at is not None:
                raise _no_such_setup()
            elif now >= setup.expires_at:
                raise _setup_expired()
            enrolled = await self._enrolled(gate, setup, name, now)
            if enrolled is not None:
                return enrolled
            # Overtaken: by another device with the same code, by a renewal or by disabling. Look
            # again; a code that is not there any more enrols nobody.

    async def _enrolled(
        self, gate: Gate, setup: Setup, name: str | None, now: datetime
    ) -> Gate | None:
        """The gate with its next token; None if somebody else has changed it since it was read."""
        enrolled = replace(
            gate,
            state=GateState.ENROLLED,
            token_version=gate.token_version + 1,
            enrolled_at=now,
            renewed_at=None,
            renewal=None,
        )
        detail = {"token_version": str(enrolled.token_version)}
        line = AuditLine(now, f"gate:{gate.id}", "enrol", f"gate:{gate.id}", detail)
        # The time to ask again begins with the first enrolment, and not anew with each.
        spent = replace(setup, spent_at=setup.spent_at or now, device=name)
        async with audited(self._audit) as entry:
            await entry.begin(line)
            if await self._gates.enrol(enrolled, spent):
                return enrolled
            await entry.not_done()
        return None

    async def renew(
        self, gate_id: str, by: str, now: datetime, readers: frozenset[Reader] | None = None
    ) -> NewGate:
        """Withdraw the token of a gate and give it a new setup code, and other readers if they are
        named. Raises `Unknown`."""
        await self._get(gate_id)
        # The audit log keeps the word that it has always had for this.
        line = AuditLine(now, by, "roll", f"gate:{gate_id}", _told(readers))
        changes = {} if readers is None else {"readers": readers}
        return await self._set_up_anew(gate_id, line, now, **changes)

    async def move(
        self, gate_id: str, spot_id: str, by: str, now: datetime, *, yes: bool = False
    ) -> NewGate:
        """Let a gate stand at another spot. Its token is withdrawn and there is a new setup code
        (docs/adr/0044-a-device-renews-its-token.md).

        Raises `Unknown`; `Conflict` for a gate that has scans of the old spot to upload, or may
        have, for it is silent, unless `yes`.
        """
        self._check_spot(spot_id)
        gate = await self._get(gate_id)
        if gate.spot_id == spot_id:
            text = Text(f"闸机已在{spot_id}", f"this gate stands at {spot_id} already")
            raise Conflict("gate_stands_there", text)
        if not yes and gate.state is GateState.ENROLLED:
            await self._check_nothing_waits(gate_id, now)
        detail = {"from": gate.spot_id, "to": spot_id}
        line = AuditLine(now, by, "move", f"gate:{gate_id}", detail)
        return await self._set_up_anew(gate_id, line, now, spot_id=spot_id)

    async def rename(self, gate_id: str, name: str, by: str, now: datetime) -> Gate:
        """Give a gate another name. Raises `Unknown`, `Invalid` for what is no name."""
        _check_name(name)
        gate = await self._get(gate_id)
        detail = {"from": gate.name, "to": name or gate_id}
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "rename", f"gate:{gate_id}", detail))
            await self._gates.rename(gate_id, name or gate_id)
        return replace(gate, name=name or gate_id)

    def _check_spot(self, spot_id: str) -> None:
        """Raise `Unknown` if there is no such spot."""
        if self._spots.get(spot_id) is None:
            raise unknown(Text("景区", "spot"), spot_id, self._spots.ids())

    async def _check_nothing_waits(self, gate_id: str, now: datetime) -> None:
        """Raise `Conflict` if scans may wait in a gate that would count at the new spot."""
        heartbeat = await self._heartbeats.get(gate_id)
        if heartbeat is None:
            return  # it has never decided alone
        if heartbeat.queued:
            text = Text(
                f"该闸机还有{heartbeat.queued}条记录未上传",
                f"{heartbeat.queued} scans of the old spot wait in this gate; let it upload them "
                "first, or add --yes: they count at the new spot then",
            )
            raise Conflict("gate_has_scans", text)
        if not heartbeat.fresh(now):
            text = Text(
                "该闸机没有联系，可能还有记录未上传",
                "this gate is silent, and scans of the old spot may wait in it; bring it online "
                "first, or add --yes: they count at the new spot then",
            )
            raise Conflict("gate_silent", text)

    async def _set_up_anew(
        self, gate_id: str, line: AuditLine, now: datetime, **changes: Any
    ) -> NewGate:
        """A gate with these changes whose device has to enrol again. Raises `Unknown`."""
        setup_code, setup = _new_setup(now)
        async with audited(self._audit) as entry:
            await entry.begin(line)
            while True:
                gate = await self._get(gate_id)
                renewed = replace(
                    gate,
                    state=GateState.ADDED,
                    token_version=gate.token_version + 1,
                    renewed_at=None,
                    renewal=None,
                    **changes,
                )
                if await self._gates.renew(renewed, setup):
                    return NewGate(renewed, setup_code, setup.expires_at)
                # Overtaken: its device has enrolled or got its next token meanwhile, or somebody
                # else has renewed it, and its version has moved on. Read again, so that the token
                # of that device is withdrawn, too.

    async def disable(self, gate_id: str, by: str, now: datetime) -> Gate:
        """Take a gate out of service: its scans are refused until it is renewed.

        Raises `Unknown`.
        """
        gate = await self._get(gate_id)
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, by, "disable", f"gate:{gate_id}"))
            await self._gates.disable(gate_id)
        return replace(gate, state=GateState.DISABLED)

    async def all(self) -> Sequence[SetGate]:
        """Every gate with its setup code, and with the time of its enrolment.

        Of gates that enrolled before that was kept, the audit log knows it.
        """
        found = await self._gates.with_setups()
        return [replace(each, gate=await self._with_enrolment(each.gate)) for each in found]

    async def _with_enrolment(self, gate: Gate) -> Gate:
        if gate.state is not GateState.ENROLLED or gate.enrolled_at is not None:
            return gate
        lines = await self._audit.about(f"gate:{gate.id}")
        enrolments = [line.at for line in lines if line.action == "enrol"]
        return replace(gate, enrolled_at=max(enrolments, default=None))

    async def _get(self, gate_id: str) -> Gate:
        gate = await self._gates.get(gate_id)
        if gate is None:
            raise unknown(_GATE, gate_id, [each.id for each in await self._gates.all()])
        return gate


def _check_name(name: str) -> None:
    """Raise `Invalid` for what is no name of a gate."""
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        fault = Fault("name", f"one line of at most {_LONGEST_NAME} characters is needed")
        text = Text("闸机名称有误", "the name of the gate cannot be used")
        raise Invalid("gate_invalid", text, [fault])


def _told(readers: frozenset[Reader] | None) -> dict[str, str]:
    """What an audit line says of readers, if there is anything to say."""
    return {"readers": ", ".join(sorted(readers))} if readers else {}


def _new_setup(now: datetime) -> tuple[str, Setup]:
    """A setup code of 60 random bits, such as `K3F9-7QX2-M8PD`, and what is stored of it."""
    characters = _random(_SETUP_LENGTH).upper()
    starts = range(0, _SETUP_LENGTH, _GROUP_LENGTH)
    code = "-".join(characters[start : start + _GROUP_LENGTH] for start in starts)
    return code, Setup(_digest(code), now + SETUP_LIFE)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _digest(setup_code: str) -> str:
    """The stored form of a setup code.

    Case, width, hyphens of any kind and blanks make no difference, nor does o for 0, and i or l
    for 1.
    """
    letters = typed.compact(setup_code).lower()
    plain = re.sub(_HYPHENS, "", letters).translate(_MISREAD)
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _is_asked_again(setup: Setup, name: str | None, now: datetime) -> bool:
    """Whether a spent code comes from the device that has spent it, as far as that can be told."""
    if setup.spent_at is None or now >= setup.spent_at + REPLY_LOST_WITHIN:
        return False
    if setup.device is None or name is None:
        return setup.device is None and name is None
    return hmac.compare_digest(setup.device, name)


def _setup_expired() -> Conflict:
    text = Text(
        "安装码已过期，请运营人员重新生成",
        "this setup code has expired; ask an operator to renew the gate",
    )
    return Conflict("setup_code_expired", text)


def _no_such_setup() -> Unknown:
    text = Text(
        "安装码不正确或已使用", "this setup code is wrong or has been used; ask for a new one"
    )
    return Unknown("setup_code_unknown", text)
