"""The Django middleware, under WSGI and under ASGI."""

import asyncio
import io
from types import SimpleNamespace

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path, re_path

from antiphon_sdk import header
from antiphon_sdk.django import AntiphonMiddleware

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="test",
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["antiphon_sdk.django.AntiphonMiddleware"],
        LOGGING_CONFIG=None,
    )
    django.setup()


def item(request, pk=None, **_):
    return HttpResponse(f"item {pk}")


def fails(request):
    raise RuntimeError("secret detail")


def stream(request):
    return StreamingHttpResponse(iter([b"12345"] * 3))


def file(request):
    return FileResponse(io.BytesIO(b"x" * 1000), filename="file.txt")


async def astream(request):
    async def parts():
        for _ in range(3):
            yield b"12345"

    return StreamingHttpResponse(parts())


async def aitem(request, pk):
    await asyncio.sleep(0)
    return HttpResponse(f"item {pk}")


def named(request):
    request.antiphon_user = ("user_3", "globex")
    return HttpResponse("")


def signed_in(request):
    request.user = SimpleNamespace(pk=7, is_authenticated=True)
    return HttpResponse("")


inner = [re_path(r"^(?P<year>[0-9]{4})/(?P<slug>[\w-]+(?:\.html)?)/$", item), path("<slug:slug>", item)]
urlpatterns = [
    path("v1/items/<int:pk>", item),
    path("v1/aitems/<int:pk>", aitem),
    path("v1/orgs/<org>/", include(inner)),
    re_path(r"^old/(\d+)$", item),
    path("fails", fails),
    path("stream", stream),
    path("astream", astream),
    path("file", file),
    path("named", named),
    path("signed-in", signed_in),
    path("health", item),
]


def by_key(request):
    return {"key-1": ("user_1", "acme")}.get(header(request.META, "x-api-key"))


KEY = {"x-api-key": "key-1"}


async def by_key_later(request):
    await asyncio.sleep(0)
    return by_key(request)


@pytest.fixture
def options(captured):
    """The settings of the middleware; a test may change them before its first call."""
    given = {"client": captured, "user": by_key, "exclude": ["/health"]}
    with override_settings(ANTIPHON=given, ROOT_URLCONF=__name__):
        yield given


@pytest.fixture
def browser(options):
    return Client(headers={"x-api-key": "key-1", "user-agent": "shop/1.2"}, raise_request_exception=False)


@pytest.fixture
def abrowser(options):
    return AsyncClient(raise_request_exception=False)


def test_a_call_becomes_an_event(browser, captured):
    """Everything that the event promises, and nothing of what must not be kept."""
    response = browser.get("/v1/items/7?token=secret")
    (event,) = captured.events
    assert event["userId"] == "user_1"
    assert event["context"] == {"groupId": "acme"}
    properties = event["properties"]
    assert properties.pop("latency_ms") > 0
    properties.pop("request_bytes", None)
    assert properties == {
        "method": "GET",
        "route": "/v1/items/{pk}",
        "path": "/v1/items/7",
        "status": 200,
        "response_bytes": len(response.content),
        "user_agent": "shop/1.2",
    }
    assert "secret" not in str(captured.events)


@pytest.mark.parametrize(
    ("url", "route", "status"),
    [
        ("/v1/orgs/o1/2026/a-b.html/", "/v1/orgs/{org}/{year}/{slug}/", 200),
        ("/v1/orgs/o1/slug", "/v1/orgs/{org}/{slug}", 200),
        ("/old/12", "/old/{1}", 200),
        ("/fails", "/fails", 500),
        ("/nowhere", None, 404),
    ],
)
def test_route_templates(browser, captured, url, route, status):
    """Paths and patterns, included and not, in one style."""
    browser.get(url)
    (properties,) = captured.calls
    assert (properties.get("route"), properties["path"], properties["status"]) == (route, url, status)


def test_streams_and_files_are_counted(browser, captured):
    """A streamed answer is noted when it ends; a file keeps its way past us."""
    assert b"".join(browser.get("/stream").streaming_content) == b"12345" * 3
    assert len(b"".join(browser.get("/file").streaming_content)) == 1000
    assert [properties["response_bytes"] for properties in captured.calls] == [15, 1000]


def test_a_real_wsgi_call_ends_once(options, captured):
    """Under a server, close() ends the answer and notes the call, once."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/stream",
        "SCRIPT_NAME": "/mounted",
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "HTTP_X_API_KEY": "key-1",
    }
    response = WSGIHandler()(environ, lambda *_: None)
    assert captured.events == []
    list(response)
    response.close()
    response.close()
    (properties,) = captured.calls
    assert properties["path"] == "/mounted/stream"
    assert properties["route"] == "/mounted/stream"


def test_excluded_paths_and_strangers_are_not_captured(browser, captured):
    """Health checks by option; unknown callers by default."""
    browser.get("/health")
    browser.get("/v1/items/7", headers={"x-api-key": "unknown"})
    assert captured.events == []


def test_the_user_without_a_callable(options, browser, captured):
    """What the view left, else who is signed in, else nobody."""
    del options["user"]
    for url in ("/named", "/signed-in", "/v1/items/7"):
        browser.get(url)
    assert [event["userId"] for event in captured.events] == ["user_3", "7"]
    assert captured.events[0]["context"] == {"groupId": "globex"}


def test_a_callable_that_raises_harms_nobody(options, browser, captured):
    """The call is served; the failure is reported."""
    options["user"] = lambda request: request.missing
    assert browser.get("/v1/items/7").status_code == 200
    assert captured.failures[0].reason == "caller_failed"


def test_an_unknown_option_is_refused_at_start(options, browser):
    """A typo in the settings is heard when the application starts."""
    options["sample"] = 1
    with pytest.raises(ImproperlyConfigured, match="no option sample"):
        browser.get("/v1/items/7")


@pytest.mark.parametrize("whose", [by_key, by_key_later])
async def test_async_calls(options, abrowser, captured, whose):
    """Under ASGI the middleware is async, and the callable may be."""
    options["user"] = whose
    await abrowser.get("/v1/aitems/7", headers=KEY)
    await abrowser.get("/fails", headers=KEY)
    response = await abrowser.get("/astream", headers=KEY)
    assert b"".join([part async for part in response.streaming_content]) == b"12345" * 3
    response.close()
    assert [(properties["route"], properties["status"]) for properties in captured.calls] == [
        ("/v1/aitems/{pk}", 200),
        ("/fails", 500),
        ("/astream", 200),
    ]
    assert captured.calls[2]["response_bytes"] == 15


async def test_async_user_of_the_session(options, abrowser, captured):
    """Without a callable, request.auser() says who is signed in."""
    del options["user"]

    await abrowser.get("/named")
    assert captured.events[0]["userId"] == "user_3"

    async def view(request):
        request.auser = lambda: asyncio.sleep(0, SimpleNamespace(pk=8, is_authenticated=True))
        return HttpResponse("")

    request = SimpleNamespace(path="/x", method="GET", META={}, resolver_match=None)
    await AntiphonMiddleware(view)(request)
    assert captured.events[1]["userId"] == "8"
