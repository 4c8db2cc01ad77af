"""Operators' commands as processes: what they print, their exit statuses, with a server running and without."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import zxingcpp
from PIL import Image

from tests.support.api import Api
from tests.support.processes import PROJECT, Done, Run, Start, environment

PRODUCT = """
id: spring-2026
title: {zh: 春季票, en: Spring pass}
term: {dates: 2026-03-01/2099-05-31}
coverage: {spots: [emeishan, SPOT]}
"""


def issue(
    scripts: Run,
    number: str = "11010119900307002X",
    product: str = "bashu-annual-example",
    *more: str,
) -> Done:
    return scripts(
        "passes",
        "issue",
        "--product",
        product,
        "--name",
        "测试甲",
        "--id-number",
        number,
        *more,
        "--json",
    )


def test_an_operator_at_work_without_a_server(scripts: Run, tmp_path: Path) -> None:
    file = tmp_path / "spring.yaml"
    file.write_text(PRODUCT.replace("SPOT", "nowhere"), encoding="utf-8")
    refused = scripts("products", "publish", str(file), "--json")
    assert refused.status == 1
    assert refused.json["refused"] == "this product cannot be published"
    assert refused.json["errors"] == ["spring-2026.coverage: there is no spot nowhere"]
    assert "spring-2026.coverage: there is no spot nowhere" in refused.err

    file.write_text(PRODUCT.replace("SPOT", "leshan-dafo"), encoding="utf-8")
    nothing: dict[str, list[str]] = {"created": [], "changed": [], "unchanged": [], "errors": []}
    assert scripts("products", "publish", str(file), "--dry-run", "--json").json == nothing | {
        "created": ["spring-2026"]
    }
    assert scripts("products", "publish", str(file), "--json").json == nothing | {
        "created": ["spring-2026"]
    }
    assert scripts("products", "publish", str(file), "--json").json == nothing | {
        "unchanged": ["spring-2026"]
    }
    file.write_text(file.read_text(encoding="utf-8") + "price_fen: 19900\n", encoding="utf-8")
    assert (
        "~ spring-2026\n    price_fen: none → 19900\n"
        in scripts("products", "publish", str(file)).out
    )
    listed = scripts("products", "list", "--json").json
    assert [(row["id"], row["number"], row["version"]) for row in listed] == [
        ("bashu-annual-example", 1, 1), ("spring-2026", 6, 2)
    ]  # fmt: skip

    issued = issue(scripts, product="spring-2026").json
    assert set(issued) == {"pass_id", "code", "valid_from", "valid_until"}
    assert re.fullmatch(r"BP1:[0-9A-Z $%*+./:-]{125}", issued["code"])
    assert issued["valid_from"] == "2026-03-01"
    assert issued["valid_until"] == "2099-05-31"
    assert len(scripts("spots", "list", "--json").json) == 557


def test_a_refusal_says_what_to_mend_and_never_repeats_the_number(scripts: Run) -> None:
    wrong = issue(scripts, "110101199003070021")
    assert wrong.status == 1
    assert "id_number: its check digit is wrong" in wrong.err
    assert "110101199003070021" not in wrong.err + wrong.out
    assert "there is no product 'nothing'" in issue(scripts, product="nothing").err
    assert "vouchers of an offer are claimed" in issue(scripts, product="emeishan-bogo-example").err
    assert (
        "there is no spot 'nowhere'"
        in scripts("gates", "add", "--spot", "nowhere", "--kind", "window").err
    )
    assert "there is no gate 'nothing'" in scripts("gates", "roll", "nothing").err
    assert "there is no pass '0000'" in scripts("passes", "code", "0000").err


def test_wrong_usage_is_status_2(scripts: Run) -> None:
    assert scripts("gates", "add", "--spot", "emeishan", "--kind", "door").status == 2
    assert scripts("passes", "issue").status == 2
    assert scripts("nonsense").status == 2


def test_a_code_becomes_a_picture(scripts: Run, tmp_path: Path) -> None:
    issued = issue(scripts, "11010119900307002X", "bashu-annual-example", "--code", "rotating").json
    assert len(issued["code"]) == 147
    picture = tmp_path / "pass.png"
    printed = scripts(
        "passes", "code", issued["pass_id"], "--code", "static", "--png", str(picture), "--json"
    ).json
    with Image.open(picture) as image:
        assert [found.text for found in zxingcpp.read_barcodes(image)] == [printed["code"]]


def test_a_script_joins_the_running_server_and_a_gate_client_scans(
    server: Start, scripts: Run
) -> None:
    running = server()
    lines = []
    issued = issue(scripts).json
    codes = [issued["code"]] * 2
    assert "has a pass of this product in force" in issue(scripts).err
    for spot in ("emeishan", "wulong-xiannvshan"):
        setup = scripts("gates", "add", "--spot", spot, "--kind", "handheld", "--json").json[
            "setup_code"
        ]
        done = subprocess.run(
            [sys.executable, "scripts/gate_client.py", "--server", running.base, "--setup-code", setup],
            cwd=PROJECT,
            input="\n".join([*codes, "", "x" * 2000, "\udcff", "nonsense"]).encode(errors="surrogateescape"),
            capture_output=True, timeout=60, check=True, env=environment(),
        )  # fmt: skip
        lines += done.stdout.decode().splitlines()
    shown = [line.partition(":")[0] for line in lines]
    assert shown[1:7] == [
        "ADMITTED 1, check the card",
        "REFUSED already_today",
        "NOT SCANNED body_invalid",
        "  body.code",
        "REFUSED code_malformed",
        "REFUSED code_malformed",
    ]
    assert shown[8:] == shown[1:7]
    gates = scripts("gates", "list", "--json").json
    assert [gate["state"] for gate in gates] == ["enrolled", "enrolled"]
    assert scripts("gates", "disable", gates[0]["gate_id"], "--json").json["state"] == "disabled"
    token = scripts("passes", "token", issued["pass_id"], "--json").json["token"]
    assert token.count(".") == 2
    assert running.stop() == 0


async def test_a_gate_client_asks_again_while_the_server_is_away(
    server: Start, scripts: Run
) -> None:
    """The first try meets a server that is gone; a later one, under the same nonce, meets it again."""
    running = server()
    setup = scripts("gates", "add", "--spot", "emeishan", "--kind", "handheld", "--json").json[
        "setup_code"
    ]
    code = issue(scripts).json["code"]
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "scripts/gate_client.py", "--server", running.base, "--setup-code", setup),
        cwd=PROJECT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert client.stdin is not None
    assert client.stdout is not None
    await client.stdout.readline()
    port = str(running.port)
    assert running.stop() == 0
    client.stdin.write(code.encode() + b"\n")
    await client.stdin.drain()
    again = await asyncio.to_thread(server, "--port", port)
    assert (await asyncio.wait_for(client.stdout.readline(), 30)).startswith(b"ADMITTED 1")
    client.stdin.close()
    assert await client.wait() == 0
    assert again.stop() == 0


def test_an_import_is_checked_shown_stored_and_audited(scripts: Run, tmp_path: Path) -> None:
    file = tmp_path / "correction.csv"
    file.write_text(
        "id,price.peak_fen,adcode\nemeishan,18500,500101\nnowhere,1,\n", encoding="utf-8"
    )
    refused = scripts("spots", "import", str(file), "--json")
    assert refused.status == 1
    assert "correction.csv: record 1 (emeishan): position: " in refused.err
    assert "correction.csv: record 2 (nowhere): name: is missing" in refused.err
    assert [line.partition(": record ")[0] for line in refused.json["errors"]] == [
        "correction.csv"
    ] * 6

    file.write_text("id,price.peak_fen\nemeishan,18500\n", encoding="utf-8")
    shown = scripts("spots", "import", str(file), "--dry-run").out
    assert "~ emeishan 峨眉山景区\n    price.peak_fen: 16000 → 18500\n" in shown
    assert shown.endswith(
        "created 0, changed 1, unchanged 0, retired 0\ndry run: nothing was stored\n"
    )
    nothing: dict[str, list[str]] = {
        "created": [],
        "changed": [],
        "unchanged": [],
        "retired": [],
        "errors": [],
    }
    assert scripts("spots", "import", str(file), "--json").json == nothing | {
        "changed": ["emeishan"]
    }
    assert scripts("spots", "import", str(file), "--json").json == nothing | {
        "unchanged": ["emeishan"]
    }
    many = scripts("spots", "import", str(file), "--complete", "--json")
    assert many.json["errors"] == [
        "correction.csv: would retire 556 of 557 spots; add --yes if it shall"
    ]
    complete = scripts("spots", "import", str(file), "--complete", "--yes", "--json").json
    assert len(complete["retired"]) == 556
    assert complete["unchanged"] == ["emeishan"]
    listed = scripts("spots", "list", "--json").json
    assert [spot["id"] for spot in listed if spot["status"] == "open"] == ["emeishan"]


async def test_an_import_reaches_every_process_soon_and_no_reply_fails_meanwhile(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    api = Api(server("--workers", "2").port)
    done = asyncio.Event()
    seen: list[tuple[float, str | None, str]] = []

    async def ask() -> None:
        while not done.is_set():
            spot, page = await asyncio.gather(
                api.get("/api/v1/spots/emeishan"), api.get("/api/v1/spots?q=emeishan&limit=1")
            )
            assert spot.status == 200
            assert page.status == 200
            seen.append((time.monotonic(), spot.json["open_hours"], page.json["items"][0]["id"]))

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    file = tmp_path / "hours.json"
    file.write_text('[{"id": "emeishan", "open_hours": "06:00-18:00"}]', encoding="utf-8")
    assert (await asyncio.to_thread(scripts, "spots", "import", str(file))).status == 0
    stored = time.monotonic()
    await asyncio.sleep(5)
    done.set()
    await asyncio.gather(*asking)
    api.close()
    assert {hours for at, hours, _ in seen if at > stored + 4} == {"06:00-18:00"}
    assert seen[0][1] is None
    assert {found for _, _, found in seen} == {"emeishan"}


def test_offers_are_published_shown_and_paused(scripts: Run, tmp_path: Path) -> None:
    examples = PROJECT / "scenic_data" / "data" / "offers" / "examples.yaml"
    file = tmp_path / "offers.yaml"
    file.write_text(
        examples.read_text(encoding="utf-8").replace("total: 1200", "total: 1500"), encoding="utf-8"
    )
    shown = scripts("offers", "publish", str(file), "--dry-run").out
    assert "~ emeishan-bogo-example\n    quota.total: 1200 → 1500\n" in shown
    assert shown.endswith("created 0, changed 1, unchanged 2\ndry run: nothing was stored\n")
    assert scripts("offers", "publish", str(file), "--json").json["changed"] == [
        "emeishan-bogo-example"
    ]
    assert scripts("offers", "pause", "emeishan-bogo-example", "--json").json["state"] == "paused"
    listed = {row["id"]: row for row in scripts("offers", "list", "--json").json}
    assert listed["emeishan-bogo-example"]["version"] == 2
    assert not listed["emeishan-bogo-example"]["runs_today"]
    assert scripts("offers", "end", "nothing", "--json").status == 1


def test_a_pass_is_frozen_revoked_and_its_story_told(scripts: Run) -> None:
    pass_id = issue(scripts).json["pass_id"]
    assert (
        scripts("passes", "freeze", pass_id, "--reason", "lost", "--json").json["state"] == "frozen"
    )
    assert scripts("passes", "unfreeze", pass_id, "--json").json["state"] == "active"
    pass_id = scripts("passes", "reissue", pass_id, "--reason", "lost", "--json").json["pass_id"]
    assert scripts("passes", "revoke", pass_id).status == 2, "a reason is needed"
    assert (
        scripts("passes", "revoke", pass_id, "--reason", "fraud", "--json").json["state"]
        == "revoked"
    )
    again = scripts("passes", "freeze", pass_id, "--json")
    assert again.status == 1
    assert again.json["refused"] == "a pass that is revoked cannot be frozen"
    shown = scripts("passes", "show", pass_id, "--json").json
    assert [event["what"] for event in shown["story"]] == [
        "issue",
        "freeze",
        "unfreeze",
        "reissue",
        "issue",
        "revoke",
    ]
    assert shown["story"][1]["detail"] == {"reason": "lost"}
    assert "测试甲" not in scripts("passes", "show", pass_id).out
