"""What documents show, read so that a test can do it: commands, requests, replies in their shape.

A document is for people: `…` stands for what varies, `{"name"}` for a field of any value,
`a|b` for either, `[…]` for what may be left out, words in capitals for what the reader has.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANY = object()
"""A value of which the document says nothing."""
MORE = "…"
"""As a key: there are further fields."""


def blocks(document: Path, language: str = "") -> list[str]:
    """The fenced blocks of a document in that language."""
    text = document.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for named, block in found if named == language]


def commands(document: Path) -> Iterator[str]:
    """The command lines of a document, in order, over line ends and without comments."""
    for block in blocks(document):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+#.*$", "", line).strip()
            if re.match(r"(python3?|\.venv/bin/|curl|BASHU_\w+=|\.ci/)", command):
                yield re.sub(r"\s+", " ", command)


def readings(command: str) -> Iterator[str]:
    """Every command that a line stands for: each alternative, without and with what is optional."""
    shorter = re.sub(r"\s*\[[^\]]*\]", "", command)
    longer = re.sub(r"\[([^\]]*)\]", r"\1", command)
    for written in dict.fromkeys([shorter, longer]):
        choices = [word.split("|") for word in written.split()]
        for words in itertools.product(*choices):
            yield " ".join(words)


@dataclass
class Example:
    """A request, and the reply if the document shows one."""

    method: str
    path: str
    token: str | None = None
    bodies: list[Any] = field(default_factory=list)
    status: int | None = None
    reply: Any = ANY


_REQUEST = re.compile(r"^(GET|POST|PUT|DELETE)\s+(/[^\s,]*)")
_REPLY = re.compile(r"(?:^|→ )(\d{3})?\s*(?=\{)")


def examples(document: Path) -> list[Example]:
    """The requests that the blocks of a document show, in order, with their replies.

    A block that is a reply alone belongs to the request before it.
    """
    found: list[Example] = []
    for block in blocks(document):
        for part in re.split(r"^(?=(?:GET|POST|PUT|DELETE)\s)", block, flags=re.MULTILINE):
            request = _REQUEST.match(part)
            if request is not None:
                found.append(_request(part, request))
            elif found and re.match(r"\d{3} \{", part):
                _add_reply(found[-1], part)
    return found


def _request(part: str, request: re.Match[str]) -> Example:
    example = Example(request[1], request[2])
    token = re.search(r"Authorization: Bearer (\S+)", part)
    if token is not None:
        example.token = token[1]
    said, arrow, told = part[request.end() :].partition("→")
    if not arrow:
        said, _, told = part[request.end() :].partition("\n\n")
    lines = [line.strip() for line in said.splitlines()]
    example.bodies = [parsed(line) for line in lines if line.startswith("{")]
    _add_reply(example, told.strip())
    return example


def _add_reply(example: Example, told: str) -> None:
    said = re.match(r"(\d{3})?[ ,]*(\{)?", told)
    assert said is not None
    if said[1]:
        example.status = int(said[1])
    if said[2]:
        example.reply = parsed(told[said.start(2) :])


def parsed(text: str) -> Any:
    """The value that a text begins with: JSON, or JSON with places left open."""
    value, _ = _value(re.sub(r"(?<=\s)#.*$", "", text, flags=re.MULTILINE), 0)
    return value


def _value(text: str, at: int) -> tuple[Any, int]:
    at = _after_blanks(text, at)
    if text[at] == "{":
        return _object(text, at + 1)
    if text[at] == "[":
        return _list(text, at + 1)
    if text[at] == '"':
        end = text.index('"', at + 1)
        return text[at + 1 : end], end + 1
    word = re.match(r"[^\s,}\]]+", text[at:])
    assert word is not None, text[at : at + 40]
    return _word(word[0]), at + word.end()


def _word(written: str) -> Any:
    fixed = {"true": True, "false": False, "null": None}
    if written in fixed:
        return fixed[written]
    if re.fullmatch(r"-?\d+", written):
        return int(written)
    return ANY


def _object(text: str, at: int) -> tuple[dict[str, Any], int]:
    fields: dict[str, Any] = {}
    while True:
        at = _after_blanks(text, at)
        if text[at] == "}":
            return fields, at + 1
        name, at = _value(text, at)
        if name is ANY:
            fields[MORE] = ANY
            continue
        at = _after_blanks(text, at)
        fields[name] = ANY
        if text[at] == ":":
            fields[name], at = _value(text, at + 1)


def _list(text: str, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        at = _after_blanks(text, at)
        if text[at] == "]":
            return items, at + 1
        item, at = _value(text, at)
        if item is not ANY:
            items.append(item)


def _after_blanks(text: str, at: int) -> int:
    while text[at] in " \n,":
        at += 1
    return at


def differences(shown: Any, told: Any, where: str = "reply") -> Iterator[str]:
    """In what a reply is not of the shape that a document shows: fields and kinds of values.

    One item of a list has to be as it is shown. What is shown as null may be anything.
    """
    if shown is ANY or shown is None:
        return
    if isinstance(shown, dict):
        yield from _of_fields(shown, told, where)
    elif isinstance(shown, list):
        if not isinstance(told, list) or not told:
            yield f"{where}: a list with something in it is shown"
        elif shown:
            compared = [list(differences(shown[0], item, f"{where}[]")) for item in told]
            yield from min(compared, key=len)
    elif type(shown) is not type(told):
        yield f"{where}: {shown!r} is shown, {told!r} is told"


def _of_fields(shown: dict[str, Any], told: Any, where: str) -> Iterator[str]:
    if not isinstance(told, dict):
        yield f"{where}: fields are shown, {told!r} is told"
        return
    named = shown.keys() - {MORE}
    yield from (f"{where}.{name} is shown and not told" for name in sorted(named - told.keys()))
    if MORE not in shown:
        yield from (f"{where}.{name} is told and not shown" for name in sorted(told.keys() - named))
    for name in sorted(named & told.keys()):
        yield from differences(shown[name], told[name], f"{where}.{name}")
