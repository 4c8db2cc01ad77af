"""The description of the API in OpenAPI 3.1, made from what the routes declare.

It cannot say anything else than they do. What a declaration does not tell, such as the meaning of a
path parameter, is in the tables below.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from handlers.web.arguments import LONGEST_IDEMPOTENCY_KEY
from handlers.web.endpoint import Declaration, declared_on
from handlers.web.problems import ProblemOut
from handlers.web.routing import Route

Json = dict[str, Any]
Schemas = Mapping[str, Json]

VERSION = "1"
_REF = "#/components/schemas/{model}"
_VERBS = ("GET", "POST", "PUT", "DELETE")
_PROBLEM = "application/problem+json"

_ABOUT = (
    "Errors are RFC 9457 problems with a stable `code`. Instants are RFC 3339, money is fen, "
    "business days are those of Asia/Shanghai, positions say their datum. Replies with an `ETag` "
    "may be asked for again with `If-None-Match`. A caller may name its request in `X-Request-Id`; "
    "a reply may have more fields than stand here."
)

_PARAMETERS = {
    "spot_id": ("The slug of a spot.", "emeishan"),
    "product_id": ("The slug of a product.", "bashu-annual-example"),
    "companion_id": ("The id of a companion.", "5c1de0a7b2f94d63"),
    "device_id": ("The id of a device.", "9b2f6c1d8e5a4f70a1c3d5e7f9b1d3c5"),
    "offer_id": ("The slug of an offer.", "emeishan-bogo-example"),
    "pass_id": ("The serial of a pass.", "70a69d540b54f65e"),
    "nonce": ("The nonce under which the gate was admitting.", "5dfb1cb2d35c1769"),
}
"""The parameters of paths: what each is, and an example."""

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the call: the same call again under the same key gives the same answer. "
    "New for each call.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_IDEMPOTENCY_KEY,
        "pattern": "^[!-~]+$",
    },
}

_SIMPLE_EXAMPLES: Mapping[str, Any] = {
    "string": "…",
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "date": "2026-07-01",
    "date-time": "2026-07-01T02:00:00Z",
}
"""An example for each type, or for each format of a string."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """One verb of one route."""

    route: Route
    verb: str
    declared: Declaration

    @property
    def module(self) -> ModuleType:
        """The module of its handler: operations of one module are described together."""
        module = inspect.getmodule(self.route.handler_class)
        assert module is not None  # noqa: S101 - a class of this project has one
        return module


def describe(routes: Iterable[Route]) -> Json:
    """The OpenAPI document of these routes."""
    operations = list(_operations(routes))
    schemas = _schemas(operations)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bashu Pass",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags(operations),
        "paths": _paths(operations, schemas),
        "components": {
            "schemas": _bodies_and_replies(operations, schemas),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def referred(schema: Json, schemas: Schemas) -> Json:
    """The schema that a `$ref` names."""
    _, _, name = schema["$ref"].rpartition("/")
    return schemas[name]


def example_of(schema: Json, schemas: Schemas) -> Any:
    """A value that fits a schema.

    Its first example, its default, or one that is made of the examples of its parts.
    """
    given = [*schema.get("examples", ()), *schema.get("enum", ())]
    given += [schema[key] for key in ("const", "default") if key in schema]
    if given:
        return given[0]
    if "$ref" in schema:
        return example_of(referred(schema, schemas), schemas)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    return _example_of_type(schema, schemas)


def _example_of_type(schema: Json, schemas: Schemas) -> Any:
    if schema["type"] == "object":
        properties = schema.get("properties", {})
        return {name: example_of(part, schemas) for name, part in properties.items()}
    if schema["type"] == "array":
        if "items" not in schema:
            return []
        return [example_of(schema["items"], schemas)]
    if "format" in schema:
        return _SIMPLE_EXAMPLES[schema["format"]]
    return _SIMPLE_EXAMPLES[schema["type"]]


def _operations(routes: Iterable[Route]) -> Iterator[_Operation]:
    """Every verb that each route declares."""
    for route in routes:
        for verb in _VERBS:
            declared = declared_on(route.handler_class, verb)
            if declared is not None:
                yield _Operation(route, verb, declared)


def _schemas(operations: Iterable[_Operation]) -> Schemas:
    """The schemas of all models, by name."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}  # in order, each once
    models[ProblemOut, "serialization"] = None
    for operation in operations:
        declared = operation.declared
        for model in (declared.query, declared.body):
            if model is not None:
                models[model, "validation"] = None
        if not isinstance(declared.reply, str):
            models[declared.reply, "serialization"] = None
    _, whole = models_json_schema(list(models), ref_template=_REF)
    return {name: _reflowed(schema) for name, schema in whole["$defs"].items()}


def _reflowed(schema: Any) -> Any:
    """A schema in whose descriptions a paragraph is one line, however docstrings are wrapped."""
    if isinstance(schema, list):
        return [_reflowed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    reflowed = {key: _reflowed(part) for key, part in schema.items()}
    description = schema.get("description")
    if isinstance(description, str):
        reflowed["description"] = "\n\n".join(map(_one_line, description.split("\n\n")))
    return reflowed


def _one_line(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _bodies_and_replies(operations: Iterable[_Operation], schemas: Schemas) -> Schemas:
    """The schemas but for those of queries, which are described as single parameters."""
    queries = {each.declared.query.__name__ for each in operations if each.declared.query}
    return {name: schemas[name] for name in sorted(schemas) if name not in queries}


def _tags(operations: Iterable[_Operation]) -> list[Json]:
    """The modules of the handlers, in the order of the routes."""
    modules = dict.fromkeys(operation.module for operation in operations)
    return [{"name": _tag(module), "description": _summary(module)} for module in modules]


def _tag(module: ModuleType) -> str:
    _, _, name = module.__name__.rpartition(".")
    return name


def _paths(operations: Iterable[_Operation], schemas: Schemas) -> Json:
    paths: dict[str, Json] = {}
    for operation in operations:
        verbs = paths.setdefault(operation.route.template, {})
        verbs[operation.verb.lower()] = _described(operation, schemas)
    return paths


def _described(operation: _Operation, schemas: Schemas) -> Json:
    """The operation object of OpenAPI."""
    route, declared, verb = operation.route, operation.declared, operation.verb.lower()
    parameters = [_path_parameter(name) for name in route.parameters]
    if declared.query is not None:
        parameters += _query_parameters(schemas[declared.query.__name__])
    if declared.idempotent:
        parameters.append(_IDEMPOTENCY_KEY)
    described: Json = {
        "operationId": f"{verb}-{route.name}",
        "tags": [_tag(operation.module)],
        "summary": _summary(getattr(route.handler_class, verb)),
        "parameters": parameters,
        "responses": _responses(operation, schemas),
    }
    if declared.body is not None:
        described["requestBody"] = {"required": True, "content": _content(declared.body, schemas)}
    if declared.scope is not None:
        described["security"] = [{"bearer": [scope]} for scope in declared.scope.split()]
    return described


def _responses(operation: _Operation, schemas: Schemas) -> Json:
    """What it can answer: the reply, then the problems that its declaration lets happen."""
    declared = operation.declared
    reply: Json = {"description": "Done." if declared.body else "Found."}
    if isinstance(declared.reply, str):
        reply["content"] = {declared.reply: {}}
    else:
        reply["content"] = _content(declared.reply, schemas)
    responses = {str(declared.status.value): reply}
    for status, what in _possible_problems(operation):
        responses[status] = _problem(what)
    responses["default"] = _problem("Another problem.")
    return responses


def _possible_problems(operation: _Operation) -> Iterator[tuple[str, str]]:
    """The statuses of problems, and what each means."""
    declared = operation.declared
    has_body = declared.body is not None
    has_scope = declared.scope is not None
    has_limit = declared.limit is not None or declared.counts_some
    yield "400", "The request is not HTTP or JSON as it should be."
    if has_scope:
        yield "401", "The bearer token is missing, or not good here."
    if has_scope or has_limit:
        yield "403", "The token lacks the scope, or the caller may not."
    if operation.route.parameters or has_body:
        yield "404", "There is no such thing."
    if has_body or has_scope:
        yield "409", "What has already happened forbids it."
    if has_body:
        yield "411", "A `Content-Length` is needed."
        yield "413", "The body is too large."
    if has_limit:
        yield "429", "Too many calls; try again after `Retry-After`."
    yield "422", "A parameter or field is wrong; `errors` name it."
    yield (
        "503",
        "The database does not answer, or this process is stopping: try again after `Retry-After`.",
    )


def _problem(what: str) -> Json:
    schema = {"$ref": _REF.format(model=ProblemOut.__name__)}
    return {"description": what, "content": {_PROBLEM: {"schema": schema}}}


def _content(model: type[BaseModel], schemas: Schemas) -> Json:
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


def _query_parameters(model: Json) -> Iterator[Json]:
    """A parameter for each field of the schema of a query."""
    for name, field in model["properties"].items():
        parameter: Json = {"name": name, "in": "query", "schema": _parameter_schema(field)}
        if field.get("type") == "array":  # given as values with commas in between
            parameter |= {"style": "form", "explode": False}
        if "description" in field:
            parameter["description"] = field["description"]
        yield parameter


def _parameter_schema(field: Json) -> Json:
    """The schema of a parameter. Where the field may be null, the parameter is left out instead."""
    told_elsewhere = {"title", "description", "anyOf"}
    schema = {key: value for key, value in field.items() if key not in told_elsewhere}
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    for choice in field.get("anyOf", ()):
        if choice.get("type") != "null":
            schema.update(choice)
            break
    return schema


def _summary(described: object) -> str:
    """The first paragraph of a docstring, in one line."""
    paragraph, _, _ = (inspect.getdoc(described) or "").partition("\n\n")
    return _one_line(paragraph)
