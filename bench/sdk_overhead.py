"""What the SDK's middlewares add to a request, in microseconds.

Each application answers the same requests in this process, with and without the middleware, in alternation; a process
of its own takes the batches, so that encoding, gzip and sending in the background thread are part of the cost.
`wall` is what a request takes longer, `cpu` what the whole process spends more, background thread included.

    uv run python bench/sdk_overhead.py [--requests 20000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fastapi import FastAPI
from flask import Flask

import antiphon_sdk.asgi
import antiphon_sdk.wsgi
from antiphon_sdk import Client, header

HEADERS = {
    "host": "api.example.com",
    "user-agent": "shop-python/3.1",
    "accept": "application/json",
    "accept-encoding": "gzip",
    "x-api-key": "key-7",
    "x-request-id": "0f8fad5b",
    "content-length": "0",
}
OWNERS = {"key-7": ("user_7", "acme")}


def sink(ready) -> None:
    """Take batches and answer 200."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "16")
            self.end_headers()
            self.wfile.write(b'{"success":true}')

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_address[1])
    server.serve_forever()


async def plain(_scope, _receive, send) -> None:
    """The smallest ASGI application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/v1/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    return app


def flask_app() -> Callable:
    app = Flask("bench")

    @app.get("/v1/items/<int:item_id>")
    def item(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    return app.wsgi_app


def drive_asgi(app, requests: int) -> tuple[float, float]:
    """Seconds of wall and of CPU for so many requests, one after another."""
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message) -> None:
        pass

    async def run() -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(requests):
            path = f"/v1/items/{number % 97}"
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(),
                "query_string": b"",
                "root_path": "",
                "headers": headers,
                "server": ("127.0.0.1", 80),
                "client": ("127.0.0.1", 5),
            }
            await app(scope, receive, send)
        return time.perf_counter() - wall, time.process_time() - cpu

    return asyncio.run(run())


def drive_wsgi(app, requests: int) -> tuple[float, float]:
    """As `drive_asgi`."""
    wall, cpu = time.perf_counter(), time.process_time()
    fixed = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in HEADERS.items()}
    for number in range(requests):
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/v1/items/{number % 97}",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            **fixed,
        }
        body = app(environ, lambda *_: None)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    taker = multiprocessing.get_context("spawn").Process(target=sink, args=(theirs,), daemon=True)
    taker.start()
    failures: list = []
    client = Client("awk_bench", f"http://127.0.0.1:{ours.recv()}", max_queue=1_000_000, on_error=failures.append)
    key = "x-api-key"

    def asgi(app):
        return antiphon_sdk.asgi.AntiphonMiddleware(
            app, client=client, user=lambda scope: OWNERS.get(header(scope, key))
        )

    def wsgi(app):
        return antiphon_sdk.wsgi.AntiphonMiddleware(
            app, client=client, user=lambda environ: OWNERS.get(header(environ, key))
        )

    cases = {
        "pure ASGI": (plain, asgi(plain), drive_asgi),
        "FastAPI": (app := fastapi_app(), asgi(app), drive_asgi),
        "Flask": (app := flask_app(), wsgi(app), drive_wsgi),
    }
    print(f"us per request, median of {options.rounds} rounds of {options.requests}")
    print(f"{'':10} {'bare':>8} {'wall added':>12} {'cpu added':>12}")
    for name, (bare, wrapped, drive) in cases.items():
        walls, cpus, base = [], [], []
        drive(bare, 500)
        drive(wrapped, 500)
        for _ in range(options.rounds):
            wall, cpu = drive(bare, options.requests)
            watched_wall, watched_cpu = drive(wrapped, options.requests)
            begin = time.process_time()
            client.flush(60)  # what the background thread still has to do is a cost too
            watched_cpu += time.process_time() - begin
            base.append(wall / options.requests * 1e6)
            walls.append((watched_wall - wall) / options.requests * 1e6)
            cpus.append((watched_cpu - cpu) / options.requests * 1e6)
        print(
            f"{name:10} {statistics.median(base):8.1f} {statistics.median(walls):12.1f} {statistics.median(cpus):12.1f}"
            f"   wall {min(walls):.1f}..{max(walls):.1f}"
        )
    client.shutdown()
    print(f"events: {client.stats()}; failures: {failures}")
    taker.terminate()
    taker.join()


if __name__ == "__main__":
    main()
