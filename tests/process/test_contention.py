"""Many gates, two processes, lost replies: no limit is exceeded, and every scan has one answer."""

import asyncio
import random
from collections import Counter
from pathlib import Path

from tests.conftest import Answer, Api
from tests.process.conftest import Run, Start

PRODUCT = """
id: contended
title: {zh: 争用, en: Contended}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: null, per_spot: 4, total: 7}
"""


async def test_eight_gates_and_two_processes_never_exceed_a_limit(server: Start, scripts: Run, tmp_path: Path) -> None:
    """Each scan is sent twice at once and once again later, as by a gate that lost the replies."""
    running = server("--workers", "2")
    file = tmp_path / "contended.yaml"
    file.write_text(PRODUCT, encoding="utf-8")
    assert scripts("products", "publish", str(file)).status == 0
    issued = scripts(
        "passes", "issue", "--product", "contended", "--name", "测试甲", "--id-number", "11010119900307002X", "--json"
    ).json
    api = Api(running.port)
    tokens = []
    for spot in ("emeishan", "wulong-xiannvshan"):
        gate = scripts("gates", "add", "--spot", spot, "--kind", "handheld", "--json").json
        tokens.append((await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json["token"])

    async def send(n: int) -> Answer:
        body = {"code": issued["code"], "nonce": f"n{n}", "scanned_at": "2026-07-01T00:00:00Z"}
        answer = await api.post("/api/v1/gate/scans", body, tokens[n % 2])
        assert answer.status == 200, answer.body
        return answer

    numbers = [*range(32), *range(32)]
    random.Random(1).shuffle(numbers)
    first: list[Answer] = []
    for start in range(0, len(numbers), 8):
        first += await asyncio.gather(*(send(n) for n in numbers[start : start + 8]))
    again = [await send(n) for n in range(32)]
    api.close()

    answers: dict[str, set[bytes]] = {}
    for answer in [*first, *again]:
        answers.setdefault(answer.json["nonce"], set()).add(answer.body)
    assert {len(bodies) for bodies in answers.values()} == {1}, "one answer for each scan"
    reasons = Counter(answer.json["reason"] for answer in again)
    assert reasons == {"ok": 7, "no_visits_left": 25}
    events = scripts("passes", "show", issued["pass_id"], "--json").json["story"]
    visits = Counter(event["spot"] for event in events if event["what"] == "admitted")
    assert sorted(visits.values()) == [3, 4]
    assert running.stop() == 0
