"""The page that tells people of the API: made of the OpenAPI document, without a script or anything from elsewhere."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path

from tornado.escape import xhtml_escape
from tornado.template import Template

from handlers.api_docs.openapi import Json, referred

_PAGE = Template(
    (Path(__file__).parent / "docs.html").read_text(encoding="utf-8"), whitespace="single"
)
_DEEP = 3
"""How many levels of fields inside fields are told of."""


def docs_page(api: Json) -> bytes:
    """The HTML page of an OpenAPI document."""
    operations = list(_sections(api))
    titles = {tag["name"]: tag["description"] for tag in api["tags"]}
    chapters = [
        (titles[tag], list(chapter)) for tag, chapter in groupby(operations, key=lambda o: o.tag)
    ]
    return _PAGE.generate(api=api, chapters=chapters, operations=operations, marked=_marked)


def _marked(words: str) -> str:
    """Words as HTML; what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", xhtml_escape(words))


@dataclass(frozen=True, slots=True)
class _Field:
    """A line of a table of the page."""

    name: str
    type: str
    words: str


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of the page."""

    id: str
    tag: str
    verb: str
    path: str
    summary: str
    scope: str
    tables: Sequence[tuple[str, Sequence[_Field]]]
    examples: Sequence[tuple[str, str]]
    problems: Sequence[tuple[str, str]]


def _sections(api: Json) -> Iterator[_Section]:
    schemas = api["components"]["schemas"]
    for path, verbs in api["paths"].items():
        for verb, operation in verbs.items():
            replies = operation["responses"]
            ok = next(status for status in replies if status.startswith("2"))
            contents = {
                "Body": operation.get("requestBody", {}),
                f"Reply {ok} {HTTPStatus(int(ok)).phrase}": replies[ok],
            }
            bodies = {
                title: part["content"]["application/json"]
                for title, part in contents.items()
                if _is_model(part)
            }
            tables = [
                (title, list(_fields(body["schema"], schemas))) for title, body in bodies.items()
            ]
            if operation["parameters"]:
                tables.insert(
                    0,
                    ("Parameters", [_parameter(part, schemas) for part in operation["parameters"]]),
                )
            yield _Section(
                id=operation["operationId"],
                tag=operation["tags"][0],
                verb=verb.upper(),
                path=path,
                summary=operation["summary"],
                scope=" / ".join(each["bearer"][0] for each in operation.get("security", ())),
                tables=tables,
                examples=[
                    (
                        f"{title}, an example",
                        json.dumps(body["example"], ensure_ascii=False, indent=2),
                    )
                    for title, body in bodies.items()
                ],
                problems=[
                    (status, reply["description"])
                    for status, reply in replies.items()
                    if not status.startswith("2")
                ],
            )


def _is_model(part: Json) -> bool:
    return "schema" in part.get("content", {}).get("application/json", {})


def _parameter(parameter: Json, schemas: Json) -> _Field:
    optional = "" if parameter.get("required") else ", optional"
    if "explode" in parameter:
        optional = ", separated by commas" + optional
    return _Field(
        parameter["name"],
        _type(parameter["schema"], schemas) + optional,
        parameter.get("description", ""),
    )


def _fields(schema: Json, schemas: Json, prefix: str = "", depth: int = 1) -> Iterator[_Field]:
    """A line for each field of a model, and below it for each of a model inside it."""
    inside = _model(schema, schemas)
    for name, part in (inside or {}).get("properties", {}).items():
        words = part.get("description") or (_model(part, schemas) or {}).get("description", "")
        yield _Field(prefix + name, _type(part, schemas), words)
        if depth < _DEEP:
            yield from _fields(part, schemas, f"{prefix}{name}.", depth + 1)


def _model(schema: Json, schemas: Json) -> Json | None:
    """The model that a schema is, or is a list of, or may be."""
    if "$ref" in schema:
        found = referred(schema, schemas)
        return found if found.get("type") == "object" else None
    parts = [schema["items"]] if "items" in schema else schema.get("anyOf", [])
    return next((model for part in parts if (model := _model(part, schemas))), None)


def _type(schema: Json, schemas: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return _type(referred(schema, schemas), schemas)
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_type(part, schemas) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'], schemas)}" if "items" in schema else "list"
    limits = [
        f"{sign} {schema[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("maxLength", "at most"),
        )
        if key in schema
    ]
    return " ".join(
        [str(schema.get("format", schema.get("type", schema.get("const", "anything")))), *limits]
    )
