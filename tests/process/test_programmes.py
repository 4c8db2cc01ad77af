"""The two real programmes, from the example files, by the commands of the operator guide: from
publishing to the second visit at the second spot, and to the report."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passes.base.calendar import business_day
from passes.ledger.verdicts import Reason
from scenic_data.files import DATA
from tests.support.api import Answer, Api
from tests.support.build import HOLDER, id_number
from tests.support.operators import enrolled_gate, row
from tests.support.processes import Run, Start
from tests.support.verdicts import assert_admitted, assert_refused, reason_of
from tests.support.visitors import put_identity, token_of
from tests.support.waiting import until

EXAMPLES = DATA / "examples"
NATIVE_OF_CHONGQING = id_number("50010119900307002")


def of_these_days(name: str, folder: Path) -> str:
    """An example file whose window has begun yesterday, whenever the test runs."""
    today = business_day(datetime.now(UTC))
    window = f"{{from: {today - timedelta(days=1)}, until: {today + timedelta(days=90)}}}"
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    file = folder / name
    file.write_text(re.sub(r"(?<=window: )\{.*\}", window, text), encoding="utf-8")
    return str(file)


async def scanned(api: Api, gate: str, text: str, nonce: str) -> Answer:
    """What a gate is told about a code."""
    body = {"code": text, "nonce": nonce, "scanned_at": datetime.now(UTC).isoformat()}
    return await api.post("/api/v1/gate/scans", body, gate)


async def shown(api: Api, pass_id: str, token: str) -> str:
    """The text of the code that a phone shows."""
    answer = await api.get(f"/api/v1/passes/{pass_id}/code", token)
    assert answer.status == 200, answer.body
    return str(answer.json["text"])


async def test_one_campaign_over_more_than_284_spots(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    """川渝一家亲——景区惠民游."""
    running = server()
    api = Api(running.port)
    published = scripts("offers", "publish", of_these_days("huimin-example.yaml", tmp_path))
    assert published.status == 0, published.err

    async def is_known() -> bool:
        return (await api.get("/api/v1/offers/huimin-example")).status == 200

    await until(is_known, "the campaign is known")
    offer = (await api.get("/api/v1/offers/huimin-example")).json
    assert len(offer["spots"]) >= 284
    assert "jiuzhaigou" not in offer["spots"]

    token = await token_of(api)
    assert (await put_identity(api, token, id_number=NATIVE_OF_CHONGQING)).status == 200
    claimed = await api.post("/api/v1/offers/huimin-example/claim", {}, token)
    assert claimed.status == 201, claimed.body
    pass_id = claimed.json["id"]

    window = await enrolled_gate(api, scripts, "emeishan", "window")
    there = await enrolled_gate(api, scripts, "dazu-shike", "handheld")
    first = await scanned(api, window, await shown(api, pass_id, token), "a")
    assert_admitted(first, admits=2, pays=1, visits_left=0)
    second = await scanned(api, there, await shown(api, pass_id, token), "b")
    if reason_of(second) == "code_spent":  # within the 30 seconds of one text: the paper code
        printed = scripts("passes", "code", pass_id, "--code", "static", "--json").json["code"]
        second = await scanned(api, there, printed, "c")
    assert_admitted(second, admits=1, pays=0)
    printed = scripts("passes", "code", pass_id, "--code", "static", "--json").json["code"]
    again = await scanned(api, window, printed, "d")
    assert reason_of(again) in {"already_today", "repeat"}

    report = scripts("reports", "offers", "--by", "province", "--json").json
    told = {line["province"]: line for line in report if line["offer"] == "huimin-example"}
    assert told[None]["claimed"] == 1
    assert told["sichuan"]["people"] == 2
    assert told["chongqing"]["people"] == 1
    by_spot = row(scripts, "reports", "offers", "--by", "spot", spot="emeishan")
    assert by_spot["paying"] == 1
    api.close()
    assert running.stop() == 0


async def test_the_annual_pass_of_unions(server: Start, scripts: Run) -> None:
    """百万职工游巴蜀: for members alone, over more than a hundred spots."""
    running = server()
    api = Api(running.port)
    published = scripts("products", "publish", str(EXAMPLES / "zhigong-example.yaml"))
    assert published.status == 0, published.err
    holder = ("--name", HOLDER.name, "--id-number", HOLDER.number)
    issue = ("passes", "issue", "--product", "zhigong-example", *holder, "--json")
    refused = scripts(*issue)
    assert refused.status == 1
    assert "union_member" in refused.err
    joined = scripts("visitors", "join", "--group", "union_member", *holder)
    assert joined.status == 0, joined.err
    issued = scripts(*issue)
    assert issued.status == 0, issued.err
    pass_id = issued.json["pass_id"]
    assert scripts("passes", "activate", pass_id).status == 0

    async def is_known() -> bool:
        return (await api.get("/api/v1/products/zhigong-example")).status == 200

    await until(is_known, "the product is known")
    (product,) = [
        each
        for each in (await api.get("/api/v1/products")).json["items"]
        if each["id"] == "zhigong-example"
    ]
    assert len(product["spots"]) >= 100

    printed = scripts("passes", "code", pass_id, "--code", "static", "--json").json["code"]
    for nonce, spot in enumerate(["dujiangyan", "dazu-shike"]):
        gate = await enrolled_gate(api, scripts, spot, "handheld")
        told = await scanned(api, gate, printed, f"n{nonce}")
        assert_admitted(told, check_identity=True)
        assert told.json["pass"]["title"]["zh"] == "百万职工游巴蜀文旅年票（示例）"
        assert told.json["pass"]["category"]["zh"] == "成人票"
    elsewhere = await enrolled_gate(api, scripts, "dujiangyan", "window")
    assert_refused(await scanned(api, elsewhere, printed, "again"), Reason.ALREADY_TODAY)
    history = scripts("passes", "show", pass_id).out
    assert history.count("admitted") == 2
    api.close()
    assert running.stop() == 0
