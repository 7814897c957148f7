"""Serve the API: `python -m demo_api --port 9100`. The first line of the output is its address."""

from __future__ import annotations

import argparse
import contextlib
import socket

import uvicorn

from demo_api.app import create_app
from demo_parent import end_with_stdin


def main() -> None:
    """Bind first, so that port 0 takes a free one and the address is known before anybody calls."""
    parser = argparse.ArgumentParser(description="Waybill, the example API.")
    parser.add_argument("--port", type=int, default=9100, help="0 takes a free one")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes")
    options = parser.parse_args()
    if options.end_with_stdin:
        end_with_stdin()
    listening = socket.create_server(("127.0.0.1", options.port))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(create_app(), log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
