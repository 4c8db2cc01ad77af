"""Words for what a validation library, YAML, JSON, CSV and codecs find wrong."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, Field, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from passes.base import forms
from passes.base.faults import faults_of, words_of
from passes.base.unreadable import WIDE_COLON, yaml_words
from scenic_data.files import DataError, load_json, load_yaml
from tests.support.processes import PROJECT

OF_A_LIBRARY = re.compile(r"Input should|String should|valid|pattern|mapping|token|codec|delimiter")


@pytest.mark.parametrize("error", list_all_errors(), ids=lambda error: error["type"])
def test_no_error_of_pydantic_is_told_in_its_words(error: Any) -> None:
    if error["type"] in {"value_error", "assertion_error"}:
        return  # their words are ours
    told = words_of(error["type"], error.get("example_context") or {})
    assert told
    assert not OF_A_LIBRARY.search(told), told


def test_every_pattern_of_a_model_says_how_to_write_it() -> None:
    for package in ("passes", "handlers", "server", "scenic_data", "scripts"):
        for file in (PROJECT / package).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"\bpattern=r?[\"']", text), f"{file}: name it in forms"
    patterns = {value for name, value in vars(forms).items() if name.isupper() and name != "WORDS"}
    assert patterns == set(forms.WORDS)


class Part(BaseModel, extra="forbid"):
    """A model with one field of each kind of error."""

    level: Literal["5A", "4A"] = "5A"
    count: Annotated[int, Field(ge=1, le=100, strict=True)] = 1
    slug: Annotated[str, Field(pattern=forms.SLUG, max_length=5)] = "a"
    open: bool = True
    many: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("a",)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"level": "6A"}, ("level", "write one of 5A, 4A")),
        ({"count": "3"}, ("count", "a whole number is needed, such as 3")),
        ({"count": 0}, ("count", "has to be at least 1")),
        ({"count": 101}, ("count", "may be at most 100")),
        ({"slug": "A b"}, ("slug", forms.WORDS[forms.SLUG])),
        ({"slug": "abcdef"}, ("slug", "has more than 5 characters")),
        ({"slug": 5}, ("slug", "text is needed; a value such as 511181 stands in quotes")),
        ({"open": "often"}, ("open", "write true or false")),
        ({"many": []}, ("many", "at least one is needed")),
        ({"many": ["a", "b", "c"]}, ("many", "at most 2 are allowed")),
        ({"colour": 1}, ("colour", "is not known here")),
    ],
)
def test_a_fault_names_the_field_and_what_to_write(
    fields: dict[str, Any], told: tuple[str, str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Part.model_validate(fields)
    assert list(faults_of(refused.value)) == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id: a: b", "a.yaml: this cannot be read as YAML in line 1: there is a colon too many"),
        ("id: a\n\tb: 1", "in line 2: indent by blanks, not by tabs"),
        ("id: [a", "a comma or a closing bracket is missing"),
        ("id: {a: 1", "a comma or a closing bracket is missing"),
        ("id: 'a", "a quote is opened and never closed"),
        ('id: "\\d"', "use single quotes"),
        ("id: *a", "a word begins with *"),
        ("id: !a b", "a word begins with !"),
        ("id: @a", "a tab, @, ` or % stands in front"),
        ("a: 1\n---\nb: 2", "one file holds one document"),
        ("id：emeishan", f"a.yaml: line 1: {WIDE_COLON}"),
        ("id: emeishan\ntitle：年票", f"a.yaml: line 2: {WIDE_COLON}"),
        ("a: \x01", "there is a character that cannot be printed"),
    ],
)
def test_broken_yaml_says_what_to_correct(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        load_yaml(file)
    assert told in str(refused.value)
    assert not OF_A_LIBRARY.search(str(refused.value))


def test_yaml_says_nothing_that_is_passed_on_unknown() -> None:
    assert "it is not written as YAML" in yaml_words("something that libyaml may say one day")
    assert yaml.__with_libyaml__


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"[{", "a.json: this is not JSON: it cannot be read from line 1, column"),
        ("a.json", b"[" * 100_000, "it is nested too deep"),
        ("a.json", b"[" + b"9" * 5000 + b"]", "a number has too many digits"),
        ("a.json", "名称\n".encode("gb18030"), "save the file as UTF-8"),
    ],
)
def test_a_broken_file_says_what_to_correct(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError) as refused:
        load_json(file)
    assert told in str(refused.value)
    assert not OF_A_LIBRARY.search(str(refused.value))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
def test_files_of_every_editor_are_read(tmp_path: Path, mark: str, ends: str) -> None:
    lines = ["- id: a", "- id: b", ""]
    (tmp_path / "a.yaml").write_bytes((mark + ends.join(lines)).encode())
    assert load_yaml(tmp_path / "a.yaml") == [{"id": "a"}, {"id": "b"}]
