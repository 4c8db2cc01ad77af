"""Many visitors rush for few vouchers, through two processes; and a server that is killed in the middle of it."""

import asyncio
import signal
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from passes.people.identity import check_digit
from tests.support.api import Answer, Api
from tests.support.fields import assert_fields
from tests.support.processes import Run, Start

OFFER = """
id: rush
title: {zh: 抢券, en: Rush}
benefit: {kind: buy_one_get_one}
spots: [emeishan]
window: {from: 2020-01-01, until: 2099-12-31}
eligible: [anyone]
quota: {total: 20, per_person: 1}
voucher: {valid_days: 30}
"""
VISITORS = 500
AT_ONCE = 50


async def test_of_500_visitors_20_get_a_voucher(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server("--workers", "2", BASHU_TRUSTED_PROXIES="127.0.0.1")
    (tmp_path / "rush.yaml").write_text(
        OFFER.replace("20,", "20, per_day: 20,") + "real_name: false\n", "utf-8"
    )
    assert scripts("offers", "publish", str(tmp_path / "rush.yaml")).status == 0
    api = Api(running.port)
    tokens = [
        session.json["access_token"] for session in await each(VISITORS, lambda n: sign_in(api, n))
    ]
    await asyncio.sleep(3)  # until both processes know the offer
    took: list[float] = []

    async def claim(n: int) -> Answer:
        start = time.perf_counter()
        answer = await api.post(
            "/api/v1/offers/rush/claim", {}, tokens[n], X_Forwarded_For=address(n)
        )
        took.append(time.perf_counter() - start)
        return answer

    answers = await each(VISITORS, claim)
    assert Counter((answer.status, answer.json.get("code")) for answer in answers) == {
        (201, None): 20,
        (409, "sold_out"): VISITORS - 20,
    }
    assert len({answer.json["id"] for answer in answers if answer.status == 201}) == 20
    print(
        f"median {statistics.median(took):.3f} s, p99 {statistics.quantiles(took, n=100)[98]:.3f} s"
    )
    (row,) = [row for row in scripts("reports", "offers", "--json").json if row["offer"] == "rush"]
    assert_fields(row, claimed=20, unused=20, admissions=0)
    (row,) = [row for row in scripts("offers", "list", "--json").json if row["id"] == "rush"]
    assert row["claimed"] == 20
    assert row["claimed_today"] == 20
    api.close()
    assert running.stop() == 0


async def test_a_kill_in_the_rush_loses_no_voucher_and_sells_none_twice(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    """Every voucher that was answered is there afterwards, and there are no more than the quota."""
    running = server(BASHU_TRUSTED_PROXIES="127.0.0.1")
    (tmp_path / "rush.yaml").write_text(OFFER + "real_name: false\n", "utf-8")
    assert scripts("offers", "publish", str(tmp_path / "rush.yaml")).status == 0
    await asyncio.sleep(3)
    api = Api(running.port)
    tokens = [session.json["access_token"] for session in await each(40, lambda n: sign_in(api, n))]
    answered: list[str] = []

    async def claim(n: int) -> None:
        try:
            answer = await api.post(
                "/api/v1/offers/rush/claim", {}, tokens[n], X_Forwarded_For=address(n)
            )
        except (ConnectionError, OSError):
            return
        if answer.status == 201:
            answered.append(answer.json["id"])

    rush = asyncio.gather(*(claim(n) for n in range(40)))
    while len(answered) < 5:
        await asyncio.sleep(0.002)
    running.stop(signal.SIGKILL)
    await rush
    api.close()

    running = server(BASHU_TRUSTED_PROXIES="127.0.0.1")
    api = Api(running.port)
    again = [
        await api.post("/api/v1/offers/rush/claim", {}, token, X_Forwarded_For="192.0.2.1")
        for token in tokens
    ]
    given = answered + [answer.json["id"] for answer in again if answer.status == 201]
    assert len(given) == len(set(given)) <= 20
    (row,) = [row for row in scripts("reports", "offers", "--json").json if row["offer"] == "rush"]
    assert len(set(given)) <= row["claimed"] <= 20
    (counts,) = [row for row in scripts("offers", "list", "--json").json if row["id"] == "rush"]
    assert counts["claimed"] == 20, "never less than there are vouchers"
    assert running.stop() == 0
    api.close()


async def test_operators_say_who_is_a_member_and_reports_become_files(
    scripts: Run, tmp_path: Path
) -> None:
    number = "11010119900307" + "991" + check_digit("11010119900307991")
    roster = tmp_path / "roster.csv"
    roster.write_text(
        f"name,id_number\n测试甲,11010119900307002X\n测试乙,{number[:-1]}Z\n", "utf-8"
    )
    refused = scripts("visitors", "join-roster", str(roster), "--group", "union_member", "--json")
    assert refused.status == 1
    assert refused.json["errors"] == [
        "row 2.id_number: a resident ID number has 17 digits and a check digit"
    ]
    roster.write_text(f"name,id_number\n测试甲,11010119900307002X\n测试乙,{number}\n", "utf-8")
    joined = {"group": "union_member", "joined": 2, "were_members": 0}
    assert (
        scripts("visitors", "join-roster", str(roster), "--group", "union_member", "--json").json
        == joined
    )
    person = ("--name", "测试乙", "--id-number", number, "--group", "union_member", "--json")
    assert scripts("visitors", "join", *person).json["were_members"] == 1
    assert scripts("visitors", "leave", *person[2:]).json == {"group": "union_member"}
    assert scripts("visitors", "join", *person).json["joined"] == 1
    files = [tmp_path / "offers.csv", tmp_path / "offers.xlsx"]
    done = scripts(
        "reports",
        "offers",
        "--by",
        "day",
        "--csv",
        str(files[0]),
        "--xlsx",
        str(files[1]),
        "--json",
    )
    assert done.status == 0
    assert done.json == []
    assert all(file.exists() for file in files)
    gone = scripts("reports", "offers", "--xlsx", str(tmp_path / "nowhere" / "x.xlsx"))
    assert gone.status == 1
    assert "cannot be written" in gone.err
    rows = scripts("offers", "reconcile", "--json").json
    assert {row["busy"] for row in rows} == {0}
    assert scripts("offers", "reconcile", "nothing").status == 1


def address(n: int) -> str:
    return f"198.51.{n // 250}.{n % 250}"


async def sign_in(api: Api, n: int) -> Answer:
    return await api.post("/api/v1/session", {"code": f"sandbox:v{n}"}, X_Forwarded_For=address(n))


async def each(many: int, call: Callable[[int], Awaitable[Answer]]) -> list[Answer]:
    """The answers to so many calls, some of them at once."""
    answers: list[Answer] = []
    for start in range(0, many, AT_ONCE):
        answers += await asyncio.gather(
            *(call(n) for n in range(start, min(many, start + AT_ONCE)))
        )
    return answers
