"""Token renewing: a device gets its next token for the one that it has, without an operator.

The reply may be lost, also for days, so the token before stays good until the new one is used, at
most for `FORMER_TOKEN_LIFE`; after that it gets its device the same new token again, and nothing
else (docs/adr/0044-a-device-renews-its-token.md).
"""

import hmac
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from passes.admission.gates import Gate, GateState, Renewal
from passes.admission.ports import Gates
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict
from passes.base.ports import Audit
from passes.base.text import Text


class TokenRenewing:
    """Gives devices their next tokens."""

    def __init__(self, gates: Gates, audit: Audit) -> None:
        """Both are stores."""
        self._gates = gates
        self._audit = audit

    async def renew(self, token: tuple[str, int], device: str, now: datetime) -> Gate | None:
        """The gate of a token, an id and a version, with its next token; None if the token was
        withdrawn.

        `device` is a random name that the device gives itself for this renewal: under the same name
        it gets the same token again. Raises `Conflict` for a gate out of service, and if somebody
        else has renewed this token.
        """
        gate_id, version = token
        name = sha256(device.encode()).hexdigest()
        while True:
            gate = await self._gates.get(gate_id)
            if gate is None or gate.state is GateState.ADDED:
                return None
            if gate.state is GateState.DISABLED:
                raise Conflict("gate_disabled", _OUT_OF_SERVICE)
            # 1. Sent again: the reply was lost.
            if gate.renewal is not None and version == gate.token_version - 1:
                if not hmac.compare_digest(gate.renewal.device, name):
                    raise Conflict("token_renewed_by_another", _BY_ANOTHER)
                await self._gates.announce()  # a crash may have come before it
                return gate
            if version != gate.token_version:
                return None
            # 2. The next token, for whoever has the newest.
            renewed = replace(
                gate,
                token_version=version + 1,
                renewed_at=now,
                renewal=Renewal(now, name),
            )
            by = f"gate:{gate_id}"
            detail = {"token_version": str(renewed.token_version)}
            async with audited(self._audit) as entry:
                await entry.begin(AuditLine(now, by, "renew_token", by, detail))
                if await self._gates.renew_token(renewed):
                    return renewed
                await entry.not_done()
            # Overtaken: by this device, which has sent it twice, or by an operator. Look again.

    async def used(self, gate: Gate) -> None:
        """Note that the newest token of a gate is used: the one before ends."""
        await self._gates.token_used(gate)


_OUT_OF_SERVICE = Text("此闸机已停用", "this gate is out of service")
_BY_ANOTHER = Text(
    "令牌已由其他设备更新，请联系运营人员",
    "another device has renewed this token; ask an operator to renew the gate",
)
