"""Gates and visitors that go on through the death of a server, and all that they were told.

They retry as docs/gate-protocol.md and docs/mini-program.md say: the same body under the same nonce
or `Idempotency-Key`, until there is an answer.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.api import Answer, Api
from tests.support.waiting import PATIENCE

SCANS = "/api/v1/gate/scans"
_PAUSE = 0.1
"""Seconds before a client tries again, where the server did not say."""


@dataclass(frozen=True)
class GateClient:
    """A gate that is enrolled."""

    id: str
    token: str


@dataclass
class TriedScan:
    """A scan that was answered."""

    gate: GateClient
    pass_id: str
    body: dict[str, Any]
    told: Any
    annulled: bool = False

    @property
    def admitted(self) -> bool:
        return bool(self.told["verdict"] == "admitted")


@dataclass
class TriedClaim:
    """A claim that was answered: the voucher, or the code of the problem."""

    key: str
    token: str
    address: str
    voucher: str | None
    problem: str | None
    cancelled: bool = False


@dataclass
class Clients:
    """All clients of one server, which may come back under another port."""

    chance: random.Random
    apis: list[Api] = field(default_factory=list)
    scans: list[TriedScan] = field(default_factory=list)
    claims: list[TriedClaim] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """What was seen instead of an answer: `no answer`, or a status."""
    answers: int = 0
    longest_wait: float = 0.0
    """Seconds from the first try of a call to its answer, at the most."""
    leaving: bool = False
    """Set to let gates end after their scan."""

    def reach(self, port: int) -> None:
        """From now on call this port."""
        self.apis.append(Api(port))

    def close(self) -> None:
        for api in self.apis:
            api.close()

    async def answer(self, path: str, body: Any, token: str | None, **headers: str) -> Answer:
        """The answer to a call, which is made again until there is one."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            try:
                answer = await self.apis[-1].post(path, body, token, **headers)
            except OSError:
                self.seen["no answer"] += 1
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status not in {429, 503}:
                self.answers += 1
                self.longest_wait = max(self.longest_wait, time.monotonic() - began)
                return answer
            self.seen[str(answer.status)] += 1
            await asyncio.sleep(float(answer.headers.get("Retry-After", _PAUSE)))
        raise AssertionError(f"no answer to {path} within {PATIENCE:g} s; seen: {self.seen}")

    async def scan_on(self, gate: GateClient, codes: dict[str, str]) -> None:
        """Scan passes, by their codes, until it is time to leave; annul some admissions."""
        while not self.leaving:
            pass_id = self.chance.choice(list(codes))
            nonce = f"{self.chance.getrandbits(64):016x}"
            body = {
                "code": codes[pass_id],
                "nonce": nonce,
                "scanned_at": "2026-07-01T00:00:00Z",
                "party": 1,  # each scan is meant: none is a second reading
            }
            answer = await self.answer(SCANS, body, gate.token)
            assert answer.status == 200, answer.body
            tried = TriedScan(gate, pass_id, body, answer.json)
            self.scans.append(tried)
            if tried.admitted and self.chance.random() < 0.2:
                undone = await self.answer(f"{SCANS}/{nonce}/annul", {}, gate.token)
                assert undone.status == 200, undone.body
                tried.annulled = True

    async def claim_in_turn(self, offer: str, visitors: Sequence[tuple[str, str]]) -> None:
        """Each of the visitors, by token and address, claims a voucher; some give it back."""
        for token, address in visitors:
            claim = await self.claim(offer, token, address, f"{self.chance.getrandbits(64):016x}")
            self.claims.append(claim)
            if claim.voucher is not None and self.chance.random() < 0.2:
                path = f"/api/v1/passes/{claim.voucher}/cancel"
                given_back = await self.answer(path, {}, token, X_Forwarded_For=address)
                assert given_back.status == 200, given_back.body
                claim.cancelled = True

    async def claim(self, offer: str, token: str, address: str, key: str) -> TriedClaim:
        """A claim that is made again under the same key until it is answered."""
        headers = {"X_Forwarded_For": address, "Idempotency_Key": key}
        answer = await self.answer(f"/api/v1/offers/{offer}/claim", {}, token, **headers)
        if answer.status == 201:
            return TriedClaim(key, token, address, answer.json["id"], None)
        assert answer.status == 409, answer.body
        return TriedClaim(key, token, address, None, answer.json["code"])
