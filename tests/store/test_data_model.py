"""`docs/data-model.md` says what the code stores: collections, indexes, fields and documents."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from bson import json_util
from tornado.ioloop import IOLoop

from passes.base.stored import stored_fields
from passes.ledger.records import Record
from passes.ledger.tally import Tally
from passes.ledger.verdicts import Verdict
from passes.people.holder import Holder
from passes.people.sealing import Sealed
from passes.rights.retention import STAYS, Means
from passes.store.database import Document, Index
from passes.store.indexes import INDEXES
from passes.terms.terms import Terms
from server.mongo import Mongo
from tests.support.filled import filled
from tests.support.processes import PROJECT

PAGE = (PROJECT / "docs" / "data-model.md").read_text(encoding="utf-8")
PARTS = {"sealed": Sealed, "holder": Holder, "verdict": Verdict, "tally": Tally, "terms": Terms}

RECORD = [field.name for field in stored_fields(Record)]

Stored = Mapping[str, list[Document]]


@pytest.fixture
def stored(io_loop: IOLoop, mongo: Mongo, tmp_path: Path, sandbox_url: str) -> Stored:
    """All documents of a system that has been used, by collection."""

    async def documents() -> Stored:
        await filled(mongo, tmp_path, sandbox_url)
        return {name: await mongo.collection(name).find({}) for name in INDEXES}

    return cast(Stored, io_loop.run_sync(documents))


def section(heading: str) -> str:
    """The text under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"docs/data-model.md has no section {heading!r}"
    return found[1]


def documented_fields(heading: str) -> list[str]:
    """The first column of the table of fields under a heading."""
    return re.findall(r"^\| `([\w.]+)` \|", section(heading), re.MULTILINE)


def examples(collection: str) -> list[Any]:
    """The example documents under the heading of a collection."""
    blocks = re.findall(r"^```json\n(.*?)^```", section(collection), re.DOTALL | re.MULTILINE)
    return [json.loads(block) for block in blocks]


def documented_indexes(collection: str) -> list[str]:
    """What the list of indexes of a collection says of each, but for its query."""
    lines = section(collection).replace("\n  ", " ")
    return re.findall(r"^- (`\w+` `\{.*?\}`.*?: [^.]+\.)", lines, re.MULTILINE)


def written(index: Index) -> str:
    """An index as the page says it."""
    options = " unique" if index.unique else ""
    if index.expire_seconds is not None:
        options += f" expires after {index.expire_seconds} s"
    return f"`{index.name}` `{json.dumps(dict(index.keys))}`{options}: {index.serves}."


def as_json(document: Document) -> Any:
    """A stored document in relaxed Extended JSON, as the page shows it."""
    options = json_util.RELAXED_JSON_OPTIONS
    return json.loads(json_util.dumps(document, json_options=options))


def shape(value: Any) -> Any:
    """The names in a document and the types of its values; of a list that of its first item."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value).__name__


def names_in(documents: list[Document]) -> Iterator[str]:
    """Every top-level field of any of these documents."""
    for document in documents:
        yield from document


def test_every_collection_stands_in_the_overview() -> None:
    assert re.findall(r"^\| \[(\w+)\]\(#", section("Overview"), re.MULTILINE) == list(INDEXES)


def test_the_page_says_how_long_everything_stays_and_why() -> None:
    line_of_overview = r"^\| \[(\w+)\]\(#\w+\) .*\| (.*?) \|$"
    overview = re.findall(line_of_overview, section("Overview"), re.MULTILINE)
    assert overview == [(name, STAYS[name].kept) for name in INDEXES]
    reasons = re.findall(r"^\| (\w+) \| (.*?) \| (.*?) \|$", section("How long"), re.MULTILINE)
    assert reasons[1:] == [(name, STAYS[name].means, STAYS[name].why) for name in INDEXES]


@pytest.mark.parametrize("collection", INDEXES)
def test_what_mongodb_removes_has_an_index_for_it(collection: str) -> None:
    expires = any(index.expire_seconds is not None for index in INDEXES[collection])
    # Of holdings MongoDB removes those of accounts, and the run the others.
    assert expires == (STAYS[collection].means is Means.DATABASE or collection == "holdings")


@pytest.mark.parametrize("collection", INDEXES)
def test_the_indexes_of_a_collection_are_documented(collection: str) -> None:
    assert documented_indexes(collection) == [written(each) for each in INDEXES[collection]]


@pytest.mark.parametrize("part", PARTS)
def test_the_fields_of_a_shared_part_are_documented(part: str) -> None:
    kind = cast(Any, PARTS[part])
    assert documented_fields(part) == [field.name for field in stored_fields(kind)]


async def test_the_fields_of_every_collection_are_documented(stored: Stored) -> None:
    for collection, documents in stored.items():
        assert documents, f"nothing is stored in {collection}"
        names = list(dict.fromkeys(names_in(documents)))
        if collection == "admissions":  # a record leaves out what is empty
            assert set(names) <= {"_id", *RECORD}
            names = ["_id", *RECORD]
        assert documented_fields(collection) == names, collection


async def test_the_examples_are_what_the_code_stores(stored: Stored) -> None:
    for collection, documents in stored.items():
        found = [as_json(document) for document in documents]
        shapes = [shape(document) for document in found]
        shown = examples(collection)
        assert shown, f"{collection} has no example document"
        for example in shown:
            now = json.dumps(found[0], ensure_ascii=False)
            assert shape(example) in shapes, f"{collection} stores documents such as {now}"
