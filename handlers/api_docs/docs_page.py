"""The page that tells people of the API, made of the OpenAPI document.

It is one HTML file without a script, and loads nothing from elsewhere.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path

from tornado.escape import xhtml_escape
from tornado.template import Template

from handlers.api_docs.openapi import Json, Schemas, referred

_PAGE = Template(
    (Path(__file__).parent / "docs.html").read_text(encoding="utf-8"), whitespace="single"
)
_MOST_LEVELS = 3
"""How many levels of fields inside fields are told of."""

_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "maxLength": "at most"}
"""The keywords of JSON Schema that limit a value, and how the page writes them."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A line of a table."""

    name: str
    type: str
    words: str


@dataclass(frozen=True, slots=True)
class _Section:
    """The part of the page about one operation. Tables, examples and problems have titles."""

    id: str
    tag: str
    verb: str
    path: str
    summary: str
    scope: str
    tables: Sequence[tuple[str, Sequence[_Field]]]
    examples: Sequence[tuple[str, str]]
    problems: Sequence[tuple[str, str]]


def docs_page(api: Json) -> bytes:
    """The HTML page of an OpenAPI document."""
    sections = list(_sections(api))
    titles = {tag["name"]: tag["description"] for tag in api["tags"]}
    chapters = []
    for tag, chapter in groupby(sections, key=lambda section: section.tag):
        chapters.append((titles[tag], list(chapter)))
    return _PAGE.generate(api=api, chapters=chapters, operations=sections, marked=_marked)


def _marked(words: str) -> str:
    """Words as HTML; what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", xhtml_escape(words))


def _sections(api: Json) -> Iterator[_Section]:
    schemas = api["components"]["schemas"]
    for path, verbs in api["paths"].items():
        for verb, operation in verbs.items():
            yield _section(path, verb, operation, schemas)


def _section(path: str, verb: str, operation: Json, schemas: Schemas) -> _Section:
    bodies = _bodies(operation)
    tables = []
    if operation["parameters"]:
        lines = [_parameter(parameter, schemas) for parameter in operation["parameters"]]
        tables.append(("Parameters", lines))
    for title, body in bodies.items():
        tables.append((title, list(_fields(body["schema"], schemas))))
    return _Section(
        id=operation["operationId"],
        tag=operation["tags"][0],
        verb=verb.upper(),
        path=path,
        summary=operation["summary"],
        scope=" / ".join(each["bearer"][0] for each in operation.get("security", ())),
        tables=tables,
        examples=[_example(title, body) for title, body in bodies.items()],
        problems=_problems(operation["responses"]),
    )


def _bodies(operation: Json) -> Mapping[str, Json]:
    """What is sent and what comes back as JSON, by title."""
    replies = operation["responses"]
    success = next(filter(_is_success, replies))
    parts = {
        "Body": operation.get("requestBody", {}),
        f"Reply {success} {HTTPStatus(int(success)).phrase}": replies[success],
    }
    bodies = {}
    for title, part in parts.items():
        body = part.get("content", {}).get("application/json", {})
        if "schema" in body:
            bodies[title] = body
    return bodies


def _is_success(status: str) -> bool:
    return status.startswith("2")


def _example(title: str, body: Json) -> tuple[str, str]:
    written = json.dumps(body["example"], ensure_ascii=False, indent=2)
    return f"{title}, an example", written


def _problems(replies: Json) -> list[tuple[str, str]]:
    statuses = [status for status in replies if not _is_success(status)]
    return [(status, replies[status]["description"]) for status in statuses]


def _parameter(parameter: Json, schemas: Schemas) -> _Field:
    type_ = _type(parameter["schema"], schemas)
    if "explode" in parameter:
        type_ += ", separated by commas"
    if not parameter.get("required"):
        type_ += ", optional"
    return _Field(parameter["name"], type_, parameter.get("description", ""))


def _fields(schema: Json, schemas: Schemas, prefix: str = "", level: int = 1) -> Iterator[_Field]:
    """A line for each field of a model, and below it for each of a model inside it."""
    model = _model(schema, schemas)
    for name, part in model.get("properties", {}).items():
        words = part.get("description") or _model(part, schemas).get("description", "")
        yield _Field(prefix + name, _type(part, schemas), words)
        if level < _MOST_LEVELS:
            yield from _fields(part, schemas, f"{prefix}{name}.", level + 1)


def _model(schema: Json, schemas: Schemas) -> Json:
    """The model that a schema is, or is a list of, or may be; empty if there is none."""
    if "$ref" in schema:
        found = referred(schema, schemas)
        return found if found.get("type") == "object" else {}
    parts = schema.get("anyOf", [])
    if "items" in schema:
        parts = [schema["items"]]
    for part in parts:
        model = _model(part, schemas)
        if model:
            return model
    return {}


def _type(schema: Json, schemas: Schemas) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return _type(referred(schema, schemas), schemas)
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(part, schemas) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return _list_type(schema, schemas)
    return _simple_type(schema)


def _list_type(schema: Json, schemas: Schemas) -> str:
    if "items" not in schema:
        return "list"
    return f"list of {_type(schema['items'], schemas)}"


def _simple_type(schema: Json) -> str:
    """The format or type of a value, or the only value there is, and its limits."""
    words = ["anything"]
    for key in ("format", "type", "const"):
        if key in schema:
            words = [str(schema[key])]
            break
    words += [f"{how} {schema[key]}" for key, how in _LIMITS.items() if key in schema]
    return " ".join(words)
