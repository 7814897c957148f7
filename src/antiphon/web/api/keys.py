"""Keys: write keys of clients, server keys, admin tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from antiphon.errors import NotFound
from antiphon.store.tokens import Token, TokenKind, add_token, list_tokens, new_secret, revoke_token
from antiphon.web.context import Context

KEY_KINDS: tuple[TokenKind, ...] = ("write", "server", "admin")
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
    def list_keys(self, context: Context) -> KeyList:
        """Keys that are in force."""
        with context.store.state.read() as conn:
            tokens = list_tokens(conn, KEY_KINDS, context.clock())
        return KeyList(items=[KeyOut(**_fields(token)) for token in tokens])

    @post(access="own", sync_to_thread=True)
    def create_key(self, context: Context, data: JSONBody[KeyCreate]) -> CreatedKey:
        """Create a key; its secret is in this answer and nowhere else."""
        secret = new_secret(data.kind)
        with context.store.state.write() as conn:
            token = add_token(conn, data.kind, secret, name=data.name.strip(), now=context.clock())
        return CreatedKey(**_fields(token), secret=secret)

    @delete("/{key_id:int}", access="own", sync_to_thread=True)
    def delete_key(self, context: Context, key_id: FromPath[int]) -> None:
        """Revoke a key; it stops working at once."""
        with context.store.state.write() as conn:
            if not revoke_token(conn, key_id, KEY_KINDS, context.clock()):
                raise NotFound(f"There is no key {key_id} in force.")


def _fields(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "kind": token.kind,
        "prefix": token.prefix,
        "created_at": token.created_at,
        "used_at": token.used_at,
    }
