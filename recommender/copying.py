"""COPY out of Postgres in its binary format, straight into NumPy arrays.

Every column of the query must be of a fixed size and never NULL, so that each row has the same number of
bytes: then a block of rows is one ``numpy.frombuffer`` and no Python runs per value. 1.4 M events take about
three seconds; row by row through a cursor they take a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from django.db import connection
from psycopg import sql

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES = len(_SIGNATURE) + 8  # flags and the length of an extension, always 0 here
#: Postgres counts microseconds from 2000-01-01; this is that day in seconds since 1970.
POSTGRES_EPOCH = 946_684_800
BLOCK_ROWS = 200_000

TYPES = {"int2": ">i2", "int8": ">i8", "float4": ">f4", "timestamptz": ">i8", "uuid": "V16", "bool": "?"}


class UnexpectedRows(ValueError):
    """The stream is not rows of the declared columns."""


def row_type(columns: Sequence[tuple[str, str]]) -> np.dtype:
    """The layout of one row: a count of fields, then each field's length and value, big-endian."""
    fields: list[tuple[str, str]] = [("", ">i2")]
    for name, kind in columns:
        fields += [(f"{name}#", ">i4"), (name, TYPES[kind])]
    return np.dtype([(name or "#", kind) for name, kind in fields])


def copy_blocks(query: sql.Composable, columns: Sequence[tuple[str, str]]) -> Iterator[np.ndarray]:
    """Structured arrays of up to ``BLOCK_ROWS`` rows of ``query``, whose ``columns`` are (name, Postgres type).

    ``timestamptz`` arrives as microseconds since 2000-01-01; raises :class:`UnexpectedRows` where a value is
    NULL or of another size.
    """
    dtype = row_type(columns)
    connection.ensure_connection()
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(query)
    pending = bytearray()
    skip = _HEADER_BYTES
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        for data in copy:
            pending += data
            if len(pending) > BLOCK_ROWS * dtype.itemsize:
                rows = (len(pending) - skip) // dtype.itemsize
                yield _rows(pending, skip, rows, dtype)
                del pending[: skip + rows * dtype.itemsize]
                skip = 0
    rows, rest = divmod(len(pending) - skip - 2, dtype.itemsize)
    if rest or pending[-2:] != b"\xff\xff":
        raise UnexpectedRows(f"expected rows of {dtype.itemsize} bytes, received {rest} bytes more")
    yield _rows(pending, skip, rows, dtype)


def _rows(pending: bytearray, skip: int, rows: int, dtype: np.dtype) -> np.ndarray:
    # A copy, so that the buffer may shrink under it.
    block = np.frombuffer(pending, dtype, rows, skip).copy()
    for name in dtype.names or ():
        if name.endswith("#") and name != "#":
            size = dtype[name[:-1]].itemsize
            if not np.all(block[name] == size):
                raise UnexpectedRows(f"{name[:-1]}: expected {size} bytes in every row, received NULL or another size")
    return block
