"""What a device is once it has enrolled: which gate, at which spot, by which token. Kept in the
journal, so that it is done once."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from scripts.gate.client import Client, until_answered
from scripts.gate.journal import Journal

RENEWED_BEFORE = timedelta(days=30)
"""How long before its end the program gets a new token."""


class OtherGate(Exception):
    """The journal holds scans of another gate that are not uploaded yet."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Which gate this is."""

    gate_id: str
    kind: str
    spot: Mapping[str, Any]
    token: str
    token_expires_at: datetime | None
    bundle_keys: tuple[Mapping[str, Any], ...] = ()
    given: str = ""
    """The digest of the setup code or the token that it was started with: the same command again,
    after a start, is no other enrolment."""

    @property
    def spot_id(self) -> str:
        """Where it stands."""
        return str(self.spot["id"])

    def ends_soon(self, now: datetime) -> bool:
        """Whether its token should be renewed."""
        return self.token_expires_at is not None and self.token_expires_at - now < RENEWED_BEFORE

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        ends = self.token_expires_at
        return {
            "gate_id": self.gate_id,
            "kind": self.kind,
            "spot": dict(self.spot),
            "token": self.token,
            "token_expires_at": ends and ends.isoformat(),
            "bundle_keys": list(self.bundle_keys),
            "given": self.given,
        }


def restored(kept: Mapping[str, Any]) -> Enrolment:
    """The enrolment that was kept so."""
    ends = kept["token_expires_at"]
    return Enrolment(
        kept["gate_id"],
        kept["kind"],
        kept["spot"],
        kept["token"],
        ends and datetime.fromisoformat(ends),
        tuple(kept["bundle_keys"]),
        kept["given"],
    )


async def enrolled(client: Client, journal: Journal, setup_code: str) -> Enrolment:
    """Become the gate that waits for a setup code. Raises `NoAnswer`, `Refused`, `OtherGate`.

    The name of the device is on disk before it is sent: if the answer is lost, also with the
    program, the same request gets the same token.
    """
    given = digest_of(setup_code)
    pending = journal.settings().get("enrolling", {})
    if pending.get("given") != given:
        pending = {"given": given, "device": secrets.token_hex(16)}
        await journal.set(enrolling=pending)
    body = {"setup_code": setup_code, "device": pending["device"]}
    gate = await until_answered(client, "/gate/enrol", body)
    made = Enrolment(
        gate["gate_id"],
        gate["kind"],
        gate["spot"],
        gate["token"],
        datetime.fromisoformat(gate["token_expires_at"]),
        tuple(gate.get("bundle_keys") or ()),
        given,
    )
    await keep(journal, made)
    return made


async def by_token(client: Client, journal: Journal, token: str) -> Enrolment:
    """The gate of a token that an earlier enrolment printed. Raises `NoAnswer`, `Refused`,
    `OtherGate`."""
    client.token = token
    gate = await client.get("/gate/me")
    ends = gate.get("token_expires_at")
    made = Enrolment(
        gate["gate_id"],
        gate["kind"],
        gate["spot"],
        token,
        ends and datetime.fromisoformat(ends),
        tuple(gate.get("bundle_keys") or ()),
        digest_of(token),
    )
    await keep(journal, made)
    return made


async def keep(journal: Journal, enrolment: Enrolment) -> None:
    """Keep what the device has become; what it kept of another gate goes. Raises `OtherGate`."""
    before = journal.settings().get("gate")
    if before is not None and before["gate_id"] != enrolment.gate_id:
        waiting = await journal.length()
        if waiting:
            raise OtherGate(
                f"the journal holds {waiting} scans of {before['gate_id']} that are not uploaded: "
                "let that gate upload them, or give another --journal"
            )
        await journal.clear()
    await journal.set(gate=enrolment.kept())


async def renewed(client: Client, journal: Journal, enrolment: Enrolment) -> Enrolment:
    """The same gate with a new token. Raises `NoAnswer`, `Refused`.

    The old token is good until the new one is used, and the same device gets the same new one
    again, so that a lost answer loses no gate.
    """
    device = journal.settings().get("renewing") or secrets.token_hex(16)
    await journal.set(renewing=device)
    answer = await client.post("/gate/renew", {"device": device})
    ends = datetime.fromisoformat(answer["token_expires_at"])
    made = replace(enrolment, token=answer["token"], token_expires_at=ends)
    await journal.set(gate=made.kept(), renewing=None)
    client.token = answer["token"]
    return made


def digest_of(given: str) -> str:
    """What is kept of a setup code or a token, however it was typed."""
    plain = re.sub(r"[\s-]", "", given).lower()
    return hashlib.sha256(plain.encode()).hexdigest()
