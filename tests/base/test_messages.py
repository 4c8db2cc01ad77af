"""Every message that people read, gathered from the source, keeps the same simple rules.

`Text` is what visitors, staff and operators read; the words of a fault or of an error at the start
are English, for whoever wrote the input.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.processes import PROJECT

PACKAGES = ("passes", "handlers", "server", "scripts", "scenic_data")
OF_LIBRARIES = re.compile(
    r"input should|valid string|pydantic|pymongo|bson|codec|traceback|errno|exception|NoneType"
    r"|validation error|unexpected|assert|str\(error\)|\{error\}|\{exc\}",
    re.IGNORECASE,
)
"""Words that libraries use, and what would show them."""

TRY_AGAIN = re.compile(r"try again|请重试|再试|稍后")
HEALS = {
    # messages after which the next try may succeed, and why
    "all of today are claimed; try again on {when}": "a new day",
    "too many calls; try again later": "Retry-After says when",
    "{text.en}; try again on {when}": "a new day",
    "this account has said too often today who it is; try again tomorrow, or show the document to "
    "staff": "a new day",
    "this account has said too many companion codes today; try again tomorrow": "a new day",
    "someone else is publishing; try again": "they will have ended",
    "someone else is amending; try again": "they will have ended",
    "someone else is importing; try again": "they will have ended",
    "this offer changes this moment; try again": "the change will have ended",
    "this offer is just being published; try again": "it is loaded within two seconds",
    "this account has changed meanwhile; try again": "the change has ended",
    "this pass is being changed right now; try again": "the change will have ended",
    "the first bundle is being made; try again": "it is made within minutes",
    "this voucher is being changed right now; try again": "the change will have ended",
    "this pass is being scanned too often; try again": "others scan it this moment",
    "who you are changes this moment; try again": "the change will have ended",
    "edition {version} of product {product_id!r} is not known here yet; try again": "it is loaded",
    "the database does not answer; try again later": "503 with Retry-After",
    "WeChat does not answer; try again": "WeChat comes back",
    "WeChat is busy; try again": "WeChat comes back",
    "this {of.en} is not valid; get another": "wx.login gives another code",
    "this {of.en} was used; get another": "wx.login gives another code",
}


@dataclass(frozen=True)
class Message:
    """A text in the source."""

    where: str
    zh: str
    en: str


def written(node: ast.expr) -> str | None:
    """The text of a literal; of a formatted one with its fields in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ast.unparse(node)[2:-1]
    return None


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Where one of these is called, in all packages."""
    for package in PACKAGES:
        for file in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names:
                    yield f"{file.relative_to(PROJECT)}:{node.lineno}", node


def texts() -> Iterator[Message]:
    """Every text in two languages, those of verdicts among them. The rules of passes, which are
    whole sentences, have tests of their own."""
    for where, call in calls("Text", "_ReasonWords"):
        if where.startswith("passes/terms/wording.py"):
            continue
        words = [written(argument) for argument in call.args[:2]]
        if len(words) == 2 and None not in words:
            zh, en = words
            yield Message(where, str(zh), str(en))


def english() -> Iterator[tuple[str, str]]:
    """The words of faults, of refused values and of errors at the start."""
    for where, call in calls("Fault", "ValueError", "StartError", "refuse"):
        for argument in call.args:
            words = written(argument)
            if words is not None:
                yield where, words


def problems_of(message: Message) -> list[str]:
    """The rules that a message breaks."""
    broken = []
    bare_zh = re.sub(r"\{[^}]*\}", "", message.zh)
    if not re.search(r"[\u4e00-\u9fff]", message.zh) and not message.zh.startswith("{"):
        broken.append("the Chinese has no Chinese")
    if re.search(r"[\u4e00-\u9fff]", message.en):
        broken.append("the English has Chinese")
    if not re.search(r"[A-Za-z]", message.en):
        broken.append("the English is missing")
    if message.zh.endswith(("。", ".", "！")) or message.en.endswith((".", "!")):
        broken.append("it ends with a full stop")
    if re.search(r"[,;:?!]", bare_zh):
        broken.append("the Chinese has punctuation of half width")
    if OF_LIBRARIES.search(message.zh) or OF_LIBRARIES.search(message.en):
        broken.append("it has words of a library")
    asks_to_try = TRY_AGAIN.search(message.zh) or TRY_AGAIN.search(message.en)
    if asks_to_try and message.en not in HEALS:
        broken.append("it says to try again: say in HEALS why that helps, or what does")
    return broken


def test_there_are_messages_to_look_at() -> None:
    assert len(list(texts())) > 100
    assert len(list(english())) > 60


def test_every_message_keeps_the_rules() -> None:
    wrong = {
        f"{message.where}: {message.zh} / {message.en}": broken
        for message in texts()
        if (broken := problems_of(message))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("try", "try"),
        ("重试", "重试"),
        ("数据库故障。", "the database is damaged"),
        ("数据库故障，请重试", "the index is damaged; try again later"),
        ("参数有误", "Input should be a valid string"),
    ],
)
def test_the_rules_find_what_breaks_them(zh: str, en: str) -> None:
    assert problems_of(Message("here", zh, en)) != []


def test_words_for_whoever_writes_files_and_settings_are_ours() -> None:
    wrong = [
        f"{where}: {words}"
        for where, words in english()
        if OF_LIBRARIES.search(words) or words.endswith(".")
    ]
    assert wrong == []
