"""The OpenAPI document, made from the handlers; the page's client is generated from it."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from antiphon.web.access import PUBLIC, cookie_name
from antiphon.web.api import CONTROLLERS
from antiphon.web.routing import build

ERROR = {
    "title": "ErrorOut",
    "description": "An error: `code` for programs, `message` for people, `details` what else there is to say.",
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": "object", "additionalProperties": {}},
    },
    "required": ["code", "details", "message"],
}


@get("/api/openapi.json", access=PUBLIC, include_in_schema=False, sync_to_thread=True)
def serve() -> Response[bytes]:
    """The document, as the page's client was generated from it."""
    return Response(_encoded(), media_type="application/vnd.oai.openapi+json")


@cache
def _encoded() -> bytes:
    """It is open to everybody and takes a while to make, so it is made once."""
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The document as JSON values, made from the controllers alone: no store, no server."""
    raw: dict[str, Any] = build(CONTROLLERS, State(), described=_config()).openapi_schema.to_schema()
    for path in raw["paths"].values():
        for operation in path.values():
            _tidy(operation)
    schemas = {**raw["components"]["schemas"], "ErrorOut": ERROR}
    for name in _answered(raw["paths"], schemas):
        schemas[name]["required"] = sorted(schemas[name].get("properties", ()))
    raw["paths"] = dict(sorted(raw["paths"].items()))
    raw["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "An admin token; a server key for /v1."},
            "session": {"type": "apiKey", "in": "cookie", "name": cookie_name(secure=True)},
        },
    }
    raw["security"] = [{"session": []}, {"token": []}]
    return raw


def _config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Antiphon",
        version="1",
        description="Rules, templates, workflows, people and messages of one workspace.",
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        render_plugins=[JsonRenderPlugin()],  # one must be named; this application is never served
    )


def _operation_id(handler: HTTPRouteHandler, method: Method, path: list[str | PathParameterDefinition]) -> str:
    del method, path
    first, *rest = handler.handler_name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _tidy(operation: dict[str, Any]) -> None:
    """One error shape for everything, and no noise that Litestar adds."""
    operation.pop("deprecated", None)
    operation["summary"] = operation.get("description", "").split("\n")[0].rstrip(".")
    for parameter in operation.get("parameters", ()):
        for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(noise, None)
        _plain(parameter["schema"])
    answers = {code: answer for code, answer in operation["responses"].items() if int(code) < 400}  # noqa: PLR2004
    for answer in answers.values():
        answer.pop("headers", None)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
    answers["default"] = {"description": "An error", "content": error}
    operation["responses"] = answers


def _plain(schema: dict[str, Any]) -> None:
    """A query has no null, and whole bounds are whole numbers."""
    choices = [choice for choice in schema.get("oneOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["oneOf"]
        schema.update(choices[0])
    for bound in ("minimum", "maximum"):
        if float(schema.get(bound, 0.5)).is_integer():
            schema[bound] = int(schema[bound])


def _answered(paths: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """The schemas that answers are made of: every field of theirs is always there, defaults included."""
    found: set[str] = set()
    todo = [operation["responses"] for path in paths.values() for operation in path.values()]
    while todo:
        for name in _references(todo.pop()) - found:
            found.add(name)
            todo.append(schemas[name])
    return found


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {str(node["$ref"]).rsplit("/", 1)[-1]} if "$ref" in node else set[str]()
        return own.union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set[str]().union(*(_references(value) for value in node))
    return set()
