"""Ids for events that come without one: the same line has the same id, on any machine and in any year.

The first 48 bits are the event's time in milliseconds, as in a UUID of version 7, so that ids of a file in order of
time go into the index in order; the rest is a digest of everything the line says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UUID_SHAPE = r"^\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"
SEPARATOR = "\x1f"
UNKNOWN = "\x1e"  # unknown is not the same as empty
MILLISECONDS = 2**48


def event_ids(own: pa.Array, said: Mapping[str, pa.Array]) -> pa.Array:
    """UUIDs as text, one a row: the shop's ``own`` where there is one (any id at all), else from what is ``said``."""
    ids = _from_content(said) if own.null_count else pa.nulls(len(own), pa.string())
    shaped = pc.match_substring_regex(own, UUID_SHAPE)
    if pc.all(pc.fill_null(shaped, True)).as_py():
        return pc.coalesce(own, ids)
    foreign = [_from_text(text) if text is not None else None for text in own.to_pylist()]
    return pc.coalesce(pc.if_else(shaped, own, pa.array(foreign, pa.string())), ids)


def _from_text(text: str) -> str:
    """An id that is no UUID, such as a line number, as one (a digest; the variant bits of version 8)."""
    digest = bytearray(hashlib.md5(b"event " + text.encode(), usedforsecurity=False).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def _from_content(said: Mapping[str, pa.Array]) -> pa.Array:
    parts = [_canonical(said[name]) for name in sorted(said)]
    lines = pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="replace", null_replacement=UNKNOWN)
    md5 = hashlib.md5
    digests = b"".join(md5(line, usedforsecurity=False).digest() for line in lines.cast(pa.binary()).to_pylist())
    octets = np.frombuffer(digests, np.uint8).reshape(-1, 16).copy()
    millis = said["at"].cast(pa.int64()).to_numpy(zero_copy_only=False) // 1000 % MILLISECONDS
    octets[:, :6] = millis.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    octets[:, 6] = octets[:, 6] & 0x0F | 0x70
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    text = octets.tobytes().hex()
    return pa.array([text[start : start + 32] for start in range(0, len(text), 32)], pa.string())


def _canonical(column: pa.Array) -> pa.Array:
    """Text that does not depend on how a number was spelled, nor on a library's way of printing it."""
    if pa.types.is_floating(column.type):
        values = pc.add(column, 0.0)  # −0 is 0
        bits = pa.Array.from_buffers(pa.int64(), len(values), values.buffers(), values.null_count, values.offset)
        return pc.cast(bits, pa.string())
    if pa.types.is_timestamp(column.type):
        return pc.cast(pc.cast(column, pa.int64()), pa.string())
    return pc.cast(column, pa.string())
