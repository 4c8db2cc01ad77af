"""Lists on paper and conflicts, by commands."""

from datetime import datetime, timedelta
from pathlib import Path

from passes.base.calendar import SHANGHAI
from tests.support.fields import assert_fields
from tests.support.operators import issue
from tests.support.processes import Run


def test_a_list_on_paper_and_the_conflict_in_it(commands: Run, tmp_path: Path) -> None:
    pass_id = issue(commands).json["pass_id"]
    at = f"{datetime.now(SHANGHAI) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}"
    file = tmp_path / "list.csv"
    good = f"{at},emeishan,1,{pass_id},07,停电\n"
    file.write_text(f"time,gate,people,pass,staff,note\n{good}{good}noon,nowhere,two,,,\n")
    command = ("admissions", "import-paper", str(file))

    tried = commands(*command, "--dry-run", "--json")
    assert tried.status == 1
    (wrong,) = tried.json["wrong"]
    assert wrong.startswith("row 4:")
    assert "nowhere" in wrong
    read = commands(*command, "--json").json
    assert_fields(read, lines=3, good=2, recorded=1, conflict=1, known=0)
    assert_fields(commands(*command, "--json").json, recorded=0, conflict=0, known=2)

    (listed,) = commands("conflicts", "list", "--json").json
    assert_fields(listed, conflict=read["conflicts"][0], cause="over_limit", people=1, owed=1)
    shown = commands("conflicts", "show", listed["conflict"], "--json").json
    assert_fields(shown, pass_id=pass_id, by="paper", online=False)
    story = commands("passes", "show", pass_id, "--json").json["story"]
    told = [event["detail"].get("conflict") for event in story if event["what"] == "admitted"]
    assert sorted(map(str, told)) == sorted(["None", f"{listed['conflict']} over_limit open"])
    resolved = (
        "conflicts",
        "resolve",
        listed["conflict"],
        "--as",
        "annulled",
        "--note",
        "重复登记",
    )
    assert commands(*resolved, "--json").json["state"] == "annulled"
    assert commands("conflicts", "list", "--json").json == []
