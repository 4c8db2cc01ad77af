"""Every command of every document is run, in order, and every request is sent.

What a document says in words such as PASS_ID is filled in. What cannot be run here stands in
`NOT_RUN`, with the reason; nothing else is left out.
"""

import asyncio
import itertools
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from passes.base.calendar import SHANGHAI
from scripts.__main__ import commands
from tests.support import build, documented
from tests.support.api import Api
from tests.support.beside import in_a_thread
from tests.support.processes import PROJECT, SECONDS, Start, environment
from tests.support.visitors import put_identity, signed_in

pytestmark = pytest.mark.slow

DOCS = PROJECT / "docs"
GUIDE = DOCS / "operator-guide.md"

NOT_RUN = {
    # how a command begins: why it is not run here
    "python3 -m venv": "it installs packages from a registry; .ci/run does it",
    ".venv/bin/pip-compile": "it asks a registry; .ci/run checks what it wrote",
    ".ci/second_engine": "it is .ci/run's second half",
    "BASHU_TEST_MONGO_URI=": "it needs a MongoDB of the reader's",
    "BASHU_MONGO_URI=": "it needs a replica set on three machines",
    "python -m scripts admissions correct": "tests/process/test_staff.py runs it, on a visit",
    "python -m scripts cases show": "tests/process/test_staff.py runs it, on a case",
    "python -m scripts cases close": "tests/process/test_staff.py runs it, on a case",
    ".venv/bin/python -m scripts.gate --server": "tests/process/test_gate_program.py runs it",
    "python -m scripts conflicts show": "tests/process/test_conflicts.py runs it, on a conflict",
    "python -m scripts conflicts resolve": "tests/process/test_conflicts.py runs it, on a conflict",
    "python -m scripts admissions import-paper": "tests/process/test_conflicts.py runs it",
    "python -m scripts spots from-facts": "tests/scenic_data/test_facts.py runs it, on made tables",
}


ASKED = {
    # what a command asks for in a terminal; here it is written into lines of standard input
    "passes issue": ["--name", "--id-number"],
    "people bar": ["--id-number"],
    "people unbar": ["--id-number"],
    "visitors join": ["--name", "--id-number"],
    "visitors leave": ["--id-number"],
    "visitors unbind": ["--name", "--id-number"],
    "companions add": ["--name", "--id-number", "--account-number"],
    "companions list": ["--id-number"],
    "companions end": ["--id-number"],
    "visitors export": ["--id-number"],
    "visitors erase": ["--id-number"],
}


def is_run(command: str) -> bool:
    """Whether a command of a document is run here."""
    return not any(command.startswith(beginning) for beginning in NOT_RUN)


def test_what_is_not_run_stands_in_documents() -> None:
    documents = [*PROJECT.glob("*.md"), *DOCS.rglob("*.md")]
    commands = [command for document in documents for command in documented.commands(document)]
    for beginning in NOT_RUN:
        assert any(command.startswith(beginning) for command in commands), beginning


def test_every_document_with_commands_is_run_here() -> None:
    tried = {"README.md", "operator-guide.md", "mini-program.md"}
    for document in [*PROJECT.glob("*.md"), *DOCS.rglob("*.md")]:
        runnable = [command for command in documented.commands(document) if is_run(command)]
        assert not runnable or document.name in tried, f"{document.name}: {runnable}"


class Reader:
    """Somebody who follows a document: runs its commands and fills in what came out before."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the reader sits; the system is in `var` of it."""
        self.folder = folder
        self.filled: dict[str, Callable[[], str]] = {}
        self._people = itertools.count(100)
        self.number = build.HOLDER.number
        """What they type in where a command asks for a number."""
        self.member = ""
        """The number of somebody who has joined a group."""
        self.companion = ""
        """The number of somebody whose passes an account shows."""
        self.account = ""
        """The number of whose account that is."""

    def new_number(self) -> str:
        """The ID number of somebody who has no pass yet."""
        return build.person(next(self._people)).number

    def run(self, command: str) -> str:
        """What a command prints; `number` is written if it asks for one. It has to succeed."""
        words = [self._word(word) for word in shlex.split(command)]
        words = words[words.index("scripts") + 1 :]
        answers = {
            "--name": build.HOLDER.name,
            "--id-number": self.number,
            "--account-number": self.account,
            "--phone": "13800000000",
        }
        for option in ASKED.get(" ".join(words[:2]), []):
            if option not in words:
                words += [option, "-"]
        lines = [
            f"{answers[option]}\n" for option, said in itertools.pairwise(words) if said == "-"
        ]
        done = in_a_thread(
            CliRunner().invoke, commands(), words, input="".join(lines), catch_exceptions=False
        )
        assert done.exit_code == 0, f"{command}\n{done.output}"
        return done.stdout

    def asked(self, command: str) -> Any:
        """The JSON that a command of this test prints."""
        return json.loads(self.run(f"python -m scripts {command} --json"))

    def _word(self, word: str) -> str:
        if word in self.filled:
            return self.filled[word]()
        return word


@pytest.fixture
def reader(tmp_path: Path, server: Start, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader beside a running server, whose folder has the data that the project ships."""
    running = server()
    (tmp_path / "scenic_data").symlink_to(PROJECT / "scenic_data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASHU_DATA_DIR", str(tmp_path / "var"))
    made = Reader(tmp_path)
    made.filled["BASE"] = lambda: running.base
    yield made
    assert running.stop() == 0


def gate_prints(reader: Reader, command: str, setup_code: str, *lines: str) -> list[str]:
    """What the gate program prints when these lines are typed in."""
    journal = str(reader.folder / command.rpartition(" --journal ")[2])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.gate", "--setup-code", setup_code),
            *("--server", reader.filled["BASE"](), "--journal", journal),
        ],
        cwd=PROJECT,
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
        env=environment(),
    )
    return done.stdout.splitlines()


def test_the_walk_of_the_readme(reader: Reader) -> None:
    """Its gates print what stands there, but for the day: see the two lines that it shows."""
    shown = next(
        block for block in documented.blocks(PROJECT / "README.md") if block.startswith("ADMITTED")
    )
    admitted, _ = shown.splitlines()
    code, setup, printed = "", "", list[str]()
    for command in filter(is_run, documented.commands(PROJECT / "README.md")):
        if " -m scripts.gate " in command:
            _, *printed = gate_prints(reader, command, setup, code, code)
            assert [printed[0], printed[1].split(":")[0]] == [admitted, "REFUSED repeat"]
            continue
        out = reader.run(command)
        if " gates add " in command:
            (setup,) = re.findall(r"^setup_code +(\S+)$", out, re.MULTILINE)
        if " passes issue " in command:
            (code,) = re.findall(r"^code +(BP1:.*)$", out, re.MULTILINE)
            (pass_id,) = re.findall(r"^pass_id +(\S+)$", out, re.MULTILINE)
            reader.filled["PASS_ID"] = lambda found=pass_id: found  # type: ignore[misc]
    assert printed, "gates were tried"
    assert (reader.folder / "var" / "pass.png").read_bytes().startswith(b"\x89PNG")


def written_examples(reader: Reader) -> None:
    """The files that the guide names, as it shows them."""
    product, offer, _campaign, spots, *_ = documented.blocks(GUIDE, "yaml")
    shown = {"spring.yaml": product, "emeishan.yaml": offer, "correction.yaml": spots}
    for name, text in shown.items():
        (reader.folder / name).write_text(text, encoding="utf-8")
    rows = ["name,id_number", f"测试乙,{reader.new_number()}", ""]
    (reader.folder / "roster.csv").write_text("\n".join(rows), encoding="utf-8")
    every = [{"id": spot["id"]} for spot in reader.asked("spots list")]
    (reader.folder / "everything.json").write_text(json.dumps(every), encoding="utf-8")
    waiting = (
        "id: waits\ntitle: {zh: 待激活, en: Waits}\ncoverage: {spots: [emeishan]}\n"
        "term: {days: 365, activate_within: 90}\n"
    )
    (reader.folder / "waits.yaml").write_text(waiting, encoding="utf-8")


async def bound_visitor(base: str, number: str) -> None:
    """Somebody who has said in the mini-program that this document is theirs."""
    api = Api(int(base.rpartition(":")[2]))
    session = await signed_in(api)
    answer = await put_identity(api, session["access_token"], id_number=number)
    assert answer.status == 200, answer.body
    api.close()


def filled_in(reader: Reader, command: str) -> str:
    """A command of the guide with what the reader has instead of `…` and FILE."""
    number = reader.new_number()
    if " people unbar" in command:  # whom the line before has barred
        number = reader.number
    if "zhigong-example" in command:  # it is for members
        number = reader.member
    if " visitors join " in command:
        reader.member = number
    if " companions add" in command:
        reader.companion, reader.account = number, reader.new_number()
        in_a_thread(asyncio.run, bound_visitor(reader.filled["BASE"](), reader.account))
    elif " companions " in command:
        number = reader.companion
    reader.number = number
    if " visitors unbind " in command or " visitors show " in command:
        in_a_thread(asyncio.run, bound_visitor(reader.filled["BASE"](), number))
    command = command.replace("--reason …", "--reason lost")
    in_an_hour = datetime.now(SHANGHAI) + timedelta(hours=1)
    command = command.replace("--until …", f"--until {in_an_hour:%Y-%m-%dT%H:%M}")
    command = command.replace("join-roster FILE", "join-roster roster.csv")
    command = command.replace("--out FILE", "--out person.json")
    command = command.replace("--csv FILE", "--csv offers.csv")
    return command.replace("--xlsx FILE", "--xlsx offers.xlsx")


def test_every_command_of_the_operator_guide(reader: Reader) -> None:
    written_examples(reader)
    reader.run("python -m scripts products publish waits.yaml")

    def new_pass() -> str:
        issued = reader.asked(
            f"passes issue --product waits --name 测试甲 --id-number {reader.new_number()}"
        )
        return str(issued["pass_id"])

    reader.filled |= {
        "PASS_ID": new_pass,
        "GATE_ID": lambda: str(reader.asked("gates add --spot emeishan --kind window")["gate_id"]),
        "DAY": lambda: date.today().isoformat(),  # noqa: DTZ011 - any day that has not passed
        "OFFER_ID": lambda: "emeishan-bogo-2026",
        "COMPANION_ID": lambda: str(reader.asked("companions list")[0]["companion_id"]),
        "SPOT": lambda: "emeishan",
    }

    def losing_pass() -> str:
        pass_id = new_pass()
        reader.run(
            "python -m scripts products withdraw-spot waits --spot emeishan --from 2099-01-01"
            " --policy end --reason left"
        )
        return pass_id

    reader.filled["LOSING_ID"] = losing_pass
    ran = 0
    for command in filter(is_run, documented.commands(GUIDE)):
        for reading in documented.readings(command):
            reader.run(filled_in(reader, reading))
            ran += 1
    assert ran > 50
    assert (reader.folder / "pass.png").read_bytes().startswith(b"\x89PNG")


async def test_the_curl_command_of_the_mini_program_signs_in(api: Api) -> None:
    (command,) = documented.commands(DOCS / "mini-program.md")
    _, _, method, address, _, body = shlex.split(command)
    path = address.removeprefix("localhost:8000")
    answer = await api.send(method, path, body.encode(), None, {})
    assert answer.status == 200, answer.body
