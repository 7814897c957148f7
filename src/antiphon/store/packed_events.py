"""The log's packed events as arrays, compiled: where each field lies, and properties as JSON text.

Events are MessagePack arrays (see `model.event.Event`); a segment is an array of them. `walk` notes the place of each field
and the fractions met on the way (their shortest decimals are had more cheaply all at once, by Arrow); `write_json` then
writes properties and context as JSON, and notes an API call's properties that have columns of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

TEXTS = 8
"""Fields that are texts, in the order of `Places.texts`: id, type, name, source, user, anonymous, company, previous id."""

_TEXT_FIELDS = np.array([0, 1, 2, -1, -1, 3, 4, 5, 6, -1, -1, -1, 7, -1])  # by field of Event; -1 is no text
_TIMESTAMP, _RECEIVED_AT, _PROPERTIES, _WEIGHT, _FLAGS, _CONTEXT = 3, 4, 9, 10, 11, 13
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_LARGEST_INT32 = 2**31 - 1
DEPTH = 512
"""Lists and objects within one another in an event's properties; ingest takes far fewer."""


def _bytes(word: bytes) -> Any:
    return np.frombuffer(word, dtype=np.uint8)


_NULL, _TRUE, _FALSE = _bytes(b"null"), _bytes(b"true"), _bytes(b"false")
_OWN = (_bytes(b"method"), _bytes(b"route"), _bytes(b"status"), _bytes(b"latency_ms"))

NIL, FALSE, TRUE, INTEGER, UNSIGNED, FLOAT, TEXT, LIST, MAP = range(9)
"""What a value is: `head` tells. UNSIGNED is an integer of 2^63 or more, kept modulo 2^64."""

_compiled: Any = njit(cache=True, nogil=True, inline="never")


@_compiled
def _unsigned(data: Any, position: int, size: int) -> Any:
    value = np.uint64(0)
    for index in range(size):
        value = (value << np.uint64(8)) | np.uint64(data[position + index])
    return value


@_compiled
def head(data: Any, position: int) -> Any:
    """(what the value is, its integer or its length, where its body begins); for a FLOAT the body is 4 or 8 bytes."""
    first = int(data[position])
    after = position + 1
    if first < 0x80:
        return INTEGER, np.int64(first), after
    if first < 0x90:
        return MAP, np.int64(first & 0x0F), after
    if first < 0xA0:
        return LIST, np.int64(first & 0x0F), after
    if first < 0xC0:
        return TEXT, np.int64(first & 0x1F), after
    if first >= 0xE0:
        return INTEGER, np.int64(first - 256), after
    if first == 0xC0:
        return NIL, np.int64(0), after
    if first == 0xC2:
        return FALSE, np.int64(0), after
    if first == 0xC3:
        return TRUE, np.int64(0), after
    if first in (0xCA, 0xCB):
        return FLOAT, np.int64(4 if first == 0xCA else 8), after
    if first in (0xCC, 0xCD, 0xCE, 0xCF):
        size = 1 << (first - 0xCC)
        value = _unsigned(data, after, size)
        return (UNSIGNED if size == 8 and data[after] >= 0x80 else INTEGER), np.int64(value), after + size
    if first in (0xD0, 0xD1, 0xD2, 0xD3):
        size = 1 << (first - 0xD0)
        value = np.int64(_unsigned(data, after, size))
        shift = np.int64(64 - 8 * size)
        return INTEGER, (value << shift) >> shift, after + size
    if first in (0xD9, 0xDA, 0xDB):
        size = 1 << (first - 0xD9)
        return TEXT, np.int64(_unsigned(data, after, size)), after + size
    if first in (0xDC, 0xDD):
        size = 2 << (first - 0xDC)
        return LIST, np.int64(_unsigned(data, after, size)), after + size
    if first in (0xDE, 0xDF):
        size = 2 << (first - 0xDE)
        return MAP, np.int64(_unsigned(data, after, size)), after + size
    raise ValueError("The log holds a MessagePack type that events never have.")


@_compiled
def _fraction(data: Any, position: int, size: int) -> float:
    raw = np.empty(size, np.uint8)
    for index in range(size):
        raw[size - 1 - index] = data[position + index]
    return float(raw.view(np.float64)[0]) if size == 8 else float(raw.view(np.float32)[0])


@_compiled
def _skip(data: Any, position: int, fractions: Any, found: int) -> Any:
    """Pass over a value, collecting its fractions: (where the next begins, how many fractions there are by then)."""
    left = 1
    while left:
        kind, number, position = head(data, position)
        left -= 1
        if kind == TEXT:
            position += number
        elif kind == LIST:
            left += number
        elif kind == MAP:
            left += 2 * number
        elif kind == FLOAT:
            fractions[found] = _fraction(data, position, number)
            found += 1
            position += number
    return position, found


@_compiled
def walk(data: Any, start: int, row: int, out: Any) -> Any:
    """Read the segment that begins at `start` into the rows from `row` on; how many events it has.

    `out`: places and lengths of texts [TEXTS, rows] (a length of -1: none); times [2, rows] in ms; weights; flags; where
    properties and context begin [2, rows] (-1: none), and how many fractions came before them [2, rows]; the fractions;
    how many there are (one number, counted on).
    """
    texts, lengths, times, weights, flags, bodies, before, fractions, total = out
    found = total[0]
    _, events, position = head(data, start)
    for index in range(row, row + events):
        _, fields, position = head(data, position)
        for text in range(TEXTS):
            lengths[text, index] = -1
        bodies[0, index] = -1
        bodies[1, index] = -1
        weights[index] = 1.0
        flags[index] = 0
        for field in range(fields):
            text = _TEXT_FIELDS[field]
            if text >= 0:
                kind, number, position = head(data, position)
                if kind == TEXT:
                    texts[text, index] = position
                    lengths[text, index] = number
                    position += number
            elif field in (_PROPERTIES, _CONTEXT):
                which = 0 if field == _PROPERTIES else 1
                before[which, index] = found
                if data[position] != 0xC0:
                    bodies[which, index] = position
                position, found = _skip(data, position, fractions, found)
            else:
                kind, number, position = head(data, position)
                if field == _TIMESTAMP:
                    times[0, index] = number
                elif field == _RECEIVED_AT:
                    times[1, index] = number
                elif field == _FLAGS:
                    flags[index] = number
                elif field == _WEIGHT:
                    weights[index] = _fraction(data, position, number) if kind == FLOAT else float(number)
                if kind == FLOAT:
                    position += number
    total[0] = found
    return events


@_compiled
def _write_text(data: Any, position: int, length: int, out: Any, at: int) -> int:
    """A text between quotes, escaped as JSON asks; where the output ends."""
    out[at] = 0x22
    at += 1
    for index in range(position, position + length):
        byte = data[index]
        if byte in (0x22, 0x5C):
            out[at] = 0x5C
            out[at + 1] = byte
            at += 2
        elif byte < 0x20:
            out[at], out[at + 1], out[at + 2], out[at + 3] = 0x5C, 0x75, 0x30, 0x30
            out[at + 4], out[at + 5] = _HEX[byte >> 4], _HEX[byte & 0x0F]
            at += 6
        else:
            out[at] = byte
            at += 1
    out[at] = 0x22
    return at + 1


@_compiled
def _write_integer(number: int, unsigned: bool, out: Any, at: int) -> int:
    value = np.uint64(number)
    if number < 0 and not unsigned:
        out[at] = 0x2D
        at += 1
        value = np.uint64(0) - value
    digits = 1
    rest = value // np.uint64(10)
    while rest:
        digits += 1
        rest //= np.uint64(10)
    for index in range(at + digits - 1, at - 1, -1):
        out[index] = np.uint8(0x30) + np.uint8(value % np.uint64(10))
        value //= np.uint64(10)
    return at + digits


@_compiled
def _write_word(word: Any, out: Any, at: int) -> int:
    for byte in word:
        out[at] = byte
        at += 1
    return at


@_compiled
def _write_fraction(text: Any, start: int, end: int, out: Any, at: int) -> int:
    """A fraction as Arrow wrote it, so that it stays one (`5.0`, not `5`); what is no number in JSON is null."""
    digit = text[start] if text[start] != 0x2D else text[start + 1]
    if digit > 0x39:
        return _write_word(_NULL, out, at)
    whole = True
    for index in range(start, end):
        out[at] = text[index]
        whole = whole and text[index] != 0x2E and text[index] != 0x65
        at += 1
    if whole:
        out[at], out[at + 1] = 0x2E, 0x30
        at += 2
    return at


@_compiled
def _same(data: Any, position: int, length: int, word: Any) -> bool:
    if length != len(word):
        return False
    for index in range(length):
        if data[position + index] != word[index]:
            return False
    return True


@_compiled
def write_json(
    data: Any, bodies: Any, before: Any, decimals: Any, offsets: Any, calls: Any, columns: Any, out: Any
) -> Any:
    """The values that begin at `bodies` (-1: none, nothing is written) as JSON texts, one after another, into `out`.

    Gives where each row's text ends. `decimals` and `offsets` are the fractions' texts and where each begins; `before`
    tells how many came before a row's. Where `calls[i]`, properties with columns of their own are noted in `columns`:
    places and lengths of method and route; status and whether it is one; latency and whether it is one.
    """
    ends = np.empty(len(bodies), np.int64)
    places, lengths, status, has_status, latency, has_latency = columns
    stack = np.empty(DEPTH, np.int64)  # what is left in each list or map around the value; maps count keys and values
    maps = np.empty(DEPTH, np.bool_)
    at = 0
    for index in range(len(bodies)):
        used = before[index]
        if bodies[index] < 0:
            ends[index] = at
            continue
        position = bodies[index]
        depth = 0
        wanted = -1  # which property with a column of its own the next value is
        while True:
            key = depth > 0 and maps[depth - 1] and stack[depth - 1] % 2 == 0
            kind, number, position = head(data, position)
            if depth > 0:
                stack[depth - 1] -= 1
            if kind == TEXT:
                at = _write_text(data, position, number, out, at)
                if wanted in (0, 1):
                    places[wanted, index], lengths[wanted, index] = position, number
                wanted = -1
                if key and depth == 1 and calls[index]:
                    for place in range(4):
                        if _same(data, position, number, _OWN[place]):
                            wanted = place
                position += number
            elif kind in (INTEGER, UNSIGNED):
                at = _write_integer(number, kind == UNSIGNED, out, at)
                if wanted == 2 and kind == INTEGER and abs(number) <= _LARGEST_INT32:
                    status[index], has_status[index] = number, True
                if wanted == 3:
                    latency[index] = float(number) if kind == INTEGER else float(np.uint64(number))
                    has_latency[index] = True
            elif kind == FLOAT:
                if wanted == 3:
                    latency[index], has_latency[index] = _fraction(data, position, number), True
                at = _write_fraction(decimals, offsets[used], offsets[used + 1], out, at)
                used += 1
                position += number
            elif kind in (LIST, MAP):
                out[at] = 0x5B if kind == LIST else 0x7B
                at += 1
                if depth >= DEPTH:
                    raise ValueError("The log holds an event whose properties are nested too deep.")
                stack[depth], maps[depth] = number * (1 if kind == LIST else 2), kind == MAP
                depth += 1
                if not key:
                    wanted = -1
                if number:
                    continue
            else:
                at = _write_word(_NULL if kind == NIL else _TRUE if kind == TRUE else _FALSE, out, at)
            if kind != TEXT:
                wanted = -1
            while depth > 0 and stack[depth - 1] == 0:
                depth -= 1
                out[at] = 0x7D if maps[depth] else 0x5D
                at += 1
            if depth == 0:
                break
            out[at] = 0x3A if key else 0x2C
            at += 1
        ends[index] = at
    return ends


@_compiled
def gather(data: Any, places: Any, lengths: Any) -> Any:
    """Texts one after another, and where each ends; a length of -1 adds nothing."""
    total = 0
    for length in lengths:
        total += max(length, 0)
    out = np.empty(total, np.uint8)
    ends = np.empty(len(places), np.int64)
    at = 0
    for index in range(len(places)):
        position = places[index]
        for step in range(lengths[index]):
            out[at + step] = data[position + step]
        at += max(lengths[index], 0)
        ends[index] = at
    return out, ends
