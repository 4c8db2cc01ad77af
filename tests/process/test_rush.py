"""Many visitors rush for few vouchers, through two processes and past a kill of the server."""

import asyncio
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tests.support.api import Answer, Api
from tests.support.build import HOLDER, id_number
from tests.support.fields import assert_fields
from tests.support.operators import row
from tests.support.processes import Done, Run, Server, Start, until_each_worker, workers_of
from tests.support.visitors import token_of
from tests.support.waiting import happens, until

T = TypeVar("T")

OFFER = """
id: rush
title: {{zh: 抢券, en: Rush}}
benefit: {{kind: buy_one_get_one}}
spots: [emeishan]
window: {{from: 2020-01-01, until: 2099-12-31}}
eligible: [anyone]
quota: {{total: 20, per_day: {per_day}, per_person: 1}}
voucher: {{valid_days: 30}}
real_name: false
"""
CLAIM = "/api/v1/offers/rush/claim"
VISITORS = 500
AT_ONCE = 50


async def published(server: Server, scripts: Run, file: Path, per_day: str = "null") -> Api:
    """A client of a server that knows the offer, at each of its processes."""
    file.write_text(OFFER.format(per_day=per_day), encoding="utf-8")
    assert scripts("offers", "publish", str(file)).status == 0
    api = Api(server.port)

    async def is_known() -> bool:
        return (await api.get("/api/v1/offers/rush")).status == 200

    if workers_of(server):
        await until_each_worker(server, is_known, "the offer is known")
    else:
        await until(is_known, "the offer is known")
    return api


async def test_of_500_visitors_20_get_a_voucher(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server("--workers", "2", BASHU_TRUSTED_PROXIES="127.0.0.1")
    api = await published(running, scripts, tmp_path / "rush.yaml", per_day="20")
    tokens = await each(VISITORS, lambda n: sign_in(api, n))
    took: list[float] = []

    async def claim(n: int) -> Answer:
        start = time.perf_counter()
        answer = await api.post(CLAIM, {}, tokens[n], X_Forwarded_For=address(n))
        took.append(time.perf_counter() - start)
        return answer

    answers = await each(VISITORS, claim)
    claimed = [answer.json["id"] for answer in answers if answer.status == 201]
    refused = [answer.json["code"] for answer in answers if answer.status == 409]
    assert len(claimed) == 20
    assert len(set(claimed)) == 20
    assert refused == ["sold_out"] * (VISITORS - 20)
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"median {statistics.median(took):.3f} s, p99 {p99:.3f} s")
    report = row(scripts, "reports", "offers", offer="rush")
    assert_fields(report, claimed=20, unused=20, admissions=0)
    counts = row(scripts, "offers", "list", id="rush")
    assert_fields(counts, claimed=20, claimed_today=20)
    api.close()
    assert running.stop() == 0


async def test_a_kill_in_the_rush_loses_no_voucher_and_sells_none_twice(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    """Every voucher that was answered is there afterwards, and there are no more than the quota."""
    running = server(BASHU_TRUSTED_PROXIES="127.0.0.1")
    api = await published(running, scripts, tmp_path / "rush.yaml")
    tokens = await each(40, lambda n: sign_in(api, n))
    answered: list[str] = []
    five_are_answered = asyncio.Event()

    async def claim(n: int) -> None:
        try:
            answer = await api.post(CLAIM, {}, tokens[n], X_Forwarded_For=address(n))
        except (ConnectionError, OSError):
            return
        if answer.status == 201:
            answered.append(answer.json["id"])
        if len(answered) >= 5:
            five_are_answered.set()

    rush = asyncio.gather(*(claim(n) for n in range(40)))
    await happens(five_are_answered, "five vouchers are claimed")
    running.stop(signal.SIGKILL)
    await rush
    api.close()

    running = server(BASHU_TRUSTED_PROXIES="127.0.0.1")
    api = Api(running.port)
    again = [await api.post(CLAIM, {}, token, X_Forwarded_For="192.0.2.1") for token in tokens]
    given = answered + [answer.json["id"] for answer in again if answer.status == 201]
    assert len(set(given)) == len(given), "none is sold twice"
    assert len(given) <= 20
    report = row(scripts, "reports", "offers", offer="rush")
    assert report["claimed"] >= len(given), "none is lost"
    assert report["claimed"] <= 20
    counts = row(scripts, "offers", "list", id="rush")
    assert counts["claimed"] == 20, "never less than there are vouchers"
    assert running.stop() == 0
    api.close()


async def test_operators_say_who_is_a_member(scripts: Run, tmp_path: Path) -> None:
    number = id_number("11010119900307991")
    roster = tmp_path / "roster.csv"

    def join_roster(*rows: str) -> Done:
        roster.write_text("\n".join(["name,id_number", *rows, ""]), encoding="utf-8")
        return scripts("visitors", "join-roster", str(roster), "--group", "union_member", "--json")

    first = f"{HOLDER.name},{HOLDER.number}"
    refused = join_roster(first, f"测试乙,{number[:-1]}Z")
    assert refused.status == 1
    fault = (
        "roster.csv: row 3, column id_number: a resident ID number has 17 digits and a check digit"
    )
    assert refused.json["errors"] == [fault]
    joined = join_roster(first, f"测试乙,{number}")
    assert joined.json == {"group": "union_member", "joined": 2, "were_members": 0}
    person = ("--name", "测试乙", "--id-number", number, "--group", "union_member", "--json")
    again = scripts("visitors", "join", *person)
    assert again.json["were_members"] == 1
    left = scripts("visitors", "leave", *person[2:])
    assert left.json == {"group": "union_member"}
    back = scripts("visitors", "join", *person)
    assert back.json["joined"] == 1


def test_reports_become_files(scripts: Run, tmp_path: Path) -> None:
    csv, xlsx = tmp_path / "offers.csv", tmp_path / "offers.xlsx"
    into_files = ("--csv", str(csv), "--xlsx", str(xlsx))
    done = scripts("reports", "offers", "--by", "day", *into_files, "--json")
    assert done.status == 0
    assert done.json == []
    assert csv.exists()
    assert xlsx.exists()
    nowhere = scripts("reports", "offers", "--xlsx", str(tmp_path / "nowhere" / "x.xlsx"))
    assert nowhere.status == 1
    assert "cannot be written" in nowhere.err
    rows = scripts("offers", "reconcile", "--json").json
    assert {each["busy"] for each in rows} == {0}
    assert scripts("offers", "reconcile", "nothing").status == 1


def address(n: int) -> str:
    return f"198.51.{n // 250}.{n % 250}"


async def sign_in(api: Api, n: int) -> str:
    return await token_of(api, f"v{n}", X_Forwarded_For=address(n))


async def each(many: int, call: Callable[[int], Awaitable[T]]) -> list[T]:
    """What so many calls give, some of them at once."""
    answers: list[T] = []
    for start in range(0, many, AT_ONCE):
        answers += await asyncio.gather(
            *(call(n) for n in range(start, min(many, start + AT_ONCE)))
        )
    return answers
