"""Run the customers: `python -m demo_customers --api http://127.0.0.1:9100 --for 60`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys

from demo_customers.traffic import Traffic
from demo_parent import end_with_stdin

REPORT_EVERY = 10.0


async def main() -> int:
    """Run, and print a line each ten seconds."""
    parser = argparse.ArgumentParser(description="Simulated customers of the example API.")
    parser.add_argument("--api", required=True, help="URL of the example API")
    parser.add_argument(
        "--for", dest="seconds", type=float, default=float("inf"), help="seconds; without end by default"
    )
    parser.add_argument("--regular", type=int, default=240, help="steady customers, one call in 10 s each")
    parser.add_argument("--seed", default=None, help="the same newcomers again")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes")
    options = parser.parse_args()
    if options.end_with_stdin:
        end_with_stdin()
    traffic = Traffic(options.api, regular=options.regular, chance=random.Random(options.seed))

    async def report() -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            print(" ".join(f"{name}:{count}" for name, count in sorted(traffic.counts.items())), flush=True)

    reporting = asyncio.create_task(report())
    try:
        await traffic.run(options.seconds)
    finally:
        reporting.cancel()
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
