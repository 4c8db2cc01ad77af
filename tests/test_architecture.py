"""The shape of the project: layers, and what every module says of itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import PROJECT

PACKAGES = ("server", "handlers", "passes", "scenic_data", "scripts")
MODULES = [
    *sorted(file for package in PACKAGES for file in (PROJECT / package).rglob("*.py")),
    PROJECT / "run.py",
]


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PROJECT)))
def test_a_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PROJECT)))
def test_a_server_with_a_mongodb_needs_no_embedded_database(module: Path) -> None:
    """SecantusDB is a program that is started; nothing imports it, nor what only it needs."""
    only_embedded = {"secantusdb", "secantus", "shapely", "s2sphere", "numpy", "dateutil", "future"}
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        assert not only_embedded & {name.partition(".")[0] for name in names}


def test_the_packages_of_a_server_are_those_of_the_whole_without_the_embedded_database() -> None:
    """The same versions in both files, so that what is tested is what serves."""
    whole, server = (
        set(re.findall(r"^([\w.-]+==[\w.]+)", (PROJECT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-server.txt")
    )
    assert server < whole
    names = {each.partition("==")[0] for each in server}
    assert "secantusdb" not in names
    assert {"tornado", "pymongo", "cryptography"} <= names


def test_the_base_handler_stays_under_100_lines_of_code() -> None:
    source = (PROJECT / "handlers" / "web" / "api.py").read_text(encoding="utf-8")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    (base,) = [node for node in classes if node.name == "ApiHandler"]
    assert (base.end_lineno or 0) - base.lineno < 100


def test_the_domain_never_asks_what_time_it_is() -> None:
    clocks = ("datetime.now(", "date.today(", "utcnow(", "time.time(")
    for module in (PROJECT / "passes").rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        asked = [clock for clock in clocks if clock in text]
        assert asked == [], module


def test_no_test_module_imports_another() -> None:
    for module in (PROJECT / "tests").rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        of_tests = {f"{node.module}." for node in froms if str(node.module).startswith("tests")}
        foreign = {name for name in of_tests if not name.startswith("tests.support.")}
        assert foreign == set(), module
