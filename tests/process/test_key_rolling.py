"""A signing key rolls while two servers run over one database, and neither is started anew."""

import asyncio
import itertools
from datetime import UTC, datetime

from tests.support.api import Api
from tests.support.operators import enrolled_gate, issue
from tests.support.processes import Done, Run, Start
from tests.support.verdicts import reason_of
from tests.support.waiting import until


async def test_a_key_rolls_under_two_servers_and_no_pass_is_refused(
    server: Start, scripts: Run
) -> None:
    running = server("--workers", "2")
    api = Api(running.port)
    gate = await enrolled_gate(api, scripts, "emeishan", "handheld")
    held = issue(scripts).json
    nonces, reasons, codes = itertools.count(), set[str](), [held["code"]]
    over = asyncio.Event()

    async def scan_on_and_on() -> None:
        while not over.is_set():
            for code in codes:
                now = datetime.now(UTC).isoformat()
                body = {"code": code, "nonce": f"n{next(nonces)}", "scanned_at": now}
                reasons.add(reason_of(await api.post("/api/v1/gate/scans", body, gate)))

    async def keys(*command: str) -> Done:
        done = await asyncio.to_thread(scripts, "keys", *command, "--json")
        assert done.status == 0, done.err
        return done

    scanning = [asyncio.create_task(scan_on_and_on()) for _ in range(4)]
    key_id = str((await keys("make", "signing")).json["key_id"])
    assert len((await keys("announce")).json["known_by"]) == 2
    await keys("sign-with", key_id)
    shown = await asyncio.to_thread(scripts, "passes", "code", held["pass_id"], "--json")
    codes.append(shown.json["code"])
    assert codes[0] != codes[1], "another key has signed it"
    seen = next(nonces)
    await until(lambda: next(nonces) > seen + 40, "both codes are scanned by both servers")
    over.set()
    await asyncio.gather(*scanning)
    assert reasons <= {"ok", "repeat", "already_today"}
    api.close()
