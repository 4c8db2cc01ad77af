"""Many gates, two processes, lost replies: no limit is exceeded, every scan has one answer."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from passes.ledger.verdicts import Reason
from tests.support.api import Api
from tests.support.operators import enrolled_gate, issue
from tests.support.processes import Run, Start
from tests.support.verdicts import reason_of

SPOTS = ("emeishan", "wulong-xiannvshan")
SCANS_OF_EACH = 16
SCANS = "/api/v1/gate/scans"

KINDS = {
    "per-spot-day": ("limits: {per_spot_day: 2}", 4, {"already_today"}),
    "per-spot": ("limits: {per_spot_day: null, per_spot: 3}", 6, {"no_visits_left"}),
    "total": ("limits: {per_spot_day: null, total: 5}", 5, {"no_visits_left"}),
    "minutes-between": ("limits: {per_spot_day: null, minutes_between: 60}", 1, {"too_soon"}),
    "overrides": (
        "limits: {per_spot_day: null, per_spot: 4}\noverrides: {emeishan: {per_spot: 1}}",
        5,
        {"no_visits_left"},
    ),
    "party": ("party: {admits: 3, pays: 3}", 6, {"already_today"}),
}
"""By product: its terms, how many scans it admits today, and how the others are refused.

Each scan is of one person.
"""

PRODUCT = """
id: {kind}
title: {{zh: 争用, en: Contended}}
term: {{days: 30}}
coverage: {{spots: [emeishan, wulong-xiannvshan]}}
{terms}
"""


@pytest.mark.timeout(seconds=240)
async def test_eight_gates_and_two_processes_never_exceed_a_limit(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    """Each scan is sent twice at once, by one gate that hangs up and by one that waits.

    Then once more, when all are decided.
    """
    running = server("--workers", "2")
    codes = issued_codes(scripts, tmp_path)
    api = Api(running.port)
    tokens = [await enrolled_gate(api, scripts, SPOTS[n % 2], "handheld") for n in range(8)]
    chance = random.Random(1)

    def scan(kind: str, n: int) -> tuple[dict[str, Any], str]:
        body = {
            "code": codes[kind],
            "nonce": f"{kind}-{n}",
            "scanned_at": "2026-07-01T00:00:00Z",
            "party": 1,
        }
        return body, tokens[n % 8]

    async def hang_up(kind: str, n: int) -> None:
        """Send a scan, and be gone before, while or after it is decided."""
        body, token = scan(kind, n)
        raw = json.dumps(body).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = (
            f"POST {SCANS} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Length: {len(raw)}\r\n\r\n"
        )
        writer.write(head.encode() + raw)
        await writer.drain()
        await asyncio.sleep(chance.uniform(0, 0.06))  # the moment is left to chance
        writer.close()

    async def send(kind: str, n: int) -> bytes:
        answer = await api.post(SCANS, *scan(kind, n))
        assert answer.status == 200, answer.body
        return answer.body

    work = [(kind, n) for kind in KINDS for n in range(SCANS_OF_EACH)]
    chance.shuffle(work)
    first: dict[tuple[str, int], bytes] = {}
    for start in range(0, len(work), 8):
        part = work[start : start + 8]
        _, answers = await asyncio.gather(
            asyncio.gather(*(hang_up(*each) for each in part)),
            asyncio.gather(*(send(*each) for each in part)),
        )
        first |= dict(zip(part, answers, strict=True))
    again = {each: await send(*each) for each in work}
    assert again == first, "one answer for each scan"
    api.close()

    for kind, (_, most, refused) in KINDS.items():
        bodies = [body for (of, _), body in first.items() if of == kind]
        reasons = Counter(reason_of(json.loads(body)) for body in bodies)
        assert reasons.pop(Reason.OK) == most, kind
        assert reasons.keys() == refused, kind
    assert running.stop() == 0


def issued_codes(scripts: Run, folder: Path) -> dict[str, str]:
    """A printed code of a pass of each kind."""
    files = []
    for kind, (terms, _, _) in KINDS.items():
        file = folder / f"{kind}.yaml"
        file.write_text(PRODUCT.format(kind=kind, terms=terms), encoding="utf-8")
        files.append(str(file))
    assert scripts("products", "publish", *files).status == 0
    return {kind: issue(scripts, product=kind).json["code"] for kind in KINDS}
