"""The token that lets commands of this machine in: a file in the data folder that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

from antiphon.model.clock import Clock
from antiphon.store.engine import Store
from antiphon.store.tokens import add_token, find_token, new_secret

FILE = "local-admin-token"


def keep_local_token(store: Store, clock: Clock) -> None:
    """Make the token, unless the file holds one that is in force."""
    path = store.settings.data / FILE
    now = clock()
    known = read_local_token(store.settings.data)
    with store.state.write() as conn:
        if known is not None and find_token(conn, known, now) is not None:
            return
        secret = new_secret("admin")
        add_token(conn, "admin", secret, name="commands on this machine", now=now)
    # written after the commit: a token in the file is always one that works
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    fresh.replace(path)


def read_local_token(data: Path) -> str | None:
    """The token in the data folder, or None."""
    try:
        return (data / FILE).read_text().strip() or None
    except OSError:
        return None
