"""A management API in memory and over HTTP, and the way to the example programs."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from antiphon.cli.demo_content import shipped


class FakeApi:
    """What the demo uses of the management API, strict about what it is given."""

    def __init__(self):
        self.things = {"rules": [], "templates": [], "workflows": [], "keys": []}
        self.calls = []
        self.sandbox = True
        self.mails = []

    def get(self, path):
        if path == "/api/session":
            return {"account": None, "workspace": {"name": "w", "time_zone": "UTC", "sandbox": self.sandbox}}
        if path.startswith("/api/inbox"):
            return {"items": self.mails[-1:], "next_cursor": None, "total": len(self.mails)}
        if path == "/api/overview":
            return {"users": 1, "events_total": 2, "messages": {"sent": 3}}
        return {"items": self.things[path.removeprefix("/api/")]}

    def post(self, path, body=None):
        self.calls.append((path, body))
        noun, *rest = path.removeprefix("/api/").split("/")
        if not rest:
            item = {"id": len(self.things[noun]) + 1, "revision": 1, **body}
            if noun == "rules":
                item |= {"status": "draft", "sentence": "A sentence."}
            if noun in {"templates", "workflows"}:
                item["published_version"] = None
            if noun == "workflows":
                item["status"] = "draft"
            if noun == "keys":
                item["secret"] = "awk_secret"
            self.things[noun].append(item)
            return item
        number, action = rest
        item = next(item for item in self.things[noun] if item["id"] == int(number))
        assert body["revision"] == item["revision"]
        item["revision"] += 1
        item |= {
            "status": {"status": body.get("status")},
            "publish": {"published_version": 1, "status": "active"},
            "resume": {"status": "active"},
        }[action]
        return item

    def delete(self, path):
        self.calls.append((path, None))
        _, _, noun, number = path.split("/")
        self.things[noun] = [item for item in self.things[noun] if item["id"] != int(number)]


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def server(api):
    """The same over HTTP, with the ingest's batches beside it: `events` of them, `key` that they came with."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, said, status=200):
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def body(self):
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            return json.loads(raw) if raw else None

        def do_GET(self):
            if self.headers["Authorization"] != "Bearer aat_test":
                self.answer({"code": "unauthorized", "message": "no such token"}, 401)
                return
            self.answer(api.get(self.path))

        def do_POST(self):
            body = self.body()
            if self.path == "/v1/batch":
                with httpd.lock:
                    httpd.events += body["batch"]
                    httpd.lock.notify_all()
                self.answer({"success": True})
                return
            self.answer(api.post(self.path, body), 201)

        def do_DELETE(self):
            api.delete(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.events = []
    httpd.lock = threading.Condition()
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def examples(monkeypatch):
    """Makes the example programs importable."""
    monkeypatch.syspath_prepend(str(shipped("examples")))
