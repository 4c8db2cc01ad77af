"""The documents name files, names in them, headings, settings, commands and options that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from scripts.__main__ import commands
from server.settings import Settings
from tests.support.processes import PROJECT

DOCUMENTS = [
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
    PROJECT / "tests" / "vectors" / "README.md",
]
FILES = {
    str(file.relative_to(PROJECT))
    for folder in ("passes", "handlers", "server", "scripts", "scenic_data", "tests", "docs")
    for file in (PROJECT / folder).rglob("*")
    if file.is_file()
} | {file.name for file in PROJECT.iterdir()}
FILE_NAMES = {name.rpartition("/")[2] for name in FILES}
APP = commands()
COMMANDS: Any = typer.main.get_command(APP)

by_name = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(PROJECT))
)


def inline_code(text: str) -> list[str]:
    """What stands between backticks, outside of blocks."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", without_blocks)]


def is_source_path(code: str) -> bool:
    """Whether a piece of code is the path of a file of the project, no placeholder in it."""
    folders = "passes|handlers|server|scripts|scenic_data|tests|docs"
    path = re.fullmatch(rf"((?:{folders})/[\w./-]*|\w+\.(?:py|toml|in))", code)
    return path is not None and not re.search(r"[A-Z]{3}", code)


def exists(path: str) -> bool:
    """Whether there is such a file or folder; a name alone may stand in any folder."""
    return (PROJECT / path).exists() or ("/" not in path and path in FILE_NAMES)


@by_name
def test_named_files_exist(document: Path) -> None:
    named = filter(is_source_path, inline_code(document.read_text(encoding="utf-8")))
    missing = [path for path in named if not exists(path)]
    assert missing == []


@by_name
def test_names_said_to_stand_in_a_file_stand_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for path, name in re.findall(r"`([\w./]+\.py)`\s+\(`(\w+)`", text):
        assert name in (PROJECT / path).read_text(encoding="utf-8"), f"{path}: {name}"
    for name, path in re.findall(r"`(\w+)`\s+(?:in|of)\s+`([\w./]+/[\w.]+\.py)`", text):
        assert name in (PROJECT / path).read_text(encoding="utf-8"), f"{path}: {name}"


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after `python -m scripts` in a document, up to a comment, over line ends."""
    for line in text.replace("\\\n", " ").splitlines():
        for command in re.findall(r"-m scripts ([a-z][^#`>]*)", line):
            yield command.split()
    nouns = "|".join(_commands_of(COMMANDS))
    for code in inline_code(text):
        named = re.fullmatch(rf"(?:scripts )?((?:{nouns}) [a-z][a-z|-]*(?: .*)?)", code)
        if named:
            yield named[1].split()


def _commands_of(command: Any) -> dict[str, Any]:
    """The commands of a group, by name; of a single command none."""
    return getattr(command, "commands", {})


@by_name
def test_commands_and_their_options_exist(document: Path) -> None:
    for words in commands_in(document.read_text(encoding="utf-8")):
        found = [COMMANDS]
        for word in words[:2]:
            groups = [_commands_of(command) for command in found]
            if not any(groups):
                break
            wanted = word.split("|")
            assert all(name in group for group in groups for name in wanted), words
            found = [group[name] for group in groups for name in wanted]
        assert not any(map(_commands_of, found)), words
        options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words))
        for command in found:
            known = {option for part in command.params for option in part.opts}
            assert set(options) - {"--help"} <= known, words


def every_command() -> Iterator[list[str]]:
    """The words of each command."""
    for noun, group in _commands_of(COMMANDS).items():
        yield from [[noun, verb] for verb in _commands_of(group)] or [[noun]]


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_a_command_tells_how_it_is_used(words: list[str]) -> None:
    told = CliRunner().invoke(APP, [*words, "--help"])
    assert told.exit_code == 0, told.output


def anchors_of(document: Path) -> set[str]:
    """What links may name in a document: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_name
def test_links_to_headings_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text(encoding="utf-8"))
    for file, anchor in links:
        target = (document.parent / file) if file else document
        assert anchor in anchors_of(target), f"{file}#{anchor}"


@by_name
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (document.parent / link).exists(), link


def test_the_readme_names_every_setting() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`BASHU_[^|]+) \|", readme, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`BASHU_(\w+)`", row)]
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_make_calls_what_the_readme_says() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^(\w+):\n\t(.+)$", makefile, re.MULTILINE))
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `make (\w+)` \| `([^`]+)`", readme, re.MULTILINE)) == targets


def test_a_commit_is_checked_as_in_ci() -> None:
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]
    ci = (PROJECT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    checks = [line for line in ci if re.match(r"\.venv/bin/(ruff|mypy|lint-imports)", line)]
    assert hooks == checks
