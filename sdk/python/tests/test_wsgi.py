"""The WSGI middleware on Flask and on bare applications."""

import io
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from flask import Blueprint, Flask, Response, g, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WerkzeugClient

from antiphon_sdk import header
from antiphon_sdk.wsgi import AntiphonMiddleware

OWNERS = {"key-1": ("user_1", "acme")}


@pytest.fixture
def app(captured):
    """A Flask application with a blueprint, a stream, and errors."""
    app = Flask(__name__)

    @app.get("/v1/items/<int:item_id>")
    def item(item_id):
        return {"item": item_id}

    @app.post("/v1/items")
    def create():
        return {"size": len(request.get_data())}

    @app.get("/files/<path:name>")
    def file(name):
        return name

    @app.get("/fails")
    def fails():
        raise RuntimeError("secret detail")

    @app.get("/stream")
    def stream():
        return Response(iter([b"12345"] * 3))

    @app.get("/health")
    def health():
        return ""

    @app.get("/mine")
    def mine():
        request.environ["antiphon.user"] = "user_2"
        return ""

    blueprint = Blueprint("orders", __name__, url_prefix="/v1/orders/<order>")

    @blueprint.get("/lines/<uuid:line>")
    def lines(order, line):
        return {}

    app.register_blueprint(blueprint)
    app.wsgi_app = AntiphonMiddleware(
        app.wsgi_app,
        client=captured,
        user=lambda environ: OWNERS.get(header(environ, "x-api-key")),
        exclude=["/health"],
    )
    return app


def test_a_call_becomes_an_event(app, captured):
    """Everything that the event promises, and nothing of what must not be kept."""
    response = app.test_client().post(
        "/v1/items?token=secret",
        data=b"top secret",
        headers={"x-api-key": "key-1", "user-agent": "shop/1.2", "x-sdk": "shop-js/3", "x-api-version": "v2"},
    )
    size = len(response.data)
    (event,) = captured.events
    assert event["userId"] == "user_1"
    assert event["context"] == {"groupId": "acme"}
    properties = event["properties"]
    assert properties.pop("latency_ms") > 0
    assert properties == {
        "method": "POST",
        "route": "/v1/items",
        "path": "/v1/items",
        "status": 200,
        "request_bytes": 10,
        "response_bytes": size,
        "user_agent": "shop/1.2",
        "sdk": "shop-js/3",
        "api_version": "v2",
    }
    assert "secret" not in str(captured.events)


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/items/7", "/v1/items/{item_id}", 200),
        ("/files/a/b.txt", "/files/{name}", 200),
        (
            "/v1/orders/o1/lines/00000000-0000-0000-0000-000000000001",
            "/v1/orders/{order}/lines/{line}",
            200,
        ),
        ("/fails", "/fails", 500),
        ("/nowhere", None, 404),
    ],
)
def test_route_templates_of_flask(app, captured, path, route, status):
    """Converters and blueprints; Flask's own handling of errors."""
    app.test_client().get(path, headers={"x-api-key": "key-1"}).close()
    (properties,) = captured.calls
    assert (properties.get("route"), properties["path"], properties["status"]) == (route, path, status)


def test_a_mounted_application_keeps_its_prefix(app, captured):
    """The prefix of the mount belongs to path and template."""
    outer = DispatcherMiddleware(Flask("outer").wsgi_app, {"/shop": app.wsgi_app})
    WerkzeugClient(outer).get("/shop/v1/items/7", headers={"x-api-key": "key-1"}).close()
    assert captured.calls[0]["path"] == "/shop/v1/items/7"
    assert captured.calls[0]["route"] == "/shop/v1/items/{item_id}"


def test_streams_are_counted(app, captured):
    """Bytes are counted as they pass; the call is noted when the server closes the answer."""
    assert app.test_client().get("/stream", headers={"x-api-key": "key-1"}).data == b"12345" * 3
    assert captured.calls[0]["response_bytes"] == 15


def test_excluded_paths_and_strangers_are_not_captured(app, captured):
    """Health checks by option; unknown callers by default."""
    app.test_client().get("/health", headers={"x-api-key": "key-1"}).close()
    app.test_client().get("/v1/items/7").close()
    assert captured.events == []


def test_the_application_may_say_it_itself(captured, app):
    """Without a callable, the answer is what a view left in the environ."""
    app.wsgi_app = AntiphonMiddleware(app.wsgi_app._app, client=captured)
    app.test_client().get("/mine").close()
    assert captured.events[0]["userId"] == "user_2"


def test_the_user_may_come_from_flasks_own_context(captured, app):
    """The callable is asked while flask.g still holds what authentication left there."""

    @app.before_request
    def authenticate():
        g.account = 12

    app.wsgi_app = AntiphonMiddleware(app.wsgi_app._app, client=captured, user=lambda _: (g.account, "acme"))
    app.test_client().get("/v1/items/7").close()
    assert captured.events[0]["userId"] == "12"


def environ_of(path="/"):
    environ = {"PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": ""}
    setup_testing_defaults(environ)
    return environ


def test_exceptions_are_recorded_and_raised_again(captured):
    """Before the answer, and in the middle of its body."""

    def broken(environ, start_response):
        raise KeyError("mine")

    def breaking(environ, start_response):
        start_response("200 OK", [])
        yield b"1234"
        raise KeyError("later")

    with pytest.raises(KeyError, match="mine"):
        AntiphonMiddleware(broken, client=captured, user=lambda _: "u")(environ_of(), lambda *_: None)
    body = AntiphonMiddleware(breaking, client=captured, user=lambda _: "u")(environ_of(), lambda *_: None)
    with pytest.raises(KeyError, match="later"):
        list(body)
    body.close()
    body.close()
    assert [properties["status"] for properties in captured.calls] == [500, 500]


def test_it_keeps_to_the_standard(captured):
    """The standard library's validator finds nothing wrong on either side."""

    def plain(environ, start_response):
        start_response("204 No Content", [])
        return [b""]

    app = validator(AntiphonMiddleware(validator(plain), client=captured, user=lambda _: 7))
    body = app(environ_of("/x"), lambda *_: lambda _: None)
    list(body)
    body.close()
    assert captured.events[0]["userId"] == "7"
    assert captured.calls[0]["status"] == 204


def test_files_stay_the_servers_business(captured):
    """A wsgi.file_wrapper is handed through, so that the server can still send the file by itself."""

    def sending(environ, start_response):
        start_response("200 OK", [("Content-Length", "9")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"123456789"))

    environ = environ_of()
    environ["wsgi.file_wrapper"] = FileWrapper
    body = AntiphonMiddleware(sending, client=captured, user=lambda _: "u")(environ, lambda *_: None)
    assert isinstance(body, FileWrapper)
    assert captured.calls[0]["response_bytes"] == 9


def test_paths_are_text(captured):
    """WSGI dresses UTF-8 as Latin-1; the event has the letters."""
    environ = environ_of("/straße".encode().decode("latin-1"))
    body = AntiphonMiddleware(lambda *_: [], client=captured, user=lambda _: "u", route=lambda _: "/{street}")
    body(environ, lambda *_: None).close()
    assert captured.calls[0]["path"] == "/straße"
    assert captured.calls[0]["route"] == "/{street}"


def test_a_callable_that_raises_harms_nobody(captured):
    """The call is served; the failure is reported."""

    def plain(environ, start_response):
        start_response("200 OK", [])
        return [b"fine"]

    app = AntiphonMiddleware(plain, client=captured, user=lambda environ: environ["missing"])
    body = app(environ_of(), lambda *_: None)
    assert list(body) == [b"fine"]
    body.close()
    assert captured.failures[0].reason == "caller_failed"
