"""Whatever is written where, no answer is a server error."""

from __future__ import annotations

import random
from typing import Any

import pytest

from antiphon.web.openapi import document

VALUES: list[Any] = [
    None, True, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 1.5, 1e300, "", "x", "1", "met", "\u0000", "ü" * 300,
    "x" * 70_000, "\ud7ff", "%s", "' OR 1=1 --", [], ["x"], [1, None], {}, {"kind": "exit"}, {"a": {"b": [1]}},
]  # fmt: skip
ROUNDS = 60


def _writes() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            if content and path not in {"/api/session", "/api/account"}:
                filled = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
                found.append((method, filled, content["application/json"]["schema"]))
    return found


def _value(random: random.Random, schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:  # noqa: PLR0911 - one answer a kind of schema
    """Mostly what the schema asks for, now and then anything at all."""
    if random.random() < 0.15 or depth > 4:
        return random.choice(VALUES)
    if "$ref" in schema:
        return _value(random, schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, depth)
    if "oneOf" in schema:
        return _value(random, random.choice(schema["oneOf"]), schemas, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            fields = schema["properties"].items()
            return {name: _value(random, field, schemas, depth + 1) for name, field in fields if random.random() < 0.95}
        case "array":
            return [_value(random, schema["items"], schemas, depth + 1) for _ in range(random.randrange(3))]
        case "integer":
            return random.choice([0, 1, 2, 60, 2**63])
        case "string":
            return random.choice(["met", "a name", "UTC", "Acme <a@acme.test>", "a@acme.test"])
    return random.choice(VALUES)


@pytest.mark.parametrize(
    ("method", "path", "schema"), _writes(), ids=lambda value: value if isinstance(value, str) else ""
)
async def test_odd_writes_never_break_the_server(admin, person, method, path, schema):
    """Random bodies of nearly the right shape are taken or refused; the seed stands in the test."""
    draw = random.Random(f"{method} {path}")
    person("a name", email="a@acme.test")
    await admin.post("/api/rules", json={"name": "first", "text": "met"})
    await admin.post("/api/templates", json={"name": "first", "content": {"subject": "s", "body": "b"}})
    await admin.post("/api/workflows", json={"name": "first"})
    schemas = document()["components"]["schemas"]
    statuses = []
    for _ in range(ROUNDS):
        body = _value(draw, schema, schemas)
        answer = await admin.request(method, path, json=body)
        assert answer.status_code < 500, (body, answer.text)
        assert answer.status_code < 400 or {"code", "message", "details"} == answer.json().keys()
        statuses.append(answer.status_code)
    assert 400 in statuses


QUERIES = [
    ("/api/users", {"search": "%_\\'\"", "limit": 5}),
    ("/api/users", {"cursor": "not a cursor"}),
    ("/api/users", {"cursor": "WyJ4IiwxXQ"}),
    ("/api/users", {"limit": 0}),
    ("/api/users", {"limit": "x"}),
    ("/api/users", {"rule_id": 2**70}),
    ("/api/messages", {"status": "nonsense"}),
    ("/api/messages", {"workflow_id": -(2**70)}),
    ("/api/events", {"before_offset": 2**70}),
    ("/api/rules/99999999999999999999999", {}),
    ("/api/inbox/99999999999999999999999", {}),
    ("/api/users/%00", {}),
    ("/api/users/%ff%fe", {}),
    ("/api/users/%E2%80%AE", {}),
    ("/api/users", {"search": "\x00"}),
]


@pytest.mark.parametrize(("path", "query"), QUERIES)
async def test_odd_queries_never_break_the_server(admin, path, query):
    """Addresses and queries of all kinds are answered or refused."""
    answer = await admin.get(path, params=query)
    assert answer.status_code < 500, answer.text
