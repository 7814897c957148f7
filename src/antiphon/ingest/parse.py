"""From a request's bytes to items; what breaks a limit becomes a Drop, alone among the others.

Nearly every request takes the fast way: one pass of C code decodes and checks everything. Whatever that refuses is
taken apart item by item, with the standard library's more forgiving parser, to tell each bad item from its good
neighbours.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from antiphon.errors import InvalidInput, TooLarge
from antiphon.ingest.drops import Drop
from antiphon.ingest.json_limits import MAX_INT, violation
from antiphon.ingest.sources.segment import BoundedItem, Item

MAX_OBJECTS = 250_000
"""Objects in one request; more is an attempt to fill our memory with empty ones."""

_MOMENTS = ("timestamp", "originalTimestamp", "sentAt")
_SECONDS_BELOW = 100_000_000_000  # numbers up to here are seconds since the epoch, larger ones ms
_NUL = b"\\u0000"


class Batch(msgspec.Struct):
    """A request's items, in order; `write_key` is the one in the body."""

    items: list[Item | Drop]
    message_ids: dict[int, str]
    sent_at: datetime | None = None
    write_key: str | None = None


class _Envelope(msgspec.Struct, rename="camel"):
    batch: list[Item]
    sent_at: datetime | None = None
    write_key: str | None = None
    context: dict[str, Any] | None = None


class _RawEnvelope(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: Any = None
    write_key: Any = None
    context: Any = None


class Parser:
    """Decodes requests; `max_event_bytes` bounds one item's JSON."""

    def __init__(self, max_event_bytes: int) -> None:
        """Prepare the decoders."""
        self._max = max_event_bytes
        bounded = msgspec.defstruct("_Bounded", [("batch", list[BoundedItem])], bases=(_Envelope,), rename="camel")
        self._fast = cast("msgspec.json.Decoder[_Envelope]", msgspec.json.Decoder(bounded))
        self._raw = msgspec.json.Decoder(_RawEnvelope)
        self._item = msgspec.json.Decoder(BoundedItem)

    def batch(self, body: bytes) -> Batch:
        """The items of a batch.

        Raises:
            InvalidInput: the body is not JSON, or not a batch.
            TooLarge: it holds too many objects.
        """
        if len(body) > MAX_OBJECTS and body.count(b"{") > MAX_OBJECTS:
            raise TooLarge(f"The request holds more than {MAX_OBJECTS} objects; send smaller batches.")
        raw = None
        try:
            if len(body) > self._max:
                raw = self._raw.decode(body)
                fits = max(map(len, raw.batch), default=0) <= self._max
            else:
                fits = True
            if fits and _NUL not in body:
                envelope = self._fast.decode(body)
                items = cast("list[Item | Drop]", envelope.batch)
                return _merged(Batch(items, {}, envelope.sent_at, envelope.write_key), envelope.context)
            raw = raw or self._raw.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raw = _raw_or_none(self._raw, body) if raw is None else raw
        return self._carefully(body, raw)

    def call(self, body: bytes, kind: str) -> Batch:
        """The one item that is the body of `/v1/<kind>`. Raises InvalidInput when that is not JSON."""
        if len(body) <= self._max and _NUL not in body:
            try:
                item = self._item.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            else:
                item.type = kind
                return Batch([item], {}, item.sent_at, item.write_key)
        parsed = Batch([], {})
        self._add(parsed, _loads(body) if len(body) <= self._max else _oversized(len(body), self._max))
        item = parsed.items[0]
        if isinstance(item, Item):
            item.type = kind
            parsed.sent_at, parsed.write_key = item.sent_at, item.write_key
        return parsed

    def _carefully(self, body: bytes, raw: _RawEnvelope | None) -> Batch:
        if raw is not None:
            fields = {"sentAt": raw.sent_at, "writeKey": raw.write_key, "context": raw.context}
            values = (self._load(bytes(item)) for item in raw.batch)
        else:
            fields = _loads(body)
            if isinstance(fields, Drop):
                raise InvalidInput("The body is nested too deeply.")
            if not isinstance(fields, dict) or not isinstance(fields.get("batch"), list):
                raise InvalidInput("The body must be a JSON object with a list `batch`.")
            check = len(body) > self._max
            values = (self._sized(value) if check else value for value in fields["batch"])
        sent_at = _moment(fields.get("sentAt"))
        write_key = fields.get("writeKey")
        parsed = Batch(
            [], {}, None if isinstance(sent_at, Drop) else sent_at, write_key if isinstance(write_key, str) else None
        )
        for value in values:
            self._add(parsed, value)
        context = fields.get("context")
        return _merged(parsed, context if isinstance(context, dict) and violation(context) is None else None)

    def _load(self, raw: bytes) -> Any:
        if len(raw) > self._max:
            return _oversized(len(raw), self._max)
        try:
            raw.decode()
            return _loads(raw)
        except UnicodeDecodeError:
            return Drop("bad_text", "the event is not UTF-8")
        except InvalidInput as error:
            return Drop("bad_field", error.message)

    def _sized(self, value: Any) -> Any:
        size = len(json.dumps(value, separators=(",", ":")))
        return value if size <= self._max else _oversized(size, self._max)

    def _add(self, parsed: Batch, value: Any) -> None:
        if isinstance(value, dict):
            message_id = value.get("messageId")
            if isinstance(message_id, str) and violation(message_id) is None:
                parsed.message_ids[len(parsed.items)] = message_id[:200]
        parsed.items.append(value if isinstance(value, Drop) else _to_item(value))


def _merged(parsed: Batch, context: dict[str, Any] | None) -> Batch:
    """Give the batch's own context to the items that have none."""
    if context:
        for item in parsed.items:
            if isinstance(item, Item) and item.context is None:
                item.context = dict(context)
    return parsed


def _raw_or_none(decoder: msgspec.json.Decoder[_RawEnvelope], body: bytes) -> _RawEnvelope | None:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _to_item(value: Any) -> Item | Drop:
    if not isinstance(value, dict):
        return Drop("not_an_object", "an event must be a JSON object")
    found = violation(value)
    if found is not None:
        return found
    fields = cast("dict[str, Any]", value)
    for name in _MOMENTS:
        if name in fields:
            moment = _moment(fields[name])
            if isinstance(moment, Drop):
                return Drop(moment.reason, f"`{name}` {moment.message}")
            fields[name] = moment
    try:
        return msgspec.convert(fields, Item)
    except msgspec.ValidationError as error:
        return Drop("bad_field", str(error))


def _moment(value: Any) -> datetime | Drop | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value if abs(value) < _SECONDS_BELOW else value / 1000
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return Drop("bad_timestamp", "is not an ISO 8601 time")


def _loads(body: bytes) -> Any:
    """Any JSON, also what has no place in it: NaN, infinities, halves of surrogate pairs, numbers of any length."""
    try:
        return json.loads(body, parse_int=_int)
    except RecursionError:
        return Drop("too_deep", "the event is nested too deeply")
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are such
        raise InvalidInput(f"The body is not JSON: {error}.") from None


def _int(digits: str) -> int:
    return int(digits) if len(digits) <= 20 else MAX_INT + 1  # noqa: PLR2004 - longer ones are out of range anyway


def _oversized(size: int, limit: int) -> Drop:
    return Drop("too_large", f"the event has {size} bytes; {limit} are allowed")
