"""The description of the API: true to the routes, to the standard and to itself."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import jsonschema
from openapi_spec_validator import validate

from handlers.api_docs.description import openapi_text
from handlers.api_docs.openapi import describe
from handlers.routes import ROUTES
from handlers.web.endpoint import declared_on
from tests.support.api import Api
from tests.support.processes import PROJECT

API = describe(ROUTES)
EVERY = [
    (path, verb, operation)
    for path, verbs in API["paths"].items()
    for verb, operation in verbs.items()
]


def test_the_committed_description_is_that_of_the_routes() -> None:
    committed = (PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(API), "run `python -m scripts openapi > docs/openapi.json`"


def test_it_keeps_to_the_standard() -> None:
    validate(API)


def test_every_route_is_described_with_its_scope() -> None:
    for route in ROUTES:
        for verb in ("GET", "POST", "PUT", "DELETE"):
            declared = declared_on(route.handler_class, verb)
            described = API["paths"][route.template].get(verb.lower())
            assert (declared is None) == (described is None)
            if declared and described:
                scopes = declared.scope.split() if declared.scope else []
                assert [
                    s for need in described.get("security", []) for s in need["bearer"]
                ] == scopes
                assert described["summary"].endswith(".")


def test_examples_fit_their_schemas() -> None:
    def check(content: dict[str, Any]) -> None:
        schema = content["schema"] | {"components": API["components"]}
        jsonschema.Draft202012Validator(schema).validate(content["example"])

    examples = [
        part["content"]["application/json"]
        for _, _, operation in EVERY
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]
        if "example" in part.get("content", {}).get("application/json", {})
    ]
    assert len(examples) > 8
    for content in examples:
        check(content)


def test_every_parameter_says_what_it_means() -> None:
    for path, _, operation in EVERY:
        for parameter in operation["parameters"]:
            assert parameter.get("description"), (path, parameter["name"])


async def test_programs_get_the_document_and_people_a_page(api: Api) -> None:
    document = await api.get("/openapi.json")
    assert document.json == json.loads(openapi_text(API))
    assert (await api.get("/openapi.json", If_None_Match=document.headers["Etag"])).status == 304
    page = await api.get("/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (
        page.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    )
    text = page.body.decode()
    for path, verb, operation in EVERY:
        assert f'<h2 id="{operation["operationId"]}"' in text
        assert f"<code>{path}</code>" in text, verb
    assert not re.search(r"(src|href)=\"(https?:)?//", text), "it needs nothing from elsewhere"
    assert "<script" not in text
    balanced(text)


def balanced(text: str) -> None:
    """Raise `AssertionError` unless every element that is opened is closed, in order."""
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in {"meta", "br"}:
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Reader().feed(text)
    assert opened == []
