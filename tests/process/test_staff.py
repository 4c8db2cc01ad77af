"""What staff decide at a running server, and what operators do about it by commands."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passes.base.calendar import SHANGHAI
from tests.support.api import Api
from tests.support.build import person
from tests.support.operators import enrolled_gate
from tests.support.processes import Run, Start
from tests.support.verdicts import reason_of
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def issued(scripts: Run, n: int) -> Any:
    """A pass of person n."""
    holder = ("--name", person(n).name, "--id-number", person(n).number)
    return scripts("passes", "issue", "--product", "bashu-annual-example", *holder, "--json").json


async def test_staff_decide_and_operators_put_it_right(server: Start, scripts: Run) -> None:
    api = Api(server().port)
    gate = await enrolled_gate(api, scripts, "emeishan", "window")
    asked, held = (issued(scripts, n) for n in range(2))
    nonces = itertools.count()

    async def reason(code: str) -> str:
        now = datetime.now(UTC).isoformat()
        body = {"code": code, "nonce": f"n{next(nonces)}", "scanned_at": now, "party": 1}
        return reason_of(await api.post("/api/v1/gate/scans", body, gate))

    # 1. An operator stops entry, and the running server learns of it; and of its end.
    in_an_hour = f"{datetime.now(SHANGHAI) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    stop = scripts("spots", "stop-entry", "emeishan", "--until", in_an_hour, "--reason", "weather")
    assert stop.status == 0, stop.err

    async def stopped() -> bool:
        return await reason(asked["code"]) == "entry_stopped"

    await until(stopped, "the stop is known")
    assert [row["spot"] for row in scripts("spots", "stops", "--json").json] == ["emeishan"]
    assert scripts("spots", "resume", "emeishan").status == 0

    async def resumed() -> bool:
        return not await stopped()

    await until(resumed, "the end of the stop is known")
    assert await reason(held["code"]) == "ok"

    # 2. What was admitted did not happen, and did after all, by one person.
    def corrected(n: int, *how: str) -> int:
        what = ("admissions", "correct", held["pass_id"], str(n), "--reason", "误刷", *how)
        done = scripts(*what, "--json")
        assert done.status == 0, done.err
        return int(done.json["visits"])

    assert corrected(1, "--annul") == 0
    assert corrected(1, "--restore") == 1
    assert corrected(3, "--people", "1") == 1
    both = scripts("admissions", "correct", held["pass_id"], "1", "--reason", "x")
    assert both.status == 1

    # 3. Somebody is let in by hand, which is a case until an operator closes it.
    body = {"nonce": "by-hand", "people": 2, "reason": "device_fault"}
    number = (await api.post("/api/v1/gate/hand-admissions", body, gate)).json["case"]
    assert [case["case"] for case in scripts("cases", "list", "--json").json] == [number]
    assert scripts("cases", "show", number, "--json").json["people"] == 2
    assert scripts("cases", "close", number, "--note", "已核实").status == 0
    assert scripts("cases", "list", "--json").json == []
    api.close()
