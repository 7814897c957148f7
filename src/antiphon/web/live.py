"""The live tail: one reader of the log for everybody who watches, and a short queue for each of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec
from litestar.concurrency import sync_to_thread

from antiphon.store.log import read
from antiphon.store.wake import Listener
from antiphon.web.api.events import EventOut, event_out
from antiphon.web.context import StoredEvent, WebContext
from antiphon.store.tail import Tail, read_tail

QUEUE = 500
"""Events that wait for one slow reader; older ones are dropped and counted."""
HEARTBEAT_S = 15.0
LOOK_EVERY_S = 0.25
BATCH = 2_000
"""Events of one read: a burst is shown by its newest, and what was left out is counted."""
REPLAYED = 1_000

Filter = Callable[[StoredEvent], bool]
