"""What operators do about gates by commands, beside a running server."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passes.base.calendar import SHANGHAI
from tests.support.api import Api
from tests.support.build import HOLDER
from tests.support.operators import enrolled_gate
from tests.support.processes import Run, Start
from tests.support.verdicts import reason_of
from tests.support.waiting import until

pytestmark = pytest.mark.slow

_nonces = itertools.count()


def issued(scripts: Run) -> Any:
    """A pass, with its code for paper."""
    holder = ("--name", HOLDER.name, "--id-number", HOLDER.number)
    return scripts("passes", "issue", "--product", "bashu-annual-example", *holder, "--json").json


async def scanned(api: Api, gate: str, code: str) -> str:
    """The reason of the verdict on one person."""
    now = datetime.now(UTC).isoformat()
    body = {"code": code, "nonce": f"n{next(_nonces)}", "scanned_at": now, "party": 1}
    return reason_of(await api.post("/api/v1/gate/scans", body, gate))


async def test_entry_is_stopped_and_resumed_at_a_running_server(
    server: Start, scripts: Run
) -> None:
    api = Api(server().port)
    gate = await enrolled_gate(api, scripts, "emeishan", "window")
    code = issued(scripts)["code"]
    in_an_hour = f"{datetime.now(SHANGHAI) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    stop = scripts("spots", "stop-entry", "emeishan", "--until", in_an_hour, "--reason", "weather")
    assert stop.status == 0, stop.err

    async def stopped() -> bool:
        return await scanned(api, gate, code) == "entry_stopped"

    async def resumed() -> bool:
        return not await stopped()

    await until(stopped, "the stop is known")
    assert scripts("spots", "resume", "emeishan").status == 0
    await until(resumed, "the end of the stop is known")
    api.close()


async def test_operators_correct_the_ledger_and_close_cases(server: Start, scripts: Run) -> None:
    api = Api(server().port)
    gate = await enrolled_gate(api, scripts, "emeishan", "window")
    held = issued(scripts)
    assert await scanned(api, gate, held["code"]) == "ok"

    def corrected(n: int, *how: str) -> int:
        what = ("admissions", "correct", held["pass_id"], str(n), "--reason", "误刷", *how)
        done = scripts(*what, "--json")
        assert done.status == 0, done.err
        return int(done.json["visits"])

    assert corrected(1, "--people", "2") == 1
    assert corrected(2, "--annul") == 0
    body = {"nonce": "by-hand", "people": 2, "reason": "device_fault"}
    number = (await api.post("/api/v1/gate/hand-admissions", body, gate)).json["case"]
    assert [case["case"] for case in scripts("cases", "list", "--json").json] == [number]
    closed = scripts("cases", "close", number, "--note", "已核实", "--json").json
    assert closed["closing_note"] == "已核实"
    api.close()
