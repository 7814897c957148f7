"""Keys: write keys of clients, server keys, admin tokens."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, post

KeyKind = Literal["write", "server", "admin"]


class KeyOut(msgspec.Struct, kw_only=True):
    """A key; only its beginning is known after its creation. Times in ms since the epoch."""

    id: int
    name: str
    kind: KeyKind
    prefix: str
    created_at: int
    used_at: int | None


class KeyList(msgspec.Struct, kw_only=True):
    """Keys that are in force, the newest first."""

    items: list[KeyOut]


class KeyCreate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new key: `write` sends events, `server` sends messages too, `admin` may use the whole API."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: KeyKind


class CreatedKey(msgspec.Struct, kw_only=True):
    """A new key with its secret, which is shown this one time."""

    id: int
    name: str
    kind: KeyKind
    prefix: str
    created_at: int
    used_at: int | None
    secret: str


class KeyController(Controller):
    """Keys."""

    path = "/api/keys"
    tags = ("Keys",)

    @get(access="own", sync_to_thread=True)
    def list_keys(self) -> KeyList:
        """Keys that are in force."""
        raise NotImplementedError

    @post(access="own", sync_to_thread=True)
    def create_key(self, data: KeyCreate) -> CreatedKey:
        """Create a key; its secret is in this answer and nowhere else."""
        raise NotImplementedError

    @delete("/{key_id:int}", access="own", sync_to_thread=True)
    def delete_key(self, key_id: int) -> None:
        """Revoke a key; it stops working at once."""
        raise NotImplementedError
