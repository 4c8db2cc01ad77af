"""The worst inputs, of `tests/inputs.yaml`: each gives what stands there, in words that help."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from typer.testing import CliRunner

from passes.admission.gates import GateKind
from scripts.__main__ import commands
from tests.support import build
from tests.support.api import Answer, Api
from tests.support.beside import in_a_thread
from tests.support.processes import PROJECT, Start
from tests.support.visitors import put_identity, signed_in
from tests.support.world import Clock, World

Row = Mapping[str, Any]

TABLE: list[Row] = yaml.safe_load((PROJECT / "tests/inputs.yaml").read_text(encoding="utf-8"))
OF_PEOPLE = ("id_number", "name", "body")


def as_written(row: Row, code: str = "") -> str:
    """The input of a row, with a good code in its place."""
    text = str(row["input"]).replace("CODE", code)
    writers: dict[str | None, Callable[[str], str]] = {
        None: str,
        "wide": wide,
        "small": str.lower,
        "spaced": lambda plain: " ".join(plain.split("-")),
    }
    return writers[row.get("as")](text)


def wide(text: str) -> str:
    """Full-width letters and digits, as an input method writes them."""
    made = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)
    assert unicodedata.normalize("NFKC", made) == text
    return made


def assert_gives(row: Row, given: Iterable[object], told: str) -> None:
    """What came is what the row says, and what was told has its words."""
    assert row["gives"] in given, f"{row}\n{told}"
    assert row.get("says", "") in told, f"{row}\n{told}"


def given_by(answer: Answer) -> set[object]:
    """What a row may name an answer by: its status, or the code of a problem."""
    return {answer.status, answer.json.get("code")}


def is_query(where: str) -> bool:
    return not is_command(where) and where not in {*OF_PEOPLE, "setup_code", "code"}


def is_command(where: str) -> bool:
    return " " in where


def test_the_table_has_forty_rows_and_each_is_run() -> None:
    assert len(TABLE) >= 40
    assert all({"where", "input", "gives"} <= row.keys() for row in TABLE)


@pytest.mark.slow
async def test_the_worst_queries(api: Api, world: World) -> None:
    for row in [each for each in TABLE if is_query(each["where"])]:
        path = f"/api/v1/spots?{row['where']}="
        answer = await api.get(path + quote(row["input"]))
        assert_gives(row, given_by(answer), answer.body.decode())
        if "same_as" in row:
            plain = await api.get(path + quote(row["same_as"]))
            assert answer.json == plain.json, row
        if answer.status == 200:
            assert answer.json["total"] > 0, f"{row} finds nothing, so it proves nothing"


@pytest.mark.slow
async def test_the_worst_names_and_numbers(api: Api, clock: Clock) -> None:
    for n, row in enumerate(each for each in TABLE if each["where"] in OF_PEOPLE):
        session = await signed_in(api, f"v{n}")
        token = session["access_token"]
        if row["where"] == "body":
            body = row["input"].encode()
            answer = await api.put("/api/v1/me/identity", body, token)
        else:
            answer = await put_identity(api, token, **{row["where"]: row["input"]})
        assert_gives(row, given_by(answer), answer.body.decode())
        if answer.status == 200:
            assert (await api.delete("/api/v1/me", token)).status == 200


@pytest.mark.slow
async def test_the_worst_that_gates_are_given(api: Api, world: World) -> None:
    for n, row in enumerate(each for each in TABLE if each["where"] in {"setup_code", "code"}):
        if row["where"] == "setup_code":
            new = await world.system.admission.gate_keeping.add(
                build.EMEISHAN, GateKind.HANDHELD, "", build.OPERATOR, world.clock()
            )
            body = {"setup_code": as_written(row, new.setup_code)}
            answer = await api.post("/api/v1/gate/enrol", body)
            assert_gives(row, given_by(answer), answer.body.decode())
            continue
        held = await world.issue()
        shown = as_written(row, world.live(held))
        body = world.scan_body(held, f"n{n}", shown)
        answer = await api.post("/api/v1/gate/scans", body, await world.any_gate())
        assert_gives(row, {answer.json.get("reason")}, answer.body.decode())


@pytest.mark.slow
def test_the_worst_files(server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = server()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASHU_DATA_DIR", str(tmp_path / "var"))
    for row in [each for each in TABLE if is_command(each["where"])]:
        (tmp_path / row["file"]).write_bytes(row["input"].encode())
        noun, verb, *options = row["where"].split()
        command = [noun, verb, row["file"], *options, "--json"]
        done = in_a_thread(CliRunner().invoke, commands(), command)
        outcome = {0: "done", 1: "refused"}.get(done.exit_code, done.exit_code)
        assert_gives(row, {outcome}, done.output)
        assert json.loads(done.stdout)
    assert running.stop() == 0
