"""Byte layouts of what lies in Redis: every value begins with a schema byte and a checksum.

A reader of schema N also reads N−1; anything else, a torn or a foreign value, reads as *absent* and takes
the fallback that an absent value takes (see ``serve``), so that a deploy never shows a wrong list.

    value     = schema u8 · crc32 u32 · body
    list      = n u16 · made_at f64 · segment length u8 · segment · n × code u24 · n × score f16
    history   = kind u8 (0 plain, 1 deflated) · body, see ``pack_history``
    event     = id hash u64 · product id i64 · at f64 · quantity f32 · price f32 · value f32 · type (UTF-8)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recommender.engine.interactions import Interactions

SCHEMA = 1
READABLE = (SCHEMA, SCHEMA - 1)
_HEAD = struct.Struct("<BI")
_LIST = struct.Struct("<HdB")
_EVENT = struct.Struct("<Qqdfff")
_HISTORY = struct.Struct("<IBd")
#: Largest item code that fits in three bytes.
MAX_CODE = (1 << 24) - 1


class TooManyItems(ValueError):
    """A catalogue larger than the layout can number."""


@dataclass(frozen=True)
class StoredList:
    """A shopper's pool by descending score: ``codes`` int32 [n], ``scores`` float32 [n], made at ``made_at``
    (seconds since 1970), with the shopper's ``segment`` for rules."""

    codes: np.ndarray
    scores: np.ndarray
    made_at: float
    segment: str = ""


@dataclass(frozen=True)
class StoredHistory:
    """A shopper's events by time (``events.shopper`` all 0), with 64 bits of each event's id (0: imported) and
    the codes of the shopper's attributes in the order of the vocabulary."""

    events: Interactions
    hashes: np.ndarray
    attributes: np.ndarray


class RecentEvent(NamedTuple):
    """One event that was posted lately. ``at``: seconds since 1970; NaN where a number is unknown."""

    id_hash: int
    product_id: int
    at: float
    type: str
    quantity: float = float("nan")
    price: float = float("nan")
    value: float = float("nan")


def seal(body: bytes) -> bytes:
    """``body`` with schema byte and checksum before it."""
    return _HEAD.pack(SCHEMA, zlib.crc32(body)) + body


def unseal(value: bytes | None) -> bytes | None:
    """The body of a sealed ``value``; None where it is absent, torn or of a schema that is not readable."""
    if value is None or len(value) < _HEAD.size:
        return None
    schema, checksum = _HEAD.unpack_from(value)
    body = value[_HEAD.size :]
    return body if schema in READABLE and zlib.crc32(body) == checksum else None


def pack_list(stored: StoredList) -> bytes:
    """≤ 5 bytes an item; raises :class:`TooManyItems` on a code that needs more than three bytes."""
    segment = stored.segment.encode()[:255]
    head = _LIST.pack(len(stored.codes), stored.made_at, len(segment))
    return seal(head + segment + _pack_codes(stored.codes) + stored.scores.astype("<f2").tobytes())


def unpack_list(value: bytes | None) -> StoredList | None:
    """The inverse of :func:`pack_list`; None where there is nothing readable."""
    if (body := unseal(value)) is None:
        return None
    n, made_at, size = _LIST.unpack_from(body)
    start = _LIST.size + size
    codes = _unpack_codes(body, start, n)
    scores = np.frombuffer(body, "<f2", n, start + 3 * n).astype(np.float32)
    return StoredList(codes, scores, made_at, body[_LIST.size : start].decode())


def pack_history(stored: StoredHistory) -> bytes:
    """Columns one after the other, deflated: neighbouring rows of a column are alike."""
    events = stored.events
    first = float(events.at[0]) if len(events) else 0.0
    columns = (
        _pack_codes(events.item),
        # Milliseconds since the first event: exact to the clock of any shop, and small.
        np.round((events.at - first) * 86_400_000).astype("<i8").tobytes(),
        events.kind.astype("<i1").tobytes(),
        events.quantity.astype("<f4").tobytes(),
        events.price.astype("<f4").tobytes(),
        events.value.astype("<f4").tobytes(),
        stored.hashes.astype("<u8").tobytes(),
        stored.attributes.astype("<i4").tobytes(),
    )
    return seal(_HISTORY.pack(len(events), len(stored.attributes), first) + zlib.compress(b"".join(columns), 1))


def unpack_history(value: bytes | None) -> StoredHistory | None:
    """The inverse of :func:`pack_history`; None where there is nothing readable."""
    if (body := unseal(value)) is None:
        return None
    n, n_attributes, first = _HISTORY.unpack_from(body)
    raw = zlib.decompress(body[_HISTORY.size :])
    item = _unpack_codes(raw, 0, n)
    position = 3 * n
    columns = []
    for dtype, count in (("<i8", n), ("<i1", n), *[("<f4", n)] * 3, ("<u8", n), ("<i4", n_attributes)):
        columns.append(np.frombuffer(raw, dtype, count, position))
        position += columns[-1].nbytes
    at, kind, quantity, price, rating, hashes, attributes = columns
    events = Interactions(
        np.zeros(n, np.int32), item, first + at / 86_400_000, kind.astype(np.int8), quantity, price, rating
    )
    return StoredHistory(events, hashes, attributes)


def pack_event(event: RecentEvent) -> bytes:
    """One member of a shopper's list of recent events."""
    numbers = _EVENT.pack(
        event.id_hash, event.product_id, event.at, _f4(event.quantity), _f4(event.price), _f4(event.value)
    )
    return bytes([SCHEMA]) + numbers + event.type.encode()


def unpack_event(value: bytes) -> RecentEvent | None:
    """The inverse of :func:`pack_event`; None where it is torn or of another schema."""
    if len(value) <= _EVENT.size or value[0] not in READABLE:
        return None
    id_hash, product_id, at, quantity, price, rating = _EVENT.unpack_from(value, 1)
    return RecentEvent(id_hash, product_id, at, value[1 + _EVENT.size :].decode(), quantity, price, rating)


def _f4(number: float) -> float:
    """``number`` cut to what a float32 holds, so that an absurd quantity is no error."""
    return min(max(number, -3.4e38), 3.4e38) if number == number else number


def _pack_codes(codes: np.ndarray) -> bytes:
    if len(codes) and int(codes.max()) > MAX_CODE:
        raise TooManyItems(f"expected item codes up to {MAX_CODE:,}, received {int(codes.max()):,}")
    return codes.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _unpack_codes(body: bytes, start: int, n: int) -> np.ndarray:
    wide = np.zeros((n, 4), np.uint8)
    wide[:, :3] = np.frombuffer(body, np.uint8, 3 * n, start).reshape(n, 3)
    return wide.view("<u4").ravel().astype(np.int32)
