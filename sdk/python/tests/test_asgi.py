"""The ASGI middleware on FastAPI, Starlette and Litestar."""

import asyncio

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from litestar import Litestar, get
from litestar.middleware import DefineMiddleware
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from antiphon_sdk import Caller, header
from antiphon_sdk.asgi import AntiphonMiddleware

OWNERS = {"key-1": ("user_1", "acme")}


def by_key(scope):
    return OWNERS.get(header(scope, "X-Api-Key"))


async def call(app, method, path, **options):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, **{"headers": {"x-api-key": "key-1"}, **options})


@pytest.fixture
def app(captured, tmp_path):
    """A FastAPI application with the shapes that occur: routers, mounts, streams, errors."""
    app = FastAPI()
    app.add_middleware(AntiphonMiddleware, client=captured, user=by_key, exclude=("/health", "/internal/*"))
    (tmp_path / "file.txt").write_text("x" * 1000)

    @app.get("/v1/items/{item_id}")
    async def item(item_id: int):
        return {"item": item_id}

    @app.post("/v1/items")
    async def create(request: Request):
        return {"size": len(await request.body())}

    @app.get("/fails")
    async def fails():
        raise RuntimeError("secret detail")

    @app.get("/refuses")
    async def refuses():
        raise HTTPException(429)

    @app.get("/stream")
    async def stream():
        async def parts():
            for _ in range(3):
                yield b"12345"

        return StreamingResponse(parts())

    @app.get("/file")
    async def file():
        return FileResponse(tmp_path / "file.txt")

    @app.get("/health")
    @app.get("/internal/metrics")
    async def quiet():
        return {}

    @app.websocket("/ws")
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()

    inner = APIRouter(prefix="/deep")

    @inner.get("/files/{name:path}")
    async def deep(org: str, name: str):
        return {"org": org, "name": name}

    outer = APIRouter(prefix="/v1/orgs/{org}")
    outer.include_router(inner)
    app.include_router(outer)

    mounted = FastAPI()

    @mounted.get("/things/{thing}")
    async def thing(thing: str):
        return {"thing": thing}

    app.mount("/tenants/{tenant}", mounted)
    return app


async def test_a_call_becomes_an_event(app, captured):
    """Everything that the event promises, and nothing of what must not be kept."""
    response = await call(
        app,
        "POST",
        "/v1/items?token=secret",
        content=b"top secret",
        headers={
            "x-api-key": "key-1",
            "user-agent": "shop/1.2",
            "x-sdk": "shop-js/3",
            "x-api-version": "2026-01-01",
            "cookie": "session=secret",
        },
    )
    assert response.status_code == 200
    (event,) = captured.events
    assert (event["type"], event["event"]) == ("track", "api_call")
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
        "response_bytes": len(response.content),
        "user_agent": "shop/1.2",
        "sdk": "shop-js/3",
        "api_version": "2026-01-01",
    }
    assert "secret" not in str(captured.events)


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/items/7", "/v1/items/{item_id}", 200),
        ("/v1/items/seven", "/v1/items/{item_id}", 422),
        ("/v1/orgs/o1/deep/files/a/b.txt", "/v1/orgs/{org}/deep/files/{name}", 200),
        ("/tenants/t1/things/5", "/tenants/{tenant}/things/{thing}", 200),
        ("/refuses", "/refuses", 429),
        ("/fails", "/fails", 500),
        ("/nowhere/at/all", None, 404),
    ],
)
async def test_route_templates_of_fastapi(app, captured, path, route, status):
    """Routers in routers and mounts with parameters: the template is that of the whole path."""
    await call(app, "GET", path)
    (properties,) = captured.calls
    assert (properties.get("route"), properties["path"], properties["status"]) == (route, path, status)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/a/1", "/a/{b}"),
        ("/m/2/c/007", "/m/{q}/c/{d}"),
        ("/m/2/nothing", "/m/{q}/{path}"),
        ("/", "/"),
    ],
)
async def test_route_templates_of_starlette(captured, path, route):
    """Plain Starlette, with a converter that changes the value."""

    def answer(request):
        return PlainTextResponse(request.url.path)

    routes = [Route("/", answer), Route("/a/{b}", answer), Mount("/m/{q}", routes=[Route("/c/{d:int}", answer)])]
    app = AntiphonMiddleware(Starlette(routes=routes), client=captured, user=lambda _: "u")
    await call(app, "GET", path)
    assert captured.calls[0]["route"] == route


async def test_route_templates_of_litestar(captured):
    """Litestar says path_template."""

    @get("/books/{book_id:int}")
    async def book(book_id: FromPath[int]) -> dict[str, int]:
        return {"id": book_id}

    app = Litestar([book], middleware=[DefineMiddleware(AntiphonMiddleware, client=captured, user=lambda _: "u")])
    await call(app, "GET", "/books/3")
    assert captured.calls[0]["route"] == "/books/{book_id}"


async def test_exceptions_are_recorded_and_raised_again(captured):
    """The server must see the exception as if the middleware were not there."""

    async def broken(scope, receive, send):
        raise KeyError("mine")

    app = AntiphonMiddleware(broken, client=captured, user=lambda _: "u")
    with pytest.raises(KeyError, match="mine"):
        await app({"type": "http", "method": "GET", "path": "/x", "headers": []}, None, None)
    assert captured.calls[0]["status"] == 500


async def test_a_cancelled_call_is_one_whose_client_hung_up(captured):
    """Cancelled before any answer: 499, and the cancellation goes on."""

    async def slow(scope, receive, send):
        await asyncio.Event().wait()

    app = AntiphonMiddleware(slow, client=captured, user=lambda _: "u")
    task = asyncio.create_task(app({"type": "http", "method": "GET", "path": "/x", "headers": []}, None, None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert captured.calls[0]["status"] == 499


async def test_streams_and_files_are_counted(app, captured):
    """Bytes are counted as they pass, without holding them back."""
    assert (await call(app, "GET", "/stream")).content == b"12345" * 3
    assert (await call(app, "GET", "/file")).content == b"x" * 1000
    assert [properties["response_bytes"] for properties in captured.calls] == [15, 1000]


async def test_excluded_paths_and_strangers_are_not_captured(app, captured):
    """Health checks by option; calls that the callable knows nobody for by default."""
    await call(app, "GET", "/health")
    await call(app, "GET", "/internal/metrics")
    await call(app, "GET", "/v1/items/1", headers={"x-api-key": "unknown"})
    assert captured.events == []


async def test_websockets_pass_by(app, captured):
    """Only HTTP calls are captured."""
    said = []

    async def send(message):
        said.append(message["type"])

    async def receive():
        return {"type": "websocket.connect"}

    await app(
        {"type": "websocket", "path": "/ws", "query_string": b"", "headers": [], "subprotocols": []}, receive, send
    )
    assert said == ["websocket.accept", "websocket.close"]
    assert captured.events == []


async def test_latency_ends_with_the_last_byte(captured):
    """Background tasks are the application's own affair."""
    app = FastAPI()
    app.add_middleware(AntiphonMiddleware, client=captured, user=lambda _: "u")
    done = asyncio.Event()

    async def task():
        await asyncio.sleep(0.3)
        done.set()

    @app.get("/")
    async def root(background: BackgroundTasks):
        background.add_task(task)
        return {}

    await call(app, "GET", "/")
    await done.wait()
    assert captured.calls[0]["latency_ms"] < 300


async def test_the_user_may_come_from_authentication(captured):
    """An async callable that reads request.state, which a dependency has set."""

    async def whose(scope):
        await asyncio.sleep(0)
        return scope["state"]["account"]

    async def authenticate(request: Request):
        request.state.account = ("user_9", "globex")

    app = FastAPI(dependencies=[Depends(authenticate)])
    app.add_middleware(AntiphonMiddleware, client=captured, user=whose)

    @app.get("/")
    async def root():
        return {}

    await call(app, "GET", "/")
    assert captured.events[0]["userId"] == "user_9"
    assert captured.events[0]["context"] == {"groupId": "globex"}


async def test_the_application_may_say_it_itself(captured):
    """Without a callable, the answer is what a handler left in the scope."""
    app = FastAPI()
    app.add_middleware(AntiphonMiddleware, client=captured)

    @app.get("/")
    async def root(request: Request):
        request.scope["antiphon.user"] = Caller(anonymous_id="device-9")
        return {}

    await call(app, "GET", "/")
    assert captured.events[0]["anonymousId"] == "device-9"
    assert "userId" not in captured.events[0]


async def test_a_callable_that_raises_harms_nobody(captured):
    """The call is served; the failure is reported."""

    def broken(_):
        raise LookupError("no such key")

    async def fine(scope, receive, send):
        await PlainTextResponse("fine")(scope, receive, send)

    app = AntiphonMiddleware(fine, client=captured, user=broken)
    assert (await call(app, "GET", "/")).text == "fine"
    assert captured.failures[0].reason == "caller_failed"
    assert captured.events == []


async def test_samples_carry_their_weight(captured):
    """One in four successful calls, with weight 4; every failed one, with weight 1."""

    async def answering(scope, receive, send):
        await PlainTextResponse("", int(scope["path"][1:]))(scope, receive, send)

    app = AntiphonMiddleware(answering, client=captured, user=lambda _: "u", sample_rate=0.25)
    draws = iter([0.1, 0.25, 0.9, 0.0])
    app._recorder._chance = lambda: next(draws)
    for path in ("/200", "/200", "/400", "/200", "/500", "/200"):
        await call(app, "GET", path)
    assert [(event["properties"]["status"], event.get("weight", 1)) for event in captured.events] == [
        (200, 4),
        (400, 1),
        (500, 1),
        (200, 4),
    ]


async def test_properties_may_be_added(captured):
    """An error code of the application's own."""
    app = FastAPI()
    app.add_middleware(
        AntiphonMiddleware,
        client=captured,
        user=lambda _: "u",
        properties=lambda scope: {"error_code": scope["state"].get("code")},
    )

    @app.get("/")
    async def root(request: Request):
        request.state.code = "address_unknown"
        return {}

    await call(app, "GET", "/")
    assert captured.calls[0]["error_code"] == "address_unknown"


@pytest.mark.parametrize("rate", [0, -1, 1.5])
def test_a_wrong_sample_rate_is_refused_at_start(rate, captured):
    """A mistake in the options is heard when the application starts."""
    with pytest.raises(ValueError, match="sample_rate"):
        AntiphonMiddleware(None, client=captured, sample_rate=rate)


async def test_through_to_the_server(server, make_client):
    """The whole way, with a client that really sends."""
    client = make_client(flush_interval=0.01)

    async def fine(scope, receive, send):
        await PlainTextResponse("fine")(scope, receive, send)

    app = AntiphonMiddleware(fine, client=client, user=by_key)
    for _ in range(3):
        await call(app, "GET", "/x")
    assert client.flush()
    assert [event["userId"] for event in server.events] == ["user_1"] * 3
    assert len({event["messageId"] for event in server.events}) == 3
