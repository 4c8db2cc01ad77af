"""Operators' commands: what they print, and their exit statuses, as processes and in this one."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.api import Api
from tests.support.build import HOLDER
from tests.support.fields import assert_fields
from tests.support.operators import EXAMPLE_PASS, enrolled_gate, issue, row, setup_code
from tests.support.pictures import texts_in
from tests.support.processes import (
    PROJECT,
    SECONDS,
    Run,
    Server,
    Start,
    environment,
    until_each_worker,
)

PRODUCT = """
id: spring-2026
title: {zh: 春季票, en: Spring pass}
term: {dates: 2026-03-01/2099-05-31}
coverage: {spots: [emeishan, SPOT]}
"""


def published(*created: str, changed: Sequence[str] = (), unchanged: Sequence[str] = ()) -> Any:
    """What `publish` says of products."""
    return {
        "created": list(created),
        "changed": list(changed),
        "unchanged": list(unchanged),
        "errors": [],
    }


def test_an_operator_at_work(commands: Run, tmp_path: Path) -> None:
    file = tmp_path / "spring.yaml"
    file.write_text(PRODUCT.replace("SPOT", "nowhere"), encoding="utf-8")
    refused = commands("products", "publish", str(file), "--json")
    assert refused.status == 1
    assert refused.json["refused"] == "this product cannot be published"
    assert refused.json["errors"] == ["spring-2026.coverage: there is no spot nowhere"]
    assert "spring-2026.coverage: there is no spot nowhere" in refused.err

    file.write_text(PRODUCT.replace("SPOT", "leshan-dafo"), encoding="utf-8")
    tried = commands("products", "publish", str(file), "--dry-run", "--json")
    assert tried.json == published("spring-2026")
    first = commands("products", "publish", str(file), "--json")
    assert first.json == published("spring-2026")
    again = commands("products", "publish", str(file), "--json")
    assert again.json == published(unchanged=["spring-2026"])
    file.write_text(file.read_text(encoding="utf-8") + "price_fen: 19900\n", encoding="utf-8")
    changed = commands("products", "publish", str(file))
    assert "~ spring-2026\n    price_fen: none → 19900\n" in changed.out
    listed = commands("products", "list", "--json").json
    assert [(each["id"], each["number"], each["version"]) for each in listed] == [
        ("bashu-annual-example", 1, 1),
        ("spring-2026", 6, 2),
    ]

    issued = issue(commands, product="spring-2026").json
    assert set(issued) == {"pass_id", "code", "valid_from", "valid_until", "warnings"}
    assert re.fullmatch(r"BP1:[0-9A-Z $%*+./:-]{125}", issued["code"])
    assert issued["valid_from"] == "2026-03-01"
    assert issued["valid_until"] == "2099-05-31"
    assert len(commands("spots", "list", "--json").json) == 740


def test_a_refusal_says_what_to_correct_and_never_repeats_the_number(commands: Run) -> None:
    wrong = issue(commands, number="110101199003070021")
    assert wrong.status == 1
    assert "id_number: its check digit is wrong" in wrong.err
    assert "110101199003070021" not in wrong.err + wrong.out
    residence = issue(commands, number="810000199003070023")
    assert "whose kind is hmt_residence" in residence.err
    unknown = issue(commands, product="nothing")
    assert "there is no product 'nothing'" in unknown.err
    voucher = issue(commands, product="emeishan-bogo-example")
    assert "vouchers of an offer are claimed" in voucher.err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("gates add --spot nowhere --kind window", "there is no spot 'nowhere'"),
        ("gates add --spot emeishann --kind window", "'emeishann'; did you mean emeishan?"),
        ("gates renew nothing", "there is no gate 'nothing'"),
        ("passes code 0000", "there is no pass '0000'"),
    ],
)
def test_what_is_not_there_is_named(commands: Run, command: str, says: str) -> None:
    assert says in commands(*command.split()).err


def test_renamed_commands_go_on_working_under_their_old_names(commands: Run) -> None:
    assert "there is no gate 'nothing'" in commands("gates", "roll", "nothing").err
    person = ("--name", "测试甲", "--id-number", "11010119900307002X", "--reason", "lost account")
    unknown = commands("visitors", "unbind", *person)
    assert "no account is bound to this document" in unknown.err
    assert "roll" not in commands("gates", "--help").out, "they are not advertised"


def test_wrong_usage_is_status_2(commands: Run, as_process: Run) -> None:
    assert commands("gates", "add", "--spot", "emeishan", "--kind", "door").status == 2
    assert commands("passes", "issue").status == 2
    assert as_process("nonsense").status == 2


def test_a_code_becomes_a_picture(commands: Run, tmp_path: Path) -> None:
    issued = issue(commands, "--code", "rotating").json
    assert len(issued["code"]) == 147
    picture = tmp_path / "pass.png"
    drawn = ("--code", "static", "--png", str(picture), "--json")
    printed = commands("passes", "code", issued["pass_id"], *drawn).json
    with Image.open(picture) as image:
        assert texts_in(image) == [printed["code"]]


def scanned_at(
    spot: str, server: Server, scripts: Run, lines: Sequence[str], folder: Path
) -> list[str]:
    """What a new gate at a spot prints when these lines are typed in."""
    code = setup_code(scripts, spot, "handheld")
    journal = str(folder / f"{spot}.db")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.gate", "--server", server.base),
            *("--setup-code", code, "--journal", journal),
        ],
        cwd=PROJECT,
        input="\n".join(lines).encode(errors="surrogateescape"),
        capture_output=True,
        timeout=SECONDS,
        check=True,
        env=environment(),
    )
    return done.stdout.decode().splitlines()


def test_a_script_joins_the_running_server_and_a_gate_scans(
    server: Start, scripts: Run, as_process: Run, tmp_path: Path
) -> None:
    running = server()
    issued = issue(as_process).json
    assert "has a pass of this product in force" in issue(scripts).err
    typed = [issued["code"], issued["code"], "", "x" * 2000, "\udcff", "nonsense"]
    for spot in ("emeishan", "wulong-xiannvshan"):
        enrolled, *told = scanned_at(spot, running, scripts, typed, tmp_path)
        assert enrolled.partition(" at ")[0].startswith(spot)
        assert [line.partition(":")[0] for line in told] == [
            "ADMITTED 1, check the card",
            "REFUSED repeat",
            "NOT SCANNED body_invalid",
            "  body.code",
            "REFUSED code_malformed",
            "REFUSED code_malformed",
        ]
    gates = scripts("gates", "list", "--json").json
    assert [gate["state"] for gate in gates] == ["enrolled", "enrolled"]
    disabled = scripts("gates", "disable", gates[0]["gate_id"], "--json")
    assert disabled.json["state"] == "disabled"
    token = scripts("passes", "token", issued["pass_id"], "--json").json["token"]
    assert token.count(".") == 2
    assert running.stop() == 0


NOTHING_ELSE: dict[str, object] = {"retired": [], "breaks": [], "doubts": []}


def test_what_is_exported_can_be_imported_again(commands: Run, tmp_path: Path) -> None:
    for name, lang in (("spots.csv", "en"), ("景区.xlsx", "zh")):
        file = tmp_path / name
        done = commands("spots", "export", "--out", str(file), "--lang", lang, "--json")
        assert done.json == {"file": str(file), "spots": 740}
        again = commands("spots", "import", str(file), "--complete", "--json").json
        assert (len(again["unchanged"]), again["changed"]) == (740, [])
    assert commands("spots", "export").out.startswith("id,name.zh,name.en,")
    assert len(commands("spots", "export", "--json").json) == 740
    assert commands("spots", "export", "--out", "spots.pdf").status == 2
    nowhere = commands("spots", "export", "--out", str(tmp_path / "nowhere" / "spots.xlsx"))
    assert "cannot be written" in nowhere.err


def test_a_price_that_leaps_is_imported_only_if_that_is_meant(
    commands: Run, tmp_path: Path
) -> None:
    file = tmp_path / "yuan.csv"
    file.write_text("编号,旺季票价（分）,淡季票价（分）\nemeishan,160,110\n", encoding="gb18030")
    refused = commands("spots", "import", str(file), "--json")
    assert refused.json["refused"] == "this looks like a mistake; add --yes if it is meant"
    assert refused.json["errors"] == [
        "yuan.csv: emeishan: price.peak_fen: from 160.00 yuan to 1.60 yuan",
        "yuan.csv: emeishan: price.off_peak_fen: from 110.00 yuan to 1.10 yuan",
    ]
    shown = commands("spots", "import", str(file), "--dry-run").out
    assert "? emeishan: price.peak_fen: from 160.00 yuan to 1.60 yuan\n" in shown
    assert commands("spots", "import", str(file), "--yes", "--json").json["changed"] == ["emeishan"]


def test_an_import_is_checked_shown_stored_and_audited(commands: Run, tmp_path: Path) -> None:
    file = tmp_path / "correction.csv"
    file.write_text(
        "id,price.peak_fen,adcode\nemeishan,18500,500101\nnowhere,1,\n", encoding="utf-8"
    )
    refused = commands("spots", "import", str(file), "--json")
    assert refused.status == 1
    assert "correction.csv: row 2 (emeishan): position: " in refused.err
    assert "correction.csv: row 3 (nowhere), column id: there is no spot nowhere" in refused.err
    files = [line.partition(": row ")[0] for line in refused.json["errors"]]
    assert files == ["correction.csv"] * 2

    file.write_text("id,price.peak_fen\nemeishan,18500\n", encoding="utf-8")
    shown = commands("spots", "import", str(file), "--dry-run").out
    assert "~ emeishan 峨眉山景区\n    price.peak_fen: 16000 → 18500\n" in shown
    assert shown.endswith(
        "created 0, changed 1, unchanged 0, retired 0\ndry run: nothing was stored\n"
    )
    first = commands("spots", "import", str(file), "--json")
    assert first.json == published(changed=["emeishan"]) | NOTHING_ELSE
    again = commands("spots", "import", str(file), "--json")
    assert again.json == published(unchanged=["emeishan"]) | NOTHING_ELSE
    many = commands("spots", "import", str(file), "--complete", "--json")
    fault = "correction.csv: it would retire 739 of 740 spots"
    assert many.json["errors"] == [fault]
    complete = commands("spots", "import", str(file), "--complete", "--yes", "--json").json
    assert len(complete["retired"]) == 739
    assert complete["unchanged"] == ["emeishan"]
    assert {each["id"] for each in complete["breaks"]} >= {"bashu-annual-example"}
    listed = commands("spots", "list", "--json").json
    still_open = [spot["id"] for spot in listed if spot["status"] == "open"]
    assert still_open == ["emeishan"]


def test_an_import_that_closes_a_spot_tells_which_products_and_offers_lose_it(
    commands: Run, tmp_path: Path
) -> None:
    issue(commands, product="bashu-annual-example")
    file = tmp_path / "closed.csv"
    file.write_text("id,status\nemeishan,closed\n", encoding="utf-8")
    loses = r"! product bashu-annual-example loses emeishan; open spots left: \d+, passes in force"
    shown = commands("spots", "import", str(file), "--dry-run").out
    assert re.search(loses + " there: 1\n", shown)
    assert "! offer emeishan-bogo-example loses emeishan; open spots left: " in shown
    told = commands("spots", "import", str(file), "--json").json["breaks"]
    assert_fields(told[0], kind="product", id="bashu-annual-example", spots=["emeishan"], passes=1)
    again = commands("spots", "import", str(file), "--json").json
    assert again["breaks"] == [], "it was closed already"
    opened = tmp_path / "opened.csv"
    opened.write_text("id,status\nemeishan,open\n", encoding="utf-8")
    assert commands("spots", "import", str(opened), "--json").json["breaks"] == []


def test_coverage_that_shrinks_by_more_than_half_is_published_only_if_that_is_meant(
    commands: Run, tmp_path: Path
) -> None:
    file = tmp_path / "wide.yaml"
    wide = "id: wide\ntitle: {zh: 宽, en: wide}\nterm: {days: 30}\ncoverage: {tags: [5A]}\n"
    file.write_text(wide, encoding="utf-8")
    before = commands("products", "publish", str(file), "--json")
    assert before.json == published("wide")
    file.write_text(wide.replace("tags: [5A]", "spots: [emeishan]"), encoding="utf-8")
    refused = commands("products", "publish", str(file), "--json")
    assert refused.status == 1
    (fault,) = refused.json["errors"]
    assert re.fullmatch(r"wide: coverage from \d+ to \d+ spots", fault)
    tried = commands("products", "publish", str(file), "--dry-run")
    assert f"warning: {fault}" in tried.err
    done = commands("products", "publish", str(file), "--yes", "--json")
    assert done.json == published(changed=["wide"])


def test_a_product_is_withdrawn_and_resumed(commands: Run) -> None:
    product = "bashu-annual-example"
    gone = commands("products", "withdraw", product, "--reason", "an error", "--json").json
    assert_fields(gone, id=product, withdrawn=True, on_sale=False)
    refused = issue(commands, product=product)
    assert refused.status == 1
    assert "is withdrawn; resume it to sell it" in refused.err
    back = commands("products", "resume", product, "--json").json
    assert_fields(back, withdrawn=False, on_sale=True)
    assert issue(commands, product=product).status == 0


NEW_HOURS = "06:00-18:00"


async def test_an_import_reaches_every_process_soon_and_no_reply_fails_meanwhile(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server("--workers", "2")
    api = Api(running.port)
    done = asyncio.Event()
    seen: list[str | None] = []

    async def ask() -> str | None:
        """The opening hours that a process knows."""
        spot, page = await asyncio.gather(
            api.get("/api/v1/spots/emeishan"), api.get("/api/v1/spots?q=emeishan&limit=1")
        )
        assert spot.status == 200
        assert page.status == 200
        assert [found["id"] for found in page.json["items"]] == ["emeishan"]
        hours: str | None = spot.json["open_hours"]
        return hours

    async def ask_on_and_on() -> None:
        while not done.is_set():
            seen.append(await ask())

    async def knows_the_import() -> bool:
        return await ask() == NEW_HOURS

    asking = [asyncio.create_task(ask_on_and_on()) for _ in range(4)]
    file = tmp_path / "hours.json"
    file.write_text(json.dumps([{"id": "emeishan", "open_hours": NEW_HOURS}]), encoding="utf-8")
    imported = await asyncio.to_thread(scripts, "spots", "import", str(file))
    assert imported.status == 0
    await until_each_worker(running, knows_the_import, "the import is known")
    done.set()
    await asyncio.gather(*asking)
    assert seen[0] is None
    assert set(seen) <= {None, NEW_HOURS}
    assert {await ask() for _ in range(50)} == {NEW_HOURS}, "nobody goes back"
    api.close()


def test_offers_are_published_shown_and_paused(commands: Run, tmp_path: Path) -> None:
    examples = PROJECT / "scenic_data" / "data" / "offers" / "examples.yaml"
    text = examples.read_text(encoding="utf-8")
    file = tmp_path / "offers.yaml"
    file.write_text(text.replace("total: 1200", "total: 1500"), encoding="utf-8")
    shown = commands("offers", "publish", str(file), "--dry-run").out
    assert "~ emeishan-bogo-example\n    quota.total: 1200 → 1500\n" in shown
    assert shown.endswith("created 0, changed 1, unchanged 2\ndry run: nothing was stored\n")
    changed = commands("offers", "publish", str(file), "--json")
    assert changed.json["changed"] == ["emeishan-bogo-example"]
    paused = commands("offers", "pause", "emeishan-bogo-example", "--json")
    assert paused.json["state"] == "paused"
    listed = row(commands, "offers", "list", id="emeishan-bogo-example")
    assert_fields(listed, version=2, runs_today=False)
    unknown = commands("offers", "end", "nothing", "--json")
    assert unknown.status == 1


def test_a_pass_is_frozen_revoked_and_its_history_told(commands: Run) -> None:
    pass_id = issue(commands).json["pass_id"]
    frozen = commands("passes", "freeze", pass_id, "--reason", "lost", "--json")
    assert frozen.json["state"] == "frozen"
    unfrozen = commands("passes", "unfreeze", pass_id, "--json")
    assert unfrozen.json["state"] == "active"
    reissued = commands("passes", "reissue", pass_id, "--reason", "lost", "--json")
    pass_id = reissued.json["pass_id"]
    without_reason = commands("passes", "revoke", pass_id)
    assert without_reason.status == 2
    revoked = commands("passes", "revoke", pass_id, "--reason", "fraud", "--json")
    assert revoked.json["state"] == "revoked"
    again = commands("passes", "freeze", pass_id, "--json")
    assert again.status == 1
    assert again.json["refused"] == "a pass that is revoked cannot be frozen"
    shown = commands("passes", "show", pass_id, "--json").json
    assert [event["what"] for event in shown["story"]] == [
        "issue",
        "freeze",
        "unfreeze",
        "reissue",
        "issue",
        "revoke",
    ]
    assert shown["story"][1]["detail"] == {"reason": "lost"}
    for_people = commands("passes", "show", pass_id)
    assert "测试甲" not in for_people.out


def test_names_and_numbers_need_not_stand_on_the_command_line(
    as_process: Run, tmp_path: Path
) -> None:
    """They stood in the history of the shell and in the list of processes."""
    issuing = ["passes", "issue", "--product", EXAMPLE_PASS, "--json"]
    command = ["-m", "scripts", *issuing, "--data-dir", str(tmp_path / "var")]
    piped = subprocess.run(
        [sys.executable, *command, "--name", "-", "--id-number", "-"],
        input=f"{HOLDER.name}\n{HOLDER.number}\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=PROJECT,
        env=environment(),
        timeout=SECONDS,
        check=False,
    )
    assert piped.returncode == 0, piped.stderr
    assert HOLDER.number not in piped.stdout
    holder = as_process("passes", "show", json.loads(piped.stdout)["pass_id"], "--json").json[
        "holder"
    ]
    assert holder == "测** 110***********002X"


def test_a_script_that_leaves_a_number_out_is_told_how_to_give_it(commands: Run) -> None:
    missing = commands("visitors", "leave", "--group", "union_member", COLUMNS="400")
    assert missing.status == 2
    assert "--id-number is missing and nobody can be asked" in " ".join(missing.err.split())
    empty = commands(
        "visitors", "leave", "--group", "union_member", "--id-number", "-", COLUMNS="400"
    )
    assert empty.status == 2
    assert "reads a line of standard input, and there is none" in " ".join(empty.err.split())


async def test_a_new_epoch_withdraws_the_token_of_an_enrolled_gate(
    server: Start, scripts: Run
) -> None:
    """As it has to after a backup was restored, which brings back tokens that were withdrawn."""
    running = await asyncio.to_thread(server)
    api = Api(running.port)
    token = await enrolled_gate(api, scripts, kind="handheld")
    api.close()
    assert await asyncio.to_thread(running.stop) == 0

    begun = scripts("keys", "new-epoch", "--json")
    assert begun.json["epoch"] == 1
    assert len(begun.json["gates_to_renew"]) == 1

    running = await asyncio.to_thread(server)
    api = Api(running.port)
    scan = {"code": "BP1:", "nonce": "1", "scanned_at": "2026-07-01T02:00:00Z"}
    answer = await api.post("/api/v1/gate/scans", scan, token=token)
    assert answer.status == 401
    assert answer.json["code"] == "token_invalid"
    api.close()


def test_holders_of_travel_permits_are_told_and_erased_by_staff(
    commands: Run, tmp_path: Path
) -> None:
    permit = ("--id-number", "H12345678", "--kind", "hm_permit")
    told = commands("visitors", "export", *permit, "--out", str(tmp_path / "told.json"))
    erased = commands("visitors", "erase", *permit, "--reason", "asked")
    assert (told.status, erased.status) == (0, 0), told.err + erased.err


def test_a_country_that_would_find_nobody_is_refused(commands: Run) -> None:
    of_nobody = ("--id-number", HOLDER.number, "--country", "CHN")
    for command in (("visitors", "erase", "--reason", "x"), ("companions", "list")):
        refused = commands(*command, *of_nobody)
        assert refused.status == 1
        assert "passport" in refused.err
