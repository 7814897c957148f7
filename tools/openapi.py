"""Write ui/openapi.json from the handlers; the same bytes for the same code, no server needed.

Usage: uv run python tools/openapi.py [--check]   (--check only says whether the file is stale)
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from antiphon.web.openapi import document

TARGET = Path(__file__).parent.parent / "ui" / "openapi.json"


def main(arguments: list[str]) -> int:
    """Write the document, or compare it; 1 when it is stale."""
    text = msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"
    if arguments == ["--check"]:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.name} is stale: run `uv run python tools/openapi.py`", file=sys.stderr)
        return 1
    TARGET.write_text(text)
    print(f"{TARGET.name}: {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
