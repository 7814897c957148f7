"""Who answers which address, the built page, health, metrics, the document."""

from __future__ import annotations

import gzip

import httpx
import pytest
from prometheus_client import Counter

from antiphon.store.tables import metadata
from antiphon.web.app import create_app
from antiphon.web.openapi import document


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/v1/batch", "ingest"),
        ("/v1/track", "ingest"),
        ("/batch", "ingest"),
        ("/batch/", "ingest"),
        ("/v1/messages", "api"),
        ("/api/session", "api"),
        ("/", "page"),
        ("/rules/5", "page"),
        ("/users/auth0%7C1", "page"),
        ("/signin", "form"),
    ],
)
async def test_each_address_has_its_answerer(anyone, path, by):
    """Events go to ingest, the API to the API, everything else is a screen of the page."""
    answer = await anyone.get(path)
    text = answer.text
    who = {"ingest": text.startswith("ingest"), "page": "<title>page" in text, "form": "<form" in text}
    who["api"] = answer.headers.get("content-type", "").startswith("application/json")
    assert [name for name, is_it in who.items() if is_it] == [by]


async def test_the_page_allows_its_own_scripts_only(anyone):
    """The document's policy: scripts from here, no frames around it, nothing sniffed, nothing referred."""
    answer = await anyone.get("/rules/5")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"


async def test_hashed_files_are_kept_for_ever(anyone):
    """Assets carry their hash in their name; they come compressed to who takes that."""
    answer = await anyone.get("/assets/app-1a2b3c.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("application/javascript")
    assert answer.headers["content-encoding"] == "gzip"
    plain = await anyone.get("/assets/app-1a2b3c.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    assert int(answer.headers["content-length"]) == len(gzip.compress(plain.content, 6, mtime=0))
    same = await anyone.get("/assets/app-1a2b3c.js", headers={"if-none-match": plain.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize("path", ["/assets/gone.js", "/gone.css", "/assets/..%2f..%2fsecret", "/..%2f..%2fsecret.json"])
async def test_a_file_that_is_not_there_is_not_the_page(anyone, path):
    """A missing asset is a 404, so that a stale page notices; nothing outside the folder is served."""
    assert (await anyone.get(path)).status_code == 404


async def test_head_and_other_methods(anyone):
    """HEAD has the headers only; nobody writes to the page."""
    head = await anyone.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert (await anyone.post("/rules/5")).status_code == 405


async def test_a_page_that_is_not_built_says_so(context, tmp_path):
    """Without the built page the API works and the page says what to do."""
    app = create_app(context, None, tmp_path / "nothing")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        assert "make build" in (await client.get("/")).text
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_ready_means_that_both_databases_and_every_check_are_content(anyone, context):
    """A failing check and missing tables each make it 503, by name."""
    assert (await anyone.get("/readyz")).json() == {"status": "ok", "problems": {}}
    context.checks["worker"] = lambda: "No heartbeat for 30 s."
    answer = await anyone.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, {"worker": "No heartbeat for 30 s."})
    with context.store.state.write() as conn:
        conn.exec_driver_sql("DELETE FROM schema_version")
    assert "schema" in (await anyone.get("/readyz")).json()["problems"]
    with context.store.state.write() as conn:
        metadata.tables["cursors"].drop(conn)
    assert "store" in (await anyone.get("/readyz")).json()["problems"]


async def test_metrics_are_for_those_who_may_view(anyone, admin, context):
    """Prometheus reads them with a token."""
    Counter("antiphon_things", "Things.", registry=context.registry).inc()
    assert (await anyone.get("/metrics")).status_code == 401
    answer = await admin.get("/metrics")
    assert "antiphon_things_total 1.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_document_is_served(anyone):
    """The document is the one that the client is generated from, and says who must sign in."""
    served = (await anyone.get("/api/openapi.json")).json()
    assert served["paths"].keys() == document()["paths"].keys()


def test_operations_have_names_and_one_error():
    """Operation ids are unique camelCase names; every operation has a summary and the one error answer."""
    operations = [operation for path in document()["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name[0].islower() and "_" not in name for name in names)
    error = {"$ref": "#/components/schemas/ErrorOut"}
    for operation in operations:
        assert operation["summary"]
        assert operation["responses"]["default"]["content"]["application/json"]["schema"] == error


def test_nothing_internal_is_documented():
    """What the house passes to its handlers is no parameter of the API."""
    names = {
        parameter["name"]
        for path in document()["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", ())
    }
    assert not names & {"context", "principal", "request", "state"}


def test_what_is_answered_is_always_there():
    """Fields of answers are required, so that the client needs no guards."""
    schemas = document()["components"]["schemas"]
    for name in ("RuleOut", "WorkflowOut", "WorkflowDefinition", "MessageOut", "EventOut", "SessionOut"):
        assert sorted(schemas[name]["properties"]) == sorted(schemas[name]["required"])
