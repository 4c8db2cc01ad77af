"""What operators do with many gates, and with many spots, by commands."""

import zipfile
from datetime import datetime, timedelta
from pathlib import Path

from passes.base.calendar import SHANGHAI
from tests.support.processes import Run


def test_gates_are_added_by_the_dozen_moved_and_renamed(commands: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "setup.xlsx"
    many = ("gates", "add", "--spot", "emeishan", "--kind", "handheld", "--count", "3")
    named = (*many, "--name", "北门", "--sheet", str(sheet), "--json")
    added = commands(*named).json
    assert [each["name"] for each in added] == ["北门 1", "北门 2", "北门 3"]
    assert sheet.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(sheet) as book:
        printed = book.read("xl/sharedStrings.xml").decode()
    assert all(each["setup_code"] in printed and each["gate_id"] in printed for each in added)
    assert "exists" in commands(*named).err
    assert len(commands("gates", "list", "--json").json) == 3, "a sheet is never overwritten"

    first = added[0]["gate_id"]
    moved = commands("gates", "move", first, "--spot", "wulong-xiannvshan", "--json").json
    assert moved["gate_id"] == first
    assert moved["setup_code"] != added[0]["setup_code"]
    assert commands("gates", "rename", first, "东门", "--json").json["name"] == "东门"
    (row,) = [each for each in commands("gates", "list", "--json").json if each["name"] == "东门"]
    assert (row["spot"], row["hub"], row["queued"]) == ("wulong-xiannvshan", False, None)
    system = commands("gates", "add", "--spot", "emeishan", "--kind", "system", "--hub", "--json")
    assert system.json["gate_id"].startswith("emeishan-")


def test_a_district_is_closed_and_reopened(commands: Run) -> None:
    until = f"{datetime.now(SHANGHAI) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    storm = ("--until", until, "--reason", "weather", "--note", "暴雨", "--json")
    seen = commands("spots", "close", "--district", "武隆区", *storm, "--dry-run").json
    ids = [each["spot"] for each in seen["spots"]]
    assert {"wulong-xiannvshan", "wulong-tiansheng-sanqiao"} & set(ids)
    assert commands("spots", "stops", "--json").json == []
    assert commands("spots", "close", "--district", "wulong", *storm).json["spots"]
    assert sorted(each["spot"] for each in commands("spots", "stops", "--json").json) == sorted(ids)
    some = commands("spots", "reopen", "--ids", ",".join(ids[:2]), "--json").json
    assert [each["spot"] for each in some["spots"]] == sorted(ids[:2])
    assert len(commands("spots", "stops", "--json").json) == len(ids) - 2


MISSPELT = (
    "gates add --spot emeishna --kind window",
    "gates move GATE --spot emeishna",
    "spots close --ids emeishna,leshan-dafo --until UNTIL --reason fire",
    "spots reopen --ids emeishna",
    "spots resume emeishna",
    "spots stop-entry emeishna --until UNTIL --reason fire",
    "products amend bashu-annual-example --spot emeishna --reason x",
    "products withdraw-spot bashu-annual-example --spot emeishna --from 2099-01-01 --policy end"
    " --reason x",
    "products resume-spot bashu-annual-example --spot emeishna",
)


def test_a_misspelt_spot_is_asked_after(commands: Run) -> None:
    until = f"{datetime.now(SHANGHAI) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for command in MISSPELT:
        refused = commands(*command.replace("UNTIL", until).split())
        assert refused.status == 1, command
        assert "did you mean emeishan?" in refused.err, command
    nearly = ("spots", "close", "--district", "wulon", "--until", until, "--reason", "fire")
    assert "did you mean wulong?" in commands(*nearly).err
