"""Many gates, two processes, lost replies: no limit of any kind is exceeded, and every scan has one answer."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.processes import Run, Start

SPOTS = ("emeishan", "wulong-xiannvshan")
SCANS = 16

KINDS = {
    "per-spot-day": ("limits: {per_spot_day: 2}", 4, {"already_today"}),
    "per-spot": ("limits: {per_spot_day: null, per_spot: 3}", 6, {"no_visits_left"}),
    "total": ("limits: {per_spot_day: null, total: 5}", 5, {"no_visits_left"}),
    "minutes-between": ("limits: {per_spot_day: null, minutes_between: 60}", 1, {"too_soon"}),
    "overrides": (
        "limits: {per_spot_day: null, per_spot: 4}\noverrides: {emeishan: {per_spot: 1}}",
        5,
        {"already_today", "no_visits_left"},
    ),
    "party": ("party: {admits: 3, pays: 3}", 6, {"already_today"}),
}
"""What each product adds, how many scans of one person each it admits today, and how the others are refused."""

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
    """Each scan is sent twice at once, by one gate that hangs up at some moment and by one that waits, and again."""
    running = server("--workers", "2")
    codes = issued_codes(scripts, tmp_path)
    api = Api(running.port)
    tokens = [await enrolled(api, scripts, SPOTS[n % 2]) for n in range(8)]
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
        writer.write(
            b"POST /api/v1/gate/scans HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
            % (token.encode(), len(raw), raw)
        )
        await writer.drain()
        await asyncio.sleep(chance.uniform(0, 0.06))
        writer.close()

    async def send(kind: str, n: int) -> bytes:
        answer = await api.post("/api/v1/gate/scans", *scan(kind, n))
        assert answer.status == 200, answer.body
        return answer.body

    work = [(kind, n) for kind in KINDS for n in range(SCANS)]
    chance.shuffle(work)
    first: dict[tuple[str, int], bytes] = {}
    for start in range(0, len(work), 8):
        part = work[start : start + 8]
        _, answers = await asyncio.gather(
            asyncio.gather(*(hang_up(*each) for each in part)),
            asyncio.gather(*(send(*each) for each in part)),
        )
        first |= dict(zip(part, answers, strict=True))
    assert {each: await send(*each) for each in work} == first, "one answer for each scan"
    api.close()

    for kind, (_, most, refused) in KINDS.items():
        reasons = Counter(
            json.loads(body)["reason"] for (of, _), body in first.items() if of == kind
        )
        assert reasons.pop("ok") == most, kind
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
    holder = ("--name", "测试甲", "--id-number", "11010119900307002X")
    return {
        kind: scripts("passes", "issue", "--product", kind, *holder, "--json").json["code"]
        for kind in KINDS
    }


async def enrolled(api: Api, scripts: Run, spot: str) -> str:
    """The token of a new handheld."""
    gate = scripts("gates", "add", "--spot", spot, "--kind", "handheld", "--json").json
    return str(
        (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json["token"]
    )
