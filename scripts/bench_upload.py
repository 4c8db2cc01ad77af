"""What the bench measures of gates that come back: 3,000 queued scans in six calls, and those again
as after a lost answer."""

import json
import time
from collections import Counter
from typing import Any

from tornado.httpclient import AsyncHTTPClient

from handlers.admission.batch import MOST_ITEMS
from scripts.bench_load import Target
from scripts.bench_scans import Row, fresh_codes
from server.clock import now
from server.system import System

QUEUED = 3_000


async def uploads(system: System, target: Target, token: str) -> list[Row]:
    """The queue of a gate that was without a line, uploaded; then once more."""
    at = now().isoformat()
    decided = {"reason": "ok", "admits": 1, "pays": 0}
    items = [
        {"kind": "scan", "code": code, "nonce": f"q{n}", "scanned_at": at, "decided": decided}
        for n, code in enumerate(await fresh_codes(system, QUEUED))
    ]
    first = await _uploaded(items, target, token)
    return [
        {"upload": "first", **first},
        {"upload": "again", **await _uploaded(items, target, token)},
    ]


async def _uploaded(items: list[dict[str, Any]], target: Target, token: str) -> Row:
    """What became of all items, and how long it took."""
    client = AsyncHTTPClient()
    results, calls, begun = Counter[str](), [], time.perf_counter()
    for start in range(0, len(items), MOST_ITEMS):
        called = time.perf_counter()
        body = {"sent_at": now().isoformat(), "items": items[start : start + MOST_ITEMS]}
        answer = await client.fetch(
            f"http://127.0.0.1:{target.port}/api/v1/gate/scans/batch",
            method="POST",
            body=json.dumps(body),
            headers={"Authorization": f"Bearer {token}"},
            request_timeout=60,
        )
        results.update(item["result"] for item in json.loads(answer.body)["items"])
        calls.append(time.perf_counter() - called)
    return {
        "items": len(items),
        "calls": len(calls),
        "results": ", ".join(f"{name} {count}" for name, count in results.items()),
        "seconds": round(time.perf_counter() - begun, 2),
        "longest call s": round(max(calls), 2),
    }
