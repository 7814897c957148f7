"""Passwords: Argon2id, two at once at most, and limits for who guesses."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from litestar.concurrency import sync_to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from antiphon.errors import InvalidInput, Overloaded
from antiphon.model.clock import MINUTE, SECOND, Clock

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 2
"""Each hash takes 64 MiB and a tenth of a second of a core."""
WAITING = 16
"""How many may wait for their turn; more are told to come back."""
SHORTEST = 10
WINDOW = 15 * MINUTE
PER_ACCOUNT = 10
PER_ADDRESS = 50
REMEMBERED = 10_000


class Passwords:
    """Hashes and checks passwords in threads, a few at a time."""

    def __init__(self) -> None:
        """Argon2id with pwdlib's recommended cost."""
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The Argon2id hash of a new password; InvalidInput when it is too short."""
        if len(password) < SHORTEST:
            raise InvalidInput(f"A password needs at least {SHORTEST} characters.", field="password")
        return await self._in_turn(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is right; an account without one takes as long as a wrong guess."""
        if stored is None:
            if self._decoy is None:
                self._decoy = await self._in_turn(self._hasher.hash, "nobody's password")
            await self._in_turn(self._hasher.verify, password, self._decoy)
            return False
        return await self._in_turn(self._hasher.verify, password, stored)

    async def _in_turn(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= WAITING:
            raise Overloaded("Too many people are signing in at once. Try again in a few seconds.", retry_after=5)
        self._waiting += 1
        try:
            async with self._turns:
                return await sync_to_thread(work, *args, **kwargs)
        finally:
            self._waiting -= 1


class SignInLimits:
    """Counts failed attempts by account and by network address, in memory, over 15 minutes."""

    def __init__(self, clock: Clock) -> None:
        """Start with a clean slate."""
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()

    def check(self, email: str, address: str) -> None:
        """Refuse (Overloaded, with `retry_after` in seconds) who has failed too often."""
        now = self._clock()
        for key, limit in _keys(email, address):
            failures = self._failures.get(key, deque())
            while failures and failures[0] <= now - WINDOW:
                failures.popleft()
            if len(failures) >= limit:
                wait = max(1, (failures[0] + WINDOW - now) // SECOND)
                raise Overloaded(
                    f"Too many attempts. Try again in {max(1, wait * SECOND // MINUTE)} minutes.", retry_after=wait
                )

    def failed(self, email: str, address: str) -> None:
        """Note a failed attempt."""
        for key, limit in _keys(email, address):
            self._failures.setdefault(key, deque(maxlen=limit)).append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, email: str, address: str) -> None:
        """Take the last attempt back: forget the account's failures, and one of the address."""
        self._failures.pop(("account", email.strip().lower()), None)
        if self._failures.get(("address", address)):
            self._failures["address", address].pop()


def _keys(email: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (("account", email.strip().lower()), PER_ACCOUNT), (("address", address), PER_ADDRESS)
