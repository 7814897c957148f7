"""A server on loopback that answers by script, and clients that talk to it."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from antiphon_sdk import Client


class ScriptedServer:
    """Records each request; answers 200 unless `script` holds (status, headers, JSON body) or DROP for the next."""

    DROP = "drop"  # hang up after the request was read

    def __init__(self):
        self.requests = []
        self.script = deque()
        self.connections = 0
        self.arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                outer.connections += 1

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                body = json.loads(gzip.decompress(raw) if packed else raw)
                answer = outer.script.popleft() if outer.script else (200, {}, {"success": True})
                with outer.arrived:
                    outer.requests.append(
                        {"path": self.path, "headers": dict(self.headers), "body": body, "size": len(raw)}
                    )
                    outer.arrived.notify_all()
                if answer == outer.DROP:
                    self.close_connection = True
                    return
                status, headers, said = answer
                data = json.dumps(said).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, count, timeout=20):
        """Until `count` requests have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout), self.requests
        return self.requests

    @property
    def events(self):
        """All events of all batches, in order of arrival."""
        return [event for request in self.requests for event in request["body"].get("batch", [])]

    @staticmethod
    def key(request):
        """The key of a request's Basic authentication."""
        return base64.b64decode(request["headers"]["Authorization"].removeprefix("Basic ")).decode()


@pytest.fixture
def server():
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def failures():
    """What clients made by `make_client` reported."""
    return []


@pytest.fixture
def make_client(server, failures):
    """Makes clients of the scripted server that retry at once, and shuts them down."""
    made = []

    def make(**options):
        given = {"write_key": "awk_test", "host": server.url, "backoff_base": 0.001, "on_error": failures.append}
        client = Client(**{**given, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.shutdown(5)


@pytest.fixture
def captured():
    """A client that sends nothing and keeps what the middlewares put, as decoded events."""

    class Keeping(Client):
        def __init__(self):
            self.failures = []
            self.items = []
            super().__init__("awk_test", "http://127.0.0.1:9", on_error=self.failures.append, disabled=True)

        def put(self, item):
            self.items.append(item)
            return True

        @property
        def events(self):
            return [json.loads(item if isinstance(item, bytes) else item.encode()) for item in self.items]

        @property
        def calls(self):
            return [event["properties"] for event in self.events]

    client = Keeping()
    yield client
    client.shutdown()
