"""Visitors at the running process: the sandbox, operators' commands, and what is found of people afterwards."""

import asyncio
import base64
import json
from pathlib import Path

from passes.people.identity import check_digit
from tests.support.api import Api
from tests.support.processes import Run, Start
from tests.support.replies import assert_problem

NAME, NUMBER = "测试郗", "11010119900307" + "777" + check_digit("11010119900307777")
GUARDIAN, GUARDIAN_NUMBER = "测试亓", "11010119600101" + "888" + check_digit("11010119600101888")
OPENLY_KEPT = "bashu-annual-example"
"""What the database holds in the clear; if the search did not find this it would find nothing."""


async def test_the_sandbox_is_one_for_all_workers_and_loudly_named(server: Start) -> None:
    running = server("--workers", "2")
    assert any(line.startswith("sandbox instead of WeChat") for line in running.lines)
    api = Api(running.port)
    assert (await api.get("/healthz")).json["sandbox"]
    codes = [{"code": f"sandbox:甲:{n}"} for n in range(12)]
    first = await asyncio.gather(*(api.post("/api/v1/session", code) for code in codes))
    again = await asyncio.gather(*(api.post("/api/v1/session", code) for code in codes))
    assert {answer.status for answer in first} == {200}
    assert len({answer.json["visitor_id"] for answer in first}) == 1
    assert {answer.json["code"] for answer in again} == {"login_code_used"}
    api.close()
    assert running.stop() == 0


def test_the_sandbox_and_credentials_exclude_each_other(scripts: Run) -> None:
    real = {"BASHU_WECHAT_APPID": "wx0123456789", "BASHU_WECHAT_SECRET": "s3cret"}
    for env, what in (
        (real | {"BASHU_SANDBOX": "true"}, "BASHU_SANDBOX cannot be on with real credentials"),
        ({"BASHU_SANDBOX": "false"}, "BASHU_SANDBOX is off"),
        ({"BASHU_WECHAT_APPID": "wx0123456789"}, "go together"),
    ):
        done = scripts("spots", "list", **env)
        assert done.status == 1
        assert what in done.err
        assert "s3cret" not in done.err


async def test_with_credentials_there_is_no_sandbox(server: Start) -> None:
    """WeChat is not reached from here: the address leads nowhere."""
    running = server(
        BASHU_WECHAT_APPID="wx0123456789",
        BASHU_WECHAT_SECRET="s3cret",
        BASHU_WECHAT_URL="http://127.0.0.1:1",
    )
    assert not any("sandbox" in line for line in running.lines)
    api = Api(running.port)
    assert not (await api.get("/healthz")).json["sandbox"]
    answer = await api.post("/api/v1/session", {"code": "sandbox:甲"})
    assert_problem(answer, 503, "wechat_unavailable")
    api.close()
    assert running.stop() == 0


async def test_nobody_is_found_in_logs_problems_exports_or_raw_files(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    """People are planted in every way in, then looked for in everything that comes out or stays."""
    running = server()
    api = Api(running.port)
    seen = await plant(api, scripts)
    session = (await api.post("/api/v1/session", {"code": "sandbox:甲"})).json
    me = (await api.get("/api/v1/me", session["access_token"])).json
    assert me["identity"]["name"] == NAME, "it is kept, and the visitor alone is told"
    api.close()
    assert running.stop() == 0
    seen += [
        scripts("passes", "show", me["passes"][0]["id"]).out,
        (tmp_path / "server.log").read_text("utf-8"),
    ]
    files = [file for file in (tmp_path / "var").rglob("*") if file.is_file()]
    raw = b"".join(file.read_bytes() for file in files) + "".join(seen).encode()
    assert OPENLY_KEPT.encode() in raw
    for secret in (
        NAME,
        NUMBER,
        GUARDIAN,
        GUARDIAN_NUMBER,
        me["openid"],
        me["phone"],
        session["refresh_token"],
    ):
        for written in (
            secret,
            json.dumps(secret).strip('"'),
            base64.b64encode(secret.encode()).decode()[:-4],
        ):
            assert written.encode() not in raw, written
        assert secret.encode("utf-16-le") not in raw


async def plant(api: Api, scripts: Run) -> list[str]:
    """Let people be known, also in vain, and return every reply and output but those that are for them alone."""
    issued = scripts(
        "passes", "issue", "--product", OPENLY_KEPT, "--name", NAME, "--id-number", NUMBER
    )
    gate = scripts("gates", "add", "--spot", "emeishan", "--kind", "window", "--json").json
    gate_token = (await api.post("/api/v1/gate/enrol", {"setup_code": gate["setup_code"]})).json[
        "token"
    ]
    mine = (await api.post("/api/v1/session", {"code": "sandbox:甲"})).json["access_token"]
    other = (await api.post("/api/v1/session", {"code": "sandbox:乙"})).json["access_token"]
    answers = [await api.post("/api/v1/me/phone", {"code": "sandbox:甲"}, mine)]
    claim = {"name": NAME, "id_number": NUMBER, "consent_version": "2026-11"}
    child = "11010120160307" + "002" + check_digit("11010120160307002")
    guardian = {"name": GUARDIAN, "id_number": GUARDIAN_NUMBER}
    for token, body in (
        (other, claim | {"id_number": child, "name": "测试童", "guardian": guardian}),
        (mine, claim | {"name": NAME + "1"}),
        (mine, claim | {"id_number": NUMBER[:-1] + "Y"}),
        (mine, claim | {"consent_version": NUMBER}),
        (mine, claim | {"note": NUMBER}),
        (mine, claim),
        (other, claim),
    ):
        answers.append(
            await api.send("PUT", "/api/v1/me/identity", json.dumps(body).encode(), token, {})
        )
    answers.append(await api.post("/api/v1/gate/lookup", {"id_number": NUMBER}, gate_token))
    answers.append(await api.get(f"/api/v1/spots?q={NUMBER}", mine))
    assert [answer.status for answer in answers] == [
        200,
        200,
        422,
        422,
        422,
        422,
        200,
        409,
        200,
        200,
    ]
    told = [answer.body.decode() for answer in answers]
    return [issued.out, issued.err, *told]


async def test_operators_release_a_person_and_rotate_keys_beside_a_running_server(
    server: Start, scripts: Run
) -> None:
    running = server()
    api = Api(running.port)
    claim = {"name": NAME, "id_number": NUMBER, "consent_version": "2026-11"}
    tokens = [
        (await api.post("/api/v1/session", {"code": f"sandbox:{name}"})).json["access_token"]
        for name in ("甲", "乙")
    ]

    async def identify(token: str) -> int:
        return (
            await api.send("PUT", "/api/v1/me/identity", json.dumps(claim).encode(), token, {})
        ).status

    assert [await identify(token) for token in tokens] == [200, 409]
    person = ("--name", NAME, "--id-number", NUMBER, "--reason", "lost account", "--json")
    assert scripts("visitors", "release", *person).json["passes_renamed"] == 0
    assert (
        scripts("visitors", "release", *person).json["refused"]
        == "no account is bound to this document"
    )
    assert await identify(tokens[1]) == 200
    done = scripts("keys", "rotate", "--json").json
    assert done == {"key_id": 2, "new_key": True, "sealed_anew": 3, "left": 0}
    me = await api.get("/api/v1/me", tokens[1])
    assert me.json["identity"]["name"] == NAME, "the server learns of the key by itself"
    rows = scripts("keys", "list", "--json").json
    assert [row for row in rows if row["use"] == "identities"] == [
        {"use": "identities", "id": 1, "newest": False},
        {"use": "identities", "id": 2, "newest": True},
    ]
    api.close()
    assert running.stop() == 0
