"""Visitors at the running process: the sandbox, operators' commands, and what stays of people."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

from server import clock
from tests.support.api import Answer, Api
from tests.support.build import PRIVACY_VERSION, id_number
from tests.support.operators import EXAMPLE_PASS, enrolled_gate
from tests.support.processes import Run, Start
from tests.support.replies import assert_problem
from tests.support.visitors import put_identity, signed_in, token_of

NAME, NUMBER = "测试郗", id_number("11010119900307777")
COMPANION, COMPANION_NUMBER = "测试蹇", id_number("11010120190307777")
GUARDIAN, GUARDIAN_NUMBER = "测试亓", id_number("11010119600101888")
SAID = {"name": NAME, "id_number": NUMBER}
OPENLY_KEPT = EXAMPLE_PASS
"""What the database holds in the clear; if the search did not find this it would find nothing."""


async def test_the_sandbox_is_one_for_all_workers_and_loudly_named(server: Start) -> None:
    running = server("--workers", "2")
    assert any(line.startswith("sandbox instead of WeChat") for line in running.lines)
    api = Api(running.port)
    health = await api.get("/healthz")
    assert health.json["sandbox"]
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
    health = await api.get("/healthz")
    assert not health.json["sandbox"]
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
    session = await signed_in(api)
    me = (await api.get("/api/v1/me", session["access_token"])).json
    assert me["identity"]["name"] == NAME, "it is kept, and the visitor alone is told"
    api.close()
    assert running.stop() == 0
    seen.append(scripts("passes", "show", me["passes"][0]["id"]).out)
    person = ("--id-number", NUMBER, "--reason", "asked", "--give-up-passes", "--json")
    erased = scripts("visitors", "erase", *person)
    assert erased.json == {"passes_given_up": [me["passes"][0]["id"]], "still_guardian_of": 0}
    requests = scripts("rights", "requests", "--json")
    assert [each["what"] for each in requests.json] == ["export", "erase"]
    seen += [erased.out, requests.out]
    seen.append((tmp_path / "server.log").read_text("utf-8"))
    files = [file for file in (tmp_path / "var").rglob("*") if file.is_file()]
    raw = b"".join(file.read_bytes() for file in files) + "".join(seen).encode()
    assert OPENLY_KEPT.encode() in raw
    people = (NAME, NUMBER, GUARDIAN, GUARDIAN_NUMBER, COMPANION, COMPANION_NUMBER)
    for secret in (*people, me["openid"], me["phone"], session["refresh_token"]):
        for written in ways_of_writing(secret):
            assert written not in raw, (secret, written)


def ways_of_writing(secret: str) -> list[bytes]:
    in_base64 = base64.b64encode(secret.encode())[:-4]  # its end depends on what follows
    in_json = json.dumps(secret).strip('"')
    return [secret.encode(), in_json.encode(), in_base64, secret.encode("utf-16-le")]


async def plant(api: Api, scripts: Run) -> list[str]:
    """Let people be known, also in vain.

    Every reply and output, but those that are for the people themselves.
    """
    issued = scripts(
        "passes", "issue", "--product", OPENLY_KEPT, "--name", NAME, "--id-number", NUMBER
    )
    readers = ("--reader", "id_card", "--reader", "carrier")
    gate = await enrolled_gate(api, scripts, "emeishan", "window", *readers)

    async def shown(nonce: str, **what: Any) -> Answer:
        scan = {"nonce": nonce, "scanned_at": clock.now().isoformat(), **what}
        return await api.post("/api/v1/gate/scans", scan, gate)

    card, stranger = ({"kind": "resident", "number": each} for each in (NUMBER, GUARDIAN_NUMBER))
    mine, other = await token_of(api, "甲"), await token_of(api, "乙")
    child = {"name": "测试童", "id_number": id_number("11010120160307002")}
    guardian = {"name": GUARDIAN, "id_number": GUARDIAN_NUMBER}
    companion = {
        "child": {"name": COMPANION, "id_number": COMPANION_NUMBER},
        "consent_version": PRIVACY_VERSION,
    }
    expected = [
        (200, await api.post("/api/v1/me/phone", {"code": "sandbox:甲"}, mine)),
        (200, await put_identity(api, other, **child, guardian=guardian)),
        (422, await put_identity(api, mine, name=NAME + "1", id_number=NUMBER)),
        (422, await put_identity(api, mine, name=NAME, id_number=NUMBER[:-1] + "Y")),
        (422, await put_identity(api, mine, **SAID, consent_version=NUMBER)),
        (422, await put_identity(api, mine, **SAID, note=NUMBER)),
        (200, await put_identity(api, mine, **SAID)),
        (409, await put_identity(api, other, **SAID)),
        (201, await api.post("/api/v1/me/companions", companion, mine)),
        (409, await api.post("/api/v1/me/companions", companion, other)),
        (200, await api.get("/api/v1/me/companions", mine)),
        (200, await api.post("/api/v1/gate/lookup", {"id_number": NUMBER}, gate)),
        (200, await shown("chip", document=card)),
        (200, await shown("typed", document=card, read="typed")),
        (200, await shown("nobody", document=stranger)),
        (422, await shown("wrong", document=card | {"number": NUMBER + "0"})),
        (200, await shown("carrier", carrier={"kind": "x", "token": f"sandbox:{NUMBER}"})),
        (200, await api.get(f"/api/v1/spots?q={NUMBER}", mine)),
    ]
    for status, answer in expected:
        assert answer.status == status, answer.body
    told = [answer.body.decode() for _, answer in expected]
    return [issued.out, issued.err, *told]


async def test_operators_unbind_a_person_and_rotate_keys_beside_a_running_server(
    server: Start, scripts: Run
) -> None:
    running = server()
    api = Api(running.port)
    first, second = await token_of(api, "甲"), await token_of(api, "乙")
    bound = await put_identity(api, first, **SAID)
    assert bound.status == 200
    refused = await put_identity(api, second, **SAID)
    assert_problem(refused, 409, "identity_bound")
    person = ("--name", NAME, "--id-number", NUMBER, "--reason", "lost account", "--json")
    unbound = scripts("visitors", "unbind", *person)
    assert unbound.json["passes_renamed"] == 0
    again = scripts("visitors", "unbind", *person)
    assert again.json["refused"] == "no account is bound to this document"
    free = await put_identity(api, second, **SAID)
    assert free.status == 200
    done = scripts("keys", "rotate", "--json")
    # Two accounts, a person, and the keys of three offers.
    assert done.json == {"key_id": 2, "new_key": True, "sealed_anew": 6, "left": 0}
    me = await api.get("/api/v1/me", second)
    assert me.json["identity"]["name"] == NAME, "the server learns of the key by itself"
    rows = scripts("keys", "list", "--json").json
    unsaid = {"announced_at": None, "signs_since": None}  # of signing keys
    identity_keys = [each for each in rows if each["use"] == "identities"]
    assert identity_keys == [
        {"use": "identities", "id": 1, "newest": False, "last_day": None, **unsaid},
        {"use": "identities", "id": 2, "newest": True, "last_day": None, **unsaid},
    ]
    api.close()
    assert running.stop() == 0
