"""`docs/correcting.md` names every command that changes something, and no other."""

import re

import pytest
import typer

from scripts.__main__ import commands
from tests.support.processes import PROJECT

PAGE = (PROJECT / "docs" / "correcting.md").read_text(encoding="utf-8")

READS = {
    *("audit about", "audit by", "cases list", "cases show", "companions list", "gates list"),
    *("conflicts list", "conflicts show", "spots export"),
    *("holidays list", "keys list", "offers list", "offers schema", "offers show", "passes find"),
    *("passes show", "people bars", "products list", "products schema", "products show"),
    *("reports offers", "retention list", "rights audit", "rights requests", "spots list"),
    *("spots schema", "spots stops", "visitors show"),
}
"""Commands that change nothing."""


def verbs() -> set[str]:
    """Every command that there is, as `noun verb`."""
    tree = typer.main.get_command(commands())
    return {
        f"{noun} {verb}"
        for noun, group in tree.commands.items()  # type: ignore[attr-defined]
        for verb, command in getattr(group, "commands", {}).items()
        if not command.hidden
    }


def rows() -> list[list[str]]:
    """What was done, back and forward, of each line of the tables."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "what was done"]


def named(text: str) -> set[str]:
    """The commands in a text."""
    return set(re.findall(r"`([a-z]+ [a-z][a-z-]+)\b", text)) & verbs()


def test_every_command_that_changes_something_stands_on_the_page() -> None:
    assert set().union(*(named(done) for done, _, _ in rows())) == verbs() - READS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_line_names_a_command_or_says_that_there_is_none(row: list[str]) -> None:
    _, back, forward = row
    way_out = f"{back} {forward}"
    without = ("**none**", "**None**", "not needed", "delete the file", "mini-program")
    assert named(way_out) or any(each in way_out for each in without)


def test_the_page_names_no_command_that_there_is_not() -> None:
    nouns = {verb.split()[0] for verb in verbs()}
    written = re.findall(r"`([a-z]+ [a-z][a-z-]+)\b", PAGE)
    assert {each for each in written if each.split()[0] in nouns} <= verbs()
