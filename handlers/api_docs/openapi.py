"""The description of the API in OpenAPI 3.1, made from what the routes declare, so that it cannot say anything else."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from handlers.web.arguments import LONGEST_IDEMPOTENCY_KEY
from handlers.web.endpoint import Declaration, declared_on
from handlers.web.problems import ProblemOut
from handlers.web.routing import Route

VERSION = "1"
_REF = "#/components/schemas/{model}"
_VERBS = ("GET", "POST", "PUT", "DELETE")
_PROBLEM = "application/problem+json"

_PARAMETERS = {
    "spot_id": ("The slug of a spot.", "emeishan"),
    "offer_id": ("The slug of an offer.", "emeishan-bogo-example"),
    "pass_id": ("The serial of a pass.", "70a69d540b54f65e"),
    "nonce": ("The nonce under which the gate was admitting.", "5dfb1cb2d35c1769"),
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the call: the same call again under the same key gives the same answer. New for each call.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_IDEMPOTENCY_KEY,
        "pattern": "^[!-~]+$",
    },
}
_ABOUT = """Errors are RFC 9457 problems with a stable `code`. Instants are RFC 3339, money is fen, business days are
those of Asia/Shanghai, positions say their datum. Replies with an `ETag` may be asked for again with `If-None-Match`.
A caller may name its request in `X-Request-Id`; a reply may have more fields than stand here."""

Json = dict[str, Any]
_Operation = tuple[Route, str, Declaration]


def describe(routes: Iterable[Route]) -> Json:
    """The OpenAPI document of these routes."""
    operations = [
        (route, verb, declared)
        for route in routes
        for verb in _VERBS
        if (declared := declared_on(route.handler_class, verb)) is not None
    ]
    schemas = _schemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        route, verb, _ = operation
        paths.setdefault(route.template, {})[verb.lower()] = _operation(operation, schemas)
    queries = {declared.query.__name__ for _, _, declared in operations if declared.query}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bashu Pass",
            "version": VERSION,
            "description": _ABOUT.replace("\n", " "),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(operations),
        "paths": paths,
        "components": {
            "schemas": {
                name: schema for name, schema in sorted(schemas.items()) if name not in queries
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def referred(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """The schema that a `$ref` names."""
    return schemas[schema["$ref"].rpartition("/")[2]]


def example_of(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """A value that fits a schema: its first example, its default, or one made of the examples of its parts."""
    named = [*schema.get("examples", ()), *schema.get("enum", ())]
    named += [schema[key] for key in ("const", "default") if key in schema]
    if named:
        return named[0]
    if "$ref" in schema:
        return example_of(referred(schema, schemas), schemas)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema["type"] == "object":
        return {
            name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()
        }
    if schema["type"] == "array":
        return [example_of(schema["items"], schemas)] if "items" in schema else []
    return _SIMPLE[schema["format"] if "format" in schema else schema["type"]]


_SIMPLE: Mapping[str, Any] = {
    "string": "…",
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "date": "2026-07-01",
    "date-time": "2026-07-01T02:00:00Z",
}


def _schemas(operations: Iterable[_Operation]) -> dict[str, Json]:
    """The schemas of all models, by name."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(ProblemOut, "serialization")]
    for _, _, declared in operations:
        models += [
            (model, "validation") for model in (declared.query, declared.body) if model is not None
        ]
        if not isinstance(declared.reply, str):
            models.append((declared.reply, "serialization"))
    _, whole = models_json_schema(list(dict.fromkeys(models)), ref_template=_REF)
    return dict(whole["$defs"])


def _tags(operations: Iterable[_Operation]) -> list[Json]:
    modules = dict.fromkeys(inspect.getmodule(route.handler_class) for route, _, _ in operations)
    return [
        {"name": _tag(module), "description": _first_line(inspect.getdoc(module))}
        for module in modules
    ]


def _tag(module: Any) -> str:
    return str(module.__name__.rpartition(".")[2])


def _operation(operation: _Operation, schemas: Mapping[str, Json]) -> Json:
    route, verb, declared = operation
    method = getattr(route.handler_class, verb.lower())
    words = inspect.getdoc(method) or ""
    described: Json = {
        "operationId": f"{verb.lower()}-{route.name}",
        "tags": [_tag(inspect.getmodule(route.handler_class))],
        "summary": _first_line(words),
        "parameters": [
            *map(_path_parameter, route.parameters),
            *_query_parameters(declared, schemas),
            *([_IDEMPOTENCY_KEY] if declared.idempotent else []),
        ],
        "responses": _responses(operation, schemas),
    }
    if declared.body is not None:
        described["requestBody"] = {"required": True, "content": _content(declared.body, schemas)}
    if declared.scope is not None:
        described["security"] = [{"bearer": [scope]} for scope in declared.scope.split()]
    return described


def _responses(operation: _Operation, schemas: Mapping[str, Json]) -> Json:
    route, _, declared = operation
    ok: Json
    if isinstance(declared.reply, str):
        ok = {"content": {declared.reply: {}}}
    else:
        ok = {"content": _content(declared.reply, schemas)}
    problems = {
        "400": ("The request is not HTTP or JSON as it should be.", True),
        "401": ("The bearer token is missing, or not good here.", declared.scope),
        "403": (
            "The token lacks the scope, or the caller may not.",
            declared.scope or declared.limit,
        ),
        "404": ("There is no such thing.", route.parameters or declared.body),
        "409": ("What has already happened forbids it.", declared.body or declared.scope),
        "411": ("A `Content-Length` is needed.", declared.body),
        "413": ("The body is too large.", declared.body),
        "429": ("Too many calls; try again after `Retry-After`.", declared.limit),
        "422": ("A parameter or field is wrong; `errors` name it.", True),
        "503": (
            "The database does not answer, or this process is stopping: try again after `Retry-After`.",
            True,
        ),
    }
    return {
        str(declared.status.value): {"description": "Done." if declared.body else "Found."} | ok,
        **{status: _problem(what) for status, (what, can_be) in problems.items() if can_be},
        "default": _problem("Another problem."),
    }


def _problem(what: str) -> Json:
    return {
        "description": what,
        "content": {_PROBLEM: {"schema": {"$ref": _REF.format(model=ProblemOut.__name__)}}},
    }


def _content(model: type[BaseModel], schemas: Mapping[str, Json]) -> Json:
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}


def _path_parameter(name: str) -> Json:
    what, example = _PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": what,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _query_parameters(declared: Declaration, schemas: Mapping[str, Json]) -> Iterable[Json]:
    if declared.query is None:
        return
    for name, schema in schemas[declared.query.__name__]["properties"].items():
        parts = {
            key: value
            for key, value in schema.items()
            if key not in {"title", "description", "anyOf"}
        }
        if parts.get("default", 0) is None:
            del parts["default"]
        given: Json = next(
            (part for part in schema.get("anyOf", ()) if part.get("type") != "null"), {}
        )
        parameter: Json = {"name": name, "in": "query", "schema": parts | given}
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        if "description" in schema:
            parameter["description"] = schema["description"]
        yield parameter


def _first_line(words: str | None) -> str:
    return (words or "").partition("\n")[0]
